"""The segments as a reader meets them: name, numbers and traits, small counts left out."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

import polars as pl

T = TypeVar("T")

SET_ASIDE = -1
"""The segment number of rows too incomplete to cluster."""

VERDICTS = {
    "over": ("▲", "over-represented"),
    "under": ("▼", "under-represented"),
    "average": ("●", "about average"),
}
"""A symbol and a word for each verdict, so that nothing hangs on colour alone."""

FOUND_AGAIN, DOUBTFUL, DISSOLVED = 0.75, 0.6, 0.5
"""From the first, a segment is found again; below the second it should not be trusted; up to the
third it has dissolved (Hennig 2007, "Cluster-wise assessment of cluster stability")."""


HALF, TWICE = 50, 200
"""An index whose limits go beyond these tells nothing, though they hold 100."""
UNCLEAR = "unclear"


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
    """One segment with its numbers, None where too few people stand behind one."""

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
    def name(self) -> str:
        return "Set aside" if self.is_set_aside else f"Segment {self.number}"

    @property
    def full_name(self) -> str:
        return f"{self.name}: {self.title}" if self.title else self.name

    @property
    def is_unclear(self) -> bool:
        """Neither over nor under, but half or twice as many customers are not ruled out."""
        if self.verdict != "average":
            return False
        return self.limits is None or self.limits[0] < HALF or self.limits[1] > TWICE

    @property
    def symbol(self) -> str:
        return VERDICTS[self.verdict][0]

    @property
    def word(self) -> str:
        return UNCLEAR if self.is_unclear else VERDICTS[self.verdict][1]

    @property
    def stability_word(self) -> str:
        return steadiness(self.stability)


def steadiness(stability: float | None) -> str:
    """What a mean Jaccard coefficient says of a segment."""
    if stability is None:
        return "not measured"
    if stability >= FOUND_AGAIN:
        return "found again"
    if stability >= DOUBTFUL:
        return "found again in outline"
    return "uncertain" if stability > DISSOLVED else "not found again"


def segments(
    shares: pl.DataFrame, names: pl.DataFrame, traits: pl.DataFrame, min_cell: int
) -> tuple[Segment, ...]:
    """Segments by falling index, unknown ones after, the rows set aside last."""
    rows = shares.to_dicts()
    titles = dict(names.select("segment", "name").iter_rows())
    hidden = {
        extract: veiled({row["segment"]: row[f"{extract}_rows"] for row in rows}, min_cell)
        for extract in ("population", "customer")
    }
    found = []
    for row in rows:
        number = row["segment"]
        few_people = row["population_rows"] < min_cell
        few_customers = row["customer_rows"] < min_cell
        index = None if few_people or few_customers else _finite(row["index"])
        found.append(
            Segment(
                number=number,
                title="" if number == SET_ASIDE else (titles.get(number) or ""),
                population_rows=_unless(number in hidden["population"], row["population_rows"]),
                population_share=_unless(few_people, row["population_share"]),
                customer_rows=_unless(number in hidden["customer"], row["customer_rows"]),
                customer_share=_unless(few_customers, row["customer_share"]),
                index=index,
                limits=None if index is None else _limits(row["low"], row["high"]),
                chance=None if index is None else _limits(row["index_low"], row["index_high"]),
                verdict=row["verdict"],
                stability=_finite(row["stability"]),
                is_small=bool(row["small"]),
                traits=() if few_people else traits_of(traits, number, min_cell),
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
            index=_finite(row["index"]),
        )
        for row in rows.iter_rows(named=True)
    )


def veiled(counts: Mapping[int, int], min_cell: int) -> set[int]:
    """Small counts, and the next smallest where a lone small one would follow from the total."""
    small = {number for number, rows in counts.items() if rows < min_cell}
    if len(small) == 1 and len(counts) > 1:
        small.add(min(counts.keys() - small, key=lambda number: (counts[number], number)))
    return small


def _by_index(segment: Segment) -> tuple[bool, bool, float, int]:
    index = segment.index if segment.index is not None else 0.0
    return segment.is_set_aside, segment.index is None, -index, segment.number


def _limits(low: float | None, high: float | None) -> tuple[float, float] | None:
    ends = _finite(low), _finite(high)
    return None if ends[0] is None or ends[1] is None else (ends[0], ends[1])


def _unless(hidden: bool, value: T) -> T | None:
    return None if hidden else value


def _finite(number: float | None) -> float | None:
    return float(number) if number is not None and math.isfinite(number) else None
