"""Tables of the index: a narrow one to read at a glance, and one of every figure behind it."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from segment_lib.report.segments import ASIDE_APART, Segment
from segment_lib.report.tables import Cell, Column, Table, count_or_hidden
from segment_lib.schema.language import NOTHING, Language


def index_table(segments: Iterable[Segment], language: Language) -> Table:
    """Table of name, verdict, index with its range, and shares, a row per segment.

    The rows set aside are in none, and their index compares with everybody: they are no rank in it.
    """
    _ = language.gettext
    columns = (
        *(Column(_("Segment")), Column(_("Name")), Column(_("Verdict"))),
        *(Column(_("Index"), number=True), Column(_("Range"), number=True)),
        Column(_("Of all people"), number=True),
        Column(_("Of all customers"), number=True),
    )
    rows = tuple(
        (
            _heading(segment),
            Cell(_title(segment, language)),
            _verdict(segment),
            _index(segment, language),
            Cell(
                language.index_range(*segment.limits) if segment.limits else NOTHING,
                segment.limits[0] if segment.limits else None,
            ),
            *(
                _cell(segment, name, language.percent(share), share)
                for name, share in (
                    ("people-share", segment.population_share),
                    ("customer-share", segment.customer_share),
                )
            ),
        )
        for segment in segments
        if not segment.is_set_aside
    )
    return Table("index", _("Index and shares of each segment"), columns, rows)


def limits_table(segments: Iterable[Segment], language: Language) -> Table:
    """Table of the limits, counts and stability behind the index, a row per segment."""
    _ = language.gettext
    headings = (
        *(_("Index"), _("At least"), _("At most"), _("Chance from"), _("Chance to")),
        *(_("People"), _("Customers"), _("Stability")),
    )
    rows = tuple(
        (
            _heading(segment),
            *(_cell(segment, *number) for number in _numbers(segment, language)),
            Cell(language.decimals(segment.stability, 2), segment.stability),
        )
        for segment in segments
    )
    columns = (Column(_("Segment")), *(Column(heading, number=True) for heading in headings))
    return Table("limits", _("Limits and counts of each segment"), columns, rows)


def _numbers(segment: Segment, language: Language) -> Iterator[tuple[str, str, float | None]]:
    """Yield name, text and value of the numbers behind the index."""
    yield "index", language.short_number(segment.index), segment.index
    for name, limits in (("index", segment.limits), ("chance", segment.sampling_limits)):
        for end, limit in zip(("low", "high"), limits or (None, None), strict=True):
            yield f"{name}-{end}", language.short_number(limit), limit
    for name, count in (("people", segment.population_rows), ("customers", segment.customer_rows)):
        yield name, count_or_hidden(count, language), count


def _cell(segment: Segment, name: str, text: str, value: float | None) -> Cell:
    return Cell(text, value, meaning=f"segment-{segment.number}-{name}")


def _heading(segment: Segment) -> Cell:
    if segment.is_set_aside:
        return Cell(segment.language.gettext(ASIDE_APART), 1e9)
    return Cell(segment.name, segment.number)


def _index(segment: Segment, language: Language) -> Cell:
    """Cell of the index, in the colour of the verdict, which a narrow screen has no room for."""
    cell = _cell(segment, "index", language.short_number(segment.index), segment.index)
    return cell if segment.is_suppressed else replace(cell, tone=segment.verdict)


def _verdict(segment: Segment) -> Cell:
    if segment.is_suppressed:
        return Cell(NOTHING)
    words = f"{segment.verdict_symbol} {segment.verdict_word}"
    return Cell(words, words, segment.verdict)


def _title(segment: Segment, language: Language) -> str:
    title = segment.title or NOTHING
    return language.gettext("{title} (small)", title=title) if segment.is_small else title
