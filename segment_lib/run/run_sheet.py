"""The run sheet on the page: inputs, settings, stages and versions."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import Any

import polars as pl

from segment_lib.config import Config
from segment_lib.run.artifacts import DRAFTED, MODEL_STAGES, RAW
from segment_lib.run.fingerprint import package_versions
from segment_lib.run.job import Job
from segment_lib.run.reads import Source
from segment_lib.run.record import StageRecord
from segment_lib.run.results import Ingested
from segment_lib.schema.language import Sentence
from segment_lib.storage.files import file_size
from segment_lib.storage.stores import as_location
from segment_lib.terms import EXTRACTS

_TITLES = {
    "population": "Population",
    "customers": "Customers",
    "feature_summary": "Feature summary",
    "data_dictionary": "Data dictionary",
    "labels": "Labels",
}
_DESCRIPTIONS = ("feature_summary", "data_dictionary", "labels")
_DIGITS = 16


@dataclass(frozen=True)
class RunSheet:
    """Facts of a run shown at the end of the page."""

    folder: str
    stages: pl.DataFrame
    """stage, rows_in, rows_out, seconds, peak_mib, files, bytes, sha256 (of its files' sha256)."""
    inputs: pl.DataFrame
    """input, path, bytes, rows, sha256 (of an extract: of its rows as read)."""
    settings: Mapping[str, str]
    versions: Mapping[str, str]
    remarks: Sequence[Sentence]


def run_sheet(job: Job) -> RunSheet:
    """Return the sheet of a run whose stages up to the page are done."""
    records = [job.manifest.stages[name] for name in MODEL_STAGES]
    return RunSheet(
        folder=job.root.name,
        stages=pl.DataFrame(
            [_stage_row(name, record) for name, record in zip(MODEL_STAGES, records, strict=True)]
        ),
        inputs=input_table(job),
        settings=settings_in_words(job.config),
        versions=package_versions(),
        remarks=[
            *(job.manifest.stages[DRAFTED.stage].remarks if job.is_drafted else ()),
            *(remark for record in records for remark in record.remarks),
        ],
    )


def _digest(job: Job) -> Any:
    """Return all of the sheet but seconds, memory and versions, on which no other file depends."""
    sheet = run_sheet(job)
    stages = sheet.stages.drop("seconds", "peak_mib")
    tables = [table.to_dicts() for table in (stages, sheet.inputs)]
    return [sheet.folder, tables, dict(sheet.settings), list(map(asdict, sheet.remarks))]


RUN_SHEET: Source[RunSheet] = Source("the run sheet", run_sheet, _digest, stages=MODEL_STAGES)


def settings_in_words(config: Config) -> dict[str, str]:
    """Return the settings, but for paths, and for the budget, which decides nothing."""
    return {
        f"{section}.{key}": _in_words(value)
        for section, entries in config.as_dict().items()
        for key, value in entries.items()
        if f"{section}.{key}" != "run.memory" and not (section == "inputs" and key in _TITLES)
    }


def _in_words(setting: object) -> str:
    if isinstance(setting, bool):
        return "yes" if setting else "no"
    if isinstance(setting, list | tuple):
        return ", ".join(str(item) for item in setting)
    return "not set" if setting in (None, "") else str(setting)


def input_table(job: Job) -> pl.DataFrame:
    """Return the delivered files.

    Extracts may be large or far away: their hash is of the rows as read.
    """
    rows = []
    raw = job.manifest.files(RAW.stage)
    for extract in EXTRACTS:
        delivered = job.delivered[extract]
        for file in delivered:
            alone = len(delivered) == 1
            rows.append(
                {
                    "input": _TITLES[extract],
                    "path": file.name,
                    "bytes": file_size(file),
                    "rows": job.manifest.result(Ingested).rows(extract) if alone else None,
                    "sha256": _short([part.sha256 for part in RAW.among(raw, extract)]),
                }
            )
    for name in _DESCRIPTIONS:
        if path := getattr(job.config.inputs, name):
            content = as_location(path).read_bytes()
            rows.append(
                {
                    "input": _TITLES[name],
                    "path": as_location(path).name,
                    "bytes": len(content),
                    "rows": None,
                    "sha256": sha256(content).hexdigest()[:_DIGITS],
                }
            )
    return pl.DataFrame(rows, schema_overrides={"rows": pl.Int64})


def _stage_row(name: str, record: StageRecord) -> dict[str, Any]:
    files = sorted(record.files, key=lambda file: file.path)
    return {
        "stage": name,
        "rows_in": record.rows_in,
        "rows_out": record.rows_out,
        "seconds": record.seconds,
        "peak_mib": record.peak_mib,
        "files": len(files),
        "bytes": sum(file.bytes for file in files),
        "sha256": _short([file.sha256 for file in files]),
    }


def _short(hashes: Sequence[str]) -> str:
    """Return the first digits of the hash of a list of hashes."""
    return sha256("\n".join(hashes).encode()).hexdigest()[:_DIGITS]
