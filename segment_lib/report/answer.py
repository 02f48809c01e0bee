"""The answer of a run in sentences, each from a number of its files."""

from collections.abc import Mapping, Sequence

import polars as pl

from segment_lib.report.facts import Figures
from segment_lib.report.segments import DOUBTFUL, Segment
from segment_lib.report.words import (
    count,
    decimals,
    listing,
    many,
    percent,
    rounded,
    sentence,
    times,
    whole,
)

DEPTH = 0.2
"""The share of the population mailed, of which the answer speaks."""


def headline(found: Sequence[Segment]) -> tuple[str, tuple[str, ...]]:
    """The answer in one sentence, and the sentences that back it."""
    over = [s for s in found if s.verdict == "over" and s.index and not s.is_set_aside]
    under = [s for s in reversed(found) if s.verdict == "under" and not s.is_set_aside]
    hidden = [s for s in found if s.is_hidden and not s.is_set_aside]
    backing = []
    if over:
        best = next((segment for segment in over if not segment.is_small), over[0])
        answer = f"{_holding(over)}: mail there first."
        if under:
            backing.append(f"Leave out {_named(under)}: {_holding(under, bare=True)}.")
        backing.append(_strongest(best))
    elif under:
        answer = (
            "No segment holds more customers than its size suggests; "
            f"{_named(under)} {'holds' if len(under) == 1 else 'hold'} fewer."
        )
        backing.append(f"{_holding(under)}. Leave them out and mail the rest.")
    elif hidden:
        answer = "No segment whose numbers can be shown is over- or under-represented."
    else:
        answer = "Customers are spread over the segments as the population is."
        backing.append(
            "No segment is over- or under-represented, so these segments give no reason to "
            "mail one before another."
        )
    if hidden:
        backing.append(
            f"Of {_named(hidden)} numbers are left out that would tell of too few people."
        )
    backing.extend(_set_aside(segment) for segment in found if segment.is_set_aside)
    return answer, tuple(line for line in backing if line)


def reach(gains: pl.DataFrame, n_micro: int) -> str:
    """How many customers a fifth of the population reaches; empty if it is not in the table."""
    reached = {
        by: (share, low, high, lift)
        for by, share, low, high, lift in gains.filter((pl.col("depth") - DEPTH).abs() < 1e-9)
        .select("by", "customers_reached", "low", "high", "lift")
        .iter_rows()
    }
    if "micro_segment" not in reached or "segment" not in reached:
        return ""
    share, low, high, lift = reached["micro_segment"]
    if share is None:
        return (
            "How many customers a mailing reaches cannot be told: all had part in the ranking, and "
            "none is left to measure on."
        )
    if lift >= 1.05:
        against = f"{rounded(lift)} times as many as without selection"
    elif lift <= 0.95:
        against = "fewer than without selection"
    else:
        against = "no more than without selection"
    return (
        f"Mailing the best {percent(DEPTH)} of the population by {many(n_micro, 'micro-segment')} "
        f"reaches {rounded(100 * share)}% of customers ({rounded(100 * low)} to "
        f"{rounded(100 * high)}%), {against}; by whole segments, "
        f"{rounded(100 * reached['segment'][0])}%."
    )


def warnings(
    found: Sequence[Segment], sweep: pl.DataFrame, suspicious: Sequence[str]
) -> tuple[str, ...]:
    """What a reader must know before acting."""
    told = [sentence(f"suspicious, but allowed: {words}") for words in suspicious]
    chosen = sweep.filter("chosen")
    if chosen.height and not chosen["stable"][0]:
        told.append(
            f"These {chosen['n_clusters'][0]} segments are not stable: clustered anew on other "
            "people, other segments come out. Do not plan on them one by one."
        )
    doubtful = [
        segment
        for segment in found
        if segment.verdict == "over"
        and not segment.is_set_aside
        and segment.stability is not None
        and segment.stability < DOUBTFUL
    ]
    if doubtful and not (chosen.height and not chosen["stable"][0]):
        told.append(
            f"The borders of {_named(doubtful)} are uncertain: clustered anew, "
            f"{'it overlaps' if len(doubtful) == 1 else 'they overlap'} with what is shown here "
            f"by less than {percent(DOUBTFUL)}. Read the index by its limits."
        )
    return tuple(told)


def association(tests: Mapping[str, Figures | None], *, whole: bool = True) -> tuple[str, ...]:
    """The chi-square tests in words, with and without the rows set aside.

    Where counts are hidden, `whole` is false: from the statistic they could be told.
    """
    told = []
    for name, of in (
        ("all_segments", "Over all segments, the rows set aside included"),
        ("without_set_aside", "Without the rows set aside"),
    ):
        if (test := tests.get(name)) is None:
            continue
        rough = (
            ", roughly, as some counts expected are below 5" if test["least_expected"] < 5 else ""
        )
        by_chance = (
            " Were customers a random part of the population, shares so uneven would come up with "
            f"a probability of {_chance(test['p'])}{rough} (chi-square "
            f"{decimals(test['statistic'], 1)}, {many(int(test['dof']), 'degree')} of freedom, "
            f"{count(test['rows'])} rows)."
        )
        told.append(
            f"{of}, segment and being a customer are {_strength(test['cramers_v'])}: Cramér's V is "
            f"{decimals(test['cramers_v'], 2)}, from 0 (none) to 1 (complete)."
            f"{by_chance if whole else ''}"
        )
    return tuple(told)


def depth_sentences(depth: Figures) -> tuple[str, ...]:
    """How deep it pays to mail, and on what assumption."""
    return (
        f"A piece that costs {_money(depth['cost_per_piece'])} pays while people respond at "
        f"{percent(depth['base_response_rate'] * depth['break_even_index'] / 100)} or more, which "
        f"is a micro-index of {whole(depth['break_even_index'])}, at a margin of "
        f"{_money(depth['margin_per_order'])} per order.",
        f"Mail the best {percent(depth['recommended_depth'])} of the population "
        f"({percent(depth['depth_low'])} to {percent(depth['depth_high'])}): "
        f"{count(depth['pieces'])} pieces, {count(depth['expected_orders'])} orders expected, "
        f"a profit of {_money(depth['expected_profit'])}.",
        f"Assumed: people respond in proportion to the micro-index of their micro-segment, "
        f"those of index 100 at {percent(depth['base_response_rate'])}. A test mailing tells "
        "better.",
    )


def at_other_numbers(sweep: pl.DataFrame) -> dict[int, str]:
    """For every number of segments, what would be won and lost against the chosen one."""
    rows = {row["n_clusters"]: row for row in sweep.sort("n_clusters").iter_rows(named=True)}
    chosen = next((row for row in rows.values() if row["chosen"]), None)
    told = {}
    for k, row in rows.items():
        reached = "no customer is left to measure on how many they reach"
        if row["gain"] is not None:
            against = ""
            if chosen is not None and chosen["gain"] is not None and k != chosen["n_clusters"]:
                points = 100 * (row["gain"] - chosen["gain"])
                against = f" ({rounded(abs(points))} points {'more' if points >= 0 else 'fewer'})"
            reached = (
                f"the best 20% of the population reach {rounded(100 * row['gain'])}% of held-out "
                f"customers{against}"
            )
        fate = [
            "found again on other samples" if row["stable"] else "not found again well enough",
            "large enough" if row["large"] else "with too many people in small segments",
        ]
        told[k] = (
            f"{many(k, 'segment')}: {reached}; stability {decimals(row['stability'], 2)}, "
            f"{listing(fate)}."
        )
    return told


def unevenness(fairness: pl.DataFrame, min_rows: int) -> dict[str, str]:
    """For each sensitive attribute, the level whose share differs most between segments."""
    told = {}
    known = fairness.filter(
        (pl.col("segment") >= 0)
        & pl.col("population_share").is_not_null()
        & (pl.col("population_rows").sum().over("segment", "attribute") >= min_rows)
    )
    for (attribute,), rows in known.group_by("attribute", maintain_order=True):
        apart = (
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
        label = apart["label"] if apart["label"] is not None else apart["level"]
        told[str(attribute)] = (
            f"“{label}” ranges from {percent(apart['least'])} of segment {apart['lowest']} to "
            f"{percent(apart['most'])} of segment {apart['highest']}"
            + (
                "."
                if apart["population_at_large"] is None
                else f"; it is {percent(apart['population_at_large'])} of the population."
            )
        )
    return told


# -- parts of sentences --------------------------------------------------------------------------


def named(found: Sequence[Segment]) -> str:
    """All of them by number, the rows set aside in words."""
    placed = [segment for segment in found if not segment.is_set_aside]
    names = [_named(placed, most=len(placed))] if placed else []
    if len(placed) < len(found):
        names.append("the rows set aside")
    return " with ".join(names)


def _named(found: Sequence[Segment], most: int = 5) -> str:
    most = len(found) if len(found) <= most + 2 else most
    numbers = [str(segment.number) for segment in found[:most]]
    if len(found) > most:
        numbers.append(f"{len(found) - most} more")
    return f"{'segment' if len(found) == 1 else 'segments'} {listing(numbers)}"


def _quoted(segment: Segment) -> str:
    return f" (“{segment.title}”)" if segment.title else ""


def _strongest(segment: Segment) -> str:
    """How much of the customers' favourite segment there is, and how sure that is."""
    if segment.limits is None:
        sure = ""
    else:
        low, high = (times(limit).removesuffix(" times") for limit in segment.limits)
        sure = f" ({low} to {high} times, all doubts counted)"
    return (
        f"Most of all, segment {segment.number}{_quoted(segment)}: a customer is "
        f"{times(segment.index or 0)} as likely to be in it as anybody in the population{sure}."
    )


def _holding(found: Sequence[Segment], bare: bool = False) -> str:
    """What they hold together; bare of their names, where these have just been said."""
    customers = sum(segment.customer_share or 0.0 for segment in found)
    people = sum(segment.population_share or 0.0 for segment in found)
    held = f"{percent(customers)} of customers in {percent(people)} of the population"
    if bare:
        return held
    names = _named(found)
    return f"{names[:1].upper()}{names[1:]} {'holds' if len(found) == 1 else 'hold'} {held}"


def _set_aside(aside: Segment) -> str:
    if aside.population_share is None and aside.customer_share is None:
        return "Rows too incomplete to place were set aside, too few to be shown."
    shares = " and ".join(
        f"{percent(share)} of {whose}" if share is not None else f"few of {whose}"
        for share, whose in (
            (aside.population_share, "the population"),
            (aside.customer_share, "customers"),
        )
    )
    index = "" if aside.index is None else f" (index {whole(aside.index)})"
    return f"Rows too incomplete to place were set aside: {shares}{index}."


def _strength(v: float) -> str:
    """Cohen's bounds of w, which V is where one side has two rows (Cohen 1988)."""
    for bound, words in ((0.5, "strongly"), (0.3, "moderately"), (0.1, "weakly")):
        if v >= bound:
            return f"{words} associated"
    return "hardly associated"


def _chance(p: float) -> str:
    return "less than 0.0001" if p < 0.0001 else decimals(p, 4)


def _money(amount: float) -> str:
    return f"{amount:,.2f}" if abs(amount) < 1000 else f"{amount:,.0f}"
