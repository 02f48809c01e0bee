"""Read the extracts once: typed parts, each row numbered, each part with its tally."""

from collections.abc import Sequence
from dataclasses import asdict
from itertools import accumulate
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow.parquet as pq
from dask import delayed

from jobs.console import log
from jobs.parts import Part, make_parts, part_key
from jobs.people import folder_of, refuse_names, settle
from jobs.stage import EXTRACTS, Job, Outcome, Stage
from segment_lib.bans import looks_like_ban, remark_on
from segment_lib.clean import tally_part
from segment_lib.config import Config
from segment_lib.errors import ConfigError, DataError
from segment_lib.ids import DigitsLost, digits_lost, refuse_type, written_ids
from segment_lib.manifest import fingerprint_file
from segment_lib.sources import (
    DelimitedPiece,
    Delivery,
    Extract,
    ParquetPiece,
    expand,
    find_files,
    is_compressed,
    open_extract,
    places,
)
from segment_lib.store import StoredFile
from segment_lib.unfinished import finish_part

BYTES_PER_CELL = 30
"""Of a row in memory while it is parsed, typed, tallied and written; measured."""


def settings(config: Config) -> Any:
    told = config.inputs
    columns = [told.id_column, told.suppress_column, told.extra_columns, told.response]
    formats = [asdict(told.text_format(name)) for name in EXTRACTS]
    missing = list(told.missing)
    return [formats, columns, told.repeated_ids, missing, config.run.rows_per_part]


def inputs(job: Job) -> Any:
    told = job.config.inputs
    files = [find_files(getattr(told, name)) for name in EXTRACTS]
    delivered = [[fingerprint_file(file) for file in found] for found in files]
    return [*delivered, job.delivery.as_json()]


def open_extracts(job: Job, scratch: Path) -> list[Extract]:
    """The extracts, checked and cut; compressed files are written out to `scratch` first."""
    told = job.config.inputs
    extracts = []
    for name in EXTRACTS:
        found = find_files(getattr(told, name))
        packed = [file for file in found if is_compressed(file)]
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
                extra_columns=told.extra_columns,
                response=told.response,
                suppress_column=told.suppress_column,
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
    for path in {piece.path for piece in extract.pieces if isinstance(piece, ParquetPiece)}:
        if column:
            with path.open("rb") as file:
                refuse_type(str(path), column, pq.read_schema(file).field(column).type)


def write_raw_part(
    piece: DelimitedPiece | ParquetPiece,
    carried: Sequence[str],
    id_column: str,
    missing: Sequence[str],
    first: int,
    counted: int,
    delivery: Delivery,
    work: Path,
    path: str,
) -> StoredFile:
    """Number the rows of a piece from `first` and write them with their tally in the footer."""
    found = delivery.read(piece, carried)
    rows = found.rows
    if rows.height != counted:
        raise DataError(f"{piece.path}: blank lines between the rows. Take them out.")
    if id_column:
        try:
            rows = rows.with_columns(written_ids(rows[id_column], missing).alias(id_column))
        except DigitsLost:
            raise digits_lost(f"{piece.path}, column {id_column}") from None
    tally = tally_part(rows, delivery.schema, found.notes)
    numbered = rows.select(pl.int_range(first, first + pl.len(), dtype=pl.Int64).alias("row"), "*")
    return finish_part(work, path, numbered, {"tally": tally.to_json()})


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
    extracts = open_extracts(job, job.scratch(work) / "scratch")
    told = job.config.inputs
    remarks: list[str] = []
    at_once = job.at_once(BYTES_PER_CELL * len(schema), job.config.run.rows_per_part)
    parts, sizes = [], {}
    for extract in extracts:
        if extract.extra:
            kept = "carried along" if set(extract.extra) <= set(extract.carried) else "ignored"
            extra = places(extract.extra, extract.pieces[0].columns)
            log(f"ingest   {extract.name}: {extra} not in the summary, {kept}")
            remarks += remark_on(name for name in extract.extra if looks_like_ban(name))
        digests = job.workers.run([delayed(piece.digest)() for piece in extract.pieces])
        firsts = accumulate((rows for _, rows in digests), initial=0)
        for i, (piece, (digest, rows), first) in enumerate(
            zip(extract.pieces, digests, firsts, strict=False)
        ):
            path = f"{folder_of(job)}/{extract.name}/part-{i:05d}.parquet"
            ids = told.id_column, told.missing
            task = delayed(write_raw_part)(
                piece, extract.carried, *ids, first, rows, job.delivery, work, path
            )
            key = part_key(
                "raw", digest, first, list(extract.carried), *ids, job.delivery.as_json()
            )
            parts.append(Part(path, key, task))
            sizes[path] = piece.size
    total = sum(extract.size for extract in extracts)
    with job.console.progress("ingest", total, "bytes") as progress:
        made = make_parts(
            job, "ingest", parts, work, lambda file: progress.add(sizes[file.path]), at_once=at_once
        )
    delivered = sum(file.rows or 0 for file in made.files)
    people = settle(job, made, work)
    files = people.parts.files
    counts = {
        extract.name: sum(f.rows or 0 for f in files if f.path.startswith(f"raw/{extract.name}/"))
        for extract in extracts
    }
    counted = " and ".join(f"{rows:,} {name}" for name, rows in counts.items())
    rows = sum(counts.values())
    facts = {
        **counts,
        "id_column": told.id_column,
        "suppress_column": told.suppress_column,
        "repeated_ids": told.repeated_ids,
        "carried": {extract.name: list(extract.carried) for extract in extracts},
        "attributes": [[a.name, a.information_level, a.type, list(a.missing)] for a in schema],
        **people.parts.facts,
    }
    message = f"{counted} in {len(files)} parts"
    remarks = list(dict.fromkeys([*people.remarks, *remarks]))
    return Outcome(files, delivered, rows, message, facts, remarks)


STAGE: Stage = Stage("ingest", needs=(), settings=settings, inputs=inputs, run=run)

if __name__ == "__main__":
    from jobs.run import main

    main(only="ingest")
