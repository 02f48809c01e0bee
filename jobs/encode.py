"""Known codes to features by the plan; rows too incomplete are set aside, counted, never lost."""

from collections.abc import Sequence
from typing import Any

import polars as pl
from dask import delayed

from jobs.console import log
from jobs.parts import Part, make_parts, part_key
from jobs.stage import EXTRACTS, Job, Outcome, Stage, few_set_aside
from segment_lib.clean import count_missing, known
from segment_lib.config import Config
from segment_lib.encode import Plan, decode_plan, read_plan
from segment_lib.errors import DataError
from segment_lib.run.checkpoint import finish_part
from segment_lib.schema import Schema
from segment_lib.storage.files import StoredFile, hash_file, read_part
from segment_lib.storage.location import Location

BYTES_PER_CELL = 13
"""Of a raw cell or a feature in memory while a part is encoded; measured."""

_SLICE = 50_000
"""Rows encoded at a time."""


def settings(config: Config) -> Any:
    return [config.cleaning.max_missing_per_row]


def inputs(job: Job) -> Any:
    return [job.hashes("ingest"), job.hashes("assess", "assess/attributes"), plan_mark(job)]


def plan_mark(job: Job) -> str | None:
    """The sha256 of the plan on disk."""
    return hash_file(job.root / "plan.json")


def current_plan(job: Job) -> Plan:
    """The plan on disk, derived or edited."""
    path = job.root / "plan.json"
    return read_plan(decode_plan(path.read_bytes(), path), job.schema, str(path))


def encode_part(
    root: Location,
    file: StoredFile,
    schema: Schema,
    kept: Sequence[str],
    most_missing: int,
    plan: Plan,
    work: Location,
    path: str,
) -> StoredFile:
    """Features of the rows of a part that lack at most `most_missing` of the kept attributes."""
    enough = count_missing(schema[name] for name in kept) <= most_missing
    # Slice by slice, so that what lies between codes and features takes little room.
    encoded = [
        rows.lazy()
        .filter(enough)
        .with_columns(known(attribute) for attribute in schema)
        .select("row", *plan.expressions(schema))
        .collect()
        for rows in read_part(root, file).iter_slices(_SLICE)
    ]
    return finish_part(work, path, pl.concat(encoded, rechunk=True))


def attributes_missing(most: float, kept: int) -> int:
    """How many of the kept attributes a row may lack, of a share or a number of them.

    >>> attributes_missing(0.29, 100), attributes_missing(25, 100)
    (29, 25)
    """
    return int(most * kept + 1e-9) if most < 1 else int(most)  # 0.29 * 100 is 28.999999999999996


def run(job: Job, work: Location) -> Outcome:
    schema, plan = job.schema, current_plan(job)
    assessed = read_part(job.root, job.manifest.file("assess", "assess/attributes.parquet"))
    kept = assessed.filter("kept")["attribute"].to_list()
    most_missing = attributes_missing(job.config.cleaning.max_missing_per_row, len(kept))
    if most_missing >= len(kept):
        log(
            f"encode   no row can lack more than {most_missing} of {len(kept)} attributes: none is "
            "set aside. Set cleaning.max_missing_per_row to fewer, or to a share such as 0.3"
        )
    raw = job.manifest.files("ingest")
    largest = max(file.rows or 0 for file in raw)
    width = len(schema) + len(plan.features)
    at_once = job.at_once(BYTES_PER_CELL * width, largest)
    mark = plan_mark(job)
    told = [[a.name, a.type, *a.missing] for a in schema]
    sources = {file.path.replace("raw/", "features/", 1): file for file in raw}
    parts = [
        Part(
            path,
            part_key("features", file.sha256, mark, kept, most_missing, told),
            delayed(encode_part)(job.root, file, schema, kept, most_missing, plan, work, path),
        )
        for path, file in sources.items()
    ]
    rows_in = sum(file.rows or 0 for file in raw)
    with job.console.progress("encode", rows_in, "rows") as progress:

        def tell(file: StoredFile) -> None:
            progress.add(sources[file.path].rows or 0)

        made = make_parts(job, "encode", parts, work, tell, at_once=at_once)
    files = made.files
    rows_out = sum(file.rows or 0 for file in files)
    counts = {
        name: sum(file.rows or 0 for file in files if file.path.startswith(f"features/{name}/"))
        for name in EXTRACTS
    }
    if not counts["population"]:
        raise DataError(
            f"Every row of the population lacks more than {most_missing} attributes. "
            "Raise cleaning.max_missing_per_row."
        )
    few = few_set_aside(job.facts("ingest"), counts, job.config.fairness.min_cell)
    aside = "some" if few else f"{rows_in - rows_out:,}"
    return Outcome(
        files,
        rows_in,
        rows_out,
        f"{len(plan.features)} features; {aside} rows set aside, lacking more than "
        f"{most_missing} of {len(kept)} attributes",
        {
            "features": list(plan.features),
            "redundant": sorted(plan.redundant),
            "max_missing_per_row": most_missing,
            "plan": mark,
            **counts,
            **made.facts,
        },
    )


STAGE: Stage = Stage(
    "encode", needs=("ingest", "assess"), settings=settings, inputs=inputs, run=run
)

if __name__ == "__main__":
    from jobs.run import main

    main(only="encode")
