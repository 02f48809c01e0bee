"""Attributes of a delivery beside those of the base, from the tallies of both."""

from collections.abc import Collection, Mapping

import polars as pl

from segment_lib.clean import Delivered
from segment_lib.clean.tally import Values
from segment_lib.drift import Counts, attribute_drift
from segment_lib.schema import Schema


def attribute_table(
    schema: Schema,
    base: Mapping[str, Delivered],
    new: Mapping[str, Delivered],
    absent: Collection[str],
) -> pl.DataFrame:
    """Return the drift of every attribute that the base and this delivery have, the most first.

    Parameters
    ----------
    schema : the attributes of the base
    base, new : what each extract held and holds
    absent : attributes that are delivered no more
    """
    names = [name for name in schema.names if name not in absent]
    tables = {
        extract: pl.DataFrame(
            [attribute_drift(name, *_counts(name, base[extract], new[extract])) for name in names],
            infer_schema_length=None,
            schema_overrides={
                "unseen_levels": pl.List(pl.String),
                "vanished_levels": pl.List(pl.String),
            },
        )
        for extract in base
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


def _counts(name: str, base: Delivered, new: Delivered) -> tuple[Counts, Counts]:
    before, after = base.values[name], new.values[name]
    # Numbers counted in bins are compared in the coarser of the two.
    coarser = Values({}, coarseness=max(before.coarseness, after.coarseness))
    return (
        Counts(base.rows, (before + coarser).rows, base.missing[name]),
        Counts(new.rows, (after + coarser).rows, new.missing[name]),
    )
