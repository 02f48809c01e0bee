"""The format of numbers of a table whose columns of numbers are not known."""

import re

import polars as pl

from segment_lib.sources.numbers import NATIVE_FORMAT, NumberFormat, infer_number_format

_NUMBER = r"^[+-]?[0-9][0-9.,'\u00a0 ]*$"
_DATE = re.compile(r"\d{1,2}\.\d{1,2}\.(\d{4}|\d{2})")
_MIN_SHARE = 0.9


def number_format_of(sample: pl.DataFrame) -> NumberFormat:
    """The format of the numbers of a table of text; that of Polars where nothing speaks against it.

    Columns count whose cells are numbers but for a few words.
    """
    distinct = pl.all().drop_nulls().str.strip_chars().unique()
    counts = sample.select(distinct.len()).row(0)
    numbers = sample.select(distinct.filter(distinct.str.contains(_NUMBER)).implode()).row(0)
    cells: set[str] = set()
    for n, own in zip(counts, numbers, strict=True):
        if len(own) >= _MIN_SHARE * n - 3:
            cells.update(cell for cell in own if not _DATE.fullmatch(cell))
    return infer_number_format(cells) or NATIVE_FORMAT
