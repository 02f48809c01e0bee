"""Sentences of the page: headline, backing, warnings, tests, each from a number of the files."""

from collections.abc import Mapping, Sequence
from statistics import fmean

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
    short_number,
    times,
)
from segment_lib.report.segments import Segment, is_wide
from segment_lib.terms import OVER, SET_ASIDE, STABLE, UNDER


def headline(segments: Sequence[Segment]) -> tuple[str, tuple[str, ...]]:
    """Headline of the page in one sentence, and the sentences that back it."""
    clustered = _without_set_aside(segments)
    over = [segment for segment in clustered if segment.verdict == OVER]
    under = [segment for segment in reversed(clustered) if segment.verdict == UNDER]
    if over:
        answer = _mail_first(over)
        backing = [f"Leave out {_numbers(under)}: {_shares_held(under)}."] if under else []
        backing += [_strongest(over), _suppressed_sentence(clustered)]
    elif under:
        unclear = any(segment.is_unclear for segment in clustered)
        answer = (
            f"No segment {'is shown to hold' if unclear else 'holds'} more customers than its size "
            f"suggests; {_numbers(under)} {_holds(under)} fewer."
        )
        backing = [
            f"{_capital(_numbers(under))} {_holds(under)} {_shares_held(under)}. Leave them out "
            "and mail the rest.",
            _suppressed_sentence(clustered),
        ]
    else:
        answer, *backing = _no_verdict(clustered)
    backing.extend(_set_aside(segment) for segment in segments if segment.is_set_aside)
    return answer, tuple(line for line in backing if line)


def no_verdict_sentences(segments: Sequence[Segment]) -> tuple[str, str]:
    """Two sentences above the cards where no segment is over- or under-represented."""
    if doubt := _unclear_sentence(_without_set_aside(segments)):
        return "No segment is shown to be over- or under-represented.", doubt
    return (
        "No segment is over- or under-represented.",
        "Each holds about as many customers as its size suggests.",
    )


def warnings(
    segments: Sequence[Segment], sweep: pl.DataFrame, suspicious: Sequence[str]
) -> tuple[str, ...]:
    """Warnings that a reader must know before acting; empty if there are none."""
    sentences = [sentence(f"suspicious, but allowed: {words}") for words in suspicious]
    chosen = sweep.filter("chosen")
    if chosen.height and not chosen["stable"][0]:
        sentences.append(
            f"These {chosen['n_clusters'][0]} segments are not stable: clustered anew on other "
            "people, other segments come out. Do not plan on them one by one."
        )
    doubtful = [
        segment
        for segment in segments
        if segment.verdict == OVER
        and not segment.is_set_aside
        and segment.stability is not None
        and segment.stability < STABLE
    ]
    if doubtful and not (chosen.height and not chosen["stable"][0]):
        sentences.append(
            f"The borders of {_numbers(doubtful)} are uncertain: clustered anew, "
            f"{'it overlaps' if len(doubtful) == 1 else 'they overlap'} with what is shown here "
            f"by less than {percent(STABLE)}. Read the index by its limits."
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
    """Sentence for each number of segments tried: gain against the chosen one, and stability."""
    rows = {row["n_clusters"]: row for row in sweep.sort("n_clusters").iter_rows(named=True)}
    chosen = next((row for row in rows.values() if row["chosen"]), None)
    sentences = {}
    for k, row in rows.items():
        reached = "no customer is left to measure on how many they reach"
        if row["gain"] is not None:
            against = ""
            if chosen is not None and chosen["gain"] is not None and k != chosen["n_clusters"]:
                points = 100 * (row["gain"] - chosen["gain"])
                more = "more" if points >= 0 else "fewer"
                against = f" ({one_decimal(abs(points))} points {more})"
            reached = (
                f"the best 20% of people with a segment reach {one_decimal(100 * row['gain'])}% of "
                f"held-out customers{against}"
            )
        qualities = [
            "found again on other samples" if row["stable"] else "not found again well enough",
            "large enough" if row["large"] else "with a segment that is too small",
        ]
        if row["stability"] is None:
            sentences[k] = f"{plural(k, 'segment')}: {reached}; more than are chosen from."
            continue
        sentences[k] = (
            f"{plural(k, 'segment')}: {reached}; stability {decimals(row['stability'], 2)}, "
            f"{join_words(qualities)}."
        )
    return sentences


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
    names = [_numbers(clustered, most=len(clustered))] if clustered else []
    if len(clustered) < len(segments):
        names.append("the rows set aside")
    return " with ".join(names)


def _numbers(segments: Sequence[Segment], most: int = 5) -> str:
    most = len(segments) if len(segments) <= most + 2 else most
    numbers = [str(segment.number) for segment in segments[:most]]
    if len(segments) > most:
        numbers.append(f"{len(segments) - most} more")
    return f"{'segment' if len(segments) == 1 else 'segments'} {join_words(numbers)}"


def _quoted(segment: Segment) -> str:
    return f" (“{segment.title}”)" if segment.title else ""


def _strongest(over: Sequence[Segment]) -> str:
    """Sentence on the segment with the highest index that is not small, and its limits."""
    if not (known := [segment for segment in over if segment.index]):
        return ""
    segment = next((segment for segment in known if not segment.is_small), known[0])
    first = segment is known[0]
    begin = "Most of all," if first else "Of those large enough to plan on, most of all"
    if segment.limits is None:
        sure = ""
    else:
        low, high = (times(limit).removesuffix(" times") for limit in segment.limits)
        sure = f" ({low} to {high} times, all doubts counted)"
    return (
        f"{begin} segment {segment.number}{_quoted(segment)}: a customer is "
        f"{times(segment.index or 0)} as likely to be in it as anybody in the population{sure}."
    )


def _without_set_aside(segments: Sequence[Segment]) -> list[Segment]:
    return [segment for segment in segments if not segment.is_set_aside]


def _mail_first(over: Sequence[Segment]) -> str:
    """Headline on the segments to mail."""
    return f"{_capital(_numbers(over))} {_holds(over)} {_shares_held(over)}: mail there first."


def _shares_held(segments: Sequence[Segment]) -> str:
    """Shares of customers and population that the segments hold together."""
    customers = percent(sum(segment.customer_share or 0.0 for segment in segments))
    people = percent(sum(segment.population_share or 0.0 for segment in segments))
    return f"{customers} of customers in {people} of the population"


def _suppressed_sentence(clustered: Sequence[Segment]) -> str:
    """Sentence on the segments with suppressed counts; empty if there are none."""
    few = [segment for segment in clustered if segment.is_suppressed]
    return f"Too few people stand behind {_numbers(few)} to say more." if few else ""


def _no_verdict(clustered: Sequence[Segment]) -> tuple[str, ...]:
    """Headline and backing where no segment stands out, be it for want of people."""
    no_reason = "so these segments give no reason to mail one before another."
    if not (doubt := _unclear_sentence(clustered)):
        return (
            "Customers are spread over the segments as the population is.",
            f"No segment is over- or under-represented, {no_reason}",
        )
    if not all(segment.is_unclear for segment in clustered):
        answer = (
            "As far as can be told, customers are spread over the segments as the population is."
        )
    elif any(_is_few(segment) for segment in clustered):
        answer = "There are too few people to say which segments customers come from."
    else:
        answer = "The segments are too uncertain to say which of them customers come from."
    return answer, f"No segment is shown to be over- or under-represented, {no_reason}", doubt


def _unclear_sentence(clustered: Sequence[Segment]) -> str:
    """Sentence on the segments with limits too wide to act on; empty if there are none."""
    if not (unclear := [segment for segment in clustered if segment.is_unclear]):
        return ""
    few = any(_is_few(segment) for segment in unclear)
    why = "too few people are known" if few else "the borders are too uncertain"
    return (
        f"Of {_numbers(unclear)} {why} to rule out half or twice as many customers as the size "
        "suggests."
    )


def _is_few(segment: Segment) -> bool:
    """Whether the sampling limits alone are wide: there are too few people."""
    return is_wide(segment.sampling_limits)


def _set_aside(aside: Segment) -> str:
    ours, theirs = aside.population_share, aside.customer_share
    people = "too few people to count" if ours is None else f"{percent(ours)} of the population"
    customers = (
        "too few customers to count" if theirs is None else f"{percent(theirs)} of customers"
    )
    index = "" if aside.index is None else f" (index {short_number(aside.index)})"
    return f"Rows too incomplete to place were set aside: {people} and {customers}{index}."


def _holds(segments: Sequence[Segment]) -> str:
    return "holds" if len(segments) == 1 else "hold"


def _capital(words: str) -> str:
    return f"{words[:1].upper()}{words[1:]}"


def _strength(v: float) -> str:
    """Strength of an association by Cohen's bounds of w, which V equals here (Cohen 1988)."""
    for bound, words in ((0.5, "strongly"), (0.3, "moderately"), (0.1, "weakly")):
        if v >= bound:
            return f"{words} associated"
    return "hardly associated"


def _p_value(p: float) -> str:
    return "less than 0.0001" if p < 0.0001 else decimals(p, 4)
