"""What the comparison counts part by part: segments, levels, overlaps. Sums in part order."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl
from dask import delayed

from jobs.stage import EXTRACTS, Job
from segment_lib.clean import known
from segment_lib.matrix import as_block
from segment_lib.model import Overlap, Projection, overlap
from segment_lib.profile import COUNTS, Levels, count_levels
from segment_lib.schema import Schema
from segment_lib.store import StoredFile, read_part

BYTES_PER_CELL = 30
"""Of a raw cell in memory while its levels are counted; measured."""
BYTES_PER_FEATURE = 12
"""Of a feature value in memory while overlaps are counted; measured."""


def segment_rows(job: Job) -> dict[str, Counter[int]]:
    """Rows of each extract by segment."""
    files = {name: job.manifest.files("assign", f"segments/{name}/") for name in EXTRACTS}
    tasks = [delayed(count_segments)(job.root, f) for name in EXTRACTS for f in files[name]]
    found = iter(job.workers.run(tasks))
    return {name: sum((Counter(next(found)) for _ in files[name]), Counter()) for name in EXTRACTS}


def count_segments(root: Path, file: StoredFile) -> dict[int, int]:
    """Rows of a part by segment."""
    segments = read_part(root, file, columns=["segment"])["segment"]
    return dict(segments.value_counts().iter_rows())


def level_rows(job: Job, extract: str, levels: Sequence[Levels]) -> pl.DataFrame:
    """Rows of an extract by segment, attribute and level."""
    if not levels:
        return pl.DataFrame(schema=COUNTS)
    raw = job.manifest.files("ingest", f"raw/{extract}/")
    assigned = job.manifest.files("assign", f"segments/{extract}/")
    tasks = [
        delayed(count_part)(job.root, part, segments, job.schema, list(levels))
        for part, segments in zip(raw, assigned, strict=True)
    ]
    at_once = job.at_once(BYTES_PER_CELL * len(levels), max(file.rows or 0 for file in raw))
    with job.console.progress("compare", len(tasks), "parts") as progress:
        counted = job.workers.run(tasks, lambda _: progress.add(1), at_once=at_once)
    keys = list(COUNTS)[:-1]
    parts: list[pl.DataFrame] = counted
    return pl.concat(parts).group_by(keys).agg(pl.col("rows").sum()).sort(keys)


def count_part(
    root: Path, raw: StoredFile, segments: StoredFile, schema: Schema, levels: list[Levels]
) -> pl.DataFrame:
    """Rows of a part by segment, attribute and level."""
    names = [level.attribute for level in levels]
    codes = read_part(root, raw, columns=names)
    rows = codes.select(known(schema[name]) for name in names)
    return count_levels(rows, read_part(root, segments, columns=["segment"])["segment"], levels)


def overlaps(
    job: Job, projection: Projection, centers: np.ndarray, anew: np.ndarray
) -> dict[str, Overlap]:
    """How the segments of each extract share their rows with those of clusterings anew."""
    features = tuple(job.facts("encode")["features"])
    empty = Overlap(np.zeros((len(anew), len(centers), len(centers)), dtype=np.int64))
    files = {
        name: [f for f in job.manifest.files("encode", f"features/{name}/") if f.rows]
        for name in EXTRACTS
    }
    tasks = [
        delayed(count_overlap)(job.root, file, features, projection, centers, anew)
        for name in EXTRACTS
        for file in files[name]
    ]
    largest = max(file.rows or 0 for name in EXTRACTS for file in files[name])
    at_once = job.at_once(BYTES_PER_FEATURE * len(features), largest)
    found = iter(job.workers.run(tasks, at_once=at_once))
    return {name: sum((next(found) for _ in files[name]), empty) for name in EXTRACTS}


def count_overlap(
    root: Path,
    file: StoredFile,
    features: tuple[str, ...],
    projection: Projection,
    centers: np.ndarray,
    anew: np.ndarray,
) -> Overlap:
    """The overlap of a part."""
    block = as_block(read_part(root, file, columns=features), features)
    return overlap(projection.scores(block), centers, anew)
