"""Duplicate ids: detection of rows that repeat one, and parts without them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace

import numpy as np
import polars as pl
from dask import delayed

from segment_lib.clean import tally_part
from segment_lib.clean.id_remarks import refuse_ids, remarks_on_ids
from segment_lib.clean.repeats import (
    BYTES_PER_ROW,
    ROWS_PER_BUCKET,
    RepeatCounts,
    RowsByOwner,
    assign_buckets,
    count_repeated,
    find_repeats,
    n_buckets,
    repeated_rows,
)
from segment_lib.schema.ids import NO_ID, hash_ids, leading_zeros
from segment_lib.schema.language import Sentence, about_extract
from segment_lib.storage.files import StoredFile, read_part
from segment_lib.storage.location import Location
from segment_lib.tasks.compute import Compute
from segment_lib.tasks.extracts import RawParts
from segment_lib.tasks.part import IMPLIED, PartRows, PartTask
from segment_lib.tasks.raw import TALLY, RawPart
from segment_lib.tasks.tallies import read_tally

BYTES_PER_CELL = 15
"""Bytes in memory per cell while ids are read and attributes compared (measured)."""


@dataclass(frozen=True)
class FirstRows(PartTask):
    """Rows of a raw part without those that repeat an earlier id, counted again."""

    raw: RawPart
    repeated: str
    """sha256 of the numbers of the rows that repeat an id."""
    file: StoredFile = field(metadata=IMPLIED)
    """The raw part."""
    buckets: Sequence[RowsByOwner] = field(metadata=IMPLIED)
    """Numbers of the rows that repeat an id, by part."""
    number: int = field(metadata=IMPLIED)
    """Of the part, from 0."""

    def make(self, root: Location) -> PartRows:
        """Remove the repeated rows from the raw part below `root`."""
        rows = read_part(root, self.file)
        repeated = pl.Series(repeated_rows(self.buckets, self.number).astype(np.int64))
        kept = rows.filter(~pl.col("row").is_in(repeated.implode()))
        notes = read_tally(root, self.file).notes
        tally = tally_part(kept, self.raw.delivery.schema, notes)
        return PartRows(kept, {TALLY: tally.to_json()})


@dataclass(frozen=True)
class People:
    """How people of an extract are identified by their ids."""

    without_id: int
    """Rows that have no id."""
    repeats: RepeatCounts
    buckets: Sequence[RowsByOwner]
    """Numbers of the rows that repeat an id, by part."""

    def as_json(self) -> dict[str, int]:
        """Return the counts of rows that are not of one person each."""
        return {"without_id": self.without_id, **asdict(self.repeats)}


def compare_people(
    compute: Compute, root: Location, extracts: Sequence[RawParts], column: str, scratch: Location
) -> dict[str, People]:
    """Compare the ids of each extract in bounded memory; reads nothing if there are none.

    Parameters
    ----------
    column : that of the ids; empty if there is none
    scratch : where ids are sorted
    """
    if not column:
        return {}
    return {parts.name: _compare(compute, root, parts, column, scratch) for parts in extracts}


def _compare(
    compute: Compute, root: Location, parts: RawParts, column: str, scratch: Location
) -> People:
    attributes, n = parts.tasks[0].delivery.schema.names, n_buckets(parts.rows)
    identified = compute(
        [
            delayed(_sort_ids)(root, file, column, attributes, n, scratch, f"{parts.name}-{i:05d}")
            for i, file in enumerate(parts.files)
        ],
        bytes_per_row=BYTES_PER_CELL * len(attributes),
        rows=max(task.n_rows for task in parts.tasks),
    )
    keys = [keys for _, keys in identified]
    firsts = [task.first for task in parts.tasks]
    compared = compute(
        [
            delayed(find_repeats)(
                keys, bucket, firsts, scratch, f"{parts.name}-repeats-{bucket:05d}"
            )
            for bucket in range(n)
        ],
        bytes_per_row=BYTES_PER_ROW,
        rows=ROWS_PER_BUCKET,
    )
    return People(
        sum(without_id for without_id, _ in identified),
        sum((repeats for repeats, _ in compared), start=RepeatCounts()),
        [rows for _, rows in compared],
    )


def _sort_ids(
    root: Location,
    file: StoredFile,
    column: str,
    attributes: Sequence[str],
    n: int,
    scratch: Location,
    path: str,
) -> tuple[int, RowsByOwner]:
    """Write the ids of a part to disk by bucket; return how many rows have none.

    Of each row: key, row number, a hash of the attributes, and leading zeros of the id.
    """
    rows = read_part(root, file)
    keys = hash_ids(rows[column])
    contents = rows.select(attributes).hash_rows(0).to_numpy()
    has_id = keys != NO_ID
    numbers = rows["row"].to_numpy().astype(np.uint64)
    table = np.column_stack([keys, numbers, contents, leading_zeros(rows[column])])[has_id]
    written = RowsByOwner.write(scratch, path, table, assign_buckets(keys[has_id], n), n)
    return int((~has_id).sum()), written


def first_parts(
    compute: Compute,
    extracts: Sequence[RawParts],
    people: Mapping[str, People],
    path: Callable[[str], str],
) -> tuple[list[PartTask], dict[str, int]]:
    """Return tasks of parts without repeated ids, and the number of rows left out.

    A part of which nobody is left has no task.

    Parameters
    ----------
    path : gives where a part goes from the path of its raw part
    """
    tasks: list[PartTask] = []
    left_out = {}
    for parts in extracts:
        buckets = people[parts.name].buckets
        counts = compute([delayed(count_repeated)(buckets, i) for i in range(len(parts.files))])
        columns = zip(parts.tasks, parts.files, counts, strict=True)
        for number, (task, file, (repeated, digest)) in enumerate(columns):
            target = path(task.path)
            if not repeated:
                tasks.append(replace(task, path=target))
                continue
            left_out[target] = repeated
            if repeated < task.n_rows:
                tasks.append(FirstRows(target, task, digest, file, buckets, number))
    return tasks, left_out


def id_remarks(
    extracts: Sequence[RawParts],
    people: Mapping[str, People],
    repeated_ids: str,
    min_cell: int,
) -> Iterator[Sentence]:
    """Yield remarks on the ids of the extracts; counts of few people are suppressed.

    Parameters
    ----------
    repeated_ids : what is to be done with rows that repeat an id: once, refuse or rows

    Raises
    ------
    DataError
        If ids repeat and are to be refused, one is no person's, or zeros leave two in doubt.
    """
    for parts in extracts if people else ():
        own = people[parts.name]
        source = f"{parts.delivered.pattern}, column {parts.tasks[0].id_column}"
        refuse_ids(own.repeats, parts.rows, parts.name, source, repeated_ids)
        remarks = remarks_on_ids(own.repeats, own.without_id, parts.rows, repeated_ids, min_cell)
        yield from (about_extract(parts.name, remark) for remark in remarks)
