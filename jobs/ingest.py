"""Read the extracts once: typed parts, each row numbered, each part with its tally."""

from collections.abc import Sequence
from dataclasses import asdict
from itertools import accumulate, groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow.parquet as pq
from dask import delayed

from jobs.console import log
from jobs.delivered import unchanging
from jobs.named import refuse_named
from jobs.parts import Part, make_parts, part_key
from jobs.people import folder_of, refuse_names, settle
from jobs.readings import all_faults, notes_of, refuse_doubtful_points
from jobs.stage import EXTRACTS, Job, Outcome, Stage
from segment_lib.bans import looks_like_ban, remark_on
from segment_lib.clean import tally_part
from segment_lib.config import Config
from segment_lib.errors import ConfigError, DataError
from segment_lib.ids import DigitsLost, digits_lost, refuse_type, written_ids
from segment_lib.s3 import S3Path
from segment_lib.sources import (
    Content,
    Delivery,
    Extract,
    Piece,
    Reading,
    changed,
    expand,
    is_packed,
    kind_of,
    larger_customers,
    list_files,
    open_extract,
    places,
    refuse_copies,
    refuse_shared,
    remarks,
)
from segment_lib.store import StoredFile
from segment_lib.unfinished import finish_part

BYTES_PER_CELL = 30
"""Of a row in memory while it is parsed, typed, tallied and written; measured."""


def settings(config: Config) -> Any:
    told = config.inputs
    columns = [told.id_column, told.suppress_column, told.extra_columns, told.response]
    formats = [asdict(told.text_format(name)) for name in EXTRACTS]
    return [formats, columns, told.repeated_ids, config.run.rows_per_part]


def inputs(job: Job) -> Any:
    return [*(list(job.delivered[name].values()) for name in EXTRACTS), job.delivery.as_json()]


def open_extracts(job: Job, scratch: Path) -> list[Extract]:
    """The extracts, checked and cut; compressed files are written out to `scratch` first."""
    told = job.config.inputs
    extracts = []
    refuse_shared(*(list(job.delivered[name]) for name in EXTRACTS))
    for name in EXTRACTS:
        found = list(job.delivered[name])
        packed = [file for file in found if is_packed(file)]
        plain = job.workers.run([delayed(expand)(file, scratch, job.root) for file in packed])
        expanded = dict(zip(packed, plain, strict=True))
        extracts.append(
            open_extract(
                name,
                found,
                job.delivery.columns,
                form=told.text_format(name),
                rows_per_part=job.config.run.rows_per_part,
                id_column=told.id_column,
                suppress_column=told.suppress_column,
                extra_columns=told.extra_columns,
                response=told.response,
                expanded=expanded,
            )
        )
        refuse_id_types(extracts[-1], told.id_column)
    if told.response and not any(told.response in extract.carried for extract in extracts):
        raise DataError(
            f"inputs.response = {told.response}: neither extract has such a column. Check its name."
        )
    return extracts


def refuse_id_types(extract: Extract, column: str) -> None:
    """Raise a DataError if the id column of a Parquet file is of a type that no id is of."""
    for path in {piece.path for piece in extract.pieces if column}:
        if kind_of(path).parquet:
            with path.open("rb") as file:
                schema = pq.read_schema(file)
            if column in schema.names:
                refuse_type(str(path), column, schema.field(column).type)


def write_raw_part(
    piece: Piece,
    carried: Sequence[str],
    id_column: str,
    missing: Sequence[str],
    first: int,
    digest: str,
    counted: int,
    delivery: Delivery,
    work: Path,
    path: str,
) -> StoredFile:
    """Number the rows of a piece from `first` and write them with their tally in the footer."""
    found = delivery.read(piece, carried)
    rows = found.rows
    if not _is_what_was_hashed(piece, found, digest):
        raise changed(piece.path)
    if rows.height != counted:
        raise DataError(
            f"{piece.path}: {counted:,} rows when they were counted, {rows.height:,} when they "
            "were read. Start again once nobody writes to the file."
        )
    if id_column:
        try:
            rows = rows.with_columns(written_ids(rows[id_column], missing).alias(id_column))
        except DigitsLost:
            raise digits_lost(f"{piece.path}, column {id_column}") from None
    tally = tally_part(rows, delivery.schema, found.notes)
    numbered = rows.select(pl.int_range(first, first + pl.len(), dtype=pl.Int64).alias("row"), "*")
    return finish_part(work, path, numbered, {"tally": tally.to_json()})


def _is_what_was_hashed(piece: Piece, reading: Reading, digest: str) -> bool:
    """True if the rows come from the bytes of the digest.

    Parquet is read by columns, so its bytes are hashed once more; objects have versions for that.
    """
    if isinstance(piece.path, S3Path) and not reading.digest:
        return True
    return (reading.digest or piece.digest()[0].partition("-")[0]) == digest.partition("-")[0]


def run(job: Job, work: Path) -> Outcome:
    schema = job.schema
    if job.config.inputs.id_column in schema.names:
        raise ConfigError(
            f"inputs.id_column = {job.config.inputs.id_column}: is an attribute, which people are "
            "segmented by. Take it out of the feature summary, or name another column."
        )
    if job.config.inputs.response in (*schema.names, "row"):
        raise ConfigError(
            f"inputs.response = {job.config.inputs.response}: is an attribute, which people are "
            "segmented by, or the row number. Take it out of the feature summary, or rename it."
        )
    refuse_names(job)
    with unchanging(job):
        extracts = open_extracts(job, job.scratch(work) / "scratch")
        try:
            return _write_parts(job, extracts, work)
        except DataError as error:
            raise all_faults(job, extracts, error) from None


def _write_parts(job: Job, extracts: Sequence[Extract], work: Path) -> Outcome:
    schema, inputs = job.schema, job.config.inputs
    noticed: list[str] = []
    at_once = job.at_once(BYTES_PER_CELL * len(schema), job.config.run.rows_per_part)
    parts, sizes, contents = [], {}, []
    for extract in extracts:
        if extract.extra:
            kept = "carried along" if set(extract.extra) <= set(extract.carried) else "ignored"
            extra = places(extract.extra, extract.pieces[0].columns)
            log(f"ingest   {extract.name}: {extra} not in the summary, {kept}")
            noticed += remark_on(name for name in extract.extra if looks_like_ban(name))
        digests = job.workers.run([delayed(piece.digest)() for piece in extract.pieces])
        contents += _contents(extract, digests)
        firsts = accumulate((rows for _, rows in digests), initial=0)
        for i, (piece, (digest, rows), first) in enumerate(
            zip(extract.pieces, digests, firsts, strict=False)
        ):
            path = f"{folder_of(job)}/{extract.name}/part-{i:05d}.parquet"
            ids = inputs.id_column, inputs.missing
            task = delayed(write_raw_part)(
                piece, extract.carried, *ids, first, digest, rows, job.delivery, work, path
            )
            read_as = [list(extract.carried), *ids, job.delivery.as_json()]
            key = part_key("raw", digest, first, read_as)
            parts.append(Part(path, key, task))
            sizes[path] = piece.size
    copies = refuse_copies(contents)
    total = sum(extract.size for extract in extracts)
    with job.console.progress("ingest", total, "bytes") as progress:
        made = make_parts(
            job, "ingest", parts, work, lambda file: progress.add(sizes[file.path]), at_once=at_once
        )
    for extract in extracts:
        own = [f for f in made.files if f.path.startswith(f"{folder_of(job)}/{extract.name}/")]
        notes = notes_of(job, own, work)
        refuse_doubtful_points(job, extract, notes)
        noticed += [f"{extract.name}: {text}" for text in (*extract.remarks, *remarks(notes))]
    refuse_named(job, extracts, made.files, work)
    delivered = sum(file.rows or 0 for file in made.files)
    people = settle(job, made, work)
    files = people.parts.files
    counts = {
        extract.name: sum(f.rows or 0 for f in files if f.path.startswith(f"raw/{extract.name}/"))
        for extract in extracts
    }
    told = " and ".join(f"{rows:,} {name}" for name, rows in counts.items())
    rows = sum(counts.values())
    facts = {
        **counts,
        "id_column": inputs.id_column,
        "suppress_column": inputs.suppress_column,
        "carried": {extract.name: list(extract.carried) for extract in extracts},
        "attributes": [[a.name, a.information_level, a.type, list(a.missing)] for a in schema],
        **people.parts.facts,
    }
    noticed += [*_left_out(job), *copies, *larger_customers(*(counts[name] for name in EXTRACTS))]
    noticed += people.remarks
    return Outcome(files, delivered, rows, f"{told} in {len(files)} parts", facts, noticed)


def _contents(extract: Extract, digests: Sequence[tuple[str, int]]) -> list[Content]:
    """What is in each file that has rows."""
    pieces = zip(extract.origins, digests, strict=True)
    files = [(file, [digest for _, digest in own]) for file, own in groupby(pieces, itemgetter(0))]
    return [
        Content(extract.name, file, tuple(name for name, _ in own), sum(rows for _, rows in own))
        for file, own in files
    ]


def _left_out(job: Job) -> list[str]:
    """A remark for each extract beside whose files there are others."""
    left = {name: list_files(getattr(job.config.inputs, name)).left_out for name in EXTRACTS}
    return [
        f"{name}: left out by their names, as no data: {', '.join(files[:5])}"
        + (f" and {len(files) - 5} more." if len(files) > 5 else ".")
        for name, files in left.items()
        if files
    ]


STAGE: Stage = Stage("ingest", needs=(), settings=settings, inputs=inputs, run=run)

if __name__ == "__main__":
    from jobs.run import main

    main(only="ingest")
