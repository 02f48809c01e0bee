"""Suppression files as a CRM, a spreadsheet or a list keeper writes them: text or Parquet.

The column of ids is the one that has the name of the id column, else the only one; where there are
several, `samples` gives the keys of each, so that the caller can see which are people's.
"""

import codecs
import csv
import io
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from segment_lib.errors import ConfigError, DataError
from segment_lib.schema.ids import (
    NO_ID,
    RoundedIdError,
    hash_ids,
    normalize_id,
    refuse_id_type,
    rounded_ids_error,
)
from segment_lib.storage.location import Location

ROWS_AT_ONCE = 100_000
"""Rows read at a time; the first of them decide which column holds the ids."""
_HEAD_BYTES = 1 << 16
_SEPARATORS = ";\t|,"
_ONE_COLUMN = "\x1f"
"""A separator that no cell holds."""
_COMPRESSIONS = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd"}
_HEADER_ROWS = 10
"""Rows among which the header is sought."""
_ROW_NUMBER = re.compile(r"[0-9]{1,18}")
_SUMS = re.compile(
    r"(summe|gesamt\w*|insgesamt|total|anzahl|count|sum)\b\W*[\d.,]*"
    r"|\(?\d+ (datens\wtze|eintr\wge|zeilen|rows|records)\b.*",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class SuppressionFile:
    """A suppression file, and how it is written."""

    path: Location
    columns: tuple[int, ...]
    """Columns that may hold the ids, counted from 0: a single one if it is named or alone."""
    skip: int = 0
    """Rows before the first that may hold an id."""
    packing: str | None = None
    encoding: str = ""
    """Encoding of text; empty for Parquet."""
    separator: str = ""

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        """Yield line number and cells of each row of text that is not empty.

        Raises
        ------
        DataError
            If it cannot be read to its end, or a quote is not closed where it should be.
        """
        with _open_unpacked(self.path, self.packing) as stream:
            # Five bytes are none of cp1252; no id is written with them.
            errors = "replace" if self.encoding == "cp1252" else "strict"
            text = io.TextIOWrapper(stream, self.encoding, errors=errors, newline="")
            reader = csv.reader(text, delimiter=self.separator or _ONE_COLUMN)
            seen = 0
            try:
                for row in reader:
                    if not any(cell.strip() for cell in row) or _is_remark(row, seen):
                        continue
                    if any(_swallows_rows(cell, row, self.separator) for cell in row):
                        raise DataError(
                            f"{self.path}, line {reader.line_num}: a quoted cell runs over line "
                            "ends. Close the quote, or save the column of ids alone."
                        )
                    seen += 1
                    if seen > self.skip:
                        yield reader.line_num, row
            except (csv.Error, UnicodeError, OSError, EOFError):
                raise DataError(
                    f"{self.path}, below line {reader.line_num}: cannot be read. Save the list as "
                    "CSV (UTF-8), one id per line."
                ) from None

    def cells(self, columns: Sequence[int]) -> Iterator[tuple[list[int], dict[int, pl.Series]]]:
        """Yield line numbers (empty for Parquet) and cells by column, a chunk of rows at a time."""
        if not self.encoding:
            yield from _parquet_cells(self.path, columns)
            return
        rows = self.rows()
        while chunk := list(islice(rows, ROWS_AT_ONCE)):
            yield (
                [line for line, _ in chunk],
                {
                    i: pl.Series([r[i] if i < len(r) else None for _, r in chunk], dtype=pl.String)
                    for i in columns
                },
            )

    def samples(self, *, fold: bool = False) -> Iterator[dict[int, np.ndarray]]:
        """Yield the sorted keys of each column that may hold the ids, a chunk of rows at a time.

        Of several columns, those with rounded numbers, row numbers or few distinct values are left
        out: they would match people by chance.
        """
        alone = len(self.columns) == 1
        for lines, cells in self.cells(self.columns):
            keys = {}
            for column, values in cells.items():
                try:
                    hashed = hash_ids(_without_title(values), fold=fold)
                except RoundedIdError:
                    if alone:
                        raise self._rounded(lines, values) from None
                    continue
                present = hashed[hashed != NO_ID]
                distinct = np.unique(present)
                if alone or (2 * len(distinct) > len(present) and not _is_row_numbering(values)):
                    keys[column] = distinct
            yield keys

    def keys(self, column: int) -> np.ndarray:
        """Sorted keys of all ids of a column."""
        chunks = [np.empty(0, dtype=np.uint64)]
        for chunk, (lines, cells) in enumerate(self.cells([column])):
            values = cells[column] if chunk else _without_title(cells[column])
            try:
                hashed = hash_ids(values)
            except RoundedIdError:
                raise self._rounded(lines, cells[column]) from None
            chunks.append(np.unique(hashed[hashed != NO_ID]))
        return np.unique(np.concatenate(chunks))

    def row_numbers(self) -> np.ndarray:
        """Sorted row numbers, which stand in place of ids.

        Raises
        ------
        DataError
            If there are several columns, or a line holds no row number.
        """
        if len(self.columns) > 1:
            raise DataError(
                f"{self.path}: several columns. The run has no id column, so rows are numbered "
                "from 0: save the column of row numbers alone, or call it row."
            )
        chunks = [np.empty(0, dtype=np.uint64)]
        for chunk, (lines, cells) in enumerate(self.cells(self.columns)):
            (values,) = cells.values()
            numbers = [None if cell is None else normalize_id(cell) for cell in values]
            if chunk == 0 and numbers and _is_title(values):
                numbers[0] = None
            for place, number in enumerate(numbers):
                if number and not _ROW_NUMBER.fullmatch(number):
                    line = f", line {lines[place]}" if lines else ""
                    raise DataError(
                        f"{self.path}{line}: no row number. The run has no id column, so rows are "
                        "numbered from 0; or set inputs.id_column and run again."
                    )
            chunks.append(np.array([int(n) for n in numbers if n], dtype=np.uint64))
        return np.unique(np.concatenate(chunks))

    def _rounded(self, lines: Sequence[int], values: pl.Series) -> DataError:
        for line, value in zip(lines, values, strict=False):
            try:
                normalize_id(value or "")
            except RoundedIdError:
                return rounded_ids_error(f"{self.path}, line {line}")
        return rounded_ids_error(str(self.path))


def open_suppression(path: Location, id_column: str) -> SuppressionFile:
    """Detect how a suppression file is written, and which columns may hold the ids.

    Raises
    ------
    ConfigError
        If there is no such file.
    DataError
        If it is no text and no Parquet, or names the id column twice.
    """
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such file. Check the name.") from None
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}).") from None
    if head.startswith(b"PAR1"):
        return _open_parquet(path, id_column)
    packing = next((name for magic, name in _COMPRESSIONS.items() if head.startswith(magic)), None)
    if packing:
        head = _unpacked_head(path, packing)
    _refuse_binary(path, head)
    encoding = _encoding(path, packing, head)
    text = head.decode(encoding, "ignore")
    declared = re.match(r'\ufeff?"?sep=(.)"?\s*[\r\n]', text, re.IGNORECASE)
    separator = declared[1] if declared else _separator(text, id_column)
    whole = SuppressionFile(path, (0,), 0, packing, encoding, separator)
    # A title may stand above the header.
    for skip, (line, row) in enumerate(islice(whole.rows(), _HEADER_ROWS), start=1):
        named = [i for i, cell in enumerate(row) if _same_name(cell, id_column)]
        if len(named) > 1:
            raise DataError(
                f"{path}, line {line}: {id_column} named more than once. Keep one of them."
            )
        if named:
            return replace(whole, columns=tuple(named), skip=skip)
    rows = (row for _, row in islice(whole.rows(), 1000))
    filled = {i for row in rows for i, cell in enumerate(row) if cell.strip()}
    return replace(whole, columns=tuple(sorted(filled)) or (0,))


def matching_columns(
    ids: pl.Series, samples: Mapping[int, np.ndarray], *, fold: bool = False
) -> set[int]:
    """Columns of a suppression file that hold at least one of the ids."""
    keys = hash_ids(ids, fold=fold)
    return {column for column, sample in samples.items() if np.isin(sample, keys).any()}


def _open_parquet(path: Location, id_column: str) -> SuppressionFile:
    try:
        with path.open("rb") as file:
            schema = pq.read_schema(file)
    except (pa.ArrowException, OSError):
        raise DataError(f"{path}: not a whole Parquet file. Fetch the file again.") from None
    named = [i for i, name in enumerate(schema.names) if _same_name(name, id_column)]
    for i in named:
        refuse_id_type(str(path), schema.names[i], schema.types[i])
    if not named:
        for i, kind in enumerate(schema.types):
            try:
                refuse_id_type(str(path), schema.names[i], kind)
            except DataError:
                continue
            named.append(i)
    return SuppressionFile(path, tuple(named))


def _parquet_cells(
    path: Location, columns: Sequence[int]
) -> Iterator[tuple[list[int], dict[int, pl.Series]]]:
    try:
        with path.open("rb") as file, pq.ParquetFile(file) as opened:
            names = [opened.schema_arrow.names[i] for i in columns]
            for batch in opened.iter_batches(ROWS_AT_ONCE, columns=names, use_threads=False):
                table = pl.DataFrame(pl.from_arrow(batch))
                yield (
                    [],
                    {
                        i: table[name].cast(pl.String)
                        for i, name in zip(columns, names, strict=True)
                    },
                )
    except (pa.ArrowException, pl.exceptions.PolarsError, OSError):
        raise DataError(f"{path}: cannot be read as Parquet. Fetch the file again.") from None


@contextmanager
def _open_unpacked(path: Location, packing: str | None) -> Iterator[pa.NativeFile]:
    with path.open("rb") as file, pa.input_stream(file, compression=packing) as stream:
        yield stream


def _unpacked_head(path: Location, packing: str) -> bytes:
    try:
        with _open_unpacked(path, packing) as stream:
            return bytes(stream.read(_HEAD_BYTES))
    except OSError:
        raise _damaged(path) from None


def _damaged(path: Location) -> DataError:
    return DataError(f"{path}: the compressed stream is damaged or cut off. Fetch the file again.")


def _refuse_binary(path: Location, head: bytes) -> None:
    """Raise a DataError if the file is a workbook, an archive, a web page or the like."""
    workbook = head.startswith(b"\xd0\xcf\x11\xe0") or (head.startswith(b"PK") and b"xl/" in head)
    if workbook or head.startswith(b"PK"):
        what = "an Excel workbook" if workbook else "a zip archive or an Excel workbook"
        raise DataError(
            f"{path}: {what}. Save its sheet as CSV (in Excel: Save as, CSV UTF-8), or unpack it."
        )
    if head.lstrip().startswith((b"<", b"%PDF", b"{\\rtf")):
        raise DataError(f"{path}: a page, not a table. Save the list as CSV (UTF-8).")
    wide = head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    if b"\0" in head and not wide and not _utf_16_without_mark(head):
        raise DataError(f"{path}: neither text nor Parquet. Save the list as CSV (UTF-8).")


def _utf_16_without_mark(head: bytes) -> str:
    """Encoding of UTF-16 text without a byte order mark: every other byte is 0; else empty."""
    for encoding, high_bytes, low_bytes in (
        ("utf-16-le", head[1::2], head[::2]),
        ("utf-16-be", head[::2], head[1::2]),
    ):
        if high_bytes.count(0) > 0.9 * len(high_bytes) and 0 not in low_bytes:
            return encoding
    return ""


def _encoding(path: Location, packing: str | None, head: bytes) -> str:
    """Encoding of the text: UTF-16 by its mark, UTF-8 if all of it is valid, else cp1252."""
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if wide := _utf_16_without_mark(head):
        return wide
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        with _open_unpacked(path, packing) as stream:
            while chunk := stream.read(_HEAD_BYTES):
                decoder.decode(chunk)
            decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return "cp1252"
    except OSError:
        raise _damaged(path) from None
    return "utf-8-sig"


def _separator(text: str, id_column: str) -> str:
    """Separator of the cells, by the head of the file; empty if there is one column."""
    lines = [line for line in re.split(r"\r\n|\r|\n", text)[:-1] or [text] if line.strip()][:1000]
    lines = [line for line in lines if not line.startswith(("#", "//"))]
    for separator in _SEPARATORS if lines else "":
        for line in lines[:_HEADER_ROWS]:
            cells = _split(line, separator)
            if len(cells) > 1 and any(_same_name(cell, id_column) for cell in cells):
                return separator
    best, share = "", 0.9
    for separator in _SEPARATORS:
        widths = Counter(len(_split(line, separator)) for line in lines)
        width, rows = max(widths.items(), key=lambda item: item[1], default=(1, 0))
        if width > 1 and rows > share * len(lines):
            best, share = separator, rows / len(lines)
    return best


def _split(line: str, separator: str) -> list[str]:
    return next(csv.reader([line], delimiter=separator), [])


def _same_name(cell: str, name: str) -> bool:
    return bool(name) and cell.strip("\ufeff \"'").casefold() == name.casefold()


def _is_remark(row: Sequence[str], seen: int) -> bool:
    """True for a row that holds no id: `sep=;`, a remark before the first row, a sum."""
    first = next(cell.strip() for cell in row if cell.strip())
    if not seen and (first.startswith(("#", "//")) or first.lower().startswith("sep=")):
        return True
    return bool(_SUMS.fullmatch(first))


def _swallows_rows(cell: str, row: Sequence[str], separator: str) -> bool:
    """True if a cell with line ends is likely to be several rows, swallowed by an open quote."""
    ends = cell.count("\n") + cell.count("\r")
    return ends > 0 and (len(row) == 1 or separator in cell or ends > 10)


def _is_title(values: pl.Series) -> bool:
    """True if the first cell is the name of its column: it has no digit, unlike those below."""
    first, below = values[0], values[1:].drop_nulls()
    if first is None or any(letter.isdigit() for letter in first) or not len(below):
        return False
    return bool(below.str.contains(r"\d").mean() > 0.5)  # type: ignore[operator]


def _is_row_numbering(values: pl.Series) -> bool:
    """True for row numbers: 1, 2, 3 … or 0, 1, 2 …"""
    numbers = _without_title(values).str.strip_chars().cast(pl.Int64, strict=False)
    return len(numbers) > 2 and any(
        numbers.equals(pl.int_range(first, first + len(numbers), eager=True), check_names=False)
        for first in (0, 1)
    )


def _without_title(values: pl.Series) -> pl.Series:
    return values[1:] if len(values) and _is_title(values) else values
