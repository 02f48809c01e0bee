"""Expressions that turn missing-or-unknown codes to nulls; nothing here reads or writes."""

import polars as pl

from segment_lib.schema import Attribute
from segment_lib.schema.dates import decimal_year


def known(attribute: Attribute) -> pl.Expr:
    """The attribute of a raw part with its missing-or-unknown codes as null."""
    code = pl.col(attribute.name)
    if attribute.storage == "text":
        missing = code.is_in(attribute.missing)
    else:
        missing = code.is_nan() | code.is_in(attribute.missing_numbers)
    return pl.when(missing).then(None).otherwise(value_of(attribute)).alias(attribute.name)


def value_of(attribute: Attribute) -> pl.Expr:
    """The value that a code of a raw part stands for: of a date its year, with the fraction."""
    code = pl.col(attribute.name)
    return decimal_year(code) if attribute.type == "date" else code
