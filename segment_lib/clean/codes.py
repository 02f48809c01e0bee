"""Expressions that turn missing-or-unknown codes to nulls; nothing here reads or writes."""

from functools import lru_cache

import polars as pl

from segment_lib.schema import Attribute
from segment_lib.schema.dates import decimal_year

_REGION = 2
"""First letters of a postcode that name its region: of 95 in Germany, of about 100 elsewhere."""


@lru_cache(maxsize=4096)  # Of a part of few rows, building these took longer than what they do.
def known(attribute: Attribute) -> pl.Expr:
    """The attribute of a raw part with its missing-or-unknown codes as null."""
    code = pl.col(attribute.name)
    if attribute.storage == "text":
        missing = code.is_in(attribute.missing)
    else:
        missing = code.is_nan() | code.is_in(attribute.missing_numbers)
    return pl.when(missing).then(None).otherwise(value_of(attribute)).alias(attribute.name)


def value_of(attribute: Attribute) -> pl.Expr:
    """The value that a code of a raw part stands for.

    Of a date the year with its fraction, of a postcode its region, of a recoded number the other.
    """
    code = pl.col(attribute.name)
    if attribute.is_date:
        return decimal_year(code, month_first=attribute.type == "us date")
    if attribute.type == "postcode":
        return code.str.slice(0, _REGION)
    if attribute.recoded:
        old, new = zip(*attribute.recoded, strict=True)
        return code.replace(list(old), list(new))
    return code
