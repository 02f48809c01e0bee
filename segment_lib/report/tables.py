"""Tables of the page: text and sort key of each cell, and the same as CSV.

Counts of people below `min_cell`, and those that would disclose them, are suppressed here.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote

import polars as pl

from segment_lib.disclosure import suppressed, suppressed_segments
from segment_lib.report.formatting import NOTHING, count, decimals, finite, percent, short_number
from segment_lib.report.segments import Segment, segment_name, stability_label
from segment_lib.storage.tables import csv_text
from segment_lib.terms import EXTRACTS, SET_ASIDE

Format = Callable[[float | None], str]


@dataclass(frozen=True)
class Column:
    """Heading of a column, and whether it holds numbers, which are set flush right."""

    heading: str
    number: bool = False


@dataclass(frozen=True)
class Cell:
    """Text of a cell and the key that its column is sorted by; a key of None goes last."""

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
        """CSV of the unrounded numbers, suppressed cells empty, safe from formulas."""
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
        integers = [
            pl.col(name).cast(pl.Int64)
            for name, kind in kinds.items()
            if kind == pl.Float64 and (table[name].drop_nulls() % 1 == 0).all()
        ]
        return csv_text(table.with_columns(integers))

    @property
    def link(self) -> str:
        """Data URL of the CSV, with the byte order mark that tells spreadsheets it is UTF-8."""
        return f"data:text/csv;charset=utf-8,{quote(chr(0xFEFF) + self.csv)}"


def table(
    name: str,
    caption: str,
    rows: pl.DataFrame,
    columns: Sequence[tuple[str, str, Format | None]],
) -> Table:
    """Table from the heading, column and format of each; columns without a format hold text."""
    return Table(
        name,
        caption,
        tuple(Column(heading, number=form is not None) for heading, _, form in columns),
        tuple(
            tuple(
                Cell(_text(row[column]), row[column])
                if form is None
                else Cell(form(row[column]), finite(row[column]))
                for _, column, form in columns
            )
            for row in rows.iter_rows(named=True)
        ),
    )


def index_table(segments: Iterable[Segment]) -> Table:
    """Table of index, limits and shares, a row per segment."""
    rows = tuple(
        (
            Cell(segment.name, 1e9 if segment.is_set_aside else segment.number),
            Cell(_title(segment)),
            _verdict(segment),
            Cell(short_number(segment.index), segment.index),
            *_limit_cells(segment.limits),
            *_limit_cells(segment.sampling_limits),
            Cell(percent(segment.population_share), segment.population_share),
            Cell(percent(segment.customer_share), segment.customer_share),
            Cell(_count_or_hidden(segment.population_rows), segment.population_rows),
            Cell(_count_or_hidden(segment.customer_rows), segment.customer_rows),
            Cell(decimals(segment.stability, 2), segment.stability),
        )
        for segment in segments
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
    if segment.is_suppressed:
        return Cell(NOTHING)
    return Cell(f"{segment.verdict_symbol} {segment.verdict}", segment.verdict, segment.verdict)


def gains_table(gains: pl.DataFrame) -> Table:
    """Table of the customers reached at each depth, by the rankings there are side by side."""
    rankings = [("segment", "segments", ""), ("micro_segment", "micro-segments", " (micro)")]
    if (gains["by"] == "logistic").any():
        rankings.append(("logistic", "customer-likeness", " (likeness)"))
    wide = gains.filter(pl.col("by") == "segment").select("depth", "population_rows")
    columns: list[tuple[str, str, Format | None]] = [
        ("Mailed", "depth", percent),
        ("Pieces", "population_rows", count),
    ]
    for by, words, short in rankings:
        own = gains.filter(pl.col("by") == by).select(
            "depth", pl.col("customers_reached", "low", "high", "lift").name.suffix(f"_{by}")
        )
        wide = wide.join(own, on="depth", how="left")
        columns += [
            (f"Reached by {words}", f"customers_reached_{by}", percent_tenths),
            (f"At least{short}", f"low_{by}", percent_tenths),
            (f"At most{short}", f"high_{by}", percent_tenths),
            (f"Lift by {words}", f"lift_{by}", _two_decimals),
        ]
    return table("gains", "Held-out customers reached by depth of the mailing", wide, columns)


def calibration_table(calibration: pl.DataFrame, min_cell: int) -> Table:
    """Table of the index by likeness against the measured one; few people are suppressed."""
    shown = ~(
        suppressed(pl.col("rows"), min_cell, tie="tenth")
        | suppressed(pl.col("cases"), min_cell, tie="tenth")
    )
    visible = calibration.with_columns(pl.when(shown).then(pl.exclude("tenth")))
    columns: list[tuple[str, str, Format | None]] = [
        ("Tenth", "tenth", count),
        ("Index by likeness", "predicted", short_number),
        ("Index measured", "index", short_number),
        ("At least", "low", short_number),
        ("At most", "high", short_number),
        ("People", "rows", count),
    ]
    return table("calibration", "Likeness against what is measured, by tenths", visible, columns)


def response_table(response: pl.DataFrame, min_cell: int) -> Table:
    """Table of the response by extract and segment; rates are suppressed with their counts."""
    shown = {
        column: ~suppressed_segments(pl.col(column), min_cell, "extract")
        for column in ("rows", "responses")
    }
    rows = response.sort("extract", "segment")
    visible = rows.with_columns(
        *(pl.when(is_shown).then(column).alias(column) for column, is_shown in shown.items()),
        pl.when(pl.all_horizontal(*shown.values())).then(pl.col(_RATES)),
        name=pl.Series([segment_name(s) for s in rows["segment"]], dtype=pl.String),
    )
    return table(
        "response",
        "Response by segment",
        visible,
        [
            ("Segment", "name", None),
            ("Extract", "extract", None),
            ("Response known of", "rows", _count_or_hidden),
            ("Responses", "responses", _count_or_hidden),
            ("Rate", "response_rate", percent_tenths),
            ("At least", "low", percent_tenths),
            ("At most", "high", percent_tenths),
            ("Lift", "lift", _two_decimals),
            ("Lift, at least", "lift_low", _two_decimals),
            ("Lift, at most", "lift_high", _two_decimals),
        ],
    )


_RATES = ("response_rate", "low", "high", "lift", "lift_low", "lift_high")


def fairness_tables(fairness: pl.DataFrame, titles: Mapping[int, str]) -> tuple[Table, ...]:
    """Table of each sensitive attribute: a row per segment, two columns per level."""
    tables: list[Table] = []
    for (attribute,), rows in fairness.group_by("attribute", maintain_order=True):
        levels = rows.select("level", "label").unique(maintain_order=True).rows()
        cells = {(row["segment"], row["level"]): row for row in rows.iter_rows(named=True)}
        columns = [Column("Segment"), Column("Name")]
        for level, label in levels:
            columns += [
                Column(f"{label if label is not None else level}: {extract}", number=True)
                for extract in EXTRACTS
            ]
        body = []
        for number in sorted(rows["segment"].unique(), key=lambda s: (s == SET_ASIDE, s)):
            line = [Cell(segment_name(number), number), Cell(titles.get(number) or NOTHING)]
            for level, _ in levels:
                row = cells[number, level]
                line += [Cell(percent(row[key]), row[key]) for key in _SHARES]
            body.append(tuple(line))
        everybody = [Cell("Everybody", 1e9), Cell(NOTHING)]
        for level, _ in levels:
            row = cells[rows["segment"][0], level]
            everybody += [Cell(percent(row[key]), row[key]) for key in _AT_LARGE]
        meaning = rows["meaning"][0] or attribute
        tables.append(
            Table(
                f"fairness-{len(tables) + 1}",
                f"{meaning} ({attribute})" if meaning != attribute else str(attribute),
                tuple(columns),
                (*body, tuple(everybody)),
            )
        )
    return tuple(tables)


_SHARES = ("population_share", "customer_share")
_AT_LARGE = ("population_at_large", "customers_at_large")


def stability_table(
    stability: pl.DataFrame, n_clusters: int, segments: Iterable[Segment], min_cell: int
) -> Table:
    """Table of the stability of each segment, for one number of segments."""
    rows = stability.filter(pl.col("n_clusters") == n_clusters).sort("segment")
    suppressed = [segment.number for segment in segments if segment.population_rows is None]
    small = suppressed_segments(pl.col("population_rows"), min_cell)
    visible = rows.with_columns(
        name=pl.Series([segment_name(s) for s in rows["segment"]], dtype=pl.String),
        population_rows=pl.when(~small & ~pl.col("segment").is_in(suppressed)).then(
            "population_rows"
        ),
        label=pl.Series([stability_label(value) for value in rows["stability"]], dtype=pl.String),
    )
    return table(
        "stability",
        f"How well each of the {n_clusters} segments is found again on other samples",
        visible,
        [
            ("Segment", "name", None),
            ("People", "population_rows", _count_or_hidden),
            ("Mean overlap", "stability", _two_decimals),
            ("Least overlap", "least", _two_decimals),
            ("Dissolved in", "dissolved", percent),
            ("In words", "label", None),
        ],
    )


def sweep_rows(
    sweep: pl.DataFrame, people: int, segments: Iterable[Segment], min_cell: int
) -> pl.DataFrame:
    """Rows of the sweep by number of segments, the chosen one marked, small counts suppressed."""
    suppress = any(segment.population_rows is None for segment in segments)
    star = pl.when("chosen").then(pl.lit(" ★ chosen")).otherwise(pl.lit(""))
    disclosed = ~(suppress & pl.col("chosen"))
    smallest = _unless_small("smallest_share", pl.col("smallest_share") * people, min_cell)
    again, others = (
        _unless_small("found_again", share * people, min_cell)
        for share in (pl.col("found_again"), 1 - pl.col("found_again"))
    )
    shown = {
        "smallest_share": pl.when(disclosed).then(smallest),
        "found_again": pl.when(disclosed & others.is_not_null()).then(again),
    }
    yes = {
        name: pl.when(name).then(pl.lit("yes")).otherwise(pl.lit("no"))
        for name in ("stable", "large")
    }
    return sweep.sort("n_clusters").with_columns(
        tried=pl.format("{}{}", "n_clusters", star),
        **shown,
        **yes,
    )


def attribute_rows(attributes: pl.DataFrame, min_cell: int) -> pl.DataFrame:
    """Rows of the attributes by falling missing share; `used` is kept, or dropped and why."""
    dropped = pl.format("✕ dropped: {}", pl.col("reason").fill_null("no reason given"))
    rows = attributes.sort(
        "missing_share", "attribute", descending=[True, False], nulls_last=True
    ).with_columns(used=pl.when("kept").then(pl.lit("kept")).otherwise(dropped))
    return rows.with_columns(
        _unless_small("missing_share", pl.col("missing"), min_cell),
        _unless_small("customers_missing_share", pl.col("customers_missing"), min_cell),
        _unless_small("missing", pl.col("missing"), min_cell),
        _unless_small("missing_before", pl.col("missing_before"), min_cell),
    )


def unseen_code_rows(attributes: pl.DataFrame, min_cell: int) -> pl.DataFrame:
    """Rows of the attributes with unseen codes, most rows first, small counts suppressed."""
    names = ("unseen_rows", "customers_unseen_rows")
    total = pl.sum_horizontal(names)
    return (
        attributes.with_columns(pl.col(names).fill_null(0))
        .filter(total > 0)
        .sort(total, pl.col("attribute"), descending=[True, False])
        .with_columns(_unless_small(name, pl.col(name), min_cell) for name in names)
    )


def _unless_small(name: str, count: pl.Expr, min_cell: int) -> pl.Expr:
    """Column `name`, null where `count`, which may be made of a share, is 1 to below `min_cell`."""
    return pl.when(~count.is_between(0.5, min_cell - 0.5)).then(name).alias(name)


def stage_rows(stages: pl.DataFrame, segments: Iterable[Segment]) -> pl.DataFrame:
    """Rows of the stages; with the rows set aside suppressed, so are the counts of the others."""
    aside = any(segment.is_set_aside and segment.is_suppressed for segment in segments)
    return stages.with_columns(
        pl.when((pl.col(name) == stages["rows_in"].max()) | (not aside)).then(name).alias(name)
        for name in ("rows_in", "rows_out")
    )


# -- components ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Loading:
    """Loading of one feature; width is that of its bar as a percentage of the longest."""

    feature: str
    toward: str
    text: str
    width: float


@dataclass(frozen=True)
class Component:
    """Component with its one-line reading and its strongest loadings."""

    number: int
    share: float
    reading: str
    loadings: tuple[Loading, ...]


def components(read: pl.DataFrame, loadings: pl.DataFrame, *, shown: int) -> tuple[Component, ...]:
    """First components, each with its strongest loadings, the largest absolute one first."""
    read_components = []
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
        read_components.append(Component(number, share, reading or "no reading", ends))
    return tuple(read_components)


# -- cells ---------------------------------------------------------------------------------------


def _limit_cells(limits: tuple[float, float] | None) -> tuple[Cell, Cell]:
    low, high = limits if limits else (None, None)
    return Cell(short_number(low), low), Cell(short_number(high), high)


def _title(segment: Segment) -> str:
    return f"{segment.title or NOTHING}{' (small)' if segment.is_small else ''}"


def _count_or_hidden(number: float | None) -> str:
    return "not shown" if number is None else count(number)


def percent_tenths(share: float | None) -> str:
    """Percentage with one decimal, of a share of 1."""
    return NOTHING if share is None or math.isnan(share) else f"{100 * share:.1f}%"


def _two_decimals(number: float | None) -> str:
    return decimals(number, 2)


def _text(value: str | None) -> str:
    return NOTHING if value is None else str(value)
