"""Section of the page on a refresh: the decision, and the drift since the base."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from segment_lib.disclosure import suppressed_segments
from segment_lib.report.segments import segment_name, suppressed_numbers
from segment_lib.report.tables import Table, table
from segment_lib.schema.language import N_, Language

_SHOWN = 10
_DECISIONS = {
    "apply": N_("The model of the base run ({base}) was applied unchanged: {reason}."),
    "refit": N_("The model was refitted from the centres of the base run ({base}): {reason}."),
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
    language: Language,
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
        tuple(_sentences(summary, attributes, min_cell, language)),
        (_attribute_table(attributes, language), _segment_table(shown, language)),
    )


def _shown_share(share: str, rows: int, min_cell: int) -> pl.Expr:
    """Share of each segment, null where its count is suppressed."""
    people = (pl.col(share) * rows).round()
    return pl.when(~suppressed_segments(people.fill_null(rows), min_cell)).then(share)


def _set_aside(share: float, rows: int, min_cell: int, language: Language) -> str:
    if round(share * rows) < min_cell:
        return language.gettext("under {n:count}", n=min_cell)
    return language.percent(share)


def _sentences(
    summary: Mapping[str, Any], attributes: pl.DataFrame, min_cell: int, language: Language
) -> Iterator[str]:
    _ = language.gettext
    yield _(_DECISIONS[summary["decision"]], base=summary["base"], reason=summary["reason"])
    if summary["findings"]:
        yield _("Since then: {findings}.", findings="; ".join(summary["findings"]))
    else:
        yield _("Nothing has drifted since then.")
    for number in summary["new_segments"]:
        yield _("Segment {number} is new.", number=number)
    for number in summary["vanished_segments"]:
        yield _("Segment {number} has vanished.", number=number)
    yield _(
        "Stability index above 0.25: {large:count} of {all:count} attributes; from 0.1 to 0.25: "
        "{moderate:count}.",
        large=attributes.filter(pl.col("band") == "large").height,
        all=attributes.height,
        moderate=attributes.filter(pl.col("band") == "moderate").height,
    )
    yield _(
        "The population has {now:count} rows (before: {before:count}), of which {aside} are set "
        "aside (before: {aside_before}).",
        now=summary["rows_new"],
        before=summary["rows_base"],
        aside=_set_aside(summary["set_aside_new"], summary["rows_new"], min_cell, language),
        aside_before=_set_aside(
            summary["set_aside_base"], summary["rows_base"], min_cell, language
        ),
    )
    yield from (f"{change['told']}." for change in summary["changes"])
    work = summary["work"]
    yield _(
        "{made:count} parts were gone over; a full run goes over {parts:count}.",
        made=work["made"],
        parts=work["parts"],
    )


def _attribute_table(attributes: pl.DataFrame, language: Language) -> Table:
    _, percent = language.gettext, language.percent
    shown = attributes.head(_SHOWN)
    bands = {"stable": _("stable"), "moderate": _("moderate"), "large": _("large")}
    return table(
        "drift",
        _("The {n:count} attributes of the population that moved most", n=shown.height),
        shown.with_columns(
            pl.col("unseen_levels", "vanished_levels").list.len(), pl.col("band").replace(bands)
        ),
        [
            (_("Attribute"), "attribute", None),
            (_("PSI"), "psi", language.figure),
            (_("Band"), "band", None),
            (_("Missing before"), "missing_share_base", percent),
            (_("Missing now"), "missing_share_new", percent),
            (_("Unseen levels"), "unseen_levels", language.count),
            (_("Vanished levels"), "vanished_levels", language.count),
        ],
    )


def _segment_table(segments: pl.DataFrame, language: Language) -> Table:
    _ = language.gettext
    states = {"kept": _("kept"), "new": _("new"), "vanished": _("vanished")}
    return table(
        "drift-segments",
        _("Segments before and now; shares by the model of the base"),
        segments.with_columns(
            pl.Series(
                "name",
                [segment_name(number, language) for number in segments["segment"]],
                pl.String,
            ),
            pl.col("state").replace(states),
        ),
        [
            (_("Segment"), "name", None),
            (_("State"), "state", None),
            (_("Share before"), "share_base", language.percent),
            (_("Share now"), "share_new", language.percent),
            (_("Index before"), "index_base", language.short_number),
            (_("Index now"), "index_new", language.short_number),
        ],
    )
