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
    cells: set[str] = set()
    for column in sample:
        distinct = column.drop_nulls().str.strip_chars().unique()
        numbers = distinct.filter(distinct.str.contains(_NUMBER)).to_list()
        if len(numbers) >= _MIN_SHARE * len(distinct) - 3:
            cells.update(cell for cell in numbers if not _DATE.fullmatch(cell))
    return infer_number_format(cells) or NATIVE_FORMAT
