"""Missing-or-unknown codes to nulls. Expressions only: nothing here reads or writes."""

import polars as pl

from segment_lib.schema import Attribute


def known(attribute: Attribute) -> pl.Expr:
    """The attribute of a raw part with its missing-or-unknown codes as null."""
    code = pl.col(attribute.name)
    if not attribute.missing:
        return code
    if attribute.storage == "text":
        missing = pl.lit(pl.Series(attribute.missing, dtype=pl.String)).implode()
    else:
        # is_in on Float32 against integers is an error: compare as Float64.
        code = code.cast(pl.Float64)
        codes = [float(value) for value in attribute.missing]
        missing = pl.lit(pl.Series(codes, dtype=pl.Float64)).implode()
    return (
        pl.when(code.is_in(missing))
        .then(None)
        .otherwise(pl.col(attribute.name))
        .alias(attribute.name)
    )
