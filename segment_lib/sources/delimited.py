"""Delimited text files: cut into pieces at row ends, and read piece by piece."""

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass
from itertools import pairwise
from typing import IO

import polars as pl

from segment_lib.schema import Schema
from segment_lib.sources.cutting import MAX_WINDOW, row_starts
from segment_lib.sources.faults import Fault, UnreadableError
from segment_lib.sources.headers import HEAD, Head, check_columns, columns
from segment_lib.sources.numbers import (
    DECIMALS,
    NumberFormat,
    first_non_number,
    has_ambiguous_points,
    number_advice,
    point_notes,
)
from segment_lib.sources.read_result import ReadResult
from segment_lib.sources.table import Table
from segment_lib.sources.text_format import ENCODINGS, TextFormat
from segment_lib.sources.typing import cast_columns, has_infinity, read_dtypes
from segment_lib.storage.location import Location

__all__ = ["DelimitedPiece", "columns", "cut", "read_head"]

_WINDOW = 1 << 18
_TOTALS = {"summe", "gesamt", "gesamtsumme", "insgesamt", "total", "totals", "sum", "grand total"}


@dataclass(frozen=True)
class DelimitedPiece:
    """Whole rows of a text file: the bytes from `start` up to `stop`."""

    path: Location
    start: int
    stop: int
    head: Head
    form: TextFormat
    last: bool
    """True for the last piece of the file."""
    origin: Location
    """The delivered file; `path` is another if that one is compressed."""

    @property
    def size(self) -> int:
        return self.stop - self.start

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns, in the file's order; empty for one that is passed over."""
        return self.head.columns

    def read(self, schema: Schema, passthrough: Sequence[str] = ()) -> ReadResult:
        """Parse the rows of the piece, whose levels are spelled as in the file.

        Raises
        ------
        DataError
            If a row is ragged or a cell cannot be read; it names file, line and column.
        """
        table = self._table()
        plain = table.parser_text()
        if not table.is_rectangular:
            raise self._unreadable(table, plain, schema)
        rows = self._typed(table, plain, schema, passthrough)
        if rows.height != table.rows:
            problem = f"{table.rows:,} rows by their line ends, {rows.height:,} by their cells"
            where = f"{self.origin}, from line {self._line(1)}"
            raise UnreadableError([Fault(where, problem, "Look for unbalanced quotes.")])
        notes = table.notes
        if self._is_doubtful(table):
            notes |= self._points(table, plain, [a.name for a in schema.numbers])
        return ReadResult(rows, notes, self._hash(table))

    def digest(self) -> tuple[str, int]:
        """Hash of the bytes of the rows, and the number of rows."""
        table = self._table()
        return self._hash(table), table.rows

    def _hash(self, table: Table) -> str:
        form = map(str, astuple(self.form))
        digest = hashlib.sha256("\0".join([*self.columns, *form, *table.header]).encode())
        digest.update(str(astuple(self._number_format)).encode())
        digest.update(table.text)
        return digest.hexdigest()

    def decimals(self, names: Sequence[str]) -> dict[str, int]:
        """Count the cells, per column, with a point that cannot separate thousands."""
        table = self._table()
        notes = self._points(table, table.parser_text(), names)
        return {kind: n for kind, n in notes.items() if kind.startswith(DECIMALS)}

    @property
    def _number_format(self) -> NumberFormat:
        return self.head.number_format or NumberFormat.from_format(self.form)

    def _table(self) -> Table:
        table = Table(self._text(), self.columns, self.head.header, self.form)
        if fault := table.fault:
            raise self._refused(table.text, fault.position, fault.problem, fault.advice)
        return table

    def _text(self) -> bytes:
        with self.path.open("rb") as file:
            file.seek(self.start)
            text = file.read(self.stop - self.start)
        if (zero := text.find(0)) >= 0:
            raise self._refused(
                text,
                zero,
                "holds zero bytes, as damaged files and UTF-16 do",
                "Fetch the file again, or save it as UTF-8.",
            )
        if self.form.encoding != "utf-8":
            try:
                text = text.decode(self.form.encoding).encode()
            except UnicodeDecodeError as error:
                raise self._undecodable(text, error.start) from None
        return text + b"\n" if self.last else text

    def _typed(
        self, table: Table, plain: bytes, schema: Schema, passthrough: Sequence[str]
    ) -> pl.DataFrame:
        number_format = self._number_format
        rows = None
        if number_format.is_native:
            try:
                scan = self._scan(table, plain, read_dtypes(schema))
                rows = cast_columns(scan, schema, passthrough).collect()
            except pl.exceptions.PolarsError:
                pass  # Polars parses no number with blanks around it: read text, then cast.
        if rows is None:
            try:
                scan = self._scan(table, plain, {})
                rows = cast_columns(scan, schema, passthrough, number_format).collect()
            except pl.exceptions.PolarsError:
                # Polars' messages quote cells: find the fault ourselves, and say only where it is.
                raise self._unreadable(table, plain, schema) from None
        total = self._total(table) is not None
        if total or has_infinity(rows) or self._values_without_name(table, plain):
            raise self._unreadable(table, plain, schema)
        return rows

    def _scan(self, table: Table, plain: bytes, kinds: Mapping[str, pl.DataType]) -> pl.LazyFrame:
        """Scan the rows of the piece; masked letters are unmasked in columns of text."""
        names = _names(self.columns)
        masked = table.masked
        rows = pl.scan_csv(
            plain,
            has_header=False,
            separator=self.form.separator,
            quote_char=self.form.quote if masked.inside is not None else None,
            schema={name: kinds.get(name, pl.String()) for name in names},
        )
        texts = [name for name in names if kinds.get(name, pl.String()) == pl.String()]
        cells = pl.col(texts)
        if self.form.quote_escape == "backslash":
            cells = cells.replace("\\N", None)
        for mask, meaning in masked.masks.items():
            cells = cells.str.replace_all(chr(mask), meaning, literal=True) if meaning else cells
        is_plain = not masked.masks and self.form.quote_escape != "backslash"
        return rows if is_plain else rows.with_columns(cells)

    def _values_without_name(self, table: Table, plain: bytes) -> list[int]:
        """The rows with a value in a column that is passed over as empty."""
        names = _names(self.columns)
        empty = [names[i] for i, column in enumerate(self.columns) if i and not column]
        if not empty:
            return []
        filled = pl.any_horizontal(pl.col(name).str.strip_chars() != "" for name in empty)
        rows = self._scan(table, plain, {}).select(filled.fill_null(False).arg_true())
        return rows.collect().to_series().to_list()

    def _total(self, table: Table) -> int | None:
        """The last line, if it begins with a word for a total that no other line begins with."""
        if not self.last or not table.rows or len(self.columns) == 1:
            return None
        line = len(table.ends) - 1
        word = next((cell.strip(" :=*") for cell in table.cells(line) if cell.strip()), "")
        if word.casefold() not in _TOTALS:
            return None
        text = table.line(line)
        begin = b"\n" + text[: text.index(word.encode()) + len(word.encode())]
        return line if (b"\n" + table.text).count(begin) == 1 else None

    def _unreadable(self, table: Table, plain: bytes, schema: Schema) -> UnreadableError:
        try:
            table.text.decode()
        except UnicodeDecodeError as error:
            return self._undecodable(table.text, error.start)
        faults = self._ragged(table) or self._faulty_rows(table, plain, schema)
        return UnreadableError(
            faults
            or [
                Fault(
                    f"{self.origin}, from line {self._line(1)}",
                    "these rows cannot be read",
                    "Look for unbalanced quotes.",
                )
            ]
        )

    def _faulty_rows(self, table: Table, plain: bytes, schema: Schema) -> list[Fault]:
        """The first fault of each kind and attribute, where all rows are whole."""
        faults = []
        for row in self._values_without_name(table, plain)[:1]:
            i = next(i for i, name in enumerate(self.columns) if i and not name)
            problem = f"column {i + 1} has no name, but holds a value"
            where = self._where(table, table.line_of_row(row))
            faults.append(Fault(where, problem, "Name the column, or empty it."))
        if (total := self._total(table)) is not None:
            problem = "looks like a total of the lines before it, not a person"
            faults.append(Fault(self._where(table, total), problem, "Take the line out."))
        texts = self._scan(table, plain, {}).select(a.name for a in schema.numbers).collect()
        for attribute in schema.numbers:
            cells = texts[attribute.name]
            person = first_non_number(cells, attribute, self._number_format)
            if person is not None:
                where = self._where(table, table.line_of_row(person))
                faults.append(
                    Fault(
                        f"{where}, column {attribute.name}",
                        f"not a number, though the feature summary calls it {attribute.type}",
                        number_advice(cells[person]),
                        attribute.name,
                    )
                )
        return faults

    def _ragged(self, table: Table) -> list[Fault]:
        """The first row with too few or too many cells."""
        for line, cells in table.ragged():
            problem = f"{cells} cell{'s' * (cells > 1)}, expected {len(self.columns)}"
            return [Fault(self._where(table, line), problem, self._advice(table, line, cells))]
        return []

    def _advice(self, table: Table, line: int, cells: int) -> str:
        text = table.line(line)
        first = table.cells(line)[0].strip()
        cut_off = self.last and line == len(table.ends) - 1 and cells < len(self.columns)
        if first.startswith("#"):
            return "It looks like a comment: take the line out."
        if first.strip(" :=*").casefold() in _TOTALS:
            return "It looks like a total, not a person: take the line out."
        if b"\r" in text.rstrip(b"\r"):
            return "A CR stands within the line: save the file with LF or CRLF line ends."
        if b"\\" in text and not self.form.quote_escape:
            return (
                "A separator is missing or too many: correct the row, or set "
                'inputs.quote_escape = "backslash" if a backslash makes separators text.'
            )
        if cut_off:
            return "The last line is cut off: fetch the file again, or take it out if it is no row."
        return "A separator is missing or too many: correct the row."

    def _is_doubtful(self, table: Table) -> bool:
        """True if points may separate thousands or decimals, and nothing says which."""
        is_stated = self.form.decimal or self.form.thousands or self.head.number_format
        return not is_stated and has_ambiguous_points(table.masked.letters)

    def _points(self, table: Table, plain: bytes, names: Sequence[str]) -> dict[str, int]:
        return point_notes(self._scan(table, plain, {}).select(names).collect(), names)

    def _undecodable(self, text: bytes, position: int) -> UnreadableError:
        encoding = self.form.encoding
        others = " or ".join(f'"{name}"' for name in ENCODINGS if name != encoding)
        advice = f"Set inputs.encoding to {others}, or save the file as UTF-8."
        return self._refused(text, position, f"not {encoding}", advice)

    def _refused(self, text: bytes, position: int, problem: str, advice: str) -> UnreadableError:
        line = self._line(text.count(b"\n", 0, position) + 1)
        return UnreadableError([Fault(f"{self.origin}, line {line}", problem, advice)])

    def _where(self, table: Table, line: int) -> str:
        """File and line number of a line of the table."""
        return f"{self.origin}, line {self._line(table.line_number(table.start(line)))}"

    def _line(self, line: int) -> int:
        """Convert a line number of the piece to that of the file; both count from 1."""
        before = 0
        with self.path.open("rb") as file:
            left = self.start
            while left and (chunk := file.read(min(left, HEAD))):
                before += chunk.count(b"\n")
                left -= len(chunk)
        return before + line


def cut(
    path: Location,
    schema: Schema,
    form: TextFormat,
    rows_per_part: int,
    origin: Location | None = None,
) -> tuple[DelimitedPiece, ...]:
    """Cut a text file into pieces of about `rows_per_part` rows, at row ends.

    Only the head, the end and a window at each cut are read. Where the cuts fall depends on the
    file and `rows_per_part` alone. A file with no row below its header gives no piece.
    """
    origin = origin or path
    with path.open("rb") as file:
        text = read_head(file)
    head = columns(text, origin, form, schema)
    check_columns(origin, head.columns, schema, form)
    start, stop = head.offset, _end_of_rows(path, form)
    if stop <= start:
        return ()
    # The stride does not depend on the file's size: a file that grew keeps all pieces but the last.
    stride = _row_bytes(text[start:]) * rows_per_part
    n_pieces = max(1, round((stop - start) / stride))
    offsets = [round(start + i * stride) for i in range(1, n_pieces)]
    with path.open("rb") as file:
        starts = [*row_starts(file, offsets, start, stop, len(head.columns), form)]
    edges = [start, *(row_start for row_start in starts if row_start > start), stop]
    return tuple(
        DelimitedPiece(path, first, last, head, form, last == stop, origin)
        for first, last in pairwise(edges)
    )


def count_rows(head: bytes, size: int) -> float:
    """Estimate the rows of a text of `size` bytes that begins with `head`."""
    rows = head[head.find(b"\n") + 1 :]
    return (size - len(head) + len(rows)) / _row_bytes(rows)


def read_head(file: IO[bytes]) -> bytes:
    """Read the head of a file, and more where the header is longer."""
    head = file.read(HEAD)
    while len(head) >= HEAD and b"\n" not in head[: -HEAD // 2] and len(head) < MAX_WINDOW:
        more = file.read(len(head))
        head += more
        if not more:
            break
    return head


def _row_bytes(rows: bytes) -> float:
    """Mean number of bytes of a row."""
    lines = rows.count(b"\n")
    return (rows.rfind(b"\n") + 1) / lines if lines else max(len(rows), 1)


def _end_of_rows(path: Location, form: TextFormat) -> int:
    """Position of the end of the last row, without line end, blank lines and end-of-file mark."""
    with path.open("rb") as file:
        size = end = file.seek(0, os.SEEK_END)
        while end:
            start = max(0, end - _WINDOW)
            file.seek(start)
            tail = file.read(end - start).rstrip(b"\r\n\x1a")
            if tail.endswith(b"\\") and form.quote_escape != "double":
                return _end_of_escaped(start + len(tail), tail, size, form)
            if tail:
                return start + len(tail)
            end = start
    return 0


def _end_of_escaped(end: int, tail: bytes, size: int, form: TextFormat) -> int:
    """Position of the end of the last row, if a backslash is its last letter."""
    if not form.quote_escape:
        return max(end, size - 1)  # Blank lines behind it may belong to its cell: keep them.
    return end + (len(tail) - len(tail.rstrip(b"\\"))) % 2


def _names(columns: Sequence[str]) -> list[str]:
    """Name every column, those passed over too."""
    return [name or f"\0{i}" for i, name in enumerate(columns)]
