"""The run as one page that opens with no network, and its figures as files."""

import json
import os
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

import polars as pl

from jobs.stage import EXTRACTS, Job, Outcome, Stage
from segment_lib.config import Config
from segment_lib.run.fingerprint import package_versions
from segment_lib.run.manifest import Manifest
from segment_lib.sources import find_files
from segment_lib.storage.arrays import read_arrays
from segment_lib.storage.files import StoredFile, file_size, read_file, read_part, write_file
from segment_lib.storage.location import Location
from segment_lib.storage.stores import as_location
from segment_lib.storage.tables import formula_undone

BESIDE_ROWS = 200 * 2**20
"""Of the engine that draws the figures; measured."""
TITLES = {
    "population": "Population",
    "customers": "Customers",
    "feature_summary": "Feature summary",
    "data_dictionary": "Data dictionary",
}
NEEDS = ("ingest", "assess", "encode", "fit", "sweep", "assign", "compare", "gains")
_DIGITS = 16


def settings(config: Config) -> Any:
    return told_settings(config)


def told_settings(config: Config) -> dict[str, str]:
    """What the run was told, but for paths, and for the budget, which decides nothing."""
    return {
        f"{section}.{key}": _plain(value)
        for section, entries in config.as_dict().items()
        for key, value in entries.items()
        if f"{section}.{key}" != "run.memory" and not (section == "inputs" and key in TITLES)
    }


def inputs(job: Job) -> Any:
    records = job.manifest.stages
    read = [[records[n].rows_in, records[n].rows_out, job.hashes(n)] for n in NEEDS]
    facts = [dict(records[name].facts) for name in NEEDS]
    moved = job.hashes("refresh") if job.base else []
    return [job.root.name, read, facts, input_table(job).to_dicts(), moved]


def table(job: Job, stage: str, path: str) -> pl.DataFrame:
    """A table of the run."""
    file = job.manifest.file(stage, path)
    return parse(read_file(job.root, file)) if path.endswith(".csv") else read_part(job.root, file)


def parse(content: bytes) -> pl.DataFrame:
    """A CSV table in which codes stay text, and a column without any number is one of numbers.

    Apostrophes that keep spreadsheets from running a cell are taken off.
    """
    kinds = {
        name: pl.String if name in _TEXT else pl.Float64
        for name, kind in pl.read_csv(content, infer_schema_length=None).schema.items()
        if name in _TEXT or kind == pl.String
    }
    return formula_undone(pl.read_csv(content, schema_overrides=kinds, infer_schema_length=None))


_TEXT = (
    *("attribute", "attributes", "by", "direction", "extract", "feature", "label", "level"),
    *("levels", "meaning", "name", "reading", "side", "state", "toward", "verdict", "words"),
)


def optional(job: Job, path: str) -> bytes | None:
    """A file of gains that only some runs have."""
    files = [file for file in job.manifest.files("gains", path) if file.path == path]
    return read_file(job.root, files[0]) if files else None


def telling(job: Job, attributes: pl.DataFrame) -> pl.DataFrame:
    """The traits of attributes that are kept, and of those told twice but once."""
    kept = set(attributes.filter("kept")["attribute"]) - set(job.facts("encode")["redundant"])
    return table(job, "compare", "compare/traits.csv").filter(pl.col("attribute").is_in(kept))


def stage_table(job: Job) -> pl.DataFrame:
    """What went into and came out of each stage so far, and what it took."""
    of = job.manifest.stages
    return pl.DataFrame(
        [
            {
                "stage": name,
                "rows_in": of[name].rows_in,
                "rows_out": of[name].rows_out,
                "seconds": of[name].seconds,
                "peak_mib": of[name].peak_mib,
                "files": len(job.manifest.files(name)),
                "bytes": sum(file.bytes for file in job.manifest.files(name)),
                "sha256": digest(job.hashes(name)),
            }
            for name in NEEDS
        ]
    )


def input_table(job: Job) -> pl.DataFrame:
    """The delivered files. Extracts may be large or far away: their hash is of the rows as read."""
    told = []
    for name in EXTRACTS:
        found = find_files(getattr(job.config.inputs, name))
        for file in found:
            alone = len(found) == 1
            told.append(
                {
                    "input": TITLES[name],
                    "path": file.name,
                    "bytes": file_size(file),
                    "rows": job.facts("ingest")[name] if alone else None,
                    "sha256": digest(job.hashes("ingest", f"raw/{name}/")),
                }
            )
    for name in ("feature_summary", "data_dictionary"):
        if path := getattr(job.config.inputs, name):
            content = as_location(path).read_bytes()
            told.append(
                {
                    "input": TITLES[name],
                    "path": as_location(path).name,
                    "bytes": len(content),
                    "rows": None,
                    "sha256": sha256(content).hexdigest()[:_DIGITS],
                }
            )
    return pl.DataFrame(told, schema_overrides={"rows": pl.Int64})


def digest(hashes: list[str]) -> str:
    """The first digits of the hash of a list of hashes."""
    return sha256("\n".join(hashes).encode()).hexdigest()[:_DIGITS]


def tests(job: Job) -> Mapping[str, Any]:
    """The chi-square tests, and what looks suspicious."""
    content = read_file(job.root, job.manifest.file("compare", "compare/tests.json"))
    return dict(json.loads(content))


def run(job: Job, work: Location) -> Outcome:
    # What draws takes 30 MiB and a quarter of a second to load, which other stages go without.
    from segment_lib.report import RunFacts, drift_section, write_report

    arrays = read_arrays(job.root, job.manifest.file("sweep", "model/arrays.npz"))
    ratios = arrays["explained_variance_ratio"]
    attributes = table(job, "assess", "assess/attributes.parquet")
    tested = tests(job)
    depth, response = (optional(job, f"gains/{name}") for name in ("depth.json", "response.csv"))
    facts = RunFacts(
        title=job.root.name,
        attributes=attributes,
        rows=table(job, "assess", "assess/rows.parquet"),
        max_missing_per_row=job.facts("encode")["max_missing_per_row"],
        sweep=table(job, "sweep", "model/sweep.csv"),
        rule=_sentence(job.facts("sweep")["rule"]),
        stability=table(job, "sweep", "model/stability.csv"),
        explained_variance_ratio=ratios[: len(arrays["components"])].tolist(),
        n_features=len(job.facts("encode")["features"]),
        constant_features=job.facts("fit")["constant_features"],
        components=table(job, "compare", "compare/components.csv"),
        loadings=table(job, "compare", "compare/loadings.csv"),
        segments=table(job, "compare", "compare/segments.csv"),
        names=table(job, "compare", "compare/names.csv"),
        traits=telling(job, attributes),
        tests={name: tested[name] for name in ("all_segments", "without_set_aside")},
        suspicious=tested["suspicious"],
        fairness=table(job, "compare", "compare/fairness.csv"),
        gains=table(job, "gains", "gains/gains.csv"),
        n_micro=job.facts("gains")["n_micro"],
        depth=json.loads(depth) if depth else None,
        response=parse(response) if response else None,
        remarks=[remark for name in NEEDS for remark in job.facts(name)["remarks"]],
        stages=stage_table(job),
        inputs=input_table(job),
        settings=told_settings(job.config),
        versions=package_versions(),
        min_cell=job.config.fairness.min_cell,
        min_segment_rows=job.config.compare.min_segment_rows,
        drift=(
            drift_section(*moved(job, job.base), min_cell=job.config.fairness.min_cell)
            if job.base
            else None
        ),
    )
    scratch = job.manifest.folder.local(work)
    folder = scratch / "report"
    folder.mkdir(mode=0o700)
    files = []
    for path in write_report(facts, folder):
        os.chmod(path, 0o600)
        content = path.read_bytes()
        name = str(path.relative_to(scratch))
        if scratch != work:
            write_file(work, name, content)
        files.append(StoredFile(name, len(content), sha256(content).hexdigest()))
    rows = job.facts("ingest")["population"] + job.facts("ingest")["customers"]
    return Outcome(files, rows, rows, f"{len(files)} files")


def _plain(setting: object) -> str:
    """A setting as a reader would write it."""
    if isinstance(setting, bool):
        return "yes" if setting else "no"
    if isinstance(setting, list | tuple):
        return ", ".join(str(item) for item in setting)
    return "not set" if setting in (None, "") else str(setting)


def moved(
    job: Job, base: Manifest
) -> tuple[Mapping[str, Any], pl.DataFrame, pl.DataFrame, Mapping[str, pl.DataFrame]]:
    """What a refresh found: its summary, attributes and segments, and those of either run."""
    summary = read_file(job.root, job.manifest.file("refresh", "refresh/summary.json"))
    attributes = table(job, "drift", "refresh/drift.parquet")
    path = "compare/segments.csv"
    compared = {
        "base": parse(read_file(base.root, base.file("compare", path))),
        "new": table(job, "compare", path),
    }
    segments = table(job, "refresh", "refresh/segments.csv")
    return json.loads(summary), attributes, segments, compared


def _sentence(words: str) -> str:
    return f"{words[0].upper()}{words[1:]}."


STAGE: Stage = Stage(
    "report",
    needs=NEEDS,
    settings=settings,
    inputs=inputs,
    run=run,
)

if __name__ == "__main__":
    from jobs.run import main

    main(only="report")
