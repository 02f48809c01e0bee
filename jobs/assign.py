"""Population and customers through the same fitted model: a segment for every row."""

from itertools import accumulate
from pathlib import Path
from typing import Any

import polars as pl
from dask import delayed

from jobs.stage import EXTRACTS, Job, Outcome, Stage, finished_before
from segment_lib.compare import SET_ASIDE
from segment_lib.config import Config
from segment_lib.errors import IntegrityError
from segment_lib.matrix import as_block
from segment_lib.model import FittedModel
from segment_lib.store import StoredFile, read_arrays, read_part
from segment_lib.unfinished import finish_part

BYTES_PER_FEATURE = 12
"""Of a feature value in memory while a part is assigned; measured."""


def settings(config: Config) -> Any:
    return []


def inputs(job: Job) -> Any:
    return [job.hashes("encode"), job.hashes("sweep", "model/arrays")]


def assign_part(
    root: Path,
    file: StoredFile,
    first: int,
    rows: int,
    features: list[str],
    model: FittedModel,
    work: Path,
    path: str,
) -> StoredFile:
    """Segment of the `rows` rows from `first` on; those not encoded are set aside."""
    encoded = read_part(root, file)
    labels, distances = model.assign(as_block(encoded, features))
    assigned = pl.DataFrame(
        {"row": encoded["row"], "segment": labels, "distance": distances},
        schema_overrides={"segment": pl.Int32, "distance": pl.Float32},
    )
    everyone = pl.select(pl.int_range(first, first + rows, dtype=pl.Int64).alias("row"))
    segments = everyone.join(assigned, on="row", how="left", maintain_order="left")
    if segments["segment"].count() != encoded.height:
        raise IntegrityError(f"{file.path}: holds rows that are not of its raw part. Run encode.")
    return finish_part(work, path, segments.with_columns(pl.col("segment").fill_null(SET_ASIDE)))


def run(job: Job, work: Path) -> Outcome:
    features = job.facts("encode")["features"]
    arrays = read_arrays(job.root, job.manifest.file("sweep", "model/arrays.npz"))
    model = FittedModel.from_arrays(arrays)
    paths = [f.path.replace("raw/", "segments/", 1) for f in job.manifest.files("ingest")]
    done = {file.path: file for file in finished_before(job, "assign", work, paths)}
    tasks = []
    for name in EXTRACTS:
        raw = job.manifest.files("ingest", f"raw/{name}/")
        encoded = job.manifest.files("encode", f"features/{name}/")
        firsts = accumulate((file.rows or 0 for file in raw), initial=0)
        for source, file, first in zip(raw, encoded, firsts, strict=False):
            path = source.path.replace("raw/", "segments/", 1)
            if path in done:
                continue
            tasks.append(
                delayed(assign_part)(
                    job.root, file, first, source.rows, features, model, work, path
                )
            )
    raw = job.manifest.files("ingest")
    total = sum(file.rows or 0 for file in raw)
    at_once = job.at_once(BYTES_PER_FEATURE * len(features), max(file.rows or 0 for file in raw))
    with job.console.progress("assign", total, "rows") as progress:
        progress.add(sum(file.rows or 0 for file in done.values()))
        made = job.workers.run(tasks, lambda file: progress.add(file.rows), at_once=at_once)
    files = [*done.values(), *made]
    rows = sum(file.rows for file in files)
    return Outcome(files, total, rows, f"{rows:,} rows have a segment")


STAGE: Stage = Stage("assign", needs=("encode", "sweep"), settings=settings, inputs=inputs, run=run)

if __name__ == "__main__":
    from jobs.run import main

    main(only="assign")
