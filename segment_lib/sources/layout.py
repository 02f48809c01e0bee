"""The layout of files that no feature summary describes: separator, encoding, header, columns."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

from segment_lib.errors import DataError
from segment_lib.sources import delimited, parquet
from segment_lib.sources.content import detect_kind
from segment_lib.sources.packed import as_written, expand, is_packed, read_unpacked
from segment_lib.sources.partitions import path_columns
from segment_lib.sources.sniff import SEPARATORS, infer_encoding, split_rows
from segment_lib.sources.text_format import TextFormat
from segment_lib.storage.location import Location

_ROWS = 200
"""Rows below the first line that are looked at."""
_BOM = b"\xef\xbb\xbf"
_VALUE = re.compile(r"[+-]?[\d.,:/' -]*\d|\d{4}-\d\d-\d\d.*|\S+@\S+\.\w+")
"""What a cell of a row may be and a name of a column hardly is: a number, a date, an address."""
_YEAR = re.compile(r"(19|20)\d\d")


@dataclass(frozen=True)
class Layout:
    """How a file is laid out, as its first rows show it."""

    columns: tuple[str, ...]
    """Names from the header; ``column_1`` and so on where there is none."""
    form: TextFormat
    """As stated, and whether there is a header."""
    words: str
    """For people: what was found."""


def infer_layout(path: Location, form: TextFormat) -> Layout:
    """Infer the layout of a delivered file from its head.

    Raises
    ------
    DataError
        If it is empty, has one column, or cannot be read.
    """
    in_path = tuple(path_columns(path))
    if detect_kind(path).parquet:
        return _of_parquet(path, in_path, form)
    head = read_unpacked(path, delimited.read_head, form.sheet)
    form = as_written(path, form)
    if is_packed(path) and head.startswith(b"PAR1"):
        with TemporaryDirectory() as folder:
            return _of_parquet(expand(path, Path(folder), Path(folder)), in_path, form)
    encoding = form.encoding or infer_encoding(head, path)
    text = head.removeprefix(_BOM).decode(encoding, errors="replace")
    lines = text.splitlines(keepends=True)
    while len(lines) > 1 and (lines[0].strip()[:4].strip('"').lower() == "sep=" or
                              lines[0].startswith("#") or not lines[0].strip()):  # fmt: skip
        lines = lines[1:]
    text = "".join(lines[:-1] if len(lines) > 1 and not text.endswith("\n") else lines)
    separator = form.separator or _separator(text, form)
    split = split_rows(text, replace(form, separator=separator))
    rows = [row for row in islice(split, _ROWS) if row]
    if not rows or len(rows[0]) < 2:
        raise DataError(f"{path}: no table of columns in its first lines. Is this the right file?")
    header = has_header(rows)
    names = rows[0] if header else [f"column_{i}" for i in range(1, len(rows[0]) + 1)]
    words = f"{SEPARATORS.get(separator, separator)}-separated, {encoding}"
    if detect_kind(path).packing == "xlsx":
        words = f"sheet {form.sheet} of a workbook" if form.sheet else "a workbook"
    words += "" if header else ", no header"
    columns = (*filter(str.strip, names), *(name for name in in_path if name not in names))
    return Layout(tuple(columns), replace(form, header=header), words)


def _of_parquet(path: Location, in_path: Sequence[str], form: TextFormat) -> Layout:
    columns = dict.fromkeys((*parquet.columns(path), *in_path))
    return Layout(tuple(columns), form, "Parquet")


def _separator(text: str, form: TextFormat) -> str:
    """The separator by which most of the first rows have the same number of cells, and many."""

    def fit(sign: str) -> tuple[float, int]:
        widths = [
            len(row)
            for row in islice(split_rows(text, replace(form, separator=sign)), _ROWS)
            if row
        ]
        width, rows = Counter(widths).most_common(1)[0] if widths else (0, 0)
        # Row names, or a separator at the end of rows, are one cell more than the header has.
        if width < 2 or abs(widths[0] - width) > 1:
            return 0.0, 0
        return round(rows / len(widths), 1), width

    return max((sign for sign in SEPARATORS if sign in text), key=fit, default=";")


def has_header(rows: Sequence[Sequence[str]]) -> bool:
    """True unless the first row looks like those below it.

    A column speaks for a header if it holds values, such as numbers, below a first cell that is
    none; against it if the first cell is a value too, or comes again below.
    """
    first, below = rows[0], [row for row in rows[1:] if len(row) == len(rows[0])]
    if len(set(first)) < len(first) or not below:
        return len(set(filter(None, first))) == len([cell for cell in first if cell])
    votes = 0
    for i, name in enumerate(first):
        cells = [row[i].strip() for row in below if row[i].strip()]
        values = sum(_VALUE.fullmatch(cell) is not None for cell in cells)
        if not cells:
            continue
        if values > 0.8 * len(cells):
            is_year = _YEAR.fullmatch(name.strip()) and not any(map(_YEAR.fullmatch, cells))
            votes += 0 if is_year else -1 if _VALUE.fullmatch(name.strip()) else 1
        elif name.strip() in cells:
            votes -= 1
    return votes >= 0
