"""Section of the page on a refresh: the decision, and the drift since the base."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from segment_lib.disclosure import suppressed_segments
from segment_lib.report.formatting import NOTHING, count, decimals, percent, short_number
from segment_lib.report.segments import segment_name, suppressed_numbers
from segment_lib.report.tables import Cell, Column, Table, table

_SHOWN = 10
_DECISIONS = {
    "apply": "The model of the base run was applied unchanged",
    "refit": "The model was refitted, starting from the centres of the base run",
}


@dataclass(frozen=True)
class DriftSection:
    """Content of the section: sentences, then tables."""

    sentences: tuple[str, ...]
    tables: tuple[Table, ...]


def drift_section(
    summary: Mapping[str, Any],
    attributes: pl.DataFrame,
    segments: pl.DataFrame,
    compared: Mapping[str, pl.DataFrame],
    *,
    min_cell: int,
) -> DriftSection:
    """Make the section from the files of `refresh/`.

    Parameters
    ----------
    summary : refresh/summary.json
    attributes : refresh/drift.parquet
    segments : refresh/segments.csv
    compared : compare/segments.csv of the `base` and of this run, `new`
    """
    few = {
        run: suppressed_numbers(own, "population_rows", min_cell)
        | suppressed_numbers(own, "customer_rows", min_cell)
        for run, own in compared.items()
    }
    shown = segments.with_columns(
        expression.alias(f"{name}_{run}")
        for run in ("base", "new")
        for name, expression in (
            ("share", _shown_share(f"share_{run}", summary[f"rows_{run}"], min_cell)),
            ("index", pl.when(~pl.col("segment").is_in(list(few[run]))).then(f"index_{run}")),
        )
    )
    return DriftSection(
        tuple(_sentences(summary, attributes, min_cell)),
        (_attribute_table(attributes), _segment_table(shown)),
    )


def _shown_share(share: str, rows: int, min_cell: int) -> pl.Expr:
    """Share of each segment, null where its count is suppressed."""
    people = (pl.col(share) * rows).round()
    return pl.when(~suppressed_segments(people.fill_null(rows), min_cell)).then(share)


def _set_aside(share: float, rows: int, min_cell: int) -> str:
    return f"under {min_cell}" if round(share * rows) < min_cell else percent(share)


def _sentences(
    summary: Mapping[str, Any], attributes: pl.DataFrame, min_cell: int
) -> Iterator[str]:
    yield f"{_DECISIONS[summary['decision']]} ({summary['base']}): {summary['reason']}."
    if summary["findings"]:
        yield f"Since then {'; '.join(summary['findings'])}."
    else:
        yield "Nothing has drifted since then."
    for state, verb in (("new", "is new"), ("vanished", "has vanished")):
        for number in summary[f"{state}_segments"]:
            yield f"Segment {number} {verb}."
    large = attributes.filter(pl.col("band") == "large").height
    moderate = attributes.filter(pl.col("band") == "moderate").height
    yield (
        f"Stability index above 0.25: {large} of {attributes.height} attributes; from 0.1 to 0.25: "
        f"{moderate}."
    )
    set_aside = {
        run: _set_aside(summary[f"set_aside_{run}"], summary[f"rows_{run}"], min_cell)
        for run in ("base", "new")
    }
    yield (
        f"The population has {summary['rows_new']:,} rows (before: {summary['rows_base']:,}), of "
        f"which {set_aside['new']} are set aside (before: {set_aside['base']})."
    )
    yield from (f"{change['told']}." for change in summary["changes"])
    work = summary["work"]
    yield f"{work['made']:,} parts were gone over; a full run goes over {work['parts']:,}."


def _attribute_table(attributes: pl.DataFrame) -> Table:
    shown = attributes.head(_SHOWN)
    return table(
        "drift",
        f"The {shown.height} attributes of the population that moved most",
        shown.with_columns(pl.col("unseen_levels", "vanished_levels").list.len()),
        [
            ("Attribute", "attribute", None),
            ("PSI", "psi", decimals),
            ("Band", "band", None),
            ("Missing before", "missing_share_base", percent),
            ("Missing now", "missing_share_new", percent),
            ("Unseen levels", "unseen_levels", count),
            ("Vanished levels", "vanished_levels", count),
        ],
    )


def _segment_table(segments: pl.DataFrame) -> Table:
    numbers = ("Share before", "Share now", "Index before", "Index now")
    columns = (Column("Segment"), Column("State"), *(Column(name, number=True) for name in numbers))
    rows = [
        (
            Cell(segment_name(row["segment"]), row["segment"]),
            Cell(row["state"], row["state"]),
            *(_number(row[name], percent) for name in ("share_base", "share_new")),
            *(_number(row[name], short_number) for name in ("index_base", "index_new")),
        )
        for row in segments.iter_rows(named=True)
    ]
    caption = "Segments before and now; shares by the model of the base"
    return Table("drift-segments", caption, columns, tuple(rows))


def _number(value: float | None, form: Any) -> Cell:
    return Cell(NOTHING) if value is None else Cell(form(value), value)
