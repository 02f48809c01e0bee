"""Tables that are no files, copied to the run folder as Parquet before the job reads them."""

import os
from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa

from segment_lib.config import Config
from segment_lib.config.sections import Inputs
from segment_lib.run.fingerprint import fingerprint
from segment_lib.run.folder import RunFolder
from segment_lib.run.layout import TABLE_COPY, TABLES
from segment_lib.run.progress import log
from segment_lib.sources import DeltaRows, QueryRows, Snapshot, is_database, is_delta, open_database
from segment_lib.sources.row_groups import write_row_groups
from segment_lib.storage.files import hand_over, make_private
from segment_lib.storage.location import Location
from segment_lib.storage.stores import as_location, store_of
from segment_lib.terms import EXTRACTS


class Table(Protocol):
    """Rows that do not lie in files, as they were at one time."""

    def version(self) -> object:
        """Return what changes when the rows do."""

    @property
    def columns(self) -> pa.Schema:
        """Names and types of the columns."""

    def estimate_rows(self) -> int:
        """Return how many rows there are, about, and read none of them."""

    def write(self, target: Path) -> None:
        """Write the rows to a Parquet file, a bounded number of them in memory."""


@dataclass(frozen=True)
class TableSize:
    """The size of a table that is not copied yet, as it says itself."""

    extract: str
    rows: int
    bytes: int
    """Of the copy."""


def with_tables(config: Config, folder: RunFolder) -> Config:
    """Return the config with the paths of copies in place of tables that are no files.

    The name of a copy holds the version of its table, and its time of change is 1970: so the
    fingerprint of a copy is that of its table. A copy of the version at hand is taken as it is;
    older ones are removed. Tables of one database are read from one snapshot of it.

    Raises
    ------
    ConfigError
        If a package that reads them is not installed, or a database cannot be reached.
    DataError
        If a table cannot be read.
    """
    copies: dict[str, Location] = {}
    for extract, table in _tables(config.inputs):
        copies[extract] = _place(table, extract, folder)
        if not copies[extract].is_file():
            log(f"tables   {extract}: reading {config.inputs.path(extract)}")
            _copy(table, copies[extract], folder)
    _remove_others(folder.root / TABLES, copies.values())
    return _reading(config, copies)


def with_outlines(
    config: Config, folder: RunFolder, scratch: Path
) -> tuple[Config, dict[Location, TableSize]]:
    """Return what `with_tables` does, for a forecast: no table is copied, no row of it read.

    An empty file in the scratch folder, of the same columns, stands for a copy that the run folder
    lacks. Only where it has one is a database asked for a hash of its rows.

    Returns
    -------
    config : with the paths of copies and of empty files
    sizes : by empty file, the size of its table
    """
    copies: dict[str, Location] = {}
    sizes: dict[Location, TableSize] = {}
    for extract, table in _tables(config.inputs):
        earlier = [path.name.startswith(extract) for path in _copies_in(folder.root / TABLES)]
        if any(earlier) and (copy := _place(table, extract, folder)).is_file():
            copies[extract] = copy
            continue
        outline = copies[extract] = scratch / f"{extract}.parquet"
        write_row_groups(outline, table.columns, [])
        rows = table.estimate_rows()
        # About a byte a cell, as any Parquet file has.
        sizes[outline] = TableSize(extract, rows, rows * len(table.columns))
    return _reading(config, copies), sizes


def _reading(config: Config, copies: Mapping[str, Location]) -> Config:
    paths: dict[str, Any] = {extract: str(copy) for extract, copy in copies.items()}
    return replace(config, inputs=replace(config.inputs, **paths))


def _tables(inputs: Inputs) -> Iterator[tuple[str, Table]]:
    """Yield the extracts that are tables, those of one database in one snapshot."""
    with ExitStack() as opened:
        snapshots: dict[str, Snapshot] = {}
        for extract in EXTRACTS[:1] if inputs.mark else EXTRACTS:
            if table := _open(inputs, extract, snapshots, opened):
                yield extract, table


def _place(table: Table, extract: str, folder: RunFolder) -> Location:
    """The place of the copy of a table as it is now."""
    version = fingerprint("table", table.version())[:32]
    return folder.root / TABLES / f"{extract}-{version}.parquet"


def _open(
    inputs: Inputs, extract: str, snapshots: dict[str, Snapshot], opened: ExitStack
) -> Table | None:
    """Open the table of an extract; None if it consists of files."""
    path = inputs.path(extract)
    if is_database(path):
        if path not in snapshots:
            snapshots[path] = opened.enter_context(open_database(path))
        return QueryRows(snapshots[path], inputs.query(extract), inputs.id_column)
    return DeltaRows(as_location(path)) if is_delta(as_location(path)) else None


def _remove_others(folder: Location, copies: Collection[Location]) -> None:
    """Remove copies of other versions, and what a killed job left of one."""
    if folder.is_dir():
        store = store_of(folder)
        store.remove(*(path for path in _copies_in(folder) if path not in copies))
        store.remove_empty(folder)


def _copies_in(folder: Location) -> list[Location]:
    there = folder.iterdir() if folder.is_dir() else ()
    return [path for path in there if TABLE_COPY.fullmatch(path.name)]


def _copy(table: Table, copy: Location, folder: RunFolder) -> None:
    """Write a copy, which appears whole or not at all."""
    local = folder.local(copy.parent)
    make_private(local)
    half = local / f"{copy.name}.half"
    table.write(half)
    os.utime(half, (0, 0))
    hand_over(half, copy)
