"""Delimited text: header, row ends, and one piece read against the feature summary."""

import csv
import hashlib
import io
import os
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import isfinite
from pathlib import Path

import numpy as np
import polars as pl

from segment_lib.errors import DataError
from segment_lib.schema import Attribute, Schema
from segment_lib.sources.reading import Reading
from segment_lib.sources.text_format import TextFormat
from segment_lib.sources.typing import has_infinity, in_one_spelling, read_dtypes, typed

ENCODINGS = ("utf-8", "latin-1", "cp1252")
_BOM = b"\xef\xbb\xbf"
HEAD = 1 << 20
_WINDOW = 1 << 18
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_DECIMAL_COMMA = re.compile(r"\s*[+-]?[\d.]*,\d+\s*")
_SEPARATORS = {";": "semicolon", ",": "comma", "\t": "tab", "|": "bar"}


@dataclass(frozen=True)
class Head:
    """What the head of a text file says of its rows."""

    columns: tuple[str, ...]
    """A name for each cell of a row; empty for a column that is passed over."""
    offset: int
    """Where the first row begins."""
    line: str = ""
    """The header as it stands in the file."""
    remarks: tuple[str, ...] = ()
    """What was passed over, or found out: sentences for the user."""


@dataclass(frozen=True)
class DelimitedPiece:
    """Whole rows of a text file: the bytes from `start` up to `stop`."""

    path: Path
    start: int
    stop: int
    head: Head
    form: TextFormat
    last: bool
    """True for the rows at the end of the file."""
    origin: Path
    """The delivered file; `path` is another if that one is compressed."""

    @property
    def size(self) -> int:
        return self.stop - self.start

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of its columns, in the file's order; empty for one that is passed over."""
        return self.head.columns

    @property
    def separator(self) -> str:
        return self.form.separator

    @property
    def encoding(self) -> str:
        return self.form.encoding

    def read(self, schema: Schema, carried: Sequence[str] = ()) -> Reading:
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
            rows = typed(self._scan(text, read_dtypes(schema)), schema, carried).collect()
        except pl.exceptions.PolarsError:
            rows = self._read_slowly(text, schema, carried)
        if has_infinity(rows):
            raise self._fault(text, schema)
        return Reading(in_one_spelling(rows, schema), digest=self._hash(text))

    def digest(self) -> tuple[str, int]:
        """What tells these rows from others: a hash of their bytes, and how many rows they are."""
        text = self._text()
        return self._hash(text), _count_rows(text)

    def _hash(self, text: bytes) -> str:
        told = "\0".join([*self.columns, self.separator, self.encoding])
        found = hashlib.sha256(told.encode())
        found.update(text)
        return found.hexdigest()

    def _text(self) -> bytes:
        with self.path.open("rb") as file:
            file.seek(self.start)
            text = file.read(self.stop - self.start)
        if self.encoding != "utf-8":
            try:
                text = text.decode(self.encoding).encode()
            except UnicodeDecodeError as error:
                raise self._undecodable(text, error.start) from None
        return text if text.endswith(b"\n") else text + b"\n"

    def _read_slowly(self, text: bytes, schema: Schema, carried: Sequence[str]) -> pl.DataFrame:
        """Numbers from text, so that blanks around them do no harm."""
        try:
            return typed(self._scan(text, {}), schema, carried).collect()
        except pl.exceptions.PolarsError:
            # Polars quotes cells in its messages: look for the fault ourselves, say only where.
            raise self._fault(text, schema) from None

    def _scan(self, text: bytes, kinds: Mapping[str, pl.DataType]) -> pl.LazyFrame:
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
            for attribute in schema:
                if attribute.storage == "number" and not _is_number(
                    cells[attribute.name], attribute
                ):
                    mend = (
                        "Decimals take a point, not a comma: 1.5."
                        if _DECIMAL_COMMA.fullmatch(cells[attribute.name])
                        else "Mend the cell, list it as a missing code, or call the attribute "
                        "categorical."
                    )
                    return DataError(
                        f"{self.origin}, line {self._line(line)}, column {attribute.name}: not a "
                        f"number, though the feature summary calls it {attribute.type}. {mend}"
                    )
        return DataError(
            f"{self.origin}, from line {self._line(1)}: these rows cannot be read. "
            "Look for unbalanced quotes."
        )

    def _ragged(self, text: bytes) -> DataError:
        for line, row in _rows(text, self.separator):
            if len(row) != len(self.columns):
                last = self.last and line == text.count(b"\n")
                return DataError(
                    f"{self.origin}, line {self._line(line)}: {len(row)} cells, "
                    f"expected {len(self.columns)}. "
                    + (
                        "The last line is cut off: fetch the file again."
                        if last
                        else "A separator is missing or too many: mend the row."
                    )
                )
        return DataError(
            f"{self.origin}, from line {self._line(1)}: a quote is opened and not closed. Mend it."
        )

    def _undecodable(self, text: bytes, position: int) -> DataError:
        line = self._line(text[:position].count(b"\n") + 1)
        others = " or ".join(f'"{name}"' for name in ENCODINGS if name != self.encoding)
        return DataError(
            f"{self.origin}, line {line}: not {self.encoding}. Set inputs.encoding to {others}, "
            "or save the file as UTF-8."
        )

    def _line(self, line: int) -> int:
        """The line number in the file of the piece's line (both from 1)."""
        before = 0
        with self.path.open("rb") as file:
            left = self.start
            while left and (chunk := file.read(min(left, HEAD))):
                before += chunk.count(b"\n")
                left -= len(chunk)
        return before + line


def cut(
    path: Path,
    schema: Schema,
    form: TextFormat,
    rows_per_part: int,
    origin: Path | None = None,
) -> tuple[DelimitedPiece, ...]:
    """Cut a text file into pieces of about `rows_per_part` rows, at row ends.

    Only the head, the end and a window at each cut are read. Where the cuts fall depends on the
    file and `rows_per_part` alone. A file with no row below its header gives no piece.
    """
    origin = origin or path
    separator = form.separator
    head, row_bytes = _open(path, origin, schema, form)
    start = head.offset
    stop = _end_of_rows(path)
    if stop <= start:
        return ()
    # Strides do not depend on where the file ends: one that grew keeps its pieces but the last.
    stride = row_bytes * rows_per_part
    n_pieces = max(1, round((stop - start) / stride))
    marks = [round(start + i * stride) for i in range(1, n_pieces)]
    with path.open("rb") as file:
        ends = [_row_start(file, mark, stop, len(head.columns), separator) for mark in marks]
    edges = sorted({start, stop, *(end for end in ends if end is not None and end > start)})
    return tuple(
        DelimitedPiece(path, first, last, head, form, last == stop, origin)
        for first, last in pairwise(edges)
    )


def _end_of_rows(path: Path) -> int:
    """Where the last row ends, its line end and blank lines after it left out."""
    with path.open("rb") as file:
        end = file.seek(0, os.SEEK_END)
        while end:
            start = max(0, end - _WINDOW)
            file.seek(start)
            tail = file.read(end - start).rstrip(b"\r\n")
            if tail:
                return start + len(tail)
            end = start
    return 0


def _open(path: Path, origin: Path, schema: Schema, form: TextFormat) -> tuple[Head, float]:
    """The head of the file, and mean bytes of a row in it."""
    with path.open("rb") as file:
        text = file.read(HEAD)
    head = columns(text, origin, form, schema)
    check_columns(origin, head.columns, schema, header=head.line, separator=form.separator)
    body = text[head.offset :]
    lines = body.count(b"\n")
    row_bytes = (body.rfind(b"\n") + 1) / lines if lines else max(len(body), 1)
    return head, row_bytes


def columns(head: bytes, origin: Path, form: TextFormat, schema: Schema) -> Head:
    """The columns named in the head of a file, and where its first row begins."""
    separator, encoding = form.separator, form.encoding
    if not head.strip():
        raise DataError(f"{origin}: the file is empty. Fetch it again.")
    if head[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\0" in head[:4096]:
        raise DataError(f"{origin}: looks like UTF-16 or binary. Save it as UTF-8 text.")
    if b"\n" not in head and b"\r" in head:
        raise DataError(f"{origin}: lines end in CR alone. Save it with LF or CRLF line ends.")
    offset = len(_BOM) if head.startswith(_BOM) else 0
    if not form.header:
        return Head(schema.names, offset)
    line, newline, _ = head[offset:].partition(b"\n")
    try:
        header = line.decode("utf-8" if encoding == "utf-8" else encoding)
    except UnicodeDecodeError:
        raise DataError(
            f"{origin}, line 1: not {encoding}. Set inputs.encoding to latin-1 or cp1252."
        ) from None
    names = tuple(_cells(header.rstrip("\r"), separator))
    return Head(names, offset + len(line) + len(newline), header)


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
        # A header line that is lost has cells in its place: names unknown are told by their place.
        known = [name for name in twice if name in schema.names]
        others = set(twice) - set(known)
        at = [f"column {i}" for i, name in enumerate(columns, start=1) if name in others]
        raise DataError(
            f"{path}, line 1: {', '.join(known + at)} named more than once. "
            "Keep one column of each."
        )
    if nameless := [str(i) for i, name in enumerate(columns, start=1) if not name.strip()]:
        raise DataError(f"{path}, line 1: column {', '.join(nameless)} has no name. Name it.")
    if absent:
        some = ", ".join(absent[:5]) + (" …" if len(absent) > 5 else "")
        alike = {name.strip().casefold() for name in columns}
        near = sum(name.casefold() in alike for name in absent)
        raise DataError(
            f"{path}, line 1: lacks {len(absent)} of {len(schema)} attributes of the feature "
            f"summary: {some}. "
            + (
                f"{near} of them are there but for blanks or upper and lower case: name them alike."
                if near
                else f"Is this the right file, and the separator {separator!r}?"
            )
        )


def _row_start(
    file: io.BufferedReader, mark: int, stop: int, n_columns: int, separator: str
) -> int | None:
    """The first row start from `mark` up to `stop`, or None if there is none.

    A newline inside quotes is told from a row end by what follows: read from a row start on, the
    window is rows of `n_columns` cells; read from within quotes, what is quoted and what is not
    change places.
    """
    file.seek(mark - 1)
    window = b""
    while len(window) < stop - mark + 1:
        window += file.read(min(_WINDOW, stop - mark + 1 - len(window)))
        whole = len(window) == stop - mark + 1
        position = window.find(b"\n")
        while 0 <= position < len(window) - 1:
            if _are_rows(window[position + 1 :], n_columns, separator, whole):
                return mark + position
            position = window.find(b"\n", position + 1)
        if (first := window.find(b"\n")) >= 0 and b'"' not in window:
            return mark + first  # Ragged rows, which whoever parses the piece will tell.
    return None


def _are_rows(text: bytes, n_columns: int, separator: str, whole: bool) -> bool:
    """True if the text can be rows of `n_columns` cells, the last cut off unless `whole`."""
    bare = _unquoted(text)
    ends = np.flatnonzero(bare == ord("\n"))
    if whole:
        rows, closed = len(ends) + 1, text.count(b'"') % 2 == 0
    else:
        rows, closed = len(ends), True
        bare = bare[: ends[-1] if rows else 0]
    return closed and np.count_nonzero(bare == ord(separator)) == rows * (n_columns - 1)


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


def _is_number(cell: str, attribute: Attribute) -> bool:
    """True if a number can be read in the cell, or it is empty or a missing code."""
    cell = cell.strip()
    if not cell or cell in attribute.missing_words or cell.lower() == "nan":
        return True
    return bool(_NUMBER.fullmatch(cell)) and isfinite(float(cell))
