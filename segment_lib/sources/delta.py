"""Delta tables: the rows of their latest version, without those deleted or replaced before it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import polars as pl
import pyarrow as pa

from segment_lib.errors import ConfigError, DataError
from segment_lib.sources.row_groups import write_row_groups
from segment_lib.storage.location import Location
from segment_lib.storage.stores import local_path

_BATCH = 1 << 15
"""Rows that are read at a time."""


def is_delta(path: Location) -> bool:
    """True for the folder of a Delta table on a disk; not where nothing may be read."""
    return local_path(path) is not None and os.path.isdir(f"{path}/_delta_log")


class DeltaRows:
    """A Delta table as it was when it was opened, whatever is written to it meanwhile.

    Raises
    ------
    ConfigError
        If the package that reads Delta tables is not installed.
    DataError
        If its log cannot be read.
    """

    def __init__(self, folder: Location) -> None:
        try:
            from deltalake import DeltaTable
            from deltalake.exceptions import DeltaError
        except ImportError:
            raise ConfigError(
                f"{folder}: a Delta table, which deltalake reads. Install it: pip install "
                "'segment_lib[delta]'; or export the table to plain Parquet."
            ) from None
        self._folder = folder
        try:
            self._table = DeltaTable(str(folder))
        except DeltaError:
            raise self._unreadable() from None

    def version(self) -> list[str | int]:
        """Return what tells this version from all others: id of the table, and its number."""
        return [str(self._table.metadata().id), self._table.version()]

    def write(self, target: Path) -> None:
        """Write the rows to a Parquet file.

        Raises
        ------
        DataError
            If a file of the table is gone or damaged, or needs a newer reader.
        """
        with self._readable() as rows:
            batches = rows.collect_batches(chunk_size=_BATCH, maintain_order=True)
            parts = (part for frame in batches for part in frame.to_arrow().to_batches())
            write_row_groups(target, self.columns, parts)

    @property
    def columns(self) -> pa.Schema:
        """Names and types of the columns."""
        with self._readable() as rows:
            return rows.collect_schema().to_frame().to_arrow().schema

    def estimate_rows(self) -> int:
        """Return how many rows there are, by the footers of its files."""
        with self._readable() as rows:
            return int(rows.select(pl.len()).collect().item())

    @contextmanager
    def _readable(self) -> Iterator[pl.LazyFrame]:
        try:
            yield pl.scan_delta(self._table)
        except (pl.exceptions.PolarsError, FileNotFoundError):
            raise self._unreadable() from None

    def _unreadable(self) -> DataError:
        return DataError(
            f"{self._folder}: the Delta table cannot be read: files are gone or damaged, or it "
            "needs a newer reader. Deliver it again, or export it to plain Parquet."
        )
