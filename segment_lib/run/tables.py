"""Tables that are no files, copied to the run folder as Parquet before the job reads them."""

import os
from collections.abc import Collection
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

from segment_lib.config import Config
from segment_lib.config.sections import Inputs
from segment_lib.run.fingerprint import fingerprint
from segment_lib.run.folder import RunFolder
from segment_lib.run.layout import TABLE_COPY, TABLES
from segment_lib.run.progress import log
from segment_lib.sources import DeltaRows, QueryRows, Snapshot, is_database, is_delta, open_database
from segment_lib.storage.files import hand_over, make_private
from segment_lib.storage.location import Location
from segment_lib.storage.stores import as_location, store_of
from segment_lib.terms import EXTRACTS


class Table(Protocol):
    """Rows that do not lie in files, as they were at one time."""

    def version(self) -> object:
        """Return what changes when the rows do."""

    def write(self, target: Path) -> None:
        """Write the rows to a Parquet file, a bounded number of them in memory."""


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
    with ExitStack() as opened:
        snapshots: dict[str, Snapshot] = {}
        for extract in EXTRACTS[:1] if config.inputs.mark else EXTRACTS:
            if table := _open(config.inputs, extract, snapshots, opened):
                version = fingerprint("table", table.version())[:32]
                copies[extract] = folder.root / TABLES / f"{extract}-{version}.parquet"
                if not copies[extract].is_file():
                    log(f"tables   {extract}: reading {config.inputs.path(extract)}")
                    _copy(table, copies[extract], folder)
    _remove_others(folder.root / TABLES, copies.values())
    paths: dict[str, Any] = {extract: str(copy) for extract, copy in copies.items()}
    return replace(config, inputs=replace(config.inputs, **paths))


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
        old = [path for path in folder.iterdir() if TABLE_COPY.fullmatch(path.name)]
        store = store_of(folder)
        store.remove(*(path for path in old if path not in copies))
        store.remove_empty(folder)


def _copy(table: Table, copy: Location, folder: RunFolder) -> None:
    """Write a copy, which appears whole or not at all."""
    local = folder.local(copy.parent)
    make_private(local)
    half = local / f"{copy.name}.half"
    table.write(half)
    os.utime(half, (0, 0))
    hand_over(half, copy)
