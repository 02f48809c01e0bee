"""Population and customers through the same fitted model: a segment for every row."""

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl
from dask import delayed

from jobs.parts import Part, make_parts, part_key
from jobs.people import numbers_in, row_numbers
from jobs.stage import EXTRACTS, Job, Outcome, Stage
from segment_lib.config import Config
from segment_lib.drift import ASSIGNMENT_COUNTS, AssignmentCounts
from segment_lib.errors import IntegrityError
from segment_lib.matrix import as_block
from segment_lib.model import FittedModel
from segment_lib.run.checkpoint import finish_part
from segment_lib.storage.arrays import read_arrays
from segment_lib.storage.files import StoredFile, read_metadata, read_part
from segment_lib.storage.location import Location
from segment_lib.terms import SET_ASIDE

BYTES_PER_FEATURE = 12
"""Of a feature value in memory while a part is assigned; measured."""


def settings(config: Config) -> Any:
    return []


def inputs(job: Job) -> Any:
    return [job.hashes("encode"), job.hashes("sweep", "model/arrays")]


def assign_part(
    root: Location,
    file: StoredFile,
    rows: range | StoredFile,
    features: list[str],
    fills: Mapping[str, float],
    model: FittedModel,
    work: Location,
    path: str,
) -> StoredFile:
    """Segment of the rows of a part; those not encoded are set aside.

    Parameters
    ----------
    rows : their numbers, or the raw part that has them where numbers are left out
    fills : what stands for features of the model that the part has not
    """
    encoded = read_part(root, file).with_columns(pl.lit(v).alias(name) for name, v in fills.items())
    labels, distances = model.predict(as_block(encoded, features), return_distance=True)
    assigned = pl.DataFrame(
        {"row": encoded["row"], "segment": labels, "distance": distances},
        schema_overrides={"segment": pl.Int32, "distance": pl.Float32},
    )
    everyone = pl.DataFrame({"row": numbers_in(root, rows)})
    segments = everyone.join(assigned, on="row", how="left", maintain_order="left")
    if segments["segment"].count() != encoded.height:
        raise IntegrityError(f"{file.path}: holds rows that are not of its raw part. Run encode.")
    segments = segments.with_columns(pl.col("segment").fill_null(SET_ASIDE))
    placed = AssignmentCounts.count(segments["segment"], segments["distance"])
    return finish_part(work, path, segments, {ASSIGNMENT_COUNTS: placed.to_json()})


def assign_parts(
    job: Job,
    arrays: StoredFile,
    features: list[str],
    fills: Mapping[str, float],
    model: FittedModel,
    work: Location,
    folder: str = "segments",
) -> list[Part]:
    """The parts of both extracts, placed by a model, whose arrays are those of a file."""
    parts = []
    for name in EXTRACTS:
        raw = job.manifest.files("ingest", f"raw/{name}/")
        encoded = job.manifest.files("encode", f"features/{name}/")
        for source, file, rows in zip(raw, encoded, row_numbers(job, raw), strict=True):
            path = source.path.replace("raw", folder, 1)
            which = rows.sha256 if isinstance(rows, StoredFile) else [rows.start, rows.stop]
            key = part_key("segments", file.sha256, which, arrays.sha256, features, dict(fills))
            task = delayed(assign_part)(job.root, file, rows, features, fills, model, work, path)
            parts.append(Part(path, key, task))
    return parts


def placed_rows(root: Location, files: Sequence[StoredFile]) -> AssignmentCounts:
    """Rows by segment, and their distances, from the footers of segment parts."""
    found = [
        AssignmentCounts.from_json(read_metadata(root, file)[ASSIGNMENT_COUNTS]) for file in files
    ]
    return sum(found[1:], start=found[0])


def run(job: Job, work: Location) -> Outcome:
    features = job.facts("encode")["features"]
    arrays = job.manifest.file("sweep", "model/arrays.npz")
    model = FittedModel.from_arrays(read_arrays(job.root, arrays))
    parts = assign_parts(job, arrays, features, {}, model, work)
    raw = job.manifest.files("ingest")
    total = sum(file.rows or 0 for file in raw)
    at_once = job.at_once(BYTES_PER_FEATURE * len(features), max(file.rows or 0 for file in raw))
    with job.console.progress("assign", total, "rows") as progress:
        made = make_parts(
            job, "assign", parts, work, lambda f: progress.add(f.rows or 0), at_once=at_once
        )
    rows = sum(file.rows or 0 for file in made.files)
    return Outcome(made.files, total, rows, f"{rows:,} rows have a segment", made.facts)


STAGE: Stage = Stage("assign", needs=("encode", "sweep"), settings=settings, inputs=inputs, run=run)

if __name__ == "__main__":
    from jobs.run import main

    main(only="assign")
