"""The run as one page that opens with no network, and its figures as files."""

import json
import os
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path
from typing import Any

import polars as pl

from jobs.stage import EXTRACTS, Job, Outcome, Stage
from segment_lib.config import Config
from segment_lib.manifest import package_versions
from segment_lib.model import Projection
from segment_lib.report import DriftSection, RunFacts, drift_section, write_report
from segment_lib.sources import find_files
from segment_lib.store import StoredFile, read_arrays, read_file, read_part

BESIDE_ROWS = 200 * 2**20
"""Of the engine that draws the figures; measured."""
TITLES = {"population": "Population", "customers": "Customers"}


def settings(config: Config) -> Any:
    told = config.cleaning, config.model, config.compare, config.fairness
    return [*(asdict(section) for section in told), config.run.rows_per_part]


def inputs(job: Job) -> Any:
    read = [job.hashes(stage) for stage in ("assess", "fit", "sweep", "compare")]
    moved = job.hashes("refresh") if job.base else []
    return [read, job.facts("encode")["told_twice"], moved]


def table(job: Job, stage: str, path: str) -> pl.DataFrame:
    """A table of the run."""
    file = job.manifest.file(stage, path)
    if path.endswith(".csv"):
        return pl.read_csv(read_file(job.root, file))
    return read_part(job.root, file)


def loadings(projection: Projection, features: list[str]) -> pl.DataFrame:
    """All loadings in long form."""
    components = range(1, len(projection.components) + 1)
    return pl.concat(
        pl.DataFrame({"feature": features, "loading": loading}).select(
            pl.lit(component).alias("component"), "feature", "loading"
        )
        for component, loading in zip(components, projection.components, strict=True)
    )


def stage_table(job: Job) -> pl.DataFrame:
    """What went into and came out of each stage so far."""
    return pl.DataFrame(
        [
            {
                "stage": name,
                "rows_in": record.rows_in,
                "rows_out": record.rows_out,
                "files": len(record.files),
                "bytes": sum(file.bytes for file in record.files),
            }
            for name, record in job.manifest.stages.items()
            if name != "report"
        ]
    )


def input_table(job: Job) -> pl.DataFrame:
    """The delivered files."""
    return pl.DataFrame(
        [
            {
                "input": TITLES[name],
                "path": file.name,
                "bytes": file.stat().st_size,
                "rows": job.facts("ingest")[name] if len(found) == 1 else None,
            }
            for name in EXTRACTS
            for found in [find_files(getattr(job.config.inputs, name))]
            for file in found
        ],
        schema_overrides={"rows": pl.Int64},
    )


def run(job: Job, work: Path) -> Outcome:
    arrays = read_arrays(job.root, job.manifest.file("sweep", "model/arrays.npz"))
    projection = Projection.from_arrays(arrays)
    features = job.facts("encode")["features"]
    facts = RunFacts(
        title=job.root.name,
        attributes=table(job, "assess", "assess/attributes.parquet"),
        rows=table(job, "assess", "assess/rows.parquet"),
        max_missing_per_row=job.facts("encode")["max_missing_per_row"],
        sweep=table(job, "sweep", "model/sweep.csv"),
        rule=_sentence(job.facts("sweep")["rule"]),
        explained_variance_ratio=projection.explained_variance_ratio.tolist(),
        n_components=len(projection.components),
        n_features=len(features),
        loadings=loadings(projection, features),
        segments=table(job, "compare", "compare/segments.csv"),
        profile=table(job, "compare", "compare/profile.parquet").filter(
            ~pl.col("attribute").is_in(job.facts("encode")["told_twice"])
        ),
        stages=stage_table(job),
        inputs=input_table(job),
        settings={
            f"{section}.{key}": str(value)
            for section, entries in job.config.as_dict().items()
            if section in ("cleaning", "model", "compare", "fairness", "run")
            for key, value in entries.items()
            if key != "memory"
        },
        versions=package_versions(),
        min_cell=job.config.fairness.min_cell,
        drift=drift(job),
    )
    folder = work / "report"
    folder.mkdir(mode=0o700)
    files = []
    for path in write_report(facts, folder):
        os.chmod(path, 0o600)
        content = path.read_bytes()
        name = str(path.relative_to(work))
        files.append(StoredFile(name, len(content), sha256(content).hexdigest()))
    rows = job.facts("ingest")["population"] + job.facts("ingest")["customers"]
    return Outcome(files, rows, rows, f"{len(files)} files")


def drift(job: Job) -> DriftSection | None:
    """What a refresh found, if the run is one."""
    if job.base is None:
        return None
    summary = read_file(job.root, job.manifest.file("refresh", "refresh/summary.json"))
    return drift_section(
        json.loads(summary),
        table(job, "drift", "refresh/drift.parquet"),
        table(job, "refresh", "refresh/segments.csv"),
    )


def _sentence(words: str) -> str:
    return f"{words[0].upper()}{words[1:]}."


STAGE: Stage = Stage(
    "report",
    needs=("assess", "encode", "fit", "sweep", "compare"),
    settings=settings,
    inputs=inputs,
    run=run,
)

if __name__ == "__main__":
    from jobs.run import main

    main(only="report")
