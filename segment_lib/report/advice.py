"""The advice of the page in sentences: whom to mail, how deep, and whom to leave out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl
from markupsafe import Markup

from segment_lib.report.quantities import at_depth, fill, quantity
from segment_lib.report.segments import Segment, is_wide
from segment_lib.report.without_segment import place_in_ranking, without_segment
from segment_lib.schema.language import ENGLISH, N_, Language
from segment_lib.terms import DEPTH, NEAR, OVER, SET_ASIDE, UNDER


@dataclass(frozen=True)
class Advice:
    """The first screen in sentences."""

    first: Markup
    """Whom to mail, or how deep: headline of the page and of the console."""
    leave_out: tuple[Markup, ...]
    """What to choose people by, and whom to leave out or where the fewest customers are."""
    backing: tuple[Markup, ...]
    """What the advice rests on."""


def advise(
    segments: Sequence[Segment],
    depth: Mapping[str, Any] | None,
    break_even: float | None,
    aside: tuple[float, float] = (0.0, 0.0),
    reached: float | None = None,
    language: Language = ENGLISH,
) -> Advice:
    """Advise by money where it is known, else by the size of differences.

    Parameters
    ----------
    segments : those of the run, by falling index
    depth : gains/depth.json, if the config has costs
    break_even : index of a segment from which on it pays, by `break_even_of_segments`; None where
        people are ranked by response, of which the index of segments says nothing
    aside : depths between which the rows set aside stand in the ranking
    reached : share of the customers at the depth that is mailed, None where that is not measured
    """
    clustered = [segment for segment in segments if not segment.is_set_aside]
    if depth is None:
        first, leave_out, backing = _by_size(clustered, language)
    else:
        first, leave_out, backing = _by_money(clustered, depth, break_even, language)
    mailed = DEPTH if depth is None else depth["recommended_depth"]
    for segment in segments:
        if segment.is_set_aside:
            leave_out.append(without_segment(segment, language))
            if not segment.is_suppressed:
                left = None if reached is None else reached - (segment.customer_share or 0.0)
                backing.append(place_in_ranking(aside, mailed, left, language))
    return Advice(first, *(tuple(filter(None, part)) for part in (leave_out, backing)))


def break_even_of_segments(segments: pl.DataFrame, depth: Mapping[str, Any]) -> float:
    """Break-even on the scale of the segments' index.

    The index of people is 100 for the average of those who have a segment. That of segments is too,
    unless `compare.base` makes it 100 for all rows.

    Parameters
    ----------
    segments : compare/segments.csv
    depth : gains/depth.json
    """
    placed = segments.filter((pl.col("segment") != SET_ASIDE) & pl.col("drawn_index").is_not_null())
    people = placed["population_rows"]
    average = (people * placed["drawn_index"]).sum() / max(int(people.sum()), 1)
    return float(depth["break_even_index"] * (average or 100) / 100)


# -- by money ------------------------------------------------------------------------------------


def below_break_even(segments: Sequence[Segment], break_even: float) -> list[Segment]:
    """Segments with an index that lies below break-even by its upper limit, the lowest first."""
    return [
        segment
        for segment in reversed(segments)
        if segment.index is not None and segment.limits and segment.limits[1] < break_even
    ]


def _by_money(
    clustered: Sequence[Segment],
    depth: Mapping[str, Any],
    break_even: float | None,
    language: Language,
) -> tuple[Markup, list[Markup], list[Markup]]:
    mailed = depth["recommended_depth"]
    earned = {
        name + limit: quantity(at_depth(name, mailed) + limit.replace("_", "-"), form(value))
        for name, form in (("orders", language.short_number), ("profit", language.money))
        for limit in ("", "_low", "_high")
        if (value := depth[f"{name}{limit}" if limit else f"expected_{name}"]) is not None
    }
    first = fill(
        language.gettext(_depth_template(mailed, is_ranged="profit_low" in earned)),
        cost=quantity("cost-per-piece", language.money(depth["cost_per_piece"])),
        depth=quantity(at_depth("depth", mailed), language.percent_tenths(mailed)),
        pieces=quantity(at_depth("pieces", mailed), language.count(depth["pieces"])),
        **earned,
    )
    over = [segment for segment in clustered if segment.verdict == OVER]
    return (
        first,
        _left_out(clustered, mailed, break_even, language),
        [_strongest(over, language), _too_few(clustered, language)],
    )


def _left_out(
    clustered: Sequence[Segment], mailed: float, break_even: float | None, language: Language
) -> list[Markup]:
    """Sentences on whom to leave out where some people are mailed."""
    if not mailed:
        return []
    if mailed >= 1:
        return [
            Markup(
                language.gettext(
                    "Leave nobody out: each piece is expected to bring more than it costs."
                )
            )
        ]
    others = fill(
        language.gettext(
            "Leave out the other {rest}: a piece to them is expected to cost more than it brings."
        ),
        rest=quantity("left-out", language.percent_tenths(1 - mailed)),
    )
    if break_even is None:
        return [others]
    index = quantity("break-even", language.short_number(break_even))
    by_segment = _one_or_many(
        below_break_even(clustered, break_even),
        N_(
            "Segment {numbers} lies below break-even, an index of {index}: mail only those of its "
            "people who are on the list."
        ),
        N_(
            "Segments {numbers} lie below break-even, an index of {index}: mail only those of "
            "their people who are on the list."
        ),
        language,
        index=index,
    )
    none = language.gettext(
        "No segment as a whole is shown to lie below break-even, an index of {index}."
    )
    return [others, by_segment or fill(none, index=index)]


def _depth_template(mailed: float, *, is_ranged: bool) -> str:
    if not mailed:
        return N_("Mail nobody: no piece is expected to earn the {cost} that it costs.")
    if mailed < 1 and is_ranged:
        return N_(
            "Mail the best {depth} of the population: {pieces} pieces should bring {orders} orders "
            "({orders_low} to {orders_high}) and a profit of {profit} ({profit_low} to "
            "{profit_high})."
        )
    if mailed < 1:
        return N_(
            "Mail the best {depth} of the population: {pieces} pieces should bring {orders} orders "
            "and a profit of {profit}."
        )
    if is_ranged:
        return N_(
            "Mail everybody: {pieces} pieces should bring {orders} orders ({orders_low} to "
            "{orders_high}) and a profit of {profit} ({profit_low} to {profit_high})."
        )
    return N_(
        "Mail everybody: {pieces} pieces should bring {orders} orders and a profit of {profit}."
    )


# -- by size -------------------------------------------------------------------------------------


def _by_size(
    clustered: Sequence[Segment], language: Language
) -> tuple[Markup, list[Markup], list[Markup]]:
    """Advice on segments that differ surely and by much."""
    most = [s for s in clustered if s.verdict == OVER and (s.index or 0) > NEAR[1]]
    fewest = [
        s
        for s in reversed(clustered)
        if s.verdict == UNDER and s.index is not None and s.index < NEAR[0]
    ]
    where_few = _one_or_many(
        fewest,
        N_(
            "The fewest customers for their size are in segment {numbers}: {customers} of all "
            "customers, in {people} of the population."
        ),
        N_(
            "The fewest customers for their size are in segments {numbers}: {customers} of all "
            "customers, in {people} of the population."
        ),
        language,
    )
    if most:
        first = _one_or_many(
            most,
            N_(
                "Customers come above all from segment {numbers}: {customers} of all customers, "
                "in {people} of the population."
            ),
            N_(
                "Customers come above all from segments {numbers}: {customers} of all customers, "
                "in {people} of the population."
            ),
            language,
        )
        return first, [where_few], [_strongest(most, language), _too_few(clustered, language)]
    if fewest:
        none = Markup(
            language.gettext(
                "No segment is shown to hold many more customers than its size suggests."
            )
        )
        return where_few, [], [none, _too_few(clustered, language)]
    first, *backing = _no_advice(clustered, language)
    return first, [], backing


def _no_advice(clustered: Sequence[Segment], language: Language) -> tuple[Markup, Markup, Markup]:
    """Headline, its meaning and its doubt where no segment stands out by much."""
    reason = Markup(language.gettext("No segment gives a reason to mail it before another."))
    if not (doubt := _unclear(clustered, language)):
        return (
            Markup(
                language.gettext(
                    "All segments hold about as many customers as their size suggests."
                )
            ),
            reason,
            doubt,
        )
    if not all(segment.is_unclear for segment in clustered):
        first = N_(
            "As far as is known, all segments hold about as many customers as their size suggests."
        )
    elif any(is_wide(segment.sampling_limits) for segment in clustered):
        first = N_("There are too few people to say which segments customers come from.")
    else:
        first = N_("The segments are too uncertain to say which of them customers come from.")
    return Markup(language.gettext(first)), reason, doubt


def _unclear(clustered: Sequence[Segment], language: Language) -> Markup:
    """Sentence on the segments with limits too wide to act on; empty if there are none."""
    unclear = [segment for segment in clustered if segment.is_unclear]
    if any(is_wide(segment.sampling_limits) for segment in unclear):
        return _one_or_many(
            unclear,
            N_(
                "Too few people of segment {numbers} are known to rule out half or twice as many "
                "customers as its size suggests."
            ),
            N_(
                "Too few people of segments {numbers} are known to rule out half or twice as many "
                "customers as their size suggests."
            ),
            language,
        )
    return _one_or_many(
        unclear,
        N_(
            "The border of segment {numbers} is too uncertain to rule out half or twice as many "
            "customers as its size suggests."
        ),
        N_(
            "The borders of segments {numbers} are too uncertain to rule out half or twice as many "
            "customers as their size suggests."
        ),
        language,
    )


# -- parts of both -------------------------------------------------------------------------------


def _one_or_many(
    segments: Sequence[Segment], one: str, many: str, language: Language, **fields: str
) -> Markup:
    """Sentence on segments, all of them named in their order; empty if there are none."""
    if not segments:
        return Markup()
    numbers = [str(segment.number) for segment in segments]
    meaning = f"segments-{'-'.join(numbers)}"
    return fill(
        language.gettext(one if len(segments) == 1 else many),
        numbers=language.listed(numbers),
        customers=quantity(
            f"{meaning}-customer-share",
            language.percent(sum(s.customer_share or 0.0 for s in segments)),
        ),
        people=quantity(
            f"{meaning}-people-share",
            language.percent(sum(s.population_share or 0.0 for s in segments)),
        ),
        **fields,
    )


def _strongest(over: Sequence[Segment], language: Language) -> Markup:
    """Sentence on the segment with the highest index that is not small, and its limits."""
    known = [segment for segment in over if segment.index and segment.limits]
    segment = next((segment for segment in known if not segment.is_small), None)
    if segment is None or segment.index is None or segment.limits is None:
        return Markup()
    meaning = f"segment-{segment.number}-ratio"
    low, high = (
        quantity(f"{meaning}-{end}", language.ratio(limit))
        for end, limit in zip(("low", "high"), segment.limits, strict=True)
    )
    titled = N_(
        "Customers are most common in segment {number} (“{title}”): {ratio} ({low} to {high}) as "
        "common as among all people with a segment."
    )
    untitled = N_(
        "Customers are most common in segment {number}: {ratio} ({low} to {high}) as common as "
        "among all people with a segment."
    )
    return fill(
        language.gettext(titled if segment.title else untitled),
        number=str(segment.number),
        title=segment.title,
        ratio=quantity(meaning, language.times(segment.index)),
        low=low,
        high=high,
    )


def _too_few(clustered: Sequence[Segment], language: Language) -> Markup:
    """Sentence on the segments with suppressed counts; empty if there are none."""
    return _one_or_many(
        [segment for segment in clustered if segment.is_suppressed],
        N_("Too few people stand behind segment {numbers} to say more."),
        N_("Too few people stand behind segments {numbers} to say more."),
        language,
    )
