"""The tables of the page: what each cell says and sorts by, and the same as CSV to take away.

Counts of people below `min_cell`, and what would give them away, are left out here.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote

import polars as pl

from segment_lib.disclosure import suppressed_segments
from segment_lib.report.segments import Segment, steadiness
from segment_lib.report.words import NOTHING, count, decimals, finite, percent, whole
from segment_lib.storage.tables import csv_text
from segment_lib.terms import EXTRACTS, SET_ASIDE

Form = Callable[[float | None], str]


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

    @property
    def csv(self) -> str:
        """The table with numbers whole, cells not shown empty, no cell and no heading a formula."""
        headings = [column.heading for column in self.columns]
        taken: dict[str, list[float | str | None]] = {}
        for at, (heading, column) in enumerate(zip(headings, self.columns, strict=True)):
            name = heading if heading not in taken else f"{heading} ({at})"
            taken[name] = [row[at].key if column.number else row[at].text for row in self.rows]
        kinds = {
            name: pl.Float64 if column.number else pl.String
            for name, column in zip(taken, self.columns, strict=True)
        }
        table = pl.DataFrame(taken, schema=kinds)
        whole = [
            pl.col(name).cast(pl.Int64)
            for name, kind in kinds.items()
            if kind == pl.Float64 and (table[name].drop_nulls() % 1 == 0).all()
        ]
        return csv_text(table.with_columns(whole))

    @property
    def link(self) -> str:
        """The CSV as an address that needs no network. The mark tells spreadsheets it is UTF-8."""
        return f"data:text/csv;charset=utf-8,{quote(chr(0xFEFF) + self.csv)}"


def table(
    name: str,
    caption: str,
    rows: pl.DataFrame,
    columns: Sequence[tuple[str, str, Form | None]],
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
                else Cell(form(row[column]), finite(row[column]))
                for _, column, form in columns
            )
            for row in rows.iter_rows(named=True)
        ),
    )


def index_table(found: Iterable[Segment]) -> Table:
    """The segments and their indices, one row each."""
    rows = tuple(
        (
            Cell(segment.name, 1e9 if segment.is_set_aside else segment.number),
            Cell(_title(segment)),
            _verdict(segment),
            Cell(whole(segment.index), segment.index),
            *_ends(segment.limits),
            *_ends(segment.chance),
            Cell(percent(segment.population_share), segment.population_share),
            Cell(percent(segment.customer_share), segment.customer_share),
            Cell(_people(segment.population_rows), segment.population_rows),
            Cell(_people(segment.customer_rows), segment.customer_rows),
            Cell(decimals(segment.stability, 2), segment.stability),
        )
        for segment in found
    )
    numbers = (
        *("Index", "At least", "At most", "Chance from", "Chance to"),
        *("Share of people", "Share of customers", "People", "Customers", "Stability"),
    )
    columns = (
        *(Column("Segment"), Column("Name"), Column("Verdict")),
        *(Column(heading, number=True) for heading in numbers),
    )
    return Table("index", "Index, limits and shares of each segment", columns, rows)


def _verdict(segment: Segment) -> Cell:
    if segment.is_hidden:
        return Cell(NOTHING)
    return Cell(f"{segment.symbol} {segment.verdict}", segment.verdict, segment.verdict)


def gains_table(gains: pl.DataFrame) -> Table:
    """Customers reached at each depth, by segment and micro-segment side by side."""
    wide = gains.filter(pl.col("by") == "segment").join(
        gains.filter(pl.col("by") == "micro_segment"), on="depth", how="left", suffix="_micro"
    )
    columns: list[tuple[str, str, Form | None]] = [
        ("Mailed", "depth", percent),
        ("Pieces", "population_rows", count),
    ]
    for by, suffix in (("segments", ""), ("micro-segments", "_micro")):
        columns += [
            (f"Reached by {by}", f"customers_reached{suffix}", tenths),
            ("At least" + (" (micro)" if suffix else ""), f"low{suffix}", tenths),
            ("At most" + (" (micro)" if suffix else ""), f"high{suffix}", tenths),
            (f"Lift by {by}", f"lift{suffix}", _hundredths),
        ]
    return table("gains", "Held-out customers reached by depth of the mailing", wide, columns)


def response_table(response: pl.DataFrame, min_cell: int) -> Table:
    """Response by extract and segment; rates of few responses are held back with their counts."""
    shown = {
        of: ~suppressed_segments(pl.col(of), min_cell, "extract") for of in ("rows", "responses")
    }
    rows = response.sort("extract", "segment")
    told = rows.with_columns(
        *(pl.when(of_these).then(of).alias(of) for of, of_these in shown.items()),
        pl.when(pl.all_horizontal(*shown.values())).then(pl.col(_RATES)),
        name=pl.Series([segment_name(s) for s in rows["segment"]], dtype=pl.String),
    )
    return table(
        "response",
        "Response by segment",
        told,
        [
            ("Segment", "name", None),
            ("Extract", "extract", None),
            ("Response known of", "rows", _people),
            ("Responses", "responses", _people),
            ("Rate", "response_rate", tenths),
            ("At least", "low", tenths),
            ("At most", "high", tenths),
            ("Lift", "lift", _hundredths),
            ("Lift, at least", "lift_low", _hundredths),
            ("Lift, at most", "lift_high", _hundredths),
        ],
    )


_RATES = ("response_rate", "low", "high", "lift", "lift_low", "lift_high")


def fairness_tables(fairness: pl.DataFrame, titles: Mapping[int, str]) -> tuple[Table, ...]:
    """A table per sensitive attribute: a row per segment, two columns per level."""
    found: list[Table] = []
    for (attribute,), rows in fairness.group_by("attribute", maintain_order=True):
        levels = rows.select("level", "label").unique(maintain_order=True).rows()
        cells = {(row["segment"], row["level"]): row for row in rows.iter_rows(named=True)}
        columns = [Column("Segment"), Column("Name")]
        for level, label in levels:
            columns += [
                Column(f"{label if label is not None else level}: {of}", number=True)
                for of in EXTRACTS
            ]
        body = []
        for number in sorted(rows["segment"].unique(), key=lambda s: (s == SET_ASIDE, s)):
            line = [Cell(segment_name(number), number), Cell(titles.get(number) or NOTHING)]
            for level, _ in levels:
                row = cells[number, level]
                line += [Cell(percent(row[key]), row[key]) for key in _SHARES]
            body.append(tuple(line))
        whole = [Cell("Everybody", 1e9), Cell(NOTHING)]
        for level, _ in levels:
            row = cells[rows["segment"][0], level]
            whole += [Cell(percent(row[key]), row[key]) for key in _AT_LARGE]
        meaning = rows["meaning"][0] or attribute
        found.append(
            Table(
                f"fairness-{len(found) + 1}",
                f"{meaning} ({attribute})" if meaning != attribute else str(attribute),
                tuple(columns),
                (*body, tuple(whole)),
            )
        )
    return tuple(found)


_SHARES = ("population_share", "customer_share")
_AT_LARGE = ("population_at_large", "customers_at_large")


def stability_table(
    stability: pl.DataFrame, n_clusters: int, found: Iterable[Segment], min_cell: int
) -> Table:
    """How well each segment of one number of segments is found again on other samples."""
    rows = stability.filter(pl.col("n_clusters") == n_clusters).sort("segment")
    hidden = [segment.number for segment in found if segment.population_rows is None]
    few = suppressed_segments(pl.col("population_rows"), min_cell) | pl.col("segment").is_in(hidden)
    told = rows.with_columns(
        name=pl.Series([segment_name(s) for s in rows["segment"]], dtype=pl.String),
        population_rows=pl.when(~few).then("population_rows"),
        said=pl.Series([steadiness(value) for value in rows["stability"]], dtype=pl.String),
    )
    return table(
        "stability",
        f"How well each of the {n_clusters} segments is found again on other samples",
        told,
        [
            ("Segment", "name", None),
            ("People", "population_rows", _people),
            ("Mean overlap", "stability", _hundredths),
            ("Least overlap", "least", _hundredths),
            ("Dissolved in", "dissolved", percent),
            ("In words", "said", None),
        ],
    )


def tried(
    sweep: pl.DataFrame, people: int, found: Iterable[Segment], min_cell: int
) -> pl.DataFrame:
    """The sweep by number of segments, the chosen one marked; shares of few people are null."""
    hidden = any(segment.population_rows is None for segment in found)
    star = pl.when("chosen").then(pl.lit(" ★ chosen")).otherwise(pl.lit(""))
    shown = {
        name: ~(_few(pl.col(name) * people, min_cell) | (hidden & pl.col("chosen")))
        for name in ("smallest_share", "small_share")
    }
    yes = {
        name: pl.when(name).then(pl.lit("yes")).otherwise(pl.lit("no"))
        for name in ("stable", "large")
    }
    return sweep.sort("n_clusters").with_columns(
        tried=pl.format("{}{}", "n_clusters", star),
        **{name: pl.when(of_these).then(name) for name, of_these in shown.items()},
        **yes,
    )


def used(attributes: pl.DataFrame, min_cell: int) -> pl.DataFrame:
    """Attributes by falling missing share, with a column that says kept, or dropped and why."""
    dropped = pl.format("✕ dropped: {}", pl.col("reason").fill_null("no reason given"))
    told = attributes.sort(
        "missing_share", "attribute", descending=[True, False], nulls_last=True
    ).with_columns(used=pl.when("kept").then(pl.lit("kept")).otherwise(dropped))
    told = told.with_columns(
        pl.when(~_few(pl.col(count_of), min_cell)).then(share).alias(share)
        for share, count_of in (
            ("missing_share", "missing"),
            ("customers_missing_share", "customers_missing"),
        )
    )
    return told.with_columns(
        pl.when(~_few(pl.col(name), min_cell)).then(name).alias(name)
        for name in ("missing", "missing_before")
    )


def unseen(attributes: pl.DataFrame, min_cell: int) -> pl.DataFrame:
    """Attributes with codes the dictionary does not list, most rows first; few are null."""
    names = ("unseen_rows", "customers_unseen_rows")
    total = pl.sum_horizontal(names)
    return (
        attributes.with_columns(pl.col(names).fill_null(0))
        .filter(total > 0)
        .sort(total, pl.col("attribute"), descending=[True, False])
        .with_columns(
            pl.when(~_few(pl.col(name), min_cell)).then(name).alias(name) for name in names
        )
    )


def _few(count: pl.Expr, min_cell: int) -> pl.Expr:
    """True for counts below `min_cell` but none at all; counts made of shares are nearly whole."""
    return count.is_between(0.5, min_cell - 0.5)


def stages(told: pl.DataFrame, found: Iterable[Segment]) -> pl.DataFrame:
    """The stages of the run; where the rows set aside are hidden, so is how many the others are."""
    aside = any(segment.is_set_aside and segment.is_hidden for segment in found)
    return told.with_columns(
        pl.when((pl.col(name) == told["rows_in"].max()) | (not aside)).then(name).alias(name)
        for name in ("rows_in", "rows_out")
    )


def segment_name(number: int) -> str:
    """As cards and tables call it."""
    return "Set aside" if number == SET_ASIDE else f"Segment {number}"


# -- components ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Loading:
    """One feature of a component; width is its part of the longest bar, from 0 to 100."""

    feature: str
    toward: str
    text: str
    width: float


@dataclass(frozen=True)
class Component:
    """A component with its one-line reading and the features that pull it most."""

    number: int
    share: float
    reading: str
    loadings: tuple[Loading, ...]


def components(read: pl.DataFrame, loadings: pl.DataFrame, *, shown: int) -> tuple[Component, ...]:
    """The first components, each with its strongest loadings, the largest size first."""
    found = []
    columns = ("component", "explained_variance_ratio", "reading")
    for number, share, reading in read.sort("component").head(shown).select(columns).iter_rows():
        rows = (
            loadings.filter(pl.col("component") == number)
            .sort(pl.col("loading").abs(), "feature", descending=[True, False])
            .select("feature", "toward", "loading")
            .rows()
        )
        longest = max((abs(loading) for _, _, loading in rows), default=0.0) or 1.0
        ends = tuple(
            Loading(
                feature,
                toward or feature,
                f"{loading:+.2f}".replace("-", "−"),
                round(100 * abs(loading) / longest, 1),
            )
            for feature, toward, loading in rows
        )
        found.append(Component(number, share, reading or "no reading", ends))
    return tuple(found)


# -- cells ---------------------------------------------------------------------------------------


def _ends(limits: tuple[float, float] | None) -> tuple[Cell, Cell]:
    low, high = limits if limits else (None, None)
    return Cell(whole(low), low), Cell(whole(high), high)


def _title(segment: Segment) -> str:
    return f"{segment.title or NOTHING}{' (small)' if segment.is_small else ''}"


def _people(number: float | None) -> str:
    return "not shown" if number is None else count(number)


def tenths(share: float | None) -> str:
    """A share of 1 as a percentage with one decimal."""
    return NOTHING if share is None or math.isnan(share) else f"{100 * share:.1f}%"


def _hundredths(number: float | None) -> str:
    return decimals(number, 2)


def _words(value: str | None) -> str:
    return NOTHING if value is None else str(value)
