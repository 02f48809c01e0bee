"""Summary table of the segments for a spreadsheet, one row per segment."""

import polars as pl

from segment_lib.disclosure import suppress_segments
from segment_lib.schema.language import ENGLISH, Language
from segment_lib.terms import SET_ASIDE

_TRAITS = 5


def describe_segments(
    segments: pl.DataFrame,
    names: pl.DataFrame,
    traits: pl.DataFrame,
    language: Language = ENGLISH,
    *,
    min_cell: int,
) -> pl.DataFrame:
    """Summary of each segment (size, index, verdict, stability, name, traits), highest index first.

    Suppressed counts are null, and so are the figures made of them; these segments come last.

    Parameters
    ----------
    segments : the table of segments against customers
    names : segment and name
    traits : the table of `segment_traits`; those of fewer than `min_cell` people are left out
    """
    trait_text = pl.format(
        language.gettext("{} ({}% against {}%)"),
        "words",
        (100 * pl.col("segment_share")).round(0).cast(pl.Int64),
        (100 * pl.col("population_share")).round(0).cast(pl.Int64),
    )
    strongest = (
        traits.filter((pl.col("population_rows") >= min_cell) & (pl.col("segment") != SET_ASIDE))
        .group_by("segment", maintain_order=True)
        .agg(trait_text.head(_TRAITS).str.join("; ").alias("traits"))
    )
    columns = (
        *("segment", "name", "population_rows", "population_share", "customer_rows"),
        *("customer_share", "index", "low", "high", "verdict", "small", "stability", "traits"),
    )
    return (
        suppress_segments(segments, min_cell)
        .join(names.select("segment", "name"), on="segment", how="left")
        .join(strongest, on="segment", how="left")
        .with_columns(pl.when(pl.col("population_rows").is_not_null()).then("traits"))
        .sort("index", "segment", descending=[True, False], nulls_last=True)
        .select(columns)
        .with_columns(
            pl.col("population_share", "customer_share").round(4),
            pl.col("index", "low", "high").round(1),
            pl.col("stability").round(2),
        )
    )
