"""Tables of the page: text and sort key of each cell, and the same as CSV.

Counts of people below `min_cell`, and those that would disclose them, are suppressed here.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import quote

import polars as pl

from segment_lib.disclosure import suppressed, suppressed_segments
from segment_lib.report.formatting import finite
from segment_lib.report.quantities import at_depth
from segment_lib.report.segments import Segment, segment_name, stability_label
from segment_lib.schema.language import NOTHING, Language
from segment_lib.storage.tables import CsvForm, csv_text
from segment_lib.terms import SET_ASIDE

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
    meaning: str = ""
    """What its number is, where that stands elsewhere on the page too (see `quantities`)."""


@dataclass(frozen=True)
class Table:
    """A table as the page shows it. The first cell of each row is its heading."""

    name: str
    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]

    def csv(self, form: CsvForm) -> str:
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
        return csv_text(table.with_columns(integers), form)

    def link(self, form: CsvForm) -> str:
        """Data URL of the CSV."""
        return f"data:text/csv;charset=utf-8,{quote(self.csv(form))}"


def table(
    name: str,
    caption: str,
    rows: pl.DataFrame,
    columns: Sequence[tuple[str, str, Format | None]],
    meaning: Callable[[str, Mapping[str, Any]], str] = lambda column, row: "",
) -> Table:
    """Table from the heading, column and format of each; columns without a format hold text.

    `meaning` says what the number of a column is in a row, where it stands elsewhere too.
    """
    return Table(
        name,
        caption,
        tuple(Column(heading, number=form is not None) for heading, _, form in columns),
        tuple(
            tuple(
                Cell(_text(row[column]), row[column])
                if form is None
                else Cell(form(row[column]), finite(row[column]), "", meaning(column, row))
                for _, column, form in columns
            )
            for row in rows.iter_rows(named=True)
        ),
    )


def gains_table(gains: pl.DataFrame, ranking: str, language: Language) -> Table:
    """Table of the customers reached at each depth, by the rankings there are side by side.

    `ranking` is what orders the list: its numbers stand elsewhere on the page too.
    """
    _, tenths = language.gettext, language.percent_tenths
    headings = {
        "segment": (
            *(_("By segments"), _("At least (segments)")),
            *(_("At most (segments)"), _("Lift by segments")),
        ),
        "micro_segment": (
            *(_("By micro-segments"), _("At least (micro)")),
            *(_("At most (micro)"), _("Lift by micro-segments")),
        ),
        "logistic": (
            *(_("By customer-likeness"), _("At least (likeness)")),
            *(_("At most (likeness)"), _("Lift by customer-likeness")),
        ),
    }
    wide = gains.filter(pl.col("by") == "segment").select("depth", "population_rows")
    columns: list[tuple[str, str, Format | None]] = [
        (_("Mailed"), "depth", language.percent),
        (_("Pieces"), "population_rows", language.count),
    ]
    for by, (reached, low, high, lift) in headings.items():
        if by == "logistic" and not (gains["by"] == by).any():
            continue
        own = gains.filter(pl.col("by") == by).select(
            "depth", pl.col("customers_reached", "low", "high", "lift").name.suffix(f"_{by}")
        )
        wide = wide.join(own, on="depth", how="left")
        columns += [
            (reached, f"customers_reached_{by}", tenths),
            (low, f"low_{by}", tenths),
            (high, f"high_{by}", tenths),
            (lift, f"lift_{by}", partial(language.decimals, digits=2)),
        ]
    ranked = "logistic" if ranking == "logistic" else "micro_segment"
    names = {
        "population_rows": "pieces",
        f"customers_reached_{ranked}": "reached",
    }

    def meaning(column: str, row: Mapping[str, Any]) -> str:
        return at_depth(names[column], row["depth"]) if column in names else ""

    caption = _("Held-out customers among the best of the ranking, by depth")
    return table("gains", caption, wide, columns, meaning)


def calibration_table(calibration: pl.DataFrame, min_cell: int, language: Language) -> Table:
    """Table of the index by likeness against the measured one; few people are suppressed."""
    _, short_number = language.gettext, language.short_number
    shown = ~(
        suppressed(pl.col("rows"), min_cell, tie="tenth")
        | suppressed(pl.col("cases"), min_cell, tie="tenth")
    )
    visible = calibration.with_columns(pl.when(shown).then(pl.exclude("tenth")))
    columns: list[tuple[str, str, Format | None]] = [
        (_("Tenth"), "tenth", language.count),
        (_("Index by likeness"), "predicted", short_number),
        (_("Index measured"), "index", short_number),
        (_("At least"), "low", short_number),
        (_("At most"), "high", short_number),
        (_("People"), "rows", language.count),
    ]
    return table("calibration", _("Likeness against what is measured, by tenths"), visible, columns)


def response_table(response: pl.DataFrame, min_cell: int, language: Language) -> Table:
    """Table of the response by extract and segment; rates are suppressed with their counts."""
    _, tenths = language.gettext, language.percent_tenths
    ratio = partial(language.decimals, digits=2)
    known = partial(count_or_hidden, language=language)
    names = {"population": _("population"), "customers": _("customers")}
    shown = {
        column: ~suppressed_segments(pl.col(column), min_cell, "extract")
        for column in ("rows", "responses")
    }
    rows = response.sort("extract", "segment")
    visible = rows.with_columns(
        *(pl.when(is_shown).then(column).alias(column) for column, is_shown in shown.items()),
        pl.when(pl.all_horizontal(*shown.values())).then(pl.col(_RATES)),
        name=pl.Series([segment_name(s, language) for s in rows["segment"]], dtype=pl.String),
        extract=pl.col("extract").replace(names),
    )
    return table(
        "response",
        _("Response by segment"),
        visible,
        [
            (_("Segment"), "name", None),
            (_("Extract"), "extract", None),
            (_("Response known of"), "rows", known),
            (_("Responses"), "responses", known),
            (_("Rate"), "response_rate", tenths),
            (_("At least"), "low", tenths),
            (_("At most"), "high", tenths),
            (_("Lift"), "lift", ratio),
            (_("Lift, at least"), "lift_low", ratio),
            (_("Lift, at most"), "lift_high", ratio),
        ],
    )


_RATES = ("response_rate", "low", "high", "lift", "lift_low", "lift_high")


def fairness_tables(
    fairness: pl.DataFrame, titles: Mapping[int, str], language: Language
) -> tuple[Table, ...]:
    """Table of each sensitive attribute: a row per segment, two columns per level."""
    _, percent = language.gettext, language.percent
    tables: list[Table] = []
    for (attribute,), rows in fairness.group_by("attribute", maintain_order=True):
        levels = rows.select("level", "label").unique(maintain_order=True).rows()
        cells = {(row["segment"], row["level"]): row for row in rows.iter_rows(named=True)}
        columns = [Column(_("Segment")), Column(_("Name"))]
        for level, label in levels:
            who = label if label is not None else level
            columns += [
                Column(_("{who}: population", who=who), number=True),
                Column(_("{who}: customers", who=who), number=True),
            ]
        body = []
        for number in sorted(rows["segment"].unique(), key=lambda s: (s == SET_ASIDE, s)):
            line = [
                Cell(segment_name(number, language), number),
                Cell(titles.get(number) or NOTHING),
            ]
            for level, _label in levels:
                row = cells[number, level]
                line += [Cell(percent(row[key]), row[key]) for key in _SHARES]
            body.append(tuple(line))
        everybody = [Cell(_("Everybody"), 1e9), Cell(NOTHING)]
        for level, _label in levels:
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
    stability: pl.DataFrame,
    n_clusters: int,
    segments: Iterable[Segment],
    min_cell: int,
    language: Language,
) -> Table:
    """Table of the stability of each segment, for one number of segments."""
    _, overlap = language.gettext, partial(language.decimals, digits=2)
    rows = stability.filter(pl.col("n_clusters") == n_clusters).sort("segment")
    suppressed = [segment.number for segment in segments if segment.population_rows is None]
    small = suppressed_segments(pl.col("population_rows"), min_cell)
    visible = rows.with_columns(
        name=pl.Series([segment_name(s, language) for s in rows["segment"]], dtype=pl.String),
        population_rows=pl.when(~small & ~pl.col("segment").is_in(suppressed)).then(
            "population_rows"
        ),
        label=pl.Series(
            [_(stability_label(value)) for value in rows["stability"]], dtype=pl.String
        ),
    )
    return table(
        "stability",
        _("How well each of the {n:count} segments is found again", n=n_clusters),
        visible,
        [
            (_("Segment"), "name", None),
            (_("People"), "population_rows", partial(count_or_hidden, language=language)),
            (_("Mean overlap"), "stability", overlap),
            (_("Least overlap"), "least", overlap),
            (_("Dissolved in"), "dissolved", language.percent),
            (_("In words"), "label", None),
        ],
    )


def sweep_rows(
    sweep: pl.DataFrame,
    people: int,
    segments: Iterable[Segment],
    min_cell: int,
    language: Language,
) -> pl.DataFrame:
    """Rows of the sweep by number of segments, the chosen one marked, small counts suppressed."""
    _ = language.gettext
    suppress = any(segment.population_rows is None for segment in segments)
    star = pl.when("chosen").then(pl.lit(_(" ★ chosen"))).otherwise(pl.lit(""))
    disclosed = ~(suppress & pl.col("chosen"))
    smallest = unless_small("smallest_share", pl.col("smallest_share") * people, min_cell)
    again, others = (
        unless_small("found_again", share * people, min_cell)
        for share in (pl.col("found_again"), 1 - pl.col("found_again"))
    )
    shown = {
        "smallest_share": pl.when(disclosed).then(smallest),
        "found_again": pl.when(disclosed & others.is_not_null()).then(again),
    }
    yes = {
        name: pl.when(name).then(pl.lit(_("yes"))).otherwise(pl.lit(_("no")))
        for name in ("stable", "large")
    }
    return sweep.sort("n_clusters").with_columns(
        tried=pl.format("{}{}", "n_clusters", star),
        **shown,
        **yes,
    )


def unless_small(name: str, count: pl.Expr, min_cell: int) -> pl.Expr:
    """Column `name`, null where `count`, which may be made of a share, is 1 to below `min_cell`."""
    return pl.when(~count.is_between(0.5, min_cell - 0.5)).then(name).alias(name)


# -- cells ---------------------------------------------------------------------------------------


def count_or_hidden(number: float | None, language: Language) -> str:
    """Count, or words for one that is suppressed."""
    return language.gettext("not shown") if number is None else language.count(number)


def _text(value: str | None) -> str:
    return NOTHING if value is None else str(value)
