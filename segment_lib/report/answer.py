"""Sentences of the page: warnings, tests, other numbers of segments, each from the files."""

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

import polars as pl

from segment_lib.report.facts import Figures
from segment_lib.report.formatting import sentence
from segment_lib.report.segments import Segment
from segment_lib.schema.language import ENGLISH, N_, Language
from segment_lib.terms import ALL, OVER, SET_ASIDE, STABLE


def warnings(
    segments: Sequence[Segment],
    sweep: pl.DataFrame,
    suspicious: Sequence[str],
    language: Language = ENGLISH,
) -> tuple[str, ...]:
    """Warnings that a reader must know before acting; empty if there are none."""
    _ = language.gettext
    sentences = [sentence(_("suspicious, but allowed: {words}", words=w)) for w in suspicious]
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
            _(
                "These {k} segments are not firm: when the segments are worked out again on other "
                "people, others come out. Do not plan on them one by one.",
                k=chosen["n_clusters"][0],
            )
        )
    elif doubtful:
        sentences.append(
            language.ngettext(
                "The border of segment {numbers} is uncertain: when the segments are worked out "
                "again, less than {share:percent} of these people stay together. Read the index by "
                "its range.",
                "The borders of segments {numbers} are uncertain: when the segments are worked out "
                "again, less than {share:percent} of these people stay together. Read the index by "
                "its range.",
                len(doubtful),
                numbers=listed_numbers(doubtful, language),
                share=STABLE,
            )
        )
    return tuple(sentences)


def title(segments: pl.DataFrame, language: Language = ENGLISH) -> str:
    """Title of the page: what is compared, by the rows of the table of segments."""
    return language.ngettext(
        "Which people buy: {people:count} people and {n:count} customer compared",
        "Which people buy: {people:count} people and {n:count} customers compared",
        int(segments["customer_rows"].sum()),
        people=segments["population_rows"].sum(),
    )


def base_sentence(
    segments: Sequence[Segment], settings: Mapping[str, str], language: Language = ENGLISH
) -> str:
    """Sentence on what the index and the shares are of: everybody, or all who have a segment."""
    if not _are_aside_on_another_base(segments, settings):
        return language.gettext(
            "Index and shares are of everybody: index 100 is the average of all people, at 200 "
            "customers are twice as common."
        )
    return language.gettext(
        "Shares are of everybody, those without a segment too. The index of a segment compares "
        "within those who have a segment: 100 is their average, at 200 customers are twice as "
        "common. So an index is not one of the shares divided by the other; and it is moved a "
        "little nearer to 100, as the borders of the segment are uncertain."
    )


def _are_aside_on_another_base(segments: Sequence[Segment], settings: Mapping[str, str]) -> bool:
    """Whether there are rows set aside with an index that no index of a segment compares with."""
    aside = [s for s in segments if s.is_set_aside and not s.is_suppressed]
    return bool(aside) and settings.get("compare.base") != ALL


def association_sentences(
    tests: Mapping[str, Figures | None],
    language: Language = ENGLISH,
    *,
    with_statistic: bool = True,
) -> tuple[str, ...]:
    """Sentences on the chi-square tests, with and without the rows set aside.

    `with_statistic` is false where counts are suppressed, as the statistic would disclose them.
    """
    everyone, clustered = tests.get("all_segments"), tests.get("without_set_aside")
    if everyone == clustered:
        scoped = [(N_("Over all segments, {association}"), everyone)]
    else:
        scoped = [
            (N_("Over all segments, the rows set aside included, {association}"), everyone),
            (N_("Without the rows set aside, {association}"), clustered),
        ]
    sentences = []
    for scope, test in scoped:
        if test is None:
            continue
        words = language.gettext(
            _strength(test["cramers_v"]), v=language.figure(test["cramers_v"], 2)
        )
        words = language.gettext(scope, association=words)
        sentences.append(f"{words} {_by_chance(test, language)}" if with_statistic else words)
    return tuple(sentences)


def _by_chance(test: Figures, language: Language) -> str:
    """Sentence on the probability that chance alone makes shares so uneven."""
    exact = N_(
        "Were customers a random part of the population, shares so uneven would come up with a "
        "probability of {p} (chi-square {statistic}, {freedom}, {rows:count} rows)."
    )
    rough = N_(
        "Were customers a random part of the population, shares so uneven would come up with a "
        "probability of {p}, roughly, as some counts expected are below 5 (chi-square {statistic}, "
        "{freedom}, {rows:count} rows)."
    )
    return language.gettext(
        rough if test["least_expected"] < 5 else exact,
        p=_p_value(test["p"], language),
        statistic=language.figure(test["statistic"], 1),
        freedom=language.ngettext(
            "{n:count} degree of freedom", "{n:count} degrees of freedom", int(test["dof"])
        ),
        rows=test["rows"],
    )


def choice_sentence(sweep: pl.DataFrame, language: Language = ENGLISH) -> str:
    """Short sentence on how the number of segments was chosen; empty if it was set, or is not."""
    row = next(sweep.filter("chosen").iter_rows(named=True), None)
    if row is None or sweep["stability"].drop_nulls().len() < 2:
        return ""
    text = (
        N_(
            "{least} to {most} segments were tried. {k} was chosen: the smallest number that "
            "reaches as many customers as any, among those whose segments are found again in other "
            "samples."
        )
        if row["stable"]
        else N_(
            "{least} to {most} segments were tried. At none are enough people in segments found "
            "again in other samples. {k} was chosen: the smallest number that reaches as many "
            "customers as any, among those that come nearest."
        )
    )
    numbers = {"least": sweep["n_clusters"].min(), "most": sweep["n_clusters"].max()}
    return language.gettext(text, **numbers, k=row["n_clusters"])


def sweep_sentences(sweep: pl.DataFrame, language: Language = ENGLISH) -> dict[int, str]:
    """Sentences for each number of segments tried: reach against the chosen one, and stability."""
    rows = sweep.sort("n_clusters").rows(named=True)
    chosen = next((row for row in rows if row["chosen"]), None)
    return {
        row["n_clusters"]: f"{_reach_against(row, chosen, language)} {_firmness(row, language)}"
        for row in rows
    }


def _reach_against(
    row: Mapping[str, Any], chosen: Mapping[str, Any] | None, language: Language
) -> str:
    """Sentence on the customers that a number of segments reaches, against the chosen one.

    Without the reach itself: that of the page is of the whole population, this one is not.
    """
    points = 0.0
    if row["gain"] is None:
        template = N_("{k} segments: no customer is left to measure on how many they reach.")
    elif row["chosen"]:
        template = N_("{k} segments: those of this page.")
    elif chosen is None or chosen["gain"] is None:
        template = N_("{k} segments.")
    else:
        points = 100 * (row["gain"] - chosen["gain"])
        template = (
            N_(
                "{k} segments: the best 20% of people reach {points:one_decimal} points more of "
                "the held-out customers."
            )
            if points >= 0
            else N_(
                "{k} segments: the best 20% of people reach {points:one_decimal} points fewer of "
                "the held-out customers."
            )
        )
    return language.gettext(template, k=row["n_clusters"], points=abs(points))


def _firmness(row: Mapping[str, Any], language: Language) -> str:
    """Sentence on how many people are in segments found again, and on too small segments."""
    if row["stability"] is None:
        return language.gettext("These are more than are chosen from.")
    template = (
        N_("{share:percent} of people are in segments found again on other samples.")
        if row["large"]
        else N_(
            "{share:percent} of people are in segments found again on other samples, and one "
            "segment is too small."
        )
    )
    return language.gettext(template, share=row["found_again"])


def sensitivity_sentence(sensitivity: pl.DataFrame, language: Language = ENGLISH) -> str:
    """Sentence on what another draw of people and another start of the search would have said."""
    _ = language.gettext
    numbers = sensitivity["n_clusters"].unique().sort().to_list()
    how_many = (
        language.ngettext("{n:count} segment each time", "{n:count} segments each time", numbers[0])
        if len(numbers) == 1
        else _("from {least:count} to {n:count} segments", least=numbers[0], n=numbers[-1])
    )
    differs = sensitivity["verdict_differs"].to_list()
    gains = sensitivity["gain"].drop_nulls().to_list()
    drawn = language.ngettext(
        "As to the segments: half of the people, drawn {n:count} time at random and segmented "
        "anew, give {how_many}.",
        "As to the segments: half of the people, drawn {n:count} times at random and segmented "
        "anew, give {how_many}.",
        sensitivity.height,
        how_many=how_many,
    )
    template = (
        N_(
            "On average {mean:percent} of people, and {most:percent} at most, would be in a "
            "segment with another verdict; the customers among the best 20% by segments would "
            "range over {points:one_decimal} points."
        )
        if gains
        else N_(
            "On average {mean:percent} of people, and {most:percent} at most, would be in a "
            "segment with another verdict."
        )
    )
    points = 100 * (max(gains) - min(gains)) if gains else 0.0
    return f"{drawn} {_(template, mean=fmean(differs), most=max(differs), points=points)}"


def fairness_sentences(
    fairness: pl.DataFrame, min_rows: int, language: Language = ENGLISH
) -> dict[str, str]:
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
        template = (
            N_(
                "“{label}” ranges from {least:percent} of segment {lowest} to {most:percent} of "
                "segment {highest}; its share of the population is not shown."
            )
            if widest["population_at_large"] is None
            else N_(
                "“{label}” ranges from {least:percent} of segment {lowest} to {most:percent} of "
                "segment {highest}; it is {population_at_large:percent} of the population."
            )
        )
        sentences[str(attribute)] = language.gettext(template, **(widest | {"label": label}))
    return sentences


# -- parts of sentences --------------------------------------------------------------------------


def listed_numbers(segments: Sequence[Segment], language: Language) -> str:
    """Numbers of segments as in a sentence."""
    return language.listed([str(segment.number) for segment in segments])


def _strength(v: float) -> str:
    """Strength of an association by Cohen's bounds of w, which V equals here (Cohen 1988)."""
    if v >= 0.5:
        return N_(
            "segment and being a customer are strongly associated: Cramér's V is {v}, from 0 "
            "(none) to 1 (complete)."
        )
    if v >= 0.3:
        return N_(
            "segment and being a customer are moderately associated: Cramér's V is {v}, from 0 "
            "(none) to 1 (complete)."
        )
    if v >= 0.1:
        return N_(
            "segment and being a customer are weakly associated: Cramér's V is {v}, from 0 (none) "
            "to 1 (complete)."
        )
    return N_(
        "segment and being a customer are hardly associated: Cramér's V is {v}, from 0 (none) to 1 "
        "(complete)."
    )


def _p_value(p: float, language: Language) -> str:
    if p < 0.0001:
        return language.gettext("less than {p}", p=language.decimals(0.0001, 4))
    return language.decimals(p, 4)
