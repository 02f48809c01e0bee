"""The pieces of the extracts made into raw parts: rows numbered, each part with its tally."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, groupby
from operator import itemgetter

import polars as pl
from dask import delayed

from jobs.legacy import Part, Parts, make_parts, part_key
from jobs.people import folder_of
from segment_lib.clean import tally_part
from segment_lib.run.checkpoint import finish_part
from segment_lib.run.job import Job
from segment_lib.schema.ids import RoundedIdError, normalize_ids, rounded_ids_error
from segment_lib.sources import (
    ColumnMapping,
    Extract,
    FileDigests,
    Piece,
    ReadResult,
    changed,
    refuse_copies,
)
from segment_lib.storage.files import StoredFile
from segment_lib.storage.location import Location
from segment_lib.storage.stores import store_of

BYTES_PER_CELL = 30
"""Of a row in memory while it is parsed, typed, tallied and written; measured."""


@dataclass(frozen=True)
class RawParts:
    """The parts of both extracts, and what was noticed of the files they are from."""

    parts: Parts
    remarks: Sequence[str]


def make_raw_parts(job: Job, extracts: Sequence[Extract], work: Location) -> RawParts:
    """Hash and count the pieces, then read and write each.

    Raises
    ------
    DataError
        If a piece cannot be read, changes between its two readings, or two files are copies.
    """
    inputs = job.config.inputs
    ids = inputs.id_column, inputs.missing
    parts, sizes, contents = [], {}, []
    for extract in extracts:
        digests = job.workers.run([delayed(piece.digest)() for piece in extract.pieces])
        contents += contents_of(extract, digests)
        read_as = [list(extract.passthrough), *ids, job.delivery.as_json()]
        firsts = accumulate((rows for _, rows in digests), initial=0)
        for i, (piece, (digest, rows), first) in enumerate(
            zip(extract.pieces, digests, firsts, strict=False)
        ):
            path = f"{folder_of(job)}/{extract.name}/part-{i:05d}.parquet"
            task = delayed(write_raw_part)(
                piece, extract.passthrough, *ids, first, digest, rows, job.delivery, work, path
            )
            parts.append(Part(path, part_key("raw", digest, first, read_as), task))
            sizes[path] = piece.size
    copies = refuse_copies(contents)
    at_once = job.at_once(BYTES_PER_CELL * len(job.schema), job.config.run.rows_per_part)
    total = sum(extract.size for extract in extracts)
    with job.console.progress("ingest", total, "bytes") as progress:
        made = make_parts(
            job, "ingest", parts, work, lambda file: progress.add(sizes[file.path]), at_once=at_once
        )
    return RawParts(made, copies)


def contents_of(extract: Extract, digests: Sequence[tuple[str, int]]) -> list[FileDigests]:
    """What is in each file that has rows."""
    pieces = zip(extract.origins, digests, strict=True)
    files = [(file, [digest for _, digest in own]) for file, own in groupby(pieces, itemgetter(0))]
    return [
        FileDigests(
            extract.name, file, tuple(name for name, _ in own), sum(rows for _, rows in own)
        )
        for file, own in files
    ]


def write_raw_part(
    piece: Piece,
    passthrough: Sequence[str],
    id_column: str,
    missing: Sequence[str],
    first: int,
    digest: str,
    counted: int,
    delivery: ColumnMapping,
    work: Location,
    path: str,
) -> StoredFile:
    """Number the rows of a piece from `first` and write them with their tally in the footer."""
    reading = delivery.read(piece, passthrough)
    rows = reading.rows
    if rows.height != counted or not _is_what_was_hashed(piece, reading, digest):
        raise changed(piece.path)
    if id_column:
        try:
            rows = rows.with_columns(normalize_ids(rows[id_column], missing).alias(id_column))
        except RoundedIdError:
            raise rounded_ids_error(f"{piece.path}, column {id_column}") from None
    tally = tally_part(rows, delivery.schema, reading.notes)
    numbered = rows.select(pl.int_range(first, first + pl.len(), dtype=pl.Int64).alias("row"), "*")
    return finish_part(work, path, numbered, {"tally": tally.to_json()})


def _is_what_was_hashed(piece: Piece, reading: ReadResult, digest: str) -> bool:
    """True if the rows come from the bytes of the digest.

    Parquet is read by columns, so its bytes are hashed once more; objects have versions for that.
    """
    if store_of(piece.path).versioned and not reading.digest:
        return True
    return (reading.digest or piece.digest()[0].partition("-")[0]) == digest.partition("-")[0]
