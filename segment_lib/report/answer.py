"""Sentences of the page: warnings, tests, other numbers of segments, each from the files."""

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

import polars as pl

from segment_lib.report.facts import Figures
from segment_lib.report.formatting import (
    count,
    decimals,
    join_words,
    one_decimal,
    percent,
    plural,
    sentence,
)
from segment_lib.report.segments import Segment
from segment_lib.terms import OVER, SET_ASIDE, STABLE


def warnings(
    segments: Sequence[Segment], sweep: pl.DataFrame, suspicious: Sequence[str]
) -> tuple[str, ...]:
    """Warnings that a reader must know before acting; empty if there are none."""
    sentences = [sentence(f"suspicious, but allowed: {words}") for words in suspicious]
    chosen = sweep.filter("chosen")
    doubtful = [
        segment
        for segment in segments
        if segment.verdict == OVER
        and not segment.is_set_aside
        and segment.stability is not None
        and segment.stability < STABLE
    ]
    if chosen.height and not chosen["stable"][0]:
        sentences.append(
            "These {k} segments are not firm: when the segments are worked out again on other "
            "people, others come out. Do not plan on them one by one.".format(
                k=chosen["n_clusters"][0]
            )
        )
    elif doubtful:
        one = (
            "The border of segment {numbers} is uncertain: when the segments are worked out again, "
            "less than {share} of these people stay together. Read the index by its range."
        )
        many = (
            "The borders of segments {numbers} are uncertain: when the segments are worked out "
            "again, less than {share} of these people stay together. Read the index by its range."
        )
        sentences.append(
            (one if len(doubtful) == 1 else many).format(
                numbers=join_words([str(segment.number) for segment in doubtful]),
                share=percent(STABLE),
            )
        )
    return tuple(sentences)


def association_sentences(
    tests: Mapping[str, Figures | None], *, with_statistic: bool = True
) -> tuple[str, ...]:
    """Sentences on the chi-square tests, with and without the rows set aside.

    `with_statistic` is false where counts are suppressed, as the statistic would disclose them.
    """
    sentences = []
    everyone, clustered = tests.get("all_segments"), tests.get("without_set_aside")
    same = everyone == clustered
    scope_of_all = "Over all segments" + ("" if same else ", the rows set aside included")
    second = None if same else clustered
    for scope, test in ((scope_of_all, everyone), ("Without the rows set aside", second)):
        if test is None:
            continue
        rough = (
            ", roughly, as some counts expected are below 5" if test["least_expected"] < 5 else ""
        )
        by_chance = (
            " Were customers a random part of the population, shares so uneven would come up with "
            f"a probability of {_p_value(test['p'])}{rough} (chi-square "
            f"{decimals(test['statistic'], 1)}, {plural(int(test['dof']), 'degree')} of freedom, "
            f"{count(test['rows'])} rows)."
        )
        sentences.append(
            f"{scope}, segment and being a customer are {_strength(test['cramers_v'])}: Cramér's V "
            f"is {decimals(test['cramers_v'], 2)}, from 0 (none) to 1 (complete)."
            f"{by_chance if with_statistic else ''}"
        )
    return tuple(sentences)


def sweep_sentences(sweep: pl.DataFrame) -> dict[int, str]:
    """Sentences for each number of segments tried: reach against the chosen one, and stability."""
    rows = sweep.sort("n_clusters").rows(named=True)
    chosen = next((row for row in rows if row["chosen"]), None)
    return {row["n_clusters"]: f"{_reach_against(row, chosen)} {_firmness(row)}" for row in rows}


def _reach_against(row: Mapping[str, Any], chosen: Mapping[str, Any] | None) -> str:
    """Sentence on the customers that a number of segments reaches, against the chosen one.

    Without the reach itself: that of the page is of the whole population, this one is not.
    """
    points = 0.0
    if row["gain"] is None:
        template = "{k} segments: no customer is left to measure on how many they reach."
    elif chosen is None or chosen["gain"] is None or row["chosen"]:
        template = "{k} segments: those of this page." if row["chosen"] else "{k} segments."
    else:
        points = 100 * (row["gain"] - chosen["gain"])
        template = (
            "{k} segments: the best 20% of people reach {points} points more of the held-out "
            "customers."
            if points >= 0
            else "{k} segments: the best 20% of people reach {points} points fewer of the held-out "
            "customers."
        )
    return template.format(k=row["n_clusters"], points=one_decimal(abs(points)))


def _firmness(row: Mapping[str, Any]) -> str:
    """Sentence on how many people are in segments found again, and on too small segments."""
    if row["stability"] is None:
        return "These are more than are chosen from."
    template = (
        "{share} of people are in segments found again on other samples."
        if row["large"]
        else "{share} of people are in segments found again on other samples, and one segment is "
        "too small."
    )
    return template.format(share=percent(row["found_again"]))


def sensitivity_sentence(sensitivity: pl.DataFrame) -> str:
    """Sentence on what another draw of people and another start of the search would have said."""
    numbers = sensitivity["n_clusters"].unique().sort().to_list()
    how_many = (
        f"{plural(numbers[0], 'segment')} each time"
        if len(numbers) == 1
        else f"from {numbers[0]} to {plural(numbers[-1], 'segment')}"
    )
    differs = sensitivity["verdict_differs"].to_list()
    words = (
        f"Half of the people, drawn {plural(sensitivity.height, 'time')} at random and segmented "
        f"anew from other starts, give {how_many}. The verdict would differ for "
        f"{percent(fmean(differs))} of people on average, and for {percent(max(differs))} at most"
    )
    gains = sensitivity["gain"].drop_nulls().to_list()
    if not gains:
        return f"{words}."
    points = 100 * (max(gains) - min(gains))
    return (
        f"{words}; the customers that the best 20% of people with a segment reach, by "
        f"{one_decimal(points)} points."
    )


def fairness_sentences(fairness: pl.DataFrame, min_rows: int) -> dict[str, str]:
    """Sentence for each sensitive attribute on the level whose share varies most over segments."""
    sentences = {}
    known = fairness.filter(
        (pl.col("segment") != SET_ASIDE)
        & pl.col("population_share").is_not_null()
        & (pl.col("population_rows").sum().over("segment", "attribute") >= min_rows)
    )
    for (attribute,), rows in known.group_by("attribute", maintain_order=True):
        widest = (
            rows.group_by("level", maintain_order=True)
            .agg(
                pl.col("label").first(),
                pl.col("population_at_large").first(),
                least=pl.col("population_share").min(),
                most=pl.col("population_share").max(),
                lowest=pl.col("segment").get(pl.col("population_share").arg_min()),
                highest=pl.col("segment").get(pl.col("population_share").arg_max()),
            )
            .sort(pl.col("most") - pl.col("least"), descending=True)
            .row(0, named=True)
        )
        label = widest["label"] if widest["label"] is not None else widest["level"]
        sentences[str(attribute)] = (
            f"“{label}” ranges from {percent(widest['least'])} of segment {widest['lowest']} to "
            f"{percent(widest['most'])} of segment {widest['highest']}"
            + (
                "."
                if widest["population_at_large"] is None
                else f"; it is {percent(widest['population_at_large'])} of the population."
            )
        )
    return sentences


# -- parts of sentences --------------------------------------------------------------------------


def list_segments(segments: Sequence[Segment]) -> str:
    """List of all segments by number, the rows set aside in words."""
    clustered = _without_set_aside(segments)
    names = [_numbers(clustered)] if clustered else []
    if len(clustered) < len(segments):
        names.append("the rows set aside")
    return " with ".join(names)


def _numbers(segments: Sequence[Segment]) -> str:
    numbers = join_words([str(segment.number) for segment in segments])
    return f"segment {numbers}" if len(segments) == 1 else f"segments {numbers}"


def _without_set_aside(segments: Sequence[Segment]) -> list[Segment]:
    return [segment for segment in segments if not segment.is_set_aside]


def _strength(v: float) -> str:
    """Strength of an association by Cohen's bounds of w, which V equals here (Cohen 1988)."""
    for bound, words in ((0.5, "strongly"), (0.3, "moderately"), (0.1, "weakly")):
        if v >= bound:
            return f"{words} associated"
    return "hardly associated"


def _p_value(p: float) -> str:
    return "less than 0.0001" if p < 0.0001 else decimals(p, 4)
