"""Numbers to words: rows of text for the page's tables and cards. Nothing here draws or writes.

Counts of people below `min_cell`, and what would give them away, are left out here.
"""

import math
from collections.abc import Callable, Iterable, Sequence
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

NOTHING = "–"


@dataclass(frozen=True)
class Column:
    """A heading; numbers are set flush right."""

    heading: str
    number: bool = False


@dataclass(frozen=True)
class Cell:
    """What is shown, and what a column is sorted by; a key of None goes last."""

    text: str
    key: float | str | None = None
    tone: str = ""


@dataclass(frozen=True)
class Table:
    """A table as the page shows it. The first cell of each row is its heading."""

    name: str
    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]


@dataclass(frozen=True)
class Trait:
    """One level of one attribute that sets a segment apart, in decoded words."""

    attribute: str
    meaning: str
    label: str
    code: str
    direction: str | None
    effect: float
    share: float
    share_at_large: float
    index: float | None

    @property
    def more(self) -> bool:
        return self.effect > 0

    @property
    def words(self) -> str:
        return f"{self.meaning} ({self.label})"


@dataclass(frozen=True)
class Segment:
    """One segment with its numbers, None where too few people stand behind one."""

    number: int
    population_rows: int | None
    population_share: float | None
    customer_rows: int | None
    customer_share: float | None
    index: float | None
    interval: tuple[float, float] | None
    verdict: str
    traits: tuple[Trait, ...]

    @property
    def is_set_aside(self) -> bool:
        return self.number == SET_ASIDE

    @property
    def name(self) -> str:
        return "Set aside" if self.is_set_aside else f"Segment {self.number}"

    @property
    def symbol(self) -> str:
        return VERDICTS[self.verdict][0]

    @property
    def word(self) -> str:
        return VERDICTS[self.verdict][1]


@dataclass(frozen=True)
class Loading:
    """One feature of a component; width is its part of the longest bar, from 0 to 100."""

    feature: str
    words: str
    direction: str | None
    text: str
    width: float


# -- single numbers ----------------------------------------------------------------------------


def count(number: float | None, min_cell: int = 0) -> str:
    """A count with thousands marked; 'under 10' where it would speak of too few people."""
    if number is None:
        return NOTHING
    return f"under {min_cell}" if number < min_cell else f"{number:,.0f}"


def percent(share: float | None) -> str:
    """A share of 1 as a percentage, with a decimal where it is small."""
    if share is None or math.isnan(share):
        return NOTHING
    if 0 < share < 0.0005:
        return "under 0.1%"
    return f"{100 * share:.0f}%" if share >= 0.0995 or share == 0 else f"{100 * share:.1f}%"


def whole(number: float | None) -> str:
    """An index as a whole number, with a decimal where it is small."""
    if number is None or math.isnan(number):
        return NOTHING
    return f"{number:,.0f}" if number >= 9.95 or number == 0 else f"{number:.1f}"


def decimals(number: float | None, digits: int = 3) -> str:
    if number is None or math.isnan(number):
        return NOTHING
    for size, name in ((1e12, "trillion"), (1e9, "billion"), (1e6, "million")):
        if abs(number) >= size:
            return f"{number / size:.1f} {name}"
    return f"{number:,.0f}" if abs(number) >= 1000 else f"{number:.{digits}f}"


def times(index: float) -> str:
    """How many times as often: 310 is '3.1 times'."""
    ratio = index / 100
    digits = 0 if ratio >= 9.95 else 1 if ratio >= 1.95 else 2
    return f"{ratio:.{digits}f} times"


def size(number: float | None) -> str:
    """Bytes in the unit that fits."""
    if number is None:
        return NOTHING
    for unit in ("B", "kB", "MB", "GB"):
        if number < 1000:
            return f"{number:.0f} {unit}" if unit == "B" or number >= 10 else f"{number:.1f} {unit}"
        number /= 1000
    return f"{number:.1f} TB"


def listing(words: Sequence[str]) -> str:
    """Words joined as in a sentence: 'a, b and c'."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


# -- segments ----------------------------------------------------------------------------------


def segments(shares: pl.DataFrame, profile: pl.DataFrame, min_cell: int) -> tuple[Segment, ...]:
    """Segments by falling index, unknown ones after, the rows set aside last."""
    rows = shares.to_dicts()
    veiled = {
        extract: _veiled({row["segment"]: row[f"{extract}_rows"] for row in rows}, min_cell)
        for extract in ("population", "customer")
    }
    found = []
    for row in rows:
        number = row["segment"]
        few_people = row["population_rows"] < min_cell
        few_customers = row["customer_rows"] < min_cell
        index = None if few_people or few_customers else _finite(row["index"])
        low, high = _finite(row["low"]), _finite(row["high"])
        found.append(
            Segment(
                number=number,
                population_rows=_unless(number in veiled["population"], row["population_rows"]),
                population_share=_unless(few_people, row["population_share"]),
                customer_rows=_unless(number in veiled["customer"], row["customer_rows"]),
                customer_share=_unless(few_customers, row["customer_share"]),
                index=index,
                interval=None if index is None or low is None or high is None else (low, high),
                verdict=row["verdict"],
                traits=() if few_people else traits(profile, number, min_cell),
            )
        )
    return tuple(sorted(found, key=_by_index))


def traits(profile: pl.DataFrame, segment: int, min_cell: int) -> tuple[Trait, ...]:
    """The strongest level of each attribute, strongest first."""
    rows = (
        profile.filter(
            (pl.col("segment") == segment)
            & (pl.col("population_rows") >= min_cell)
            & pl.col("effect").cast(pl.Float64).is_finite()
        )
        .sort(pl.col("effect").abs(), "attribute", "level", descending=[True, False, False])
        .unique("attribute", keep="first", maintain_order=True)
    )
    return tuple(
        Trait(
            attribute=row["attribute"],
            meaning=row["meaning"] or row["attribute"],
            label=str(row["label"] if row["label"] is not None else row["level"]),
            code=f"{row['attribute']}={row['level']}",
            direction=row["direction"],
            effect=row["effect"],
            share=row["segment_share"],
            share_at_large=row["population_share"],
            index=_finite(row["index"]),
        )
        for row in rows.iter_rows(named=True)
    )


def index_table(found: Iterable[Segment]) -> Table:
    """The segments and their indices, one row each."""
    rows = tuple(
        (
            Cell(segment.name, 1e9 if segment.is_set_aside else segment.number),
            Cell(f"{segment.symbol} {segment.word}", segment.word, segment.verdict),
            Cell(whole(segment.index), segment.index),
            Cell(_interval(segment), segment.interval[0] if segment.interval else None),
            Cell(percent(segment.population_share), segment.population_share),
            Cell(percent(segment.customer_share), segment.customer_share),
            Cell(_people(segment.population_rows), segment.population_rows),
            Cell(_people(segment.customer_rows), segment.customer_rows),
        )
        for segment in found
    )
    numbers = ("Index", "From – to", "Share of population", "Share of customers")
    columns = (
        Column("Segment"),
        Column("Verdict"),
        *(Column(heading, number=True) for heading in (*numbers, "People", "Customers")),
    )
    return Table("index", "Index and shares of each segment", columns, rows)


def _by_index(segment: Segment) -> tuple[bool, bool, float, int]:
    index = segment.index if segment.index is not None else 0.0
    return segment.is_set_aside, segment.index is None, -index, segment.number


def _veiled(counts: dict[int, int], min_cell: int) -> set[int]:
    """Small counts, and the next smallest where a lone small one would follow from the total."""
    small = {number for number, rows in counts.items() if rows < min_cell}
    if len(small) == 1 and len(counts) > 1:
        small.add(min(counts.keys() - small, key=lambda number: (counts[number], number)))
    return small


def _people(number: int | None) -> str:
    return "not shown" if number is None else count(number)


def _interval(segment: Segment) -> str:
    if segment.interval is None:
        return NOTHING
    return f"{whole(segment.interval[0])} to {whole(segment.interval[1])}"


def _unless(hidden: bool, value: T) -> T | None:
    return None if hidden else value


def _finite(number: float | None) -> float | None:
    return float(number) if number is not None and math.isfinite(number) else None


# -- loadings and plain tables -------------------------------------------------------------------


def components(
    loadings: pl.DataFrame, profile: pl.DataFrame, *, shown: int, top: int
) -> dict[int, tuple[Loading, ...]]:
    """The first components, each by the features that pull it up and down the most."""
    decoded = _decoder(profile)
    known = loadings.filter(pl.col("loading").cast(pl.Float64).is_finite())
    found = {}
    for number in known["component"].unique().sort().to_list()[:shown]:
        rows = known.filter(pl.col("component") == number).select("feature", "loading").rows()
        rows.sort(key=lambda row: (-row[1], row[0]))
        ups, downs = [row for row in rows if row[1] > 0], [row for row in rows if row[1] < 0]
        ends = ups[:top] + downs[-top:]
        longest = max((abs(loading) for _, loading in ends), default=1.0)
        found[number] = tuple(
            Loading(
                feature,
                decoded.get(feature, (feature, None))[0],
                decoded.get(feature, (feature, None))[1],
                f"{loading:+.2f}".replace("-", "−"),
                round(100 * abs(loading) / longest, 1),
            )
            for feature, loading in ends
        )
    return found


def _decoder(profile: pl.DataFrame) -> dict[str, tuple[str, str | None]]:
    """Words and direction for features named as an attribute, or as attribute=level."""
    words: dict[str, tuple[str, str | None]] = {}
    columns = ("attribute", "level", "label", "meaning", "direction")
    for attribute, level, label, meaning, direction in profile.select(columns).iter_rows():
        if meaning:
            words[attribute] = (meaning, direction)
            words[f"{attribute}={level}"] = (f"{meaning}: {label or level}", None)
    return words


def tried(sweep: pl.DataFrame) -> pl.DataFrame:
    """The sweep by number of segments, with a column that marks the chosen one."""
    star = pl.when("chosen").then(pl.lit(" ★ chosen")).otherwise(pl.lit(""))
    return sweep.sort("n_clusters").with_columns(tried=pl.format("{}{}", "n_clusters", star))


def used(attributes: pl.DataFrame) -> pl.DataFrame:
    """Attributes by falling missing share, with a column that says kept, or dropped and why."""
    dropped = pl.format("✕ dropped: {}", pl.col("reason").fill_null("no reason given"))
    return attributes.sort(
        "missing_share", "attribute", descending=[True, False], nulls_last=True
    ).with_columns(used=pl.when("kept").then(pl.lit("kept")).otherwise(dropped))


def unseen(attributes: pl.DataFrame) -> pl.DataFrame:
    """Attributes with codes the dictionary does not list, most rows first."""
    rows = pl.col("unseen_rows", "customers_unseen_rows").fill_null(0)
    total = pl.sum_horizontal("unseen_rows", "customers_unseen_rows")
    return (
        attributes.with_columns(rows)
        .filter(total > 0)
        .sort(total, pl.col("attribute"), descending=[True, False])
    )


def table(
    name: str,
    caption: str,
    rows: pl.DataFrame,
    columns: Sequence[tuple[str, str, Callable[[float | None], str] | None]],
) -> Table:
    """A table from the heading, column and form of each; columns without a form hold words."""
    return Table(
        name,
        caption,
        tuple(Column(heading, number=form is not None) for heading, _, form in columns),
        tuple(
            tuple(
                Cell(_words(row[column]), row[column])
                if form is None
                else Cell(form(row[column]), _finite(row[column]))
                for _, column, form in columns
            )
            for row in rows.iter_rows(named=True)
        ),
    )


def _words(value: str | None) -> str:
    return NOTHING if value is None else str(value)
