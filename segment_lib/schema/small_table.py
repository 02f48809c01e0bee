"""The reader of small tables that people write, such as the feature summary."""

import csv
import io
import re
from collections.abc import Sequence

from segment_lib.errors import DataError
from segment_lib.schema.text import Readable, read_text

_SEPARATORS = ";,\t|"


def read_table(
    path: Readable, columns: Sequence[str], key: str
) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """Read the header of a table, and the line number (from 1) and cells of each row.

    Parameters
    ----------
    columns : those that it must have
    key : the key of the config that names it

    Raises
    ------
    DataError
        If it is absent, no text, or lacks a column.
    """
    text = read_text(path, key=key)
    first, separators = 1, _SEPARATORS
    if declared := re.match(r'"?sep=(.)"?[^\S\r\n]*(?:\r\n?|\n)', text, re.IGNORECASE):
        first, separators, text = 2, declared.group(1), text[declared.end() :]
    headers = {separator: _header(text, separator) for separator in separators}
    separator, header = max(headers.items(), key=lambda item: len(set(item[1]) & set(columns)))
    if absent := [name for name in columns if name not in header]:
        raise DataError(
            f"{path}, line {first}: no column {', '.join(absent)}; expected the header "
            f"{';'.join(columns)}, with semicolons, commas or tabs. Add the columns, or set "
            f"{key} to the file that has them."
        )
    if repeated := [name for name in columns if header.count(name) > 1]:
        raise DataError(
            f"{path}, line {first}: column {', '.join(repeated)} named more than once. Keep one of "
            "each."
        )
    rows = _rows(text, separator, first, path)[1:]
    return header, [(line, _rejoined(row, len(header), separator)) for line, row in rows]


def _header(text: str, separator: str) -> list[str]:
    """The column names in the first row that is not empty."""
    try:
        rows = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
        return [_key(name) for name in next((row for row in rows if any(row)), [])]
    except csv.Error:
        return []


def _rows(text: str, separator: str, first: int, path: Readable) -> list[tuple[int, list[str]]]:
    """Line number and cells of each row that is not empty, of a text that begins in line `first`.

    Raises
    ------
    DataError
        If a quote is opened and not closed, so that rows would be lost in a cell.
    """
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    rows, line = [], first
    try:
        for row in reader:
            cells = [cell.strip() for cell in row]
            if any(cells):
                rows.append((line, cells))
            line = reader.line_num + first
    except csv.Error:
        raise DataError(
            f"{path}, line {line}: a quote is opened and not closed, or text follows it. "
            "Correct it."
        ) from None
    return rows


def _rejoined(row: list[str], n_columns: int, separator: str) -> list[str]:
    """Join the list of codes of a row, if it was split at its own separators."""
    opened = next((i for i, cell in enumerate(row) if cell.startswith(("[", "(", "{", "c("))), None)
    if opened is None or len(row) <= n_columns:
        return row
    closed = opened + len(row) - n_columns
    return [*row[:opened], separator.join(row[opened : closed + 1]), *row[closed + 1 :]]


def _key(name: str) -> str:
    """The name of a column in lower case, with underscores for blanks and hyphens."""
    return re.sub(r"[\s-]+", "_", name.strip().lower())
