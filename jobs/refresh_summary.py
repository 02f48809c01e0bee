"""What a refresh comes to: segments and customers beside those of the base, and the work."""

import json
from collections.abc import Mapping
from typing import Any

import polars as pl

from jobs.legacy import Outcome, Stage
from jobs.refresh_stages import of_refresh
from segment_lib.config import Config
from segment_lib.drift import index_change
from segment_lib.run.job import Job
from segment_lib.run.manifest import Manifest
from segment_lib.storage.files import read_file, read_part, write_file
from segment_lib.storage.location import Location
from segment_lib.storage.tables import formula_undone, write_table

_INDEX = ("index_low", "index", "index_high")


def settings(config: Config) -> Any:
    return []


def inputs(job: Job) -> Any:
    base = of_refresh(job).earlier
    before = [base.file("compare", path).sha256 for path in _TABLES]
    return [before, [job.hashes(name) for name in ("drift", "sweep", "compare")]]


_TABLES = ("compare/segments.csv", "compare/names.csv")


def run(job: Job, work: Location) -> Outcome:
    base = of_refresh(job).earlier
    drift = dict(job.facts("drift"))
    matching = job.facts("sweep").get("matching") if drift["decision"] == "refit" else None
    segments = segment_table(job, base, matching)
    done = work_of(job.manifest)
    summary = {
        **{name: drift[name] for name in ("base", "decision", "reason", "findings", "changes")},
        **drift["distances"],
        "new_segments": matching["new"] if matching else [],
        "vanished_segments": matching["vanished"] if matching else [],
        "work": done,
    }
    files = [
        write_table(work, "refresh/segments.csv", segments),
        write_file(work, "refresh/summary.json", json.dumps(summary, indent=1).encode()),
    ]
    rows = job.facts("ingest")["population"] + job.facts("ingest")["customers"]
    told = f"{done['made']} parts gone over, {done['share']:.0%} of a full run's {done['parts']}"
    facts = {name: summary[name] for name in ("decision", "reason", "findings", "work")}
    return Outcome(files, rows, rows, told, facts)


def work_of(manifest: Manifest) -> dict[str, float]:
    """Parts a full run goes over, and how many of them this one did not take over.

    What reads all parts, such as the sweep, counts each of them once. Placing rows by the model of
    the base, and matching, are no work of a full run: they count among what was made alone.
    """
    parts = made = 0
    for stage, record in manifest.stages.items():
        for name in ("parts", "learned"):
            of = record.facts.get(name, {"made": 0, "taken_over": 0})
            made += of["made"]
            parts += 0 if stage == "drift" else of["made"] + of["taken_over"]
        made += record.facts.get("matched", 0)
    return {"parts": parts, "made": made, "share": made / parts}


def segment_table(job: Job, base: Manifest, matching: Mapping[str, Any] | None) -> pl.DataFrame:
    """A row per segment of either: its state, its shares by the base's model, its index."""
    before, after = (_told(manifest) for manifest in (base, job.manifest))
    shares = read_part(job.root, job.manifest.file("drift", "refresh/shares.parquet"))
    moved = {row["segment"]: row for row in shares.iter_rows(named=True)}
    overlap = dict(zip(matching["ids"], matching["overlap"], strict=True)) if matching else {}
    rows = []
    for number in sorted(set(before) | set(after)):
        old, new, share = before.get(number), after.get(number), moved.get(number, {})
        change = (
            index_change(*(tuple(of[name] for name in _INDEX) for of in (old, new)))
            if old and new
            else (None, None, None)
        )
        state = "kept" if old and new else "vanished" if old else "new"
        rows.append(
            {
                "segment": number,
                "name": (new or old or {})["name"],
                "state": state,
                "overlap": overlap.get(number),
                **{name: share.get(name) for name in _SHARES},
                **{f"{name}_base": old[name] if old else None for name in ("index", "low", "high")},
                **{f"{name}_new": new[name] if new else None for name in ("index", "low", "high")},
                **dict(zip(("change_low", "index_change", "change_high"), change, strict=True)),
            }
        )
    return pl.DataFrame(rows, infer_schema_length=None)


_SHARES = ("share_base", "share_new", "ratio", "drifted")


def _told(manifest: Manifest) -> dict[int, dict[str, Any]]:
    segments, names = (
        formula_undone(pl.read_csv(read_file(manifest.root, manifest.file("compare", path))))
        for path in _TABLES
    )
    told = segments.join(names, on="segment", how="left", maintain_order="left")
    return {row["segment"]: row for row in told.iter_rows(named=True)}


STAGE: Stage = Stage(
    "refresh", needs=("drift", "sweep", "compare", "gains"),
    settings=settings, inputs=inputs, run=run,
)  # fmt: skip
