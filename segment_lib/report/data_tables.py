"""Rows of the tables on the delivery and on the run: attributes, codes, files, stages."""

from collections.abc import Iterable

import polars as pl

from segment_lib.report.segments import Segment
from segment_lib.report.tables import unless_small
from segment_lib.schema.language import N_, Language

TOO_SPARSE = "missing in "
"""Beginning of the reason that an attribute is dropped for, with shares that stand beside it."""
REASONS = (
    N_("the same value in every row"),
    N_("another value in nearly every row, as an id has"),
    N_("not delivered"),
    N_("new since the base"),
)
SETTINGS = (N_("yes"), N_("no"), N_("not set"))
DESCRIPTIONS = (
    *(N_("person"), N_("household"), N_("building"), N_("microcell_rr4"), N_("microcell_rr3")),
    *(N_("postcode"), N_("region_rr1"), N_("macrocell_plz8"), N_("community")),
    *(N_("categorical"), N_("ordinal"), N_("numeric"), N_("interval"), N_("mixed")),
    *(N_("amount"), N_("date"), N_("us date")),
)
"""Information levels of the feature summary that is delivered with AZDIAS, and all types."""


def reason_in(language: Language) -> pl.Expr:
    """Expression for the reason that an attribute is dropped for, in a language."""
    _ = language.gettext
    return (
        pl.when(pl.col("reason").str.starts_with(TOO_SPARSE))
        .then(pl.lit(_("missing too often")))
        .otherwise(pl.col("reason").replace({text: _(text) for text in REASONS}))
        .alias("reason")
    )


def attribute_rows(attributes: pl.DataFrame, min_cell: int, language: Language) -> pl.DataFrame:
    """Rows of the attributes by falling missing share; `used` is kept, or dropped and why."""
    _ = language.gettext
    dropped = pl.format("✕ {}", pl.col("reason").fill_null(_("dropped")))
    rows = (
        attributes.with_columns(reason_in(language))
        .sort("missing_share", "attribute", descending=[True, False], nulls_last=True)
        .with_columns(used=pl.when("kept").then(pl.lit(_("kept"))).otherwise(dropped))
    )
    return rows.with_columns(
        pl.col("information_level", "type").replace({text: _(text) for text in DESCRIPTIONS}),
        unless_small("missing_share", pl.col("missing"), min_cell),
        unless_small("customers_missing_share", pl.col("customers_missing"), min_cell),
        unless_small("missing", pl.col("missing"), min_cell),
        unless_small("missing_before", pl.col("missing_before"), min_cell),
    )


def unseen_code_rows(attributes: pl.DataFrame, min_cell: int) -> pl.DataFrame:
    """Rows of the attributes with unseen codes, most rows first, small counts suppressed."""
    names = ("unseen_rows", "customers_unseen_rows")
    total = pl.sum_horizontal(names)
    return (
        attributes.with_columns(pl.col(names).fill_null(0))
        .filter(total > 0)
        .sort(total, pl.col("attribute"), descending=[True, False])
        .with_columns(unless_small(name, pl.col(name), min_cell) for name in names)
    )


def stage_rows(stages: pl.DataFrame, segments: Iterable[Segment]) -> pl.DataFrame:
    """Rows of the stages; with the rows set aside suppressed, so are the counts of the others."""
    aside = any(segment.is_set_aside and segment.is_suppressed for segment in segments)
    return stages.with_columns(
        pl.when((pl.col(name) == stages["rows_in"].max()) | (not aside)).then(name).alias(name)
        for name in ("rows_in", "rows_out")
    )


def setting_in(language: Language, value: str) -> str:
    """A value of the settings, its words in a language."""
    return language.gettext(value) if value in SETTINGS else value


def input_rows(inputs: pl.DataFrame, language: Language) -> pl.DataFrame:
    """Rows of the delivered files, what each is in words."""
    _ = language.gettext
    names = {
        "Population": _("Population"),
        "Customers": _("Customers"),
        "Feature summary": _("Feature summary"),
        "Data dictionary": _("Data dictionary"),
    }
    return inputs.with_columns(pl.col("input").replace(names))
