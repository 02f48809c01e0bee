"""Drift of each attribute between the base and a delivery, from their tallies."""

from collections.abc import Collection, Mapping

import polars as pl

from segment_lib.clean import ExtractCounts, Tally, count_extract
from segment_lib.clean.tally import Values
from segment_lib.drift import ATTRIBUTES, AttributeCounts, attribute_drift
from segment_lib.schema import Schema


def attribute_table(
    base: Mapping[str, Tally],
    new: Mapping[str, Tally],
    base_schema: Schema,
    schema: Schema,
    absent: Collection[str],
) -> pl.DataFrame:
    """Return the drift of every shared attribute, the most drifted first.

    Parameters
    ----------
    base, new : by extract, what it held and holds
    absent : attributes that are delivered no more
    """
    names = [name for name in base_schema.names if name not in absent]
    before = {extract: count_extract(tally, base_schema) for extract, tally in base.items()}
    after = {extract: count_extract(tally, schema) for extract, tally in new.items()}
    tables = {
        extract: pl.DataFrame(
            [
                attribute_drift(name, *_counts(name, before[extract], after[extract]))
                for name in names
            ],
            schema=ATTRIBUTES,
        )
        for extract in before
    }
    customers = tables["customers"].select(
        "attribute",
        *(pl.col(name).name.prefix("customers_") for name in ("psi", "band", "drifted")),
    )
    return (
        tables["population"]
        .join(customers, on="attribute", maintain_order="left")
        .sort("psi", descending=True, maintain_order=True)
    )


def _counts(
    name: str, base: ExtractCounts, new: ExtractCounts
) -> tuple[AttributeCounts, AttributeCounts]:
    before, after = base.values[name], new.values[name]
    # Numbers counted in bins are compared in the coarser of the two.
    coarser = Values({}, coarseness=max(before.coarseness, after.coarseness))
    return (
        AttributeCounts(base.rows, (before + coarser).rows, base.missing[name]),
        AttributeCounts(new.rows, (after + coarser).rows, new.missing[name]),
    )
