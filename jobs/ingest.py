"""Read the extracts once: typed parts, each row numbered, each part with its tally."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

import pyarrow.parquet as pq
from dask import delayed

from jobs.command import run_alone
from jobs.delivered import unchanging
from jobs.legacy import Outcome, Stage
from jobs.named import refuse_named
from jobs.people import refuse_names, settle
from jobs.raw_parts import BYTES_PER_CELL, RawParts, make_raw_parts
from jobs.readings import all_faults, notes_of, refuse_doubtful_points
from segment_lib.config import Config
from segment_lib.errors import ConfigError, DataError
from segment_lib.run.job import Job
from segment_lib.run.progress import log
from segment_lib.schema.ids import refuse_id_type
from segment_lib.schema.suppress_column import is_suppress_name, suspected_remarks
from segment_lib.sources import (
    Extract,
    column_positions,
    customer_remarks,
    detect_kind,
    expand,
    is_packed,
    list_files,
    open_extract,
    refuse_shared,
    remarks,
)
from segment_lib.storage.files import StoredFile
from segment_lib.storage.location import Location
from segment_lib.terms import EXTRACTS

__all__ = ["BYTES_PER_CELL", "STAGE"]


def settings(config: Config) -> Any:
    told = config.inputs
    columns = [told.id_column, told.suppress_column, told.extra_columns, told.response]
    formats = [asdict(told.text_format(name)) for name in EXTRACTS]
    return [formats, columns, told.repeated_ids, config.run.rows_per_part]


def inputs(job: Job) -> Any:
    return [*(list(job.delivered[name].values()) for name in EXTRACTS), job.delivery.as_json()]


def run(job: Job, work: Location) -> Outcome:
    refuse_columns(job)
    with unchanging(job):
        extracts = open_extracts(job, job.scratch(work) / "scratch")
        try:
            raw = make_raw_parts(job, extracts, work)
        except DataError as error:
            raise all_faults(job, extracts, error) from None
        noticed = [*_left_out(job), *raw.remarks, *reading_remarks(job, extracts, raw, work)]
        refuse_named(job, extracts, raw.parts.files, work)
        people = settle(job, raw.parts, work)
    files = people.parts.files
    counts = {extract.name: rows_in(files, "raw", extract.name) for extract in extracts}
    noticed += [*customer_remarks(*counts.values()), *people.remarks]
    inputs = job.config.inputs
    facts = {
        **counts,
        "id_column": inputs.id_column,
        "suppress_column": inputs.suppress_column,
        "repeated_ids": inputs.repeated_ids,
        "passthrough": {extract.name: list(extract.passthrough) for extract in extracts},
        **people.parts.facts,
    }
    delivered, kept = (sum(file.rows or 0 for file in part) for part in (raw.parts.files, files))
    read = " and ".join(f"{rows:,} {name}" for name, rows in counts.items())
    message = f"{read} in {len(files)} parts"
    return Outcome(files, delivered, kept, message, facts, list(dict.fromkeys(noticed)))


def refuse_columns(job: Job) -> None:
    """Raise a ConfigError if a column that the config names cannot serve as what it is named."""
    inputs, names = job.config.inputs, job.schema.names
    if inputs.id_column in names:
        raise ConfigError(
            f"inputs.id_column = {inputs.id_column}: is an attribute, which people are "
            "segmented by. Take it out of the feature summary, or name another column."
        )
    if inputs.response in (*names, "row"):
        raise ConfigError(
            f"inputs.response = {inputs.response}: is an attribute, which people are "
            "segmented by, or the row number. Take it out of the feature summary, or rename it."
        )
    refuse_names(job)


def open_extracts(job: Job, scratch: Location) -> list[Extract]:
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
    if told.response and not any(told.response in extract.passthrough for extract in extracts):
        raise DataError(
            f"inputs.response = {told.response}: neither extract has such a column. Check its name."
        )
    return extracts


def refuse_id_types(extract: Extract, column: str) -> None:
    """Raise a DataError if the id column of a Parquet file is of a type that no id is of."""
    for path in {piece.path for piece in extract.pieces if column}:
        if detect_kind(path).parquet:
            with path.open("rb") as file:
                schema = pq.read_schema(file)
            if column in schema.names:
                refuse_id_type(str(path), column, schema.field(column).type)


def reading_remarks(
    job: Job, extracts: Sequence[Extract], raw: RawParts, work: Location
) -> Iterator[str]:
    """What was noticed while the extracts were read.

    Raises
    ------
    DataError
        If points of numbers leave it in doubt what they mean.
    """
    for extract in extracts:
        if extract.extra:
            kept = "carried along" if set(extract.extra) <= set(extract.passthrough) else "ignored"
            extra = column_positions(extract.extra, extract.pieces[0].columns)
            log(f"ingest   {extract.name}: {extra} not in the summary, {kept}")
            yield from suspected_remarks(name for name in extract.extra if is_suppress_name(name))
        own = [file for file in raw.parts.files if f"/{extract.name}/" in file.path]
        notes = notes_of(job, own, work)
        refuse_doubtful_points(job, extract, notes)
        for remark in (*extract.remarks, *remarks(notes)):
            yield f"{extract.name}: {remark}"


def rows_in(files: Sequence[StoredFile], folder: str, extract: str) -> int:
    return sum(file.rows or 0 for file in files if file.path.startswith(f"{folder}/{extract}/"))


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
    run_alone(STAGE.name)
