"""Delimited text: header, row ends, and one piece read against the feature summary."""

import csv
import io
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import polars as pl

from segment_lib.errors import DataError
from segment_lib.schema import Schema
from segment_lib.sources.typing import in_one_spelling, raw_dtypes, typed

ENCODINGS = ("utf-8", "latin-1", "cp1252")
_BOM = b"\xef\xbb\xbf"
_HEAD = 1 << 20
_WINDOW = 1 << 18
_SEPARATORS = {";": "semicolon", ",": "comma", "\t": "tab", "|": "bar"}


@dataclass(frozen=True)
class DelimitedPiece:
    """Whole rows of a text file: the bytes from `start` up to `stop`."""

    path: Path
    start: int
    stop: int
    columns: tuple[str, ...]
    separator: str
    encoding: str

    @property
    def size(self) -> int:
        return self.stop - self.start

    def read(self, schema: Schema, carried: Sequence[str] = ()) -> pl.DataFrame:
        """Parse the piece.

        Raises
        ------
        DataError
            If a row is ragged or a cell cannot be read; it names file, line and column.
        """
        text = self._text()
        if _count_separators(text, self.separator) != _count_rows(text) * (len(self.columns) - 1):
            raise self._ragged(text)
        try:
            rows = typed(self._scan(text, schema), schema, carried).collect()
        except pl.exceptions.PolarsError:
            # Polars quotes cells in its messages: look for the fault ourselves, say only where.
            raise self._fault(text, schema) from None
        numbers = [name for name, kind in raw_dtypes(schema).items() if kind.is_float()]
        if any(rows.select(pl.col(numbers).is_infinite().any()).row(0)):
            raise self._fault(text, schema)
        levels = [name for name in schema.names if name not in set(numbers)]
        return in_one_spelling(rows, levels)

    def _text(self) -> bytes:
        with self.path.open("rb") as file:
            file.seek(self.start)
            text = file.read(self.stop - self.start)
        if self.encoding != "utf-8":
            try:
                text = text.decode(self.encoding).encode()
            except UnicodeDecodeError as error:
                raise self._undecodable(text, error.start) from None
        if self.stop == self.path.stat().st_size:
            text = text.rstrip(b"\r\n") + b"\n"
        return text

    def _scan(self, text: bytes, schema: Schema | None) -> pl.LazyFrame:
        kinds = raw_dtypes(schema) if schema else {}
        return pl.scan_csv(
            text,
            has_header=False,
            separator=self.separator,
            schema={name: kinds.get(name, pl.String()) for name in self.columns},
        )

    def _fault(self, text: bytes, schema: Schema) -> DataError:
        """Where the piece cannot be read: the slow way, taken once something is wrong."""
        try:
            text.decode()
        except UnicodeDecodeError as error:
            return self._undecodable(text, error.start)
        for line, row in _rows(text, self.separator):
            if len(row) != len(self.columns):
                return self._ragged(text)
            cells = dict(zip(self.columns, row, strict=True))
            for name, kind in raw_dtypes(schema).items():
                if kind.is_float() and cells[name].strip() and not _finite(cells[name]):
                    return DataError(
                        f"{self.path}, line {self._line(line)}, column {name}: not a number, "
                        f"though the feature summary calls it {schema[name].type}. Mend the cell, "
                        "list it as a missing code, or call the attribute categorical."
                    )
        return DataError(
            f"{self.path}, from line {self._line(1)}: these rows cannot be read. "
            "Look for unbalanced quotes."
        )

    def _ragged(self, text: bytes) -> DataError:
        for line, row in _rows(text, self.separator):
            if len(row) != len(self.columns):
                last = line == text.count(b"\n") and self.stop == self.path.stat().st_size
                return DataError(
                    f"{self.path}, line {self._line(line)}: {len(row)} cells, "
                    f"expected {len(self.columns)}. "
                    + (
                        "The last line is cut off: fetch the file again."
                        if last
                        else "A separator is missing or too many: mend the row."
                    )
                )
        return DataError(
            f"{self.path}, from line {self._line(1)}: a quote is opened and not closed. Mend it."
        )

    def _undecodable(self, text: bytes, position: int) -> DataError:
        line = self._line(text[:position].count(b"\n") + 1)
        others = " or ".join(f'"{name}"' for name in ENCODINGS if name != self.encoding)
        return DataError(
            f"{self.path}, line {line}: not {self.encoding}. Set inputs.encoding to {others}, "
            "or save the file as UTF-8."
        )

    def _line(self, line: int) -> int:
        """The line number in the file of the piece's line (both from 1)."""
        before = 0
        with self.path.open("rb") as file:
            left = self.start
            while left and (chunk := file.read(min(left, _HEAD))):
                before += chunk.count(b"\n")
                left -= len(chunk)
        return before + line


def cut(
    path: Path, schema: Schema, separator: str, encoding: str, rows_per_part: int
) -> tuple[DelimitedPiece, ...]:
    """Cut a text file into pieces of about `rows_per_part` rows, at row ends.

    Only the head and a window at each cut are read. Where the cuts fall depends on the file and
    `rows_per_part` alone.
    """
    size = path.stat().st_size
    columns, start, row_bytes = _open(path, schema, separator, encoding)
    n_pieces = max(1, round((size - start) / (row_bytes * rows_per_part)))
    stride = (size - start) / n_pieces
    marks = [round(start + i * stride) for i in range(1, n_pieces)]
    with path.open("rb") as file:
        ends = [_row_start(file, mark, len(columns), separator) or size for mark in marks]
    edges = sorted({start, size, *ends})
    return tuple(
        DelimitedPiece(path, first, last, columns, separator, encoding)
        for first, last in pairwise(edges)
    )


def _open(
    path: Path, schema: Schema, separator: str, encoding: str
) -> tuple[tuple[str, ...], int, float]:
    """Columns, offset of the first row, and mean bytes of a row in the head of the file."""
    with path.open("rb") as file:
        head = file.read(_HEAD)
    if not head.strip():
        raise DataError(f"{path}: the file is empty. Fetch it again.")
    if head[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\0" in head[:4096]:
        raise DataError(f"{path}: looks like UTF-16 or binary. Save it as UTF-8 text.")
    if b"\n" not in head and b"\r" in head:
        raise DataError(f"{path}: lines end in CR alone. Save it with LF or CRLF line ends.")
    offset = len(_BOM) if head.startswith(_BOM) else 0
    line, newline, body = head[offset:].partition(b"\n")
    try:
        header = line.decode("utf-8" if encoding == "utf-8" else encoding)
    except UnicodeDecodeError:
        raise DataError(
            f"{path}, line 1: not {encoding}. Set inputs.encoding to latin-1 or cp1252."
        ) from None
    columns = tuple(_cells(header.rstrip("\r"), separator))
    check_columns(path, columns, schema, header=header, separator=separator)
    if not body.strip():
        raise DataError(f"{path}: no rows below the header. Fetch the file again.")
    lines = body.count(b"\n")
    row_bytes = (body.rfind(b"\n") + 1) / lines if lines else len(body)
    return columns, offset + len(line) + len(newline), row_bytes


def check_columns(
    path: Path,
    columns: tuple[str, ...],
    schema: Schema,
    header: str | None = None,
    separator: str = ";",
) -> None:
    """Raise a DataError unless every attribute is there, once, and every column has a name."""
    absent = [name for name in schema.names if name not in columns]
    if header is not None and absent:
        for other, name in _SEPARATORS.items():
            found = set(_cells(header.rstrip("\r"), other))
            if other != separator and len(found & set(schema.names)) > len(schema) - len(absent):
                raise DataError(
                    f"{path}, line 1: the cells are separated by a {name}, not by "
                    f"a {_SEPARATORS.get(separator, separator)}. Set inputs.separator."
                )
    twice = sorted(name for name, n in Counter(columns).items() if n > 1 and name)
    if twice:
        raise DataError(
            f"{path}, line 1: {', '.join(twice)} named more than once. Keep one column of each."
        )
    if nameless := [str(i) for i, name in enumerate(columns, start=1) if not name.strip()]:
        raise DataError(f"{path}, line 1: column {', '.join(nameless)} has no name. Name it.")
    if absent:
        some = ", ".join(absent[:5]) + (" …" if len(absent) > 5 else "")
        raise DataError(
            f"{path}, line 1: lacks {len(absent)} of {len(schema)} attributes of the feature "
            f"summary: {some}. Is this the right file, and the separator {separator!r}?"
        )


def _row_start(file: io.BufferedReader, mark: int, n_columns: int, separator: str) -> int | None:
    """The first row start at or after `mark`, or None if there is none.

    A newline inside quotes is told from a row end by what follows: a whole row has `n_columns`.
    """
    file.seek(mark - 1)
    window = b""
    while chunk := file.read(_WINDOW):
        window += chunk
        position = window.find(b"\n")
        while position >= 0 and (end := window.find(b"\n", position + 1)) >= 0:
            row = window[position + 1 : end + 1]
            if _count_separators(row, separator) == n_columns - 1:
                return mark + position
            position = end
    return None


def _count_rows(text: bytes) -> int:
    if b'"' not in text:
        return text.count(b"\n")
    return int(np.count_nonzero(_unquoted(text) == ord("\n")))


def _count_separators(text: bytes, separator: str) -> int:
    if b'"' not in text:
        return text.count(separator.encode())
    return int(np.count_nonzero(_unquoted(text) == ord(separator)))


def _unquoted(text: bytes) -> np.ndarray:
    """The bytes outside quotes; a doubled quote closes and opens, which is the same."""
    letters = np.frombuffer(text, dtype=np.uint8)
    inside = np.bitwise_xor.accumulate(letters == ord('"'))
    return letters[~inside]


def _cells(line: str, separator: str) -> list[str]:
    return next(csv.reader([line], delimiter=separator), [])


def _rows(text: bytes, separator: str) -> Iterator[tuple[int, list[str]]]:
    """Line number (from 1) and cells of each row."""
    reader = csv.reader(io.StringIO(text.decode(errors="replace"), newline=""), delimiter=separator)
    line = 1
    try:
        for row in reader:
            yield line, row
            line = reader.line_num + 1
    except csv.Error:
        return


def _finite(cell: str) -> bool:
    try:
        return bool(np.isfinite(float(cell)) or np.isnan(float(cell)))
    except ValueError:
        return False
