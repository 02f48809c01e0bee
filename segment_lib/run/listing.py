"""The people of a run in the order of a list: what orders them, what is listed of them, and how."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import numpy as np
import polars as pl
from dask import delayed

from segment_lib.cluster.memory import Budget
from segment_lib.cluster.workers import Workers
from segment_lib.errors import ConfigError, IntegrityError
from segment_lib.mailing.exclusions import IdColumns
from segment_lib.mailing.likeness import cells_of
from segment_lib.mailing.targets import (
    Exclusions,
    ListRows,
    Ranking,
    SortedPart,
    write_sorted_part,
)
from segment_lib.run.artifacts import ASSIGNED, LIKENESS, MICRO, MICRO_PARTS, NAMES, RAW
from segment_lib.run.context import RunReader
from segment_lib.run.progress import Console
from segment_lib.run.results import Assessed, Gained, Ingested
from segment_lib.schema.customer_mark import CustomerMark
from segment_lib.storage.files import StoredFile, read_part
from segment_lib.storage.location import Location

BYTES_PER_ROW, BYTES_PER_CARRIED = 1_000, 150
"""Of a row, and of each cell carried along, while its part is sorted; measured."""


@dataclass(frozen=True)
class Listing:
    """What orders the list: cells, best first, and which cell a row is in."""

    name: str
    """logistic or micro."""
    table: StoredFile
    cells: pl.DataFrame
    by: str
    """The column of the cell's number."""

    @classmethod
    def of_run(cls, run: RunReader) -> Self:
        """Read what the run has chosen."""
        name = run.result(Gained).ranking
        artifact, by = (LIKENESS, "cell") if name == "logistic" else (MICRO, "micro_segment")
        return cls(name, run.file(artifact), run.table(artifact), by)

    def of_customers(self, run: RunReader, workers: Workers) -> Self:
        """The same order, with the rows of the customers in each cell in place of the population.

        A cell in which the population has nobody comes last.
        """
        tasks = [
            delayed(_count_cells)(run.root, f, self) for f in run.files(MICRO_PARTS, "customers")
        ]
        counts = pl.concat(workers.run(tasks)).group_by(self.by).agg(pl.col("rows").sum())
        cells = self.cells.drop("population_rows").with_columns(pl.col(self.by).cast(pl.Int64))
        joined = counts.join(cells, on=self.by, how="left").rename({"rows": "population_rows"})
        return replace(self, cells=joined.sort("rank", self.by, nulls_last=True))

    def cells_of(self, rows: pl.DataFrame) -> np.ndarray:
        """Return the cell of each row, shape (n_rows,), from `micro_segment` or `likeness`."""
        if self.by == "cell":
            return cells_of(rows["likeness"], self.cells)
        return rows["micro_segment"].to_numpy()


def _count_cells(root: Location, file: StoredFile, listing: Listing) -> pl.DataFrame:
    cells, rows = np.unique(listing.cells_of(read_part(root, file)), return_counts=True)
    return pl.DataFrame({listing.by: cells.astype(np.int64), "rows": rows.astype(np.int64)})


def id_columns(run: RunReader, extract: str) -> IdColumns:
    """Return the columns of an extract that decide who is listed."""
    ingested = run.result(Ingested)
    marks = ingested.suppress_column
    missing = {name: codes for name, _, _, codes in run.result(Assessed).attributes}
    repeated = ingested.ids[extract]["rows"] if ingested.id_column else 0
    return IdColumns(
        ingested.id_column,
        marks if marks in ingested.passthrough[extract] or marks in missing else "",
        missing.get(marks, ()),
        repeated > 0 and ingested.repeated_ids == "rows",
        CustomerMark.parse(ingested.customers_where),
    )


def list_rows(run: RunReader, extract: str, *, everybody: bool, seed: int | None) -> ListRows:
    """Return what the rows of a list hold, columns carried along included.

    A column that has the name of one of the list's own gets another.

    Parameters
    ----------
    everybody : whether those are listed too who are not to be mailed
    seed : that of the draw of cells, if there is one
    """
    ingested = run.result(Ingested)
    taken = {"rank", "id", "row", "segment", "micro_segment", "micro_index", "likeness", "name"}
    taken |= {"cell", "mail", "draw"}
    carried = {
        f"{name} (delivered)" if name in taken else name: name
        for name in ingested.passthrough[extract]
        if name not in (ingested.id_column, ingested.suppress_column)
    }
    names = run.table(NAMES)
    return ListRows(dict(names.select("segment", "name").iter_rows()), carried, everybody, seed)


def chosen_columns(own: Sequence[str], texts: Collection[str], wanted: str | None) -> list[str]:
    """Return the columns that a list is to have: those wanted, or its own but for texts.

    Raises
    ------
    ConfigError
        If it has no such column.
    """
    names = [name.strip() for name in wanted.split(",")] if wanted else []
    if absent := [name for name in names if name not in own]:
        raise ConfigError(
            f"--columns: {', '.join(absent)} is no column of the list. There are "
            f'{", ".join(own)}. inputs.extra_columns = "carry" brings those of the extract.'
        )
    return list(dict.fromkeys(names)) or [name for name in own if name not in texts]


@dataclass(frozen=True)
class Sorting:
    """How the parts of an extract are sorted into the order of a list."""

    extract: str
    columns: IdColumns
    listing: Listing
    ranking: Ranking
    exclusions: Exclusions
    holding: ListRows
    seed: int

    def sort_parts(
        self, run: RunReader, scratch: Path, workers: Workers, console: Console, budget: int
    ) -> list[SortedPart]:
        """Return a sorted run of each part, in `scratch`."""
        parts = list(run.aligned(MICRO_PARTS, ASSIGNED, RAW, extracts=[self.extract]))
        largest = max(raw.rows or 0 for _, (_, _, raw) in parts)
        per_row = BYTES_PER_ROW + BYTES_PER_CARRIED * len(self.holding.carried)
        at_once = Budget(budget).parts_at_once(
            per_row * largest, workers.threads, self.exclusions.bytes
        )
        tasks = [
            delayed(_sort_part)(run.root, *files, self, scratch / f"run-{i:05d}.arrow")
            for i, (_, files) in enumerate(parts)
        ]
        with console.progress("export", len(tasks), "parts") as progress:
            return workers.run(tasks, lambda _: progress.add(1), at_once=at_once)


def _sort_part(
    root: Location,
    micro: StoredFile,
    segments: StoredFile,
    raw: StoredFile,
    sorting: Sorting,
    path: Path,
) -> SortedPart:
    rows = read_part(root, segments, columns=["row", "segment"])
    placed = read_part(root, micro)
    if not rows["row"].equals(placed["row"]):
        raise IntegrityError(f"{micro.path}: not the rows of {segments.path}. Run gains again.")
    ids, marked = sorting.columns.read(root, raw)
    people = rows.with_columns(placed["micro_segment"])
    if sorting.listing.name == "logistic":
        people = people.with_columns(placed["likeness"].cast(pl.Float64).round(1))
    if carried := list(sorting.holding.carried.values()):
        delivered = read_part(root, raw, columns=carried)
        people = people.hstack(sorting.holding.carry(delivered))
    cells = sorting.listing.cells_of(placed)
    return write_sorted_part(
        people, cells, ids, marked, sorting.ranking, sorting.exclusions, sorting.seed, path
    )
