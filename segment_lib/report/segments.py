"""The segments as a reader meets them: name, numbers and traits, small counts left out."""

from dataclasses import dataclass

import polars as pl

from segment_lib.disclosure import suppress_segments, suppressed_segments
from segment_lib.report.words import finite
from segment_lib.terms import AVERAGE, DISSOLVED, OVER, SET_ASIDE, STABLE, UNDER

VERDICTS = {
    OVER: ("▲", "over-represented"),
    UNDER: ("▼", "under-represented"),
    AVERAGE: ("●", "about average"),
    "hidden": ("–", "not shown"),
}
"""A symbol and a word for each verdict, so that nothing hangs on colour alone."""

FOUND_AGAIN = 0.75
"""Mean Jaccard coefficient from which a segment is found again (Hennig 2007)."""


HALF, TWICE = 50, 200
"""An index whose limits go beyond these tells nothing, though they hold 100."""
UNCLEAR = "unclear"
HIDDEN = "hidden"
"""The verdict of a segment whose numbers tell of too few people."""


@dataclass(frozen=True)
class Trait:
    """What of one attribute sets a segment apart, in decoded words."""

    attribute: str
    words: str
    levels: str
    direction: str | None
    effect: float
    share: float
    share_at_large: float
    index: float | None

    @property
    def more(self) -> bool:
        return self.effect > 0

    @property
    def plain(self) -> str:
        """The words without their 'seldom', where 'less often' is said beside them."""
        return self.words if self.more else self.words.replace(": seldom ", ": ", 1)

    @property
    def code(self) -> str:
        return f"{self.attribute}: {self.levels}"


@dataclass(frozen=True)
class Segment:
    """One segment with its numbers, None where they would tell of too few people."""

    number: int
    title: str
    """The name made of its strongest traits; empty where it has none."""
    population_rows: int | None
    population_share: float | None
    customer_rows: int | None
    customer_share: float | None
    index: float | None
    limits: tuple[float, float] | None
    """The honest ones: chance, and the population clustered anew."""
    chance: tuple[float, float] | None
    """Of chance alone."""
    verdict: str
    stability: float | None
    is_small: bool
    traits: tuple[Trait, ...]

    @property
    def is_set_aside(self) -> bool:
        return self.number == SET_ASIDE

    @property
    def is_hidden(self) -> bool:
        """Whether a count is not shown, and with it all that would give it away."""
        return self.population_rows is None or self.customer_rows is None

    @property
    def name(self) -> str:
        return "Set aside" if self.is_set_aside else f"Segment {self.number}"

    @property
    def full_name(self) -> str:
        return f"{self.name}: {self.title}" if self.title else self.name

    @property
    def is_unclear(self) -> bool:
        """Not shown to be over or under, but half or twice as many are not ruled out."""
        if self.verdict not in (AVERAGE, HIDDEN):
            return False
        return self.limits is None or self.limits[0] < HALF or self.limits[1] > TWICE

    @property
    def symbol(self) -> str:
        return VERDICTS[self.verdict][0]

    @property
    def word(self) -> str:
        known = self.is_hidden or not self.is_unclear
        return VERDICTS[self.verdict][1] if known else UNCLEAR

    @property
    def stability_word(self) -> str:
        return steadiness(self.stability)


def steadiness(stability: float | None) -> str:
    """What a mean Jaccard coefficient says of a segment."""
    if stability is None:
        return "not measured"
    if stability >= FOUND_AGAIN:
        return "found again"
    if stability >= STABLE:
        return "found again in outline"
    return "uncertain" if stability > DISSOLVED else "not found again"


def segments(
    shares: pl.DataFrame, names: pl.DataFrame, traits: pl.DataFrame, min_cell: int
) -> tuple[Segment, ...]:
    """Segments by falling index, unknown ones after, the rows set aside last."""
    titles = dict(names.select("segment", "name").iter_rows())
    found = []
    for row in suppress_segments(shares, min_cell).iter_rows(named=True):
        number = row["segment"]
        found.append(
            Segment(
                number=number,
                title="" if number == SET_ASIDE else (titles.get(number) or ""),
                population_rows=row["population_rows"],
                population_share=row["population_share"],
                customer_rows=row["customer_rows"],
                customer_share=row["customer_share"],
                index=finite(row["index"]),
                limits=_limits(row["low"], row["high"]),
                chance=_limits(row["index_low"], row["index_high"]),
                verdict=row["verdict"] or HIDDEN,
                stability=finite(row["stability"]),
                is_small=bool(row["small"]),
                traits=()
                if row["population_rows"] is None
                else traits_of(traits, number, min_cell),
            )
        )
    return tuple(sorted(found, key=_by_index))


def traits_of(traits: pl.DataFrame, segment: int, min_cell: int) -> tuple[Trait, ...]:
    """What sets a segment apart, strongest first."""
    rows = traits.filter(
        (pl.col("segment") == segment)
        & (pl.col("population_rows") >= min_cell)
        & pl.col("effect").cast(pl.Float64).is_finite()
    ).sort(pl.col("effect").abs(), "attribute", descending=[True, False])
    return tuple(
        Trait(
            attribute=row["attribute"],
            words=row["words"] or row["attribute"],
            levels=str(row["levels"]),
            direction=row["direction"],
            effect=row["effect"],
            share=row["segment_share"],
            share_at_large=row["population_share"],
            index=finite(row["index"]),
        )
        for row in rows.iter_rows(named=True)
    )


def hidden(table: pl.DataFrame, counts: str, min_cell: int) -> set[int]:
    """The segments of a table of which this count is not shown."""
    return set(table.filter(suppressed_segments(pl.col(counts), min_cell))["segment"])


def _by_index(segment: Segment) -> tuple[bool, bool, float, int]:
    index = segment.index if segment.index is not None else 0.0
    return segment.is_set_aside, segment.index is None, -index, segment.number


def _limits(low: float | None, high: float | None) -> tuple[float, float] | None:
    ends = finite(low), finite(high)
    return None if ends[0] is None or ends[1] is None else (ends[0], ends[1])
