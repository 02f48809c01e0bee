"""CSV tables of a run, read as they were before they were written for spreadsheets."""

import polars as pl

from segment_lib.storage.files import formula_undone

_TEXT = frozenset(
    (
        *("attribute", "attributes", "by", "direction", "extract", "feature", "label", "level"),
        *("levels", "meaning", "name", "reading", "side", "state", "toward", "verdict", "words"),
        "traits",
    )
)
"""Columns of words and codes; all others are of numbers."""


def read_csv_table(content: bytes) -> pl.DataFrame:
    """Return a CSV table of a run.

    Codes stay text, and a column without any number is one of numbers. Apostrophes that keep
    spreadsheets from running a cell are taken off.
    """
    types = pl.read_csv(content, infer_schema_length=None).schema
    kinds = {
        name: pl.String if name in _TEXT else pl.Float64
        for name, kind in types.items()
        if name in _TEXT or kind == pl.String
    }
    return formula_undone(pl.read_csv(content, schema_overrides=kinds, infer_schema_length=None))
