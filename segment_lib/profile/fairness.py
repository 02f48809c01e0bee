"""Shares of sensitive attributes in every segment, for people to look at: small counts left out."""

from collections.abc import Mapping, Sequence

import polars as pl

from segment_lib.disclosure import suppressed, suppressed_segments
from segment_lib.schema import Meaning

FAIRNESS = {
    "segment": pl.Int32,
    "attribute": pl.String,
    "level": pl.String,
    "label": pl.String,
    "meaning": pl.String,
    "population_rows": pl.Int64,
    "population_share": pl.Float64,
    "customer_rows": pl.Int64,
    "customer_share": pl.Float64,
    "population_at_large": pl.Float64,
    "customers_at_large": pl.Float64,
}

_KEYS = ["segment", "attribute", "level"]


def fairness_table(
    population: pl.DataFrame,
    customers: pl.DataFrame,
    segments: pl.DataFrame,
    levels: Mapping[str, Sequence[str]],
    meanings: Mapping[str, Meaning],
    *,
    min_cell: int,
) -> pl.DataFrame:
    """Of the people of each segment whose level is known, how many have which.

    A count below `min_cell` is null, with its share, and so are the next smallest of that attribute
    in that segment that would give it away, all of a segment whose size is hidden, and the share at
    large of a level of which any count is, as it tells the sum over segments.

    Parameters
    ----------
    population, customers : segment, attribute, level and rows: the sums of `count_levels`
    segments : the table of segments against customers
    levels : the levels of each sensitive attribute, in their order

    Returns
    -------
    fairness : columns of FAIRNESS; shares are within segment and attribute, `…_at_large` within the
        whole extract
    """
    named = [
        (attribute, level, position, meanings.get(attribute, Meaning()))
        for attribute, all_levels in levels.items()
        for position, level in enumerate(all_levels)
    ]
    grid = pl.DataFrame(
        [(a, v, i, m.label(v), m.meaning) for a, v, i, m in named],
        schema={
            "attribute": pl.String,
            "level": pl.String,
            "position": pl.Int64,
            "label": pl.String,
            "meaning": pl.String,
        },
        orient="row",
    )
    counted = pl.concat([population["segment"], customers["segment"]]).unique().sort()
    table = pl.DataFrame({"segment": counted}, schema={"segment": pl.Int32}).join(grid, how="cross")
    for counts, who, at_large in (
        (population, "population", "population_at_large"),
        (customers, "customer", "customers_at_large"),
    ):
        rows, share = f"{who}_rows", f"{who}_share"
        within = pl.col(rows).sum().over("segment", "attribute")
        everyone = pl.col(rows).sum().over("attribute")
        few = segments.filter(suppressed_segments(pl.col(rows), min_cell))["segment"]
        hidden = pl.col("segment").is_in(few.implode()) | suppressed(
            pl.col(rows), min_cell, "segment", "attribute", tie="position"
        )
        table = (
            table.join(counts.select(*_KEYS, pl.col("rows").alias(rows)), on=_KEYS, how="left")
            .with_columns(pl.col(rows).fill_null(0))
            .with_columns(
                pl.when(within > 0).then(pl.col(rows) / within).alias(share),
                pl.when(everyone > 0)
                .then(pl.col(rows).sum().over("attribute", "level") / everyone)
                .alias(at_large),
                hidden.alias("hidden"),
            )
            .with_columns(
                pl.when(~pl.col("hidden")).then(pl.col(rows, share)),
                pl.when(~pl.col("hidden").any().over("attribute", "level")).then(pl.col(at_large)),
            )
            .drop("hidden")
        )
    order = {attribute: i for i, attribute in enumerate(levels)}
    rank = pl.col("attribute").replace_strict(order, return_dtype=pl.Int64)
    return table.sort("segment", rank, "position").select(
        pl.col(name).cast(kind) for name, kind in FAIRNESS.items()
    )
