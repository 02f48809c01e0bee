"""Read the extracts once: typed parts, each row numbered, each part with its tally."""

from operator import add
from pathlib import Path
from typing import Any

import polars as pl
from dask import delayed

from jobs.console import log
from jobs.stage import EXTRACTS, Job, Outcome, Stage, finished_before
from segment_lib.clean import tally_part
from segment_lib.config import Config
from segment_lib.errors import ConfigError, DataError
from segment_lib.manifest import fingerprint_file
from segment_lib.schema import Schema
from segment_lib.sources import Extract, expand, find_files, is_compressed, open_extract, places
from segment_lib.store import StoredFile
from segment_lib.unfinished import finish_part

BYTES_PER_CELL = 30
"""Of a row in memory while it is parsed, typed, tallied and written; measured."""


def settings(config: Config) -> Any:
    told = config.inputs
    columns = [told.id_column, told.extra_columns, told.response]
    return [told.separator, told.encoding, *columns, config.run.rows_per_part]


def inputs(job: Job) -> Any:
    told = job.config.inputs
    files = [find_files(getattr(told, name)) for name in EXTRACTS]
    schema = [[a.name, a.type, *a.missing] for a in job.schema]
    return [[fingerprint_file(file) for file in found] for found in files] + [schema]


def open_extracts(job: Job, scratch: Path) -> list[Extract]:
    """The extracts, checked and cut; compressed files are written out to `scratch` first."""
    told = job.config.inputs
    extracts = []
    for name in EXTRACTS:
        found = find_files(getattr(told, name))
        packed = [file for file in found if is_compressed(file)]
        plain = job.workers.run([delayed(expand)(file, scratch) for file in packed])
        expanded = dict(zip(packed, plain, strict=True))
        extracts.append(
            open_extract(
                name,
                found,
                job.schema,
                separator=told.separator,
                encoding=told.encoding,
                rows_per_part=job.config.run.rows_per_part,
                id_column=told.id_column,
                extra_columns=told.extra_columns,
                response=told.response,
                expanded=expanded,
            )
        )
    if told.response and not any(told.response in extract.carried for extract in extracts):
        raise DataError(
            f"inputs.response = {told.response}: neither extract has such a column. Check its name."
        )
    return extracts


def write_raw_part(
    rows: pl.DataFrame, first: int, schema: Schema, work: Path, path: str
) -> StoredFile:
    """Number the rows from `first` and write them with their tally in the footer."""
    tally = tally_part(rows, schema)
    numbered = rows.select(pl.int_range(first, first + pl.len(), dtype=pl.Int64).alias("row"), "*")
    return finish_part(work, path, numbered, {"tally": tally.to_json()})


def run(job: Job, work: Path) -> Outcome:
    schema = job.schema
    if job.config.inputs.response in (*schema.names, "row"):
        raise ConfigError(
            f"inputs.response = {job.config.inputs.response}: is an attribute, which people are "
            "segmented by, or the row number. Take it out of the feature summary, or rename it."
        )
    extracts = open_extracts(job, work / "scratch")
    at_once = job.at_once(BYTES_PER_CELL * len(schema), job.config.run.rows_per_part)
    paths = {
        (extract.name, i): f"raw/{extract.name}/part-{i:05d}.parquet"
        for extract in extracts
        for i in range(len(extract.pieces))
    }
    done = {file.path: file for file in finished_before(job, "ingest", work, [*paths.values()])}
    tasks, sizes = [], {}
    for extract in extracts:
        if extract.extra:
            kept = "carried along" if set(extract.extra) <= set(extract.carried) else "ignored"
            extra = places(extract.extra, extract.pieces[0].columns)
            log(f"ingest   {extract.name}: {extra} not in the summary, {kept}")
        first: Any = 0
        for i, piece in enumerate(extract.pieces):
            path = paths[extract.name, i]
            sizes[path] = piece.size
            if path in done:
                first = delayed(add)(first, done[path].rows)
                continue
            rows = delayed(piece.read)(schema, extract.carried)
            tasks.append(delayed(write_raw_part)(rows, first, schema, work, path))
            # Row numbers go on from piece to piece; how many a piece has is known once it is read.
            first = delayed(add)(first, delayed(len)(rows))
    total = sum(extract.size for extract in extracts)
    with job.console.progress("ingest", total, "bytes") as progress:
        progress.add(sum(sizes[path] for path in done))
        made = job.workers.run(tasks, lambda file: progress.add(sizes[file.path]), at_once=at_once)
    files = [*done.values(), *made]
    counts = {
        extract.name: sum(f.rows for f in files if f.path.startswith(f"raw/{extract.name}/"))
        for extract in extracts
    }
    told = " and ".join(f"{rows:,} {name}" for name, rows in counts.items())
    rows = sum(counts.values())
    carried = {"carried": {extract.name: list(extract.carried) for extract in extracts}}
    return Outcome(files, rows, rows, f"{told} in {len(files)} parts", counts | carried)


STAGE: Stage = Stage("ingest", needs=(), settings=settings, inputs=inputs, run=run)

if __name__ == "__main__":
    from jobs.run import main

    main(only="ingest")
