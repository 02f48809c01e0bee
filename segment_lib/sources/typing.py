"""How cells become typed columns: numbers as floats, levels as text in one spelling."""

from collections.abc import Sequence

import polars as pl

from segment_lib.schema import Attribute, Schema, canonical


def dtype(attribute: Attribute) -> pl.DataType:
    """Codes of a scale fit 32 bits; counts and amounts get 64."""
    if attribute.storage == "text":
        return pl.String()
    return pl.Float32() if attribute.type == "ordinal" else pl.Float64()


def raw_dtypes(schema: Schema) -> dict[str, pl.DataType]:
    """The columns of a raw part, without `row`."""
    return {attribute.name: dtype(attribute) for attribute in schema}


def typed(rows: pl.LazyFrame, schema: Schema, carried: Sequence[str]) -> pl.LazyFrame:
    """The attributes in the feature summary's order and types, after what is carried along as text.

    Empty cells and NaN are null. A cell that is no number where one is expected is an error.
    """
    columns = [
        pl.col(name).cast(kind).fill_nan(None)
        if kind.is_float()
        else pl.col(name).cast(pl.String).replace("", None)
        for name, kind in raw_dtypes(schema).items()
    ]
    return rows.select([*(pl.col(name).cast(pl.String) for name in carried), *columns])


def in_one_spelling(rows: pl.DataFrame, columns: Sequence[str]) -> pl.DataFrame:
    """Text levels in canonical spelling. Only the distinct levels are looked at one by one."""
    spellings = {}
    for name in columns:
        levels = rows[name].drop_nulls().unique().to_list()
        changed = {level: canonical(level) or None for level in levels}
        changed = {level: code for level, code in changed.items() if level != code}
        if changed:
            spellings[name] = changed
    return rows.with_columns(pl.col(name).replace(changed) for name, changed in spellings.items())
