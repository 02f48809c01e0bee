"""Section of the page on a refresh: the decision, and the drift since the base."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from segment_lib.disclosure import suppressed_segments
from segment_lib.report.formatting import sentence
from segment_lib.report.segments import ASIDE_APART, segment_name, suppressed_numbers
from segment_lib.report.tables import Table, table
from segment_lib.schema.language import N_, Language
from segment_lib.terms import SET_ASIDE

_SHOWN = 10
NOTICED = 0.01
"""A smaller change of a share is not spoken of."""
_DECISIONS = {
    "apply": N_("The segments are those of the last run ({base}), unchanged."),
    "refit": N_(
        "The segments were worked out again, beginning from those of the last run ({base})."
    ),
}


@dataclass(frozen=True)
class DriftSection:
    """Content of the section: what moved in three sentences, a table of segments, then the rest."""

    sentences: tuple[str, str, str]
    """On people, on customers, on the model."""
    segments: Table
    details: tuple[str, ...]
    attributes: Table


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
    summary : refresh/summary.json, its `reason`, `findings` and `changes` in the language
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
        (
            _people_sentence(shown, summary, language),
            _customers_sentence(shown, summary, language),
            language.gettext(_DECISIONS[summary["decision"]], base=summary["base"]),
        ),
        _segment_table(shown, language),
        tuple(_details(summary, attributes, min_cell, language)),
        _attribute_table(attributes, language),
    )


def _most_moved(segments: pl.DataFrame, figure: str) -> Mapping[str, Any] | None:
    """Segment whose figure moved most, the rows set aside left out; None where none is known."""
    moved = (pl.col(f"{figure}_new") - pl.col(f"{figure}_base")).abs()
    known = segments.filter((pl.col("segment") != SET_ASIDE) & moved.is_finite())
    rows = known.sort(moved, "segment", descending=[True, False]).rows(named=True)
    return rows[0] if rows else None


def _people_sentence(segments: pl.DataFrame, summary: Mapping[str, Any], language: Language) -> str:
    _, row = language.gettext, _most_moved(segments, "share")
    rows = {"now": summary["rows_new"], "before": summary["rows_base"]}
    if row is None:
        return _("The population has {now:count} rows, {before:count} last time.", **rows)
    if abs(row["share_new"] - row["share_base"]) < NOTICED:
        return _(
            "The population has {now:count} rows, {before:count} last time, and no segment has "
            "grown or shrunk by a percentage point.",
            **rows,
        )
    return _(
        "The population has {now:count} rows, {before:count} last time; segment {number} has moved "
        "most, from {share_base:percent} of people to {share_new:percent}.",
        **rows,
        number=row["segment"],
        share_base=row["share_base"],
        share_new=row["share_new"],
    )


def _customers_sentence(
    segments: pl.DataFrame, summary: Mapping[str, Any], language: Language
) -> str:
    _, row = language.gettext, _most_moved(segments, "index")
    new, gone = (
        language.listed([str(number) for number in summary[f"{state}_segments"]])
        for state in ("new", "vanished")
    )
    clauses = []
    if row is None:
        clauses.append(_("No segment has an index now and last time"))
    elif round(row["index_new"]) == round(row["index_base"]):
        clauses.append(_("No index of a segment has changed"))
    else:
        text = N_(
            "The index has moved most in segment {number}: from {before:short_number} to "
            "{now:short_number}"
        )
        figures = {"before": row["index_base"], "now": row["index_new"]}
        clauses.append(_(text, number=row["segment"], **figures))
    if new:
        n = len(summary["new_segments"])
        clauses.append(
            language.ngettext(
                "segment {numbers} is new", "segments {numbers} are new", n, numbers=new
            )
        )
    if gone:
        n = len(summary["vanished_segments"])
        clauses.append(
            language.ngettext(
                "segment {numbers} has vanished",
                "segments {numbers} have vanished",
                n,
                numbers=gone,
            )
        )
    return f"{'; '.join(clauses)}."


def _shown_share(share: str, rows: int, min_cell: int) -> pl.Expr:
    """Share of each segment, null where its count is suppressed."""
    people = (pl.col(share) * rows).round()
    return pl.when(~suppressed_segments(people.fill_null(rows), min_cell)).then(share)


def _set_aside(share: float, rows: int, min_cell: int, language: Language) -> str:
    if round(share * rows) < min_cell:
        return language.gettext("under {n:count}", n=min_cell)
    return language.percent(share)


def _details(
    summary: Mapping[str, Any], attributes: pl.DataFrame, min_cell: int, language: Language
) -> Iterator[str]:
    _ = language.gettext
    yield _("Why: {reason}.", reason=summary["reason"])
    yield from map(sentence, summary["findings"] or [_("nothing has drifted since last time")])
    yield _(
        "Stability index above 0.25: {large:count} of {all:count} attributes; from 0.1 to 0.25: "
        "{moderate:count}.",
        large=attributes.filter(pl.col("band") == "large").height,
        all=attributes.height,
        moderate=attributes.filter(pl.col("band") == "moderate").height,
    )
    yield _(
        "Set aside are {aside} of the rows (last time: {aside_before}).",
        aside=_set_aside(summary["set_aside_new"], summary["rows_new"], min_cell, language),
        aside_before=_set_aside(
            summary["set_aside_base"], summary["rows_base"], min_cell, language
        ),
    )
    yield from map(sentence, summary["changes"])
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
    ordered = segments.sort(pl.col("segment") == SET_ASIDE, maintain_order=True)
    names = [
        _(ASIDE_APART) if number == SET_ASIDE else segment_name(number, language)
        for number in ordered["segment"]
    ]
    states = {"kept": _("kept"), "new": _("new"), "vanished": _("vanished")}
    return table(
        "drift-segments",
        _("Segments before and now; shares by the model of the last run"),
        ordered.with_columns(
            pl.Series("name", names, pl.String),
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
