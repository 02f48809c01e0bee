"""The answer of a run in sentences, each from a number of its files."""

from collections.abc import Mapping, Sequence

import polars as pl

from segment_lib.report.facts import Figures
from segment_lib.report.segments import HALF, TWICE, Segment
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
from segment_lib.terms import OVER, SET_ASIDE, STABLE, UNDER


def headline(found: Sequence[Segment]) -> tuple[str, tuple[str, ...]]:
    """The answer in one sentence, and the sentences that back it."""
    placed = _placed(found)
    over = [segment for segment in placed if segment.verdict == OVER]
    under = [segment for segment in reversed(placed) if segment.verdict == UNDER]
    if over:
        answer = _mail(over)
        backing = [f"Leave out {_named(under)}: {_held(under)}."] if under else []
        backing += [_strongest(over), _few(placed)]
    elif under:
        unclear = any(segment.is_unclear for segment in placed)
        answer = (
            f"No segment {'is shown to hold' if unclear else 'holds'} more customers than its size "
            f"suggests; {_named(under)} {_hold(under)} fewer."
        )
        backing = [
            f"{_capital(_named(under))} {_hold(under)} {_held(under)}. Leave them out and mail the "
            "rest.",
            _few(placed),
        ]
    else:
        answer, *backing = _level(placed)
    backing.extend(_set_aside(segment) for segment in found if segment.is_set_aside)
    return answer, tuple(line for line in backing if line)


def nothing_stands_out(found: Sequence[Segment]) -> tuple[str, str]:
    """What the cards begin with where no segment is over- or under-represented."""
    if doubt := _doubt(_placed(found)):
        return "No segment is shown to be over- or under-represented.", doubt
    return (
        "No segment is over- or under-represented.",
        "Each holds about as many customers as its size suggests.",
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
        if segment.verdict == OVER
        and not segment.is_set_aside
        and segment.stability is not None
        and segment.stability < STABLE
    ]
    if doubtful and not (chosen.height and not chosen["stable"][0]):
        told.append(
            f"The borders of {_named(doubtful)} are uncertain: clustered anew, "
            f"{'it overlaps' if len(doubtful) == 1 else 'they overlap'} with what is shown here "
            f"by less than {percent(STABLE)}. Read the index by its limits."
        )
    return tuple(told)


def association(tests: Mapping[str, Figures | None], *, whole: bool = True) -> tuple[str, ...]:
    """The chi-square tests in words, with and without the rows set aside.

    Where counts are hidden, `whole` is false: from the statistic they could be told.
    """
    told = []
    everyone, placed = tests.get("all_segments"), tests.get("without_set_aside")
    of_all = "Over all segments" + ("" if everyone == placed else ", the rows set aside included")
    alone = None if everyone == placed else placed
    for of, test in ((of_all, everyone), ("Without the rows set aside", alone)):
        if test is None:
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
        (pl.col("segment") != SET_ASIDE)
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


def _strongest(over: Sequence[Segment]) -> str:
    """How much of the customers' favourite segment there is, and how sure that is."""
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


def _placed(found: Sequence[Segment]) -> list[Segment]:
    return [segment for segment in found if not segment.is_set_aside]


def _mail(over: Sequence[Segment]) -> str:
    """Where to mail."""
    return f"{_capital(_named(over))} {_hold(over)} {_held(over)}: mail there first."


def _held(found: Sequence[Segment]) -> str:
    """What they hold together."""
    customers = percent(sum(segment.customer_share or 0.0 for segment in found))
    people = percent(sum(segment.population_share or 0.0 for segment in found))
    return f"{customers} of customers in {people} of the population"


def _few(placed: Sequence[Segment]) -> str:
    """Of whom nothing is told; empty if something is told of all."""
    hidden = [segment for segment in placed if segment.is_hidden]
    return f"Too few people stand behind {_named(hidden)} to say more." if hidden else ""


def _level(placed: Sequence[Segment]) -> tuple[str, ...]:
    """No segment stands out: because customers are like the population, or for want of people."""
    no_reason = "so these segments give no reason to mail one before another."
    if not (doubt := _doubt(placed)):
        return (
            "Customers are spread over the segments as the population is.",
            f"No segment is over- or under-represented, {no_reason}",
        )
    if not all(segment.is_unclear for segment in placed):
        answer = (
            "As far as can be told, customers are spread over the segments as the population is."
        )
    elif any(_is_few(segment) for segment in placed):
        answer = "There are too few people to say which segments customers come from."
    else:
        answer = "The segments are too uncertain to say which of them customers come from."
    return answer, f"No segment is shown to be over- or under-represented, {no_reason}", doubt


def _doubt(placed: Sequence[Segment]) -> str:
    """What cannot be told of segments that do not stand out; empty if all are clear."""
    if not (unclear := [segment for segment in placed if segment.is_unclear]):
        return ""
    few = any(_is_few(segment) for segment in unclear)
    why = "too few people are known" if few else "the borders are too uncertain"
    return (
        f"Of {_named(unclear)} {why} to rule out half or twice as many customers as the size "
        "suggests."
    )


def _is_few(segment: Segment) -> bool:
    """Whether chance alone leaves half or twice as many customers possible."""
    return segment.chance is None or segment.chance[0] < HALF or segment.chance[1] > TWICE


def _set_aside(aside: Segment) -> str:
    ours, theirs = aside.population_share, aside.customer_share
    people = "too few people to count" if ours is None else f"{percent(ours)} of the population"
    customers = (
        "too few customers to count" if theirs is None else f"{percent(theirs)} of customers"
    )
    index = "" if aside.index is None else f" (index {whole(aside.index)})"
    return f"Rows too incomplete to place were set aside: {people} and {customers}{index}."


def _hold(found: Sequence[Segment]) -> str:
    return "holds" if len(found) == 1 else "hold"


def _capital(words: str) -> str:
    return f"{words[:1].upper()}{words[1:]}"


def _strength(v: float) -> str:
    """Cohen's bounds of w, which V is where one side has two rows (Cohen 1988)."""
    for bound, words in ((0.5, "strongly"), (0.3, "moderately"), (0.1, "weakly")):
        if v >= bound:
            return f"{words} associated"
    return "hardly associated"


def _chance(p: float) -> str:
    return "less than 0.0001" if p < 0.0001 else decimals(p, 4)
