"""The files of a list, written from its rows in batches: Parquet, CSV and xlsx."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from datetime import datetime
from importlib.util import find_spec
from math import floor
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from segment_lib.errors import ConfigError, DataError
from segment_lib.storage.location import Location
from segment_lib.storage.tables import EXCEL, PLAIN, CsvForm, csv_text

MOST_XLSX_ROWS = 1_048_575
"""Rows of a sheet of Excel, less its header."""
_ROWS_AT_ONCE = 100_000
_CREATED = datetime(2000, 1, 1)
"""What a workbook says of its making, so that the same list has the same bytes."""
_WIDTH = 18
"""Characters that a column of a sheet shows."""
_CHANGED_BY_EXCEL = r"^\s*[+-]?(0[0-9]+|[0-9]{16,})\s*$"

Write = Callable[[pl.DataFrame], None]


def require_xlsx() -> None:
    """Raise a ConfigError unless the package of the extra `excel` is installed."""
    if find_spec("xlsxwriter") is None:
        raise ConfigError(
            "--format xlsx needs xlsxwriter. Install it: pip install 'segment_lib[excel]'."
        )


def refuse_too_long(rows: int, people: int) -> None:
    """Raise a ConfigError if a sheet may not hold a list of the first `rows` of all `people`."""
    if rows > MOST_XLSX_ROWS:
        deepest = floor(1000 * MOST_XLSX_ROWS / people) / 1000
        raise ConfigError(
            f"--format xlsx: up to {rows:,} rows, and a sheet holds {MOST_XLSX_ROWS:,}. Nothing "
            f"was changed. Say --format csv, or --depth {deepest} at most."
        )


def batches(rows: Location) -> Iterator[pl.DataFrame]:
    """Yield the rows of a Parquet file, the first time none of them, for the columns alone."""
    with rows.open("rb") as stream, pq.ParquetFile(stream) as file:
        yield pl.DataFrame(pl.from_arrow(file.schema_arrow.empty_table()))
        for batch in file.iter_batches(_ROWS_AT_ONCE, use_threads=False):
            yield pl.DataFrame(pl.from_arrow(batch))


def columns_that_excel_changes(rows: Path, columns: Sequence[str]) -> list[str]:
    """Return the columns of text in which Excel takes codes for numbers: 00123 becomes 123."""
    scan = pl.scan_parquet(rows)
    kinds = scan.collect_schema()
    text = [name for name in columns if kinds.get(name) == pl.String]
    changed = scan.select(pl.col(text).str.contains(_CHANGED_BY_EXCEL).any())
    is_changed = changed.collect(engine="streaming").row(0) if text else ()
    return [name for name, is_so in zip(text, is_changed, strict=True) if is_so]


def write_files(
    rows: Iterator[pl.DataFrame], files: Sequence[AbstractContextManager[Write]]
) -> None:
    """Write batches of rows, the first of them empty, to each of the files."""
    with ExitStack() as stack:
        writers = [stack.enter_context(file) for file in files]
        for batch in rows:
            for write in writers:
                write(batch)


@contextmanager
def parquet_file(path: Path) -> Iterator[Write]:
    """Open a Parquet file for batches of rows."""
    with path.open("xb") as file:
        writer: pq.ParquetWriter | None = None

        def write(batch: pl.DataFrame) -> None:
            nonlocal writer
            table: pa.Table = batch.to_arrow(compat_level=pl.CompatLevel.oldest())
            writer = writer or pq.ParquetWriter(file, table.schema, compression="zstd")
            if len(table):
                writer.write_table(table)

        yield write
        if writer is not None:
            writer.close()


@contextmanager
def csv_file(path: Path, form: CsvForm) -> Iterator[Write]:
    """Open a CSV file for batches of rows; formulas are guarded."""
    headed = True
    with path.open("xb") as file:

        def write(batch: pl.DataFrame) -> None:
            nonlocal headed
            file.write(csv_text(batch, form, headed=headed).encode())
            headed = False

        yield write


@contextmanager
def xlsx_file(path: Path, cells: pl.DataFrame | None) -> Iterator[Write]:
    """Open a workbook for batches of rows, which it does not keep in memory.

    Text is written as text, whatever it looks like, and numbers as numbers.

    Parameters
    ----------
    cells : a table for a second sheet, if there is one
    """
    import xlsxwriter

    options = {"constant_memory": True, "tmpdir": str(path.parent), "use_zip64": True}
    kept = {f"strings_to_{kind}": False for kind in ("formulas", "urls", "numbers")}
    with xlsxwriter.Workbook(str(path), options | kept) as book:
        book.set_properties({"created": _CREATED})
        sheet = _Sheet(book, "list")
        yield sheet.write
        if cells is not None:
            _Sheet(book, "cells").write(cells)


class _Sheet:
    """A sheet that is written from top to bottom."""

    def __init__(self, book: Any, name: str) -> None:
        self._sheet = book.add_worksheet(name)
        self._bold = book.add_format({"bold": True})
        self._row = 0

    def write(self, batch: pl.DataFrame) -> None:
        """Write rows below those before, the names of the columns above the first."""
        if not self._row:
            self._sheet.freeze_panes(1, 0)
            self._sheet.set_column(0, len(batch.columns) - 1, _WIDTH)
            self._write_row(batch.columns, self._bold)
        for row in batch.iter_rows():
            self._write_row(row)

    def _write_row(self, row: Sequence[object], *form: object) -> None:
        if self._sheet.write_row(self._row, 0, row, *form):
            raise DataError(
                "--format xlsx: a cell of more than 32,767 characters. Say --format csv, or leave "
                "its column out by --columns."
            )
        self._row += 1


FILES: dict[str, Callable[[Path, pl.DataFrame | None], AbstractContextManager[Write]]] = {
    "parquet": lambda path, _: parquet_file(path),
    "csv": lambda path, _: csv_file(path, PLAIN),
    "xlsx": xlsx_file,
    "excel": lambda path, _: csv_file(path, EXCEL),
}
"""How a file of a list is opened, by its form; `excel` is CSV as Excel opens it."""
