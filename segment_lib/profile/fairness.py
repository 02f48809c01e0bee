"""Shares of sensitive attributes in every segment, for people to look at: small counts left out."""

from collections.abc import Mapping, Sequence

import polars as pl

from segment_lib.profile.small import veiled
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
    levels: Mapping[str, Sequence[str]],
    meanings: Mapping[str, Meaning],
    *,
    min_cell: int,
) -> pl.DataFrame:
    """Of the people of each segment whose level is known, how many have which.

    A count below `min_cell` is null, with its share, and so is the next smallest of that attribute
    in that segment where a lone small one would follow from the others.

    Parameters
    ----------
    population, customers : segment, attribute, level and rows: the sums of `count_levels`
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
    segments = pl.concat([population["segment"], customers["segment"]]).unique().sort()
    table = pl.DataFrame({"segment": segments}, schema={"segment": pl.Int32}).join(
        grid, how="cross"
    )
    for counts, who, at_large in (
        (population, "population", "population_at_large"),
        (customers, "customer", "customers_at_large"),
    ):
        rows, share = f"{who}_rows", f"{who}_share"
        within = pl.col(rows).sum().over("segment", "attribute")
        table = (
            table.join(counts.select(*_KEYS, pl.col("rows").alias(rows)), on=_KEYS, how="left")
            .with_columns(pl.col(rows).fill_null(0))
            .with_columns(
                pl.when(within > 0).then(pl.col(rows) / within).alias(share),
                (
                    pl.col(rows).sum().over("attribute", "level")
                    / pl.col(rows).sum().over("attribute")
                ).alias(at_large),
            )
            .with_columns(veiled(pl.col(rows), min_cell, "segment", "attribute").alias("veiled"))
            .with_columns(
                pl.when(~pl.col("veiled")).then(pl.col(name)).alias(name) for name in (rows, share)
            )
            .drop("veiled")
        )
    order = {attribute: i for i, attribute in enumerate(levels)}
    rank = pl.col("attribute").replace_strict(order, return_dtype=pl.Int64)
    return table.sort("segment", rank, "position").select(
        pl.col(name).cast(kind) for name, kind in FAIRNESS.items()
    )
