"""Conversion of cells to typed columns: numbers to floats, levels to canonical text."""

from collections.abc import Sequence

import polars as pl

from segment_lib.schema import Attribute, Schema, canonical
from segment_lib.sources.numbers import NATIVE_FORMAT, NumberFormat

_AT_ONCE = 800_000
"""Cells respelled at once, of eight columns at the least."""


def raw_dtypes(schema: Schema) -> dict[str, pl.DataType]:
    """The columns of a raw part, without `row`."""
    return {a.name: pl.Float64() if a.storage == "number" else pl.String() for a in schema}


def read_dtypes(schema: Schema) -> dict[str, pl.DataType]:
    """The types in which a text file is parsed: numbers with words for missing as text."""
    return raw_dtypes(schema) | {a.name: pl.String() for a in schema if a.missing_words}


def cast_columns(
    rows: pl.LazyFrame,
    schema: Schema,
    passthrough: Sequence[str],
    number_format: NumberFormat = NATIVE_FORMAT,
) -> pl.LazyFrame:
    """Cast the attributes to the feature summary's types, in its order, after passthrough columns.

    Empty cells of numbers are null, a word that means missing is NaN; levels are as they are
    spelled. A cell that is no number where one is expected is an error.
    """
    kinds = rows.collect_schema()
    attributes = [
        _number(a, kinds[a.name], number_format)
        if a.storage == "number"
        else _level(a, kinds[a.name])
        for a in schema
    ]
    return rows.select([*(pl.col(name).cast(pl.String) for name in passthrough), *attributes])


def has_infinity(rows: pl.DataFrame) -> bool:
    """True if any number is infinite."""
    infinite = rows.select(pl.selectors.float().is_infinite().any())
    return infinite.width > 0 and any(infinite.row(0))


def canonicalize_levels(rows: pl.DataFrame, schema: Schema) -> None:
    """Replace text levels by their canonical spelling, an empty one by null.

    Only distinct levels are looked at. The rows themselves change, a few columns at a time, so that
    no second copy of all is in memory.
    """
    texts = [attribute.name for attribute in schema if attribute.storage == "text"]
    levels = rows.select(pl.col(texts).drop_nulls().unique().implode()).to_dict(as_series=False)
    respelled = []
    for name, (own,) in levels.items():
        codes = {level: canonical(level) or None for level in own}
        if changed := {level: code for level, code in codes.items() if level != code}:
            respelled.append(pl.col(name).replace(changed))
    at_once = max(8, _AT_ONCE // max(1, rows.height))
    for first in range(0, len(respelled), at_once):
        for column in rows.select(respelled[first : first + at_once]):
            rows.replace_column(rows.get_column_index(column.name), column)


def _level(attribute: Attribute, kind: pl.DataType) -> pl.Expr:
    cell = pl.col(attribute.name)
    return (cell.fill_nan(None) if kind.is_float() else cell).cast(pl.String)


def _number(attribute: Attribute, kind: pl.DataType, number_format: NumberFormat) -> pl.Expr:
    cell = pl.col(attribute.name)
    if kind != pl.String:
        return cell.cast(pl.Float64).fill_nan(None)
    text = cell.str.strip_chars()
    word = text.is_in(attribute.missing_words)
    plain = text if number_format == NATIVE_FORMAT else number_format.number(text)
    number = pl.when(word | (text == "")).then(None).otherwise(plain).cast(pl.Float64)
    return pl.when(word).then(float("nan")).otherwise(number.fill_nan(None)).alias(attribute.name)
