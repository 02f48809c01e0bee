"""Shares of the levels of sensitive attributes in every segment, small counts suppressed."""

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
    """Counts and shares of each level among the people of a segment whose level is known.

    A count below `min_cell` is null, with its share (primary suppression). Null as well are the
    next smallest counts of that attribute in that segment, from which it could be worked out
    (complementary suppression), all counts of a segment whose size is suppressed, and the share at
    large of a level with a suppressed count, as it discloses the sum over segments.

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
    numbers = pl.concat([population["segment"], customers["segment"]]).unique().sort()
    table = pl.DataFrame({"segment": numbers}, schema={"segment": pl.Int32}).join(grid, how="cross")
    for counts, extract, at_large in (
        (population, "population", "population_at_large"),
        (customers, "customer", "customers_at_large"),
    ):
        rows, share = f"{extract}_rows", f"{extract}_share"
        within = pl.col(rows).sum().over("segment", "attribute")
        everyone = pl.col(rows).sum().over("attribute")
        too_few = segments.filter(suppressed_segments(pl.col(rows), min_cell))["segment"]
        is_suppressed = pl.col("segment").is_in(too_few.implode()) | suppressed(
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
                is_suppressed.alias("suppressed"),
            )
            .with_columns(
                pl.when(~pl.col("suppressed")).then(pl.col(rows, share)),
                pl.when(~pl.col("suppressed").any().over("attribute", "level")).then(
                    pl.col(at_large)
                ),
            )
            .drop("suppressed")
        )
    order = {attribute: i for i, attribute in enumerate(levels)}
    rank = pl.col("attribute").replace_strict(order, return_dtype=pl.Int64)
    return table.sort("segment", rank, "position").select(
        pl.col(name).cast(kind) for name, kind in FAIRNESS.items()
    )
