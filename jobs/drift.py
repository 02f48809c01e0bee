"""A delivery against the base: its rows placed by the base's model, its counts beside those there.

Attributes are compared from the tallies in the footers of raw parts, segments and distances from
those of segment parts: no row is read that was read before.
"""

from typing import Any, cast

import polars as pl

from jobs.assess import tallies
from jobs.assign import BYTES_PER_FEATURE, assign_parts, placed_rows
from jobs.baseline import RefreshJob, fills_of
from jobs.encode import current_plan
from jobs.legacy import Outcome, Stage, make_parts
from jobs.refresh_stages import of_refresh
from segment_lib.clean import ExtractCounts, sum_tallies
from segment_lib.clean.tally import Values
from segment_lib.config import Config
from segment_lib.drift import (
    AttributeCounts,
    Policy,
    attribute_drift,
    decide,
    distance_table,
    findings,
    segment_drift,
)
from segment_lib.errors import ConfigError
from segment_lib.model import FittedModel
from segment_lib.run.job import Job
from segment_lib.run.progress import log
from segment_lib.schema import Attribute
from segment_lib.storage.arrays import read_arrays
from segment_lib.storage.files import read_part, write_part
from segment_lib.storage.location import Location
from segment_lib.terms import EXTRACTS, SET_ASIDE

PLACED = "refresh/placed"
"""Where the rows placed by the base's model are."""


def settings(config: Config) -> Any:
    return [config.refresh.policy, config.fairness.min_cell]


def inputs(job: Job) -> Any:
    base = of_refresh(job).earlier
    stages = ("ingest", "encode", "sweep", "assign")
    before = [[file.sha256 for file in base.files(stage)] for stage in stages]
    return [job.hashes("ingest"), job.hashes("assess"), job.hashes("encode"), before]


def run(job: Job, work: Location) -> Outcome:
    told = of_refresh(job)
    base, plan = told.earlier, current_plan(told)
    old, new = base.stages["encode"].facts["features"], told.facts("encode")["features"]
    changed = sorted(set(old) ^ set(new))
    policy = cast(Policy, told.config.refresh.policy)
    if changed and policy == "apply":
        raise ConfigError(
            "The plan makes other features than that of the base, so its model cannot be applied. "
            'Set refresh.policy = "refit" or "auto", or leave --plan out.'
        )
    arrays = base.file("sweep", "model/arrays.npz")
    model = FittedModel.from_arrays(read_arrays(base.root, arrays))
    fills = fills_of(told.base_plan, told.base_schema)
    fills = {name: value for name, value in fills.items() if name not in new}
    parts = assign_parts(told, arrays, old, fills, model, work, PLACED)
    raw = told.manifest.files("ingest")
    total = sum(file.rows or 0 for file in raw)
    at_once = told.at_once(BYTES_PER_FEATURE * len(old), max(file.rows or 0 for file in raw))
    with told.console.progress("drift", total, "rows") as progress:
        made = make_parts(
            told, "drift", parts, work, lambda f: progress.add(f.rows or 0), at_once=at_once
        )
    before = placed_rows(base.root, base.files("assign", "segments/population/"))
    placed = [file for file in made.files if file.path.startswith(f"{PLACED}/population/")]
    after = placed_rows(work, placed)
    attributes = attribute_table(told)
    segments = segment_drift(before.rows, after.rows)
    distances = distance_table(before, after, SET_ASIDE)
    assessed = read_part(told.root, told.manifest.file("assess", "assess/attributes.parquet"))
    kept = attributes.filter(
        pl.col("attribute").is_in(assessed.filter("kept")["attribute"].implode())
    )
    found = findings(kept, segments, distances, told.config.fairness.min_cell)
    used = {rule.attribute for rule in plan.rules if rule.features}
    decision, reason = decide(policy, kept, used, distances, changed)
    for sentence in found:
        log(f"drift    {sentence}")
    files = [
        *made.files,
        write_part(work, "refresh/drift.parquet", attributes),
        write_part(work, "refresh/shares.parquet", segments),
    ]
    facts = {
        "base": base.root.name,
        "decision": decision,
        "reason": reason,
        "findings": found,
        "changes": [change.facts() for change in told.changes.listed],
        "distances": distances,
        **made.facts,
    }
    return Outcome(files, total, total, f"{decision}: {reason}", facts)


def attribute_table(job: RefreshJob) -> pl.DataFrame:
    """Drift of every attribute that the base and this delivery have, the most first."""
    before, after = tallies(job, job.earlier), tallies(job)
    pairs = {
        name: (
            sum_tallies([before[name]], job.base_schema),
            sum_tallies([after[name]], job.schema),
        )
        for name in EXTRACTS
    }
    tables = {}
    for name, (base, new) in pairs.items():
        tables[name] = pl.DataFrame(
            [
                attribute_drift(
                    old.name, *_counts(old, base, job.schema[old.name], new)
                )
                for old in job.base_schema
                if old.name not in job.changes.absent
            ],
            infer_schema_length=None,
            schema_overrides={
                "unseen_levels": pl.List(pl.String), "vanished_levels": pl.List(pl.String)
            },
        )  # fmt: skip
    customers = tables["customers"].select(
        "attribute",
        *(pl.col(name).name.prefix("customers_") for name in ("psi", "band", "drifted")),
    )
    return (
        tables["population"]
        .join(customers, on="attribute", maintain_order="left")
        .sort("psi", descending=True, maintain_order=True)
    )


def _counts(
    old: Attribute, base: ExtractCounts, now: Attribute, new: ExtractCounts
) -> tuple[AttributeCounts, AttributeCounts]:
    before, after = base.values[old.name], new.values[now.name]
    # Numbers counted in bins are compared in the coarser of the two.
    same = Values({}, coarseness=max(before.coarseness, after.coarseness))
    return (
        AttributeCounts(base.rows, (before + same).rows, base.missing[old.name]),
        AttributeCounts(new.rows, (after + same).rows, new.missing[now.name]),
    )


STAGE: Stage = Stage(
    "drift", needs=("ingest", "assess", "encode"), settings=settings, inputs=inputs, run=run
)
