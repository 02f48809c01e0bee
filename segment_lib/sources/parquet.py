"""Parquet extracts: whole row groups, or slices of large ones, read by name."""

import hashlib
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from segment_lib.errors import DataError
from segment_lib.s3 import S3Path
from segment_lib.schema import Schema
from segment_lib.sources.headers import check_columns
from segment_lib.sources.reading import Reading
from segment_lib.sources.typing import has_infinity, in_one_spelling, typed

_CHUNK = 1 << 22


@dataclass(frozen=True)
class ParquetPiece:
    """The rows of a Parquet file from `first` on."""

    path: Path
    first: int
    rows: int
    columns: tuple[str, ...]
    size: int
    """Its share of the bytes of the file."""
    start: int
    stop: int
    """The bytes of the row groups that hold it."""
    skipped: int
    """Rows of these groups that come before it."""
    groups: tuple[int, ...]
    """The numbers of these groups."""

    def digest(self) -> tuple[str, int]:
        """What tells these rows from others: a hash of their groups' bytes, and how many rows."""
        told = [*self.columns, str(self.skipped), str(self.rows)]
        found = hashlib.sha256("\0".join(told).encode())
        with self.path.open("rb") as file:
            file.seek(self.start)
            left = self.stop - self.start
            while left and (chunk := file.read(min(left, _CHUNK))):
                found.update(chunk)
                left -= len(chunk)
        return found.hexdigest(), self.rows

    def read(self, schema: Schema, carried: Sequence[str] = ()) -> Reading:
        """Read the piece in the feature summary's types.

        Raises
        ------
        DataError
            If a column cannot be read as what the feature summary says it is.
        """
        try:
            rows = self._rows([*schema.names, *carried])
            table = typed(rows, schema, carried).collect()
        except (pl.exceptions.PolarsError, pa.ArrowException, OSError):
            raise self._fault(schema) from None
        if has_infinity(table):
            raise self._fault(schema)
        return Reading(in_one_spelling(table, schema))

    def _rows(self, wanted: Sequence[str]) -> pl.LazyFrame:
        if not isinstance(self.path, S3Path):
            return pl.scan_parquet(self.path, glob=False).slice(self.first, self.rows)
        # Polars would read a file that is handed to it whole, once for each piece.
        columns = list(dict.fromkeys(wanted))
        with self.path.open("rb") as file, pq.ParquetFile(file) as opened:
            found = opened.read_row_groups(self.groups, columns=columns, use_threads=False)
        table = pl.from_arrow(found.slice(self.skipped, self.rows))
        return pl.DataFrame(table).lazy()

    def _fault(self, schema: Schema) -> DataError:
        unreadable = DataError(f"{self.path}: cannot be read as Parquet. Fetch the file again.")
        try:
            rows = self._rows(schema.names)
        except (pa.ArrowException, OSError):
            return unreadable
        for attribute in (a for a in schema if a.storage == "number"):
            given = pl.col(attribute.name)
            number = given.cast(pl.Float64, strict=False)
            word = given.cast(pl.String).is_in(attribute.missing_words)
            lost = given.is_not_null() & ~word & (number.is_null() | number.is_infinite())
            try:
                faulty = rows.select(lost.arg_true()).collect().to_series()
            except pl.exceptions.PolarsError:
                break
            if faulty.len():
                return DataError(
                    f"{self.path}, row {self.first + int(faulty[0])}, column {attribute.name}: not "
                    f"a number, though the feature summary calls it {attribute.type}. "
                    "Mend the cell or call the attribute categorical."
                )
        return unreadable


def cut(path: Path, schema: Schema, rows_per_part: int) -> tuple[ParquetPiece, ...]:
    """Cut a Parquet file into pieces of about `rows_per_part` rows, along its row groups."""
    footer = _footer(path)
    given = footer.schema.to_arrow_schema()
    columns = tuple(given.names)
    check_columns(path, columns, schema)
    for attribute in schema:
        kind = given.field(attribute.name).type
        number = attribute.storage == "number"
        if pa.types.is_nested(kind) or (number and pa.types.is_temporal(kind)):
            raise DataError(
                f"{path}, column {attribute.name}: holds values of type {kind}, though the feature "
                f"summary calls it {attribute.type}. Write codes or numbers: of a date the year, "
                "or the age in years."
            )
    if not footer.num_rows:
        return ()
    edges = [0]
    end = 0
    for group in range(footer.num_row_groups):
        end += footer.row_group(group).num_rows
        while end - edges[-1] >= 2 * rows_per_part:
            edges.append(edges[-1] + rows_per_part)
        if end - edges[-1] >= rows_per_part:
            edges.append(end)
    if edges[-1] < end:
        edges.append(end)
    row_bytes = path.stat().st_size / footer.num_rows
    groups = [_Group.of(footer.row_group(i)) for i in range(footer.num_row_groups)]
    ends = list(accumulate(group.rows for group in groups))
    pieces = []
    for first, last in pairwise(edges):
        held = range(bisect_right(ends, first), bisect_left(ends, last) + 1)
        pieces.append(
            ParquetPiece(
                path,
                first,
                last - first,
                columns,
                round(row_bytes * (last - first)),
                min(groups[i].start for i in held),
                max(groups[i].stop for i in held),
                first - (ends[held[0]] - groups[held[0]].rows),
                tuple(held),
            )
        )
    return tuple(pieces)


def columns(path: Path) -> tuple[str, ...]:
    """The columns of a Parquet file."""
    return tuple(_footer(path).schema.to_arrow_schema().names)


def _footer(path: Path) -> pq.FileMetaData:
    try:
        with path.open("rb") as file:
            return pq.read_metadata(file)
    except (pa.ArrowInvalid, OSError):
        raise DataError(
            f"{path}: not a whole Parquet file (no footer). Fetch the file again."
        ) from None


@dataclass(frozen=True)
class _Group:
    """Where a row group lies in its file."""

    rows: int
    start: int
    stop: int

    @classmethod
    def of(cls, group: pq.RowGroupMetaData) -> "_Group":
        chunks = [group.column(i) for i in range(group.num_columns)]
        starts = [c.dictionary_page_offset or c.data_page_offset for c in chunks]
        stops = [a + c.total_compressed_size for a, c in zip(starts, chunks, strict=True)]
        return cls(group.num_rows, min(starts), max(stops))
