"""Which segments the customers come from, and what sets each segment apart."""

from collections import Counter
from pathlib import Path
from typing import Any

import polars as pl
from dask import delayed

from jobs.assess import tallies
from jobs.stage import EXTRACTS, Job, Outcome, Stage
from segment_lib.clean import delivered, known, known_values
from segment_lib.compare import compare_segments
from segment_lib.config import Config
from segment_lib.profile import Levels, count_levels, levels_of, profile_segments
from segment_lib.schema import Schema
from segment_lib.store import StoredFile, read_part, write_file, write_part

BYTES_PER_CELL = 30
"""Of a raw cell in memory while its levels are counted; measured."""


def settings(config: Config) -> Any:
    return []


def inputs(job: Job) -> Any:
    raw = job.hashes("ingest", "raw/population/")
    return [job.hashes("assign"), raw, job.told_meanings()]


def count_segments(root: Path, file: StoredFile) -> dict[int, int]:
    """Rows of a part by segment."""
    segments = read_part(root, file, columns=["segment"])["segment"]
    return dict(segments.value_counts().iter_rows())


def count_part(
    root: Path, raw: StoredFile, segments: StoredFile, schema: Schema, levels: list[Levels]
) -> pl.DataFrame:
    """Rows of a part by segment, attribute and level."""
    codes = read_part(root, raw, columns=[level.attribute for level in levels])
    names = [level.attribute for level in levels]
    rows = codes.select(known(schema[name]) for name in names)
    return count_levels(rows, read_part(root, segments, columns=["segment"])["segment"], levels)


def run(job: Job, work: Path) -> Outcome:
    schema = job.schema
    files = {name: job.manifest.files("assign", f"segments/{name}/") for name in EXTRACTS}
    rows = {
        name: sum(
            (
                Counter(found)
                for found in job.workers.run(
                    [delayed(count_segments)(job.root, file) for file in files[name]]
                )
            ),
            Counter(),
        )
        for name in EXTRACTS
    }
    segments = compare_segments(rows["population"], rows["customers"])
    population = delivered(tallies(job)["population"], schema)
    found = {a.name: known_values(a, population.values[a.name]) for a in schema}
    levels = [levels_of(name, counts) for name, counts in found.items() if len(counts) > 1]
    raw = job.manifest.files("ingest", "raw/population/")
    tasks = [
        delayed(count_part)(job.root, part, assigned, schema, levels)
        for part, assigned in zip(raw, files["population"], strict=True)
    ]
    at_once = job.at_once(BYTES_PER_CELL * len(levels), max(file.rows or 0 for file in raw))
    with job.console.progress("compare", len(tasks), "parts") as progress:
        counted = job.workers.run(tasks, lambda _: progress.add(1), at_once=at_once)
    keys = ("segment", "attribute", "level")
    counts = pl.concat(counted).group_by(keys).agg(pl.col("rows").sum())
    scales = {a.name for a in schema if a.type == "ordinal"}
    profile = profile_segments(counts, levels, job.meanings, scales)
    total = sum(sum(of.values()) for of in rows.values())
    verdicts = Counter(segments["verdict"])
    return Outcome(
        [
            write_file(work, "compare/segments.csv", segments.write_csv().encode()),
            write_part(work, "compare/profile.parquet", profile),
        ],
        total,
        total,
        f"{verdicts['over']} segments over, {verdicts['under']} under",
    )


STAGE: Stage = Stage(
    "compare", needs=("ingest", "assign"), settings=settings, inputs=inputs, run=run
)

if __name__ == "__main__":
    from jobs.run import main

    main(only="compare")
