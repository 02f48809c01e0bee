"""Parquet files: cut along their row groups, and read piece by piece."""

import hashlib
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import accumulate, pairwise

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from segment_lib.errors import DataError
from segment_lib.schema import Attribute, Schema
from segment_lib.schema.ids import refuse_id_type
from segment_lib.sources import parquet_types
from segment_lib.sources.faults import Fault, UnreadableError
from segment_lib.sources.headers import check_columns
from segment_lib.sources.numbers import first_non_number
from segment_lib.sources.parquet_types import UnreadableValue
from segment_lib.sources.read_result import ReadResult
from segment_lib.sources.typing import cast_columns, has_infinity
from segment_lib.storage.files import file_size
from segment_lib.storage.location import Location
from segment_lib.storage.objects import SizedFile

_CHUNK = 1 << 22
_BATCH = 1 << 16
_PAGES = 1 << 20
"""Bytes of a column read at a time, so that a large row group is never whole in memory."""
_ENCRYPTED = b"PARE"
_DAMAGE = (pa.ArrowException, pa.ArrowInvalid, OSError, ValueError, MemoryError)


@dataclass(frozen=True)
class ParquetPiece:
    """The rows of a Parquet file from `first` on."""

    path: Location
    first: int
    rows: int
    columns: tuple[str, ...]
    size: int
    """The piece's share of the bytes of the file."""
    start: int
    stop: int
    """Byte range of the row groups that hold the piece, `stop` excluded."""
    skipped: int
    """Number of rows of these groups before the piece."""
    groups: tuple[int, ...]
    """Numbers of these row groups."""

    def digest(self) -> tuple[str, int]:
        """Hash of the bytes of the row groups, and the number of rows."""
        identity = [*self.columns, str(self.skipped), str(self.rows)]
        digest = hashlib.sha256("\0".join(identity).encode())
        with self.path.open("rb") as file:
            file.seek(self.start)
            left = self.stop - self.start
            while left and (chunk := file.read(min(left, _CHUNK))):
                digest.update(chunk)
                left -= len(chunk)
        return digest.hexdigest(), self.rows

    def read(self, schema: Schema, passthrough: Sequence[str] = ()) -> ReadResult:
        """Read the piece in the feature summary's types, levels as they are spelled.

        Raises
        ------
        DataError
            If a column cannot be read as what the feature summary says it is; it names all such
            columns.
        """
        table = self._table(schema, passthrough)
        try:
            frame = _convert(table, schema, passthrough).lazy()
            rows = cast_columns(frame, schema, passthrough).collect()
        except (UnreadableValue, pl.exceptions.PolarsError):
            raise self._refused(table, schema, passthrough) from None
        except pa.ArrowException:
            # Raised for an index into a dictionary that lacks the entry.
            raise _damaged_group(self.path, self.groups[0]) from None
        if has_infinity(rows):
            raise self._refused(table, schema, passthrough)
        return ReadResult(rows)

    def _table(self, schema: Schema, passthrough: Sequence[str]) -> pa.Table:
        """The wanted columns of the piece, in Arrow's types."""
        wanted = list(dict.fromkeys([*passthrough, *schema.names]))
        with _open_file(self.path) as file:
            _refuse_types(self.path, _columns(file), Schema(()), passthrough)
            try:
                table = _read_rows(file, self.groups, wanted, self.skipped, self.rows)
            except _DAMAGE:
                raise self._damaged(file, wanted) from None
        if table.num_rows != self.rows:
            raise DataError(
                f"{self.path}: holds fewer rows than its footer says. Fetch the file again."
            )
        return table

    def _damaged(self, file: pq.ParquetFile, wanted: list[str]) -> DataError:
        """The error for the row group that cannot be read, with the reason."""
        for number in self.groups:
            group = file.metadata.row_group(number)
            try:
                _read_rows(file, (number,), wanted, 0, group.num_rows)
            except _DAMAGE as error:
                if _is_encryption(error):
                    return _encrypted(self.path)
                if isinstance(error, NotImplementedError):
                    return DataError(
                        f"{self.path}, row group {number}: is packed in a way that cannot be read "
                        "here. Write it with snappy or zstd; if it is, it is damaged: fetch it "
                        "again."
                    )
                return _damaged_group(self.path, number)
        return DataError(f"{self.path}: is damaged or changed. Fetch the file again.")

    def _refused(self, table: pa.Table, schema: Schema, passthrough: Sequence[str]) -> DataError:
        """The error for the first unreadable cell of each column."""
        faults = []
        for name in dict.fromkeys([*passthrough, *schema.names]):
            try:
                if name in passthrough:
                    parquet_types.to_text(table[name])
                    continue
                row = _first_fault(table[name], schema[name])
                problem, advice = _NO_NUMBER.format(schema[name].type), _NUMBER_ADVICE
            except UnreadableValue as error:
                row, problem, advice = error.args
            if row is not None:
                location = f"{self.path}, row {self.first + row}, column {name}"
                faults.append(Fault(location, problem, advice, name))
        if not faults:
            return DataError(f"{self.path}, from row {self.first}: these rows cannot be read.")
        return UnreadableError(faults)


_NO_NUMBER = "not a number, though the feature summary calls it {}"
_NUMBER_ADVICE = (
    "Correct the cell, call the attribute categorical, or list a word that means missing in "
    "inputs.missing."
)


def _refuse_types(
    path: Location, columns: pa.Schema, schema: Schema, passthrough: Sequence[str] = ()
) -> None:
    """Raise an error if columns have types that cannot be read as their attributes."""
    types = {name: columns.field(name).type for name in (*schema.names, *passthrough)}
    if faults := parquet_types.type_faults(path, types, schema, passthrough):
        raise UnreadableError(faults)


def _convert(table: pa.Table, schema: Schema, passthrough: Sequence[str]) -> pl.DataFrame:
    """Convert the columns to floats and text."""
    columns = {name: parquet_types.to_text(table[name]) for name in passthrough}
    for attribute in schema:
        convert = parquet_types.to_text if attribute.storage == "text" else parquet_types.to_number
        columns[attribute.name] = convert(table[attribute.name])
    return pl.DataFrame(columns)


def _first_fault(values: pa.ChunkedArray, attribute: Attribute) -> int | None:
    """Position of the first value that cannot be read; None if all can."""
    if attribute.storage == "text":
        parquet_types.to_text(values)
        return None
    numbers = parquet_types.to_number(values)
    if numbers.dtype == pl.String:
        return first_non_number(numbers, attribute)
    infinite = numbers.is_infinite().fill_null(False)
    return infinite.arg_max() if infinite.any() else None


def _read_rows(
    file: pq.ParquetFile, groups: Sequence[int], wanted: list[str], skipped: int, rows: int
) -> pa.Table:
    """Read rows of some row groups, without the other rows of these groups in memory."""
    kept = []
    batches = file.iter_batches(_BATCH, list(groups), columns=wanted, use_threads=False)
    for batch in batches:
        part = batch.slice(skipped, rows)
        skipped = max(skipped - batch.num_rows, 0)
        rows -= part.num_rows
        if part.num_rows:
            kept.append(part)
        if not rows:
            break
    # Selected by name, as the path of a nested column may be the name of another.
    return pa.Table.from_batches(kept, None if kept else file.schema_arrow).select(wanted)


def cut(path: Location, schema: Schema, rows_per_part: int) -> tuple[ParquetPiece, ...]:
    """Cut a Parquet file into pieces of about `rows_per_part` rows, along its row groups.

    Raises
    ------
    DataError
        If it is no whole Parquet file, or columns are of types that cannot be read as what the
        feature summary calls them; it names all of them.
    """
    with _open_file(path) as file:
        footer, types = file.metadata, _columns(file)
        size = file_size(path)
        columns = tuple(types.names)
        check_columns(path, columns, schema)
        _refuse_types(path, types, schema)
        flat = _flat_leaves(file)
    groups = _groups(path, footer, size)
    whole = sum(group.rows for group in groups) == footer.num_rows
    if not whole or not all(group.is_sound(size, flat) for group in groups):
        raise _contradiction(path)
    ends = list(accumulate(group.rows for group in groups))
    if not ends or not ends[-1]:
        return ()
    edges = _edges(ends, rows_per_part)
    row_bytes = size / ends[-1]
    pieces = []
    for first, last in pairwise(edges):
        group_range = range(bisect_right(ends, first), bisect_left(ends, last) + 1)
        pieces.append(
            ParquetPiece(
                path,
                first,
                last - first,
                columns,
                round(row_bytes * (last - first)),
                min(groups[i].start for i in group_range),
                max(groups[i].stop for i in group_range),
                first - (ends[group_range[0]] - groups[group_range[0]].rows),
                tuple(group_range),
            )
        )
    return tuple(pieces)


def _edges(ends: Sequence[int], rows_per_part: int) -> list[int]:
    """Rows at which a file is cut, given the rows at which its row groups end."""
    edges = [0]
    for end in ends:
        while end - edges[-1] >= 2 * rows_per_part:
            edges.append(edges[-1] + rows_per_part)
        if end - edges[-1] >= rows_per_part:
            edges.append(end)
    return edges if edges[-1] == ends[-1] else [*edges, ends[-1]]


def extent(path: Location, rows_per_part: int) -> tuple[int, int]:
    """Read from the footer how many rows a file has, and count the pieces it is cut into."""
    with _open_file(path) as file:
        groups = _groups(path, file.metadata, file_size(path))
    ends = [*accumulate((group.rows for group in groups), initial=0)]
    return ends[-1], len(_edges(ends, rows_per_part)) - 1


def columns(path: Location) -> tuple[str, ...]:
    """Read the names of the columns of a Parquet file."""
    with _open_file(path) as file:
        return tuple(file.schema_arrow.names)


def refuse_id_column(path: Location, column: str) -> None:
    """Raise a DataError if the id column of a Parquet file is of a type that no id is of."""
    with path.open("rb") as file:
        schema = pq.read_schema(file)
    if column in schema.names:
        refuse_id_type(str(path), column, schema.field(column).type)


@contextmanager
def _open_file(path: Location) -> Iterator[pq.ParquetFile]:
    """Open a Parquet file and read its footer.

    Timestamps of 96 bits, which older programs write, count nanoseconds of days that a timestamp
    in nanoseconds does not reach: they are read in microseconds.
    """
    with path.open("rb") as file:
        try:
            opened = pq.ParquetFile(
                file,
                buffer_size=_PAGES,
                coerce_int96_timestamp_unit="us",
                page_checksum_verification=True,
            )
            _ = opened.schema_arrow.names  # Raises if names are not UTF-8, which is damage too.
        except _DAMAGE:
            raise _no_footer(path) from None
        with opened:
            yield opened


def _columns(file: pq.ParquetFile) -> pa.Schema:
    """The columns with their types; Parquet's intervals, which Arrow takes for bytes, as such."""
    columns = file.schema_arrow
    for leaf in map(file.schema.column, range(len(file.schema))):
        if leaf.converted_type == "INTERVAL" and (index := columns.get_field_index(leaf.path)) >= 0:
            columns = columns.set(index, pa.field(leaf.path, pa.month_day_nano_interval()))
    return columns


def _no_footer(path: Location) -> DataError:
    with path.open("rb") as file:
        if file.read(len(_ENCRYPTED)) == _ENCRYPTED:
            return _encrypted(path)
    return DataError(f"{path}: not a whole Parquet file (no footer). Fetch the file again.")


def _damaged_group(path: Location, number: int) -> DataError:
    return DataError(
        f"{path}, row group {number}: is damaged, its pages cannot be read. Fetch the file again."
    )


def _contradiction(path: Location) -> DataError:
    return DataError(f"{path}: is damaged, its footer contradicts itself. Fetch the file again.")


def _is_encryption(error: BaseException) -> bool:
    return "crypt" in str(error)


def _encrypted(path: Location) -> DataError:
    return DataError(f"{path}: is encrypted. Have it delivered unencrypted.")


@dataclass(frozen=True)
class _Group:
    """The location of a row group in its file."""

    rows: int
    start: int
    stop: int
    values: tuple[int, ...]
    """Number of values of each leaf column."""

    @classmethod
    def read(cls, group: pq.RowGroupMetaData) -> "_Group":
        chunks = [group.column(i) for i in range(group.num_columns)]
        starts = [c.dictionary_page_offset or c.data_page_offset for c in chunks]
        stops = [a + c.total_compressed_size for a, c in zip(starts, chunks, strict=True)]
        return cls(group.num_rows, min(starts), max(stops), tuple(c.num_values for c in chunks))

    def is_sound(self, size: int, flat: Sequence[int]) -> bool:
        """True if it lies in a file of `size` bytes and has a value per row and flat column.

        A damaged footer could otherwise make rows vanish, or pieces without end.
        """
        full = all(self.values[leaf] == self.rows for leaf in flat)
        return full and (not self.rows or 0 <= self.start <= self.stop <= size)


def _groups(path: Location, footer: pq.FileMetaData, size: int) -> list[_Group]:
    """Read the locations of the row groups of a file of `size` bytes.

    On a damaged footer, Arrow's metadata calls abort the process, while its reader raises. So the
    reader is started on each group first, on a file that gives no bytes.
    """
    groups = []
    for number in range(footer.num_row_groups):
        with pq.ParquetFile(_NoBytes(size), metadata=footer, buffer_size=_PAGES) as file:
            try:
                next(file.iter_batches(1, [number], use_threads=False), None)
            except (_PageRequested, NotImplementedError):
                pass
            except _DAMAGE as error:
                raise _encrypted(path) if _is_encryption(error) else _contradiction(path) from None
        groups.append(_Group.read(footer.row_group(number)))
    return groups


class _PageRequested(Exception):
    """The footer is sound: the reader has requested the first page."""


class _NoBytes(SizedFile):
    """A file whose reads raise `_PageRequested`."""

    def read(self, size: int = -1) -> bytes:
        raise _PageRequested(size)


def _flat_leaves(file: pq.ParquetFile) -> list[int]:
    """The leaf columns with one value per row."""
    leaves = file.metadata.num_columns
    return [i for i in range(leaves) if not file.schema.column(i).max_repetition_level]
