"""Segments as the page shows them: name, figures and traits, small counts suppressed."""

from dataclasses import dataclass

import polars as pl

from segment_lib.disclosure import suppress_segments, suppressed_segments
from segment_lib.report.formatting import capitalised, finite
from segment_lib.schema.language import ENGLISH, N_, Language
from segment_lib.terms import (
    AVERAGE,
    DISSOLVED,
    FOUND_AGAIN,
    LEVELS,
    OVER,
    SET_ASIDE,
    STABLE,
    UNDER,
    level_of,
)

SYMBOLS = {OVER: "▲", UNDER: "▼", AVERAGE: "●", "hidden": "–"}
"""A symbol for each verdict, so that nothing hangs on colour alone."""
WORDS = dict(
    zip(
        LEVELS,
        (
            *(N_("far above average"), N_("above average"), N_("about average")),
            *(N_("below average"), N_("far below average")),
        ),
        strict=True,
    )
)
"""Words for each level of a segment."""

HALF, TWICE = 50, 200
"""An index whose limits go beyond these is unclear."""
UNCLEAR, NOT_SHOWN = N_("unclear"), N_("not shown")
ASIDE_APART = N_("Set aside, against everybody")
"""The rows set aside in a table of indices, which those of segments do not compare with."""
SUPPRESSED = "hidden"
"""The verdict of a segment with suppressed counts."""


@dataclass(frozen=True)
class Trait:
    """Difference of a segment from the population in one attribute, in decoded words."""

    attribute: str
    family: str
    words: str
    levels: str
    direction: str | None
    effect: float
    share: float
    share_at_large: float
    plain: bool
    """Whether short words describe it."""

    @property
    def codes(self) -> str:
        """Attribute and codes, for a tooltip."""
        codes = f"{self.attribute}: {self.levels}"
        return f"{codes} ({self.direction})" if self.direction else codes


@dataclass(frozen=True)
class Segment:
    """One segment with its figures; suppressed ones are None."""

    number: int
    title: str
    """Name made of its strongest traits; empty where it has none."""
    population_rows: int | None
    population_share: float | None
    customer_rows: int | None
    customer_share: float | None
    index: float | None
    limits: tuple[float, float] | None
    """Limits of the index for all segments at once: counting, and clusterings anew."""
    sampling_limits: tuple[float, float] | None
    """Limits of this segment alone, as drawn, by counting alone."""
    verdict: str
    stability: float | None
    is_small: bool
    traits: tuple[Trait, ...]
    language: Language = ENGLISH
    """What its words are written in."""

    @property
    def is_set_aside(self) -> bool:
        return self.number == SET_ASIDE

    @property
    def is_suppressed(self) -> bool:
        """Whether a count is suppressed, and with it all that would disclose it."""
        return self.population_rows is None or self.customer_rows is None

    @property
    def name(self) -> str:
        return segment_name(self.number, self.language)

    @property
    def full_name(self) -> str:
        return f"{self.name}: {self.title}" if self.title else self.name

    @property
    def is_unclear(self) -> bool:
        """Whether no verdict is reached because the limits of the index are wide."""
        return self.verdict in (AVERAGE, SUPPRESSED) and is_wide(self.limits)

    @property
    def verdict_symbol(self) -> str:
        return SYMBOLS[self.verdict]

    @property
    def verdict_word(self) -> str:
        return self.language.gettext(self.level)

    @property
    def level(self) -> str:
        """The word of its verdict in English, by which the glossary explains it."""
        if self.is_suppressed:
            return NOT_SHOWN
        low, high = self.limits or (None, None)
        return UNCLEAR if self.is_unclear else WORDS[level_of(self.verdict, low, high)]

    @property
    def stability_label(self) -> str:
        return self.language.gettext(stability_label(self.stability))


def segment_name(number: int, language: Language = ENGLISH) -> str:
    """Name of a segment on cards and in tables."""
    if number == SET_ASIDE:
        return language.gettext("Set aside")
    return language.gettext("Segment {number}", number=number)


def is_wide(limits: tuple[float, float] | None) -> bool:
    """Whether limits of an index leave half or twice as many customers possible."""
    return limits is None or limits[0] < HALF or limits[1] > TWICE


def stability_label(stability: float | None) -> str:
    """Label of a mean Jaccard coefficient in English, such as "found again"."""
    if stability is None:
        return N_("not measured")
    if stability >= FOUND_AGAIN:
        return N_("found again")
    if stability >= STABLE:
        return N_("found again in outline")
    return N_("uncertain") if stability > DISSOLVED else N_("not found again")


def build_segments(
    shares: pl.DataFrame,
    names: pl.DataFrame,
    traits: pl.DataFrame,
    min_cell: int,
    language: Language = ENGLISH,
) -> tuple[Segment, ...]:
    """Segments of a run by falling index, those without one after, the rows set aside last."""
    titles = dict(names.select("segment", "name").iter_rows())
    built = []
    for row in suppress_segments(shares, min_cell).iter_rows(named=True):
        number = row["segment"]
        built.append(
            Segment(
                number=number,
                title="" if number == SET_ASIDE else (titles.get(number) or ""),
                population_rows=row["population_rows"],
                population_share=row["population_share"],
                customer_rows=row["customer_rows"],
                customer_share=row["customer_share"],
                index=finite(row["index"]),
                limits=_limits(row["low"], row["high"]),
                sampling_limits=_limits(row["drawn_low"], row["drawn_high"]),
                verdict=row["verdict"] or SUPPRESSED,
                stability=finite(row["stability"]),
                is_small=bool(row["small"]),
                traits=()
                if row["population_rows"] is None
                else traits_of(traits, number, min_cell),
                language=language,
            )
        )
    return tuple(sorted(built, key=_by_index))


def traits_of(traits: pl.DataFrame, segment: int, min_cell: int) -> tuple[Trait, ...]:
    """Traits of a segment, the strongest first."""
    rows = traits.filter(
        (pl.col("segment") == segment)
        & (pl.col("population_rows") >= min_cell)
        & pl.col("effect").cast(pl.Float64).is_finite()
    ).sort(pl.col("effect").abs(), "attribute", descending=[True, False])
    return tuple(
        Trait(
            attribute=row["attribute"],
            family=row["family"],
            words=capitalised(row["words"] or row["attribute"]),
            levels=str(row["levels"]),
            direction=row["direction"],
            effect=row["effect"],
            share=row["segment_share"],
            share_at_large=row["population_share"],
            plain=bool(row["plain"]),
        )
        for row in rows.iter_rows(named=True)
    )


def suppressed_numbers(table: pl.DataFrame, counts: str, min_cell: int) -> set[int]:
    """Numbers of the segments of a table in which this count is suppressed."""
    return set(table.filter(suppressed_segments(pl.col(counts), min_cell))["segment"])


def _by_index(segment: Segment) -> tuple[bool, bool, float, int]:
    index = segment.index if segment.index is not None else 0.0
    return segment.is_set_aside, segment.index is None, -index, segment.number


def _limits(low: float | None, high: float | None) -> tuple[float, float] | None:
    ends = finite(low), finite(high)
    return None if ends[0] is None or ends[1] is None else (ends[0], ends[1])
