"""Parsing of a response column: the words for yes and no in one form."""

import polars as pl

from segment_lib.clean.spellings import TRUTH
from segment_lib.schema import canonical, is_null_word

NO_ANSWER = "?"
"""The answer of a cell that says neither yes nor no, and is not empty."""
_ANSWERS = {yes: "1" for yes, _ in TRUTH} | {no: "0" for _, no in TRUTH}


def parse_answers(cells: pl.Series) -> pl.Series:
    """Parse delivered cells to ``1``, ``0``, null where they are empty, or `NO_ANSWER`.

    Yes and no may be 1 and 0, 1.0 and 0.0, true and false, yes and no, or J and N; a word for
    nothing, such as NA, is an empty cell.
    """
    spellings = {cell: _answer(cell) for cell in cells.drop_nulls().unique()}
    return cells.replace_strict(spellings, return_dtype=pl.String)


def _answer(cell: str) -> str | None:
    code = canonical(cell)
    if not code or is_null_word(code):
        return None
    return _ANSWERS.get(code.lower(), NO_ANSWER)
