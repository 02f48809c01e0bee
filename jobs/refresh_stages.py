"""Stages of a refresh that carry over what the base has learned, or learn from there on."""

from collections import Counter
from dataclasses import asdict
from hashlib import sha256
from typing import Any

import numpy as np
import polars as pl
from dask import delayed

from jobs import assess, fit, sweep
from jobs.assess import histogram_table, spelled, tallies
from jobs.baseline import PROPOSED, RefreshJob
from jobs.legacy import Outcome, Stage, reuse_part, work_done
from segment_lib.clean import (
    ExtractCounts,
    as_code,
    assess_attributes,
    expected_levels,
    histogram,
    sum_tallies,
)
from segment_lib.config import Config
from segment_lib.drift import match_segments
from segment_lib.encode import Plan, derive_plan, read_plan
from segment_lib.encode.rules import Binary, Number, OneHot, Rule
from segment_lib.errors import IntegrityError
from segment_lib.matrix import as_block
from segment_lib.model import KMeans, Projection, segment_ids
from segment_lib.model.stability import contingency
from segment_lib.run.job import Job
from segment_lib.storage.arrays import read_arrays
from segment_lib.storage.files import StoredFile, read_part, write_file, write_part
from segment_lib.storage.location import Location
from segment_lib.terms import EXTRACTS


def of_refresh(job: Job) -> RefreshJob:
    """The job, which is one."""
    assert isinstance(job, RefreshJob)
    return job


# --- assess: what is kept, and the plan, are those of the base -----------------------------------


def assess_settings(config: Config) -> Any:
    return [config.cleaning.max_unseen_share, config.fairness.min_cell]


def assess_inputs(job: Job) -> Any:
    told = of_refresh(job)
    base = told.earlier.file("assess", "assess/attributes.parquet").sha256
    plan = sha256(told.plan_text.encode()).hexdigest()
    return [job.hashes("ingest"), base, plan, job.told_meanings(), assess.declared(job)]


def run_assess(job: Job, work: Location) -> Outcome:
    told = of_refresh(job)
    schema = told.schema
    counted = tallies(told)
    extracts = {name: sum_tallies([counted[name]], schema) for name in EXTRACTS}
    population, customers = extracts.values()
    attributes = _as_in_base(
        told,
        assess_attributes(
            schema, population, customers, assess.levels(told), max_missing_share=1.0
        ),
    )
    plan = read_plan(told.plan_text, schema, "plan.json")
    noticed = assess.look_over(told, attributes, extracts, plan)
    kept = set(attributes.filter("kept")["attribute"])
    rows: dict[str, Counter[int]] = {
        name: histogram(counted[name], schema, kept) for name in EXTRACTS
    }
    text = told.plan_text
    files = [
        write_part(work, "assess/attributes.parquet", attributes),
        write_part(work, "assess/rows.parquet", histogram_table(rows)),
        write_file(work, "plan.json", text.encode()),
    ]
    proposed = propose_plan(told, plan, population)
    (told.root / PROPOSED).unlink(missing_ok=True)
    message = f"{len(kept)} attributes kept, as in the base, {len(plan.features)} features"
    if proposed != plan:
        files.append(write_file(work, PROPOSED, proposed.to_json(told.meanings).encode()))
        message += f"; {PROPOSED} has rules for what is new"
    total = population.rows + customers.rows
    return Outcome(files, total, total, message, remarks=noticed)


def _as_in_base(job: RefreshJob, attributes: pl.DataFrame) -> pl.DataFrame:
    file = job.earlier.file("assess", "assess/attributes.parquet")
    before = read_part(job.earlier.root, file).select("attribute", "kept", "reason")
    gone = pl.col("attribute").is_in(list(job.changes.absent))
    found = attributes.drop("kept", "reason").join(
        before, on="attribute", how="left", maintain_order="left"
    )
    reason = (
        pl.when(gone)
        .then(pl.lit("not delivered"))
        .when(pl.col("kept").is_null())
        .then(pl.lit("new since the base"))
        .otherwise("reason")
    )
    return found.with_columns(
        (pl.col("kept").fill_null(False) & ~gone).alias("kept"), reason.alias("reason")
    ).select(attributes.columns)


def propose_plan(job: RefreshJob, plan: Plan, population: ExtractCounts) -> Plan:
    """The plan with rules for attributes that are new, and levels the base has never seen."""
    schema, dictionary = job.schema, assess.levels(job)
    known = {name: of.rows for name, of in population.values.items()}
    derived = derive_plan(
        schema,
        {},
        {name: spelled(values) for name, values in known.items()},
        {a.name: expected_levels(a, population.values[a.name], dictionary) for a in schema},
    )
    by_name = {rule.attribute: rule for rule in derived.rules}
    rules = [
        by_name[rule.attribute]
        if rule.attribute in job.changes.new and not rule.features
        else with_levels(rule, [as_code(value) for value in known[rule.attribute]])
        for rule in plan.rules
    ]
    return Plan(tuple(rules))


def with_levels(rule: Rule, levels: list[str]) -> Rule:
    """The rule for these levels too, where it lists levels; recoding tables need the analyst."""
    match rule:
        case OneHot(attribute, old, fill):
            return OneHot(attribute, (*old, *(v for v in levels if v not in old)), fill)
        case Number(attribute, fill, old) if old is not None:
            new = [v for v in levels if v not in old]
            return Number(attribute, fill, (*old, *new))
        case Binary(attribute, zero, one, fill) if set(levels) - {zero, one}:
            new = [v for v in levels if v not in (zero, one)]
            return OneHot(attribute, (zero, one, *new), fill)
    return rule


ASSESS = Stage(
    "assess", needs=("ingest",), settings=assess_settings, inputs=assess_inputs, run=run_assess
)


# --- fit and sweep: applied, or refitted from the centres of the base -----------------------------


def take(job: Job, stage: str, path: str, work: Location) -> StoredFile:
    """A file of the base, whole.

    Raises
    ------
    IntegrityError
        If it is not what the base lists.
    """
    base = of_refresh(job).earlier
    found = reuse_part(base.root, base.file(stage, path), work, path)
    if found is None:
        raise IntegrityError(f"{base.root / path}: not the bytes that run.json lists.")
    return found


def is_applied(job: Job) -> bool:
    return bool(job.facts("drift")["decision"] == "apply")


def fit_inputs(job: Job) -> Any:
    if is_applied(job):
        return ["apply", of_refresh(job).earlier.file("fit", "model/projection.npz").sha256]
    return fit.inputs(job)


def run_fit(job: Job, work: Location) -> Outcome:
    if not is_applied(job):
        return fit.run(job, work)
    n = len(job.manifest.files("encode", "features/population/"))
    facts = {**of_refresh(job).earlier.stages["fit"].facts, "parts": work_done(0, n)}
    rows = job.facts("encode")["population"]
    return Outcome(
        [take(job, "fit", "model/projection.npz", work)], rows, rows, "as in the base", facts
    )


FIT = Stage("fit", ("encode", "drift"), fit.settings, fit_inputs, run_fit)

_MODEL = ("model.json", "arrays.npz", "reclusterings.npz", "sweep.csv", "stability.csv")


def sweep_inputs(job: Job) -> Any:
    base = of_refresh(job).earlier
    model = [base.file("sweep", f"model/{name}").sha256 for name in _MODEL]
    return ["apply", model] if is_applied(job) else ["refit", model, sweep.inputs(job)]


def run_sweep(job: Job, work: Location) -> Outcome:
    facts = of_refresh(job).earlier.stages["sweep"].facts
    if not is_applied(job):
        return sweep.sweep_and_choose(job, work, [facts["n_clusters"]], warm_start(job))
    n = len(job.manifest.files("encode", "features/"))
    files = [take(job, "sweep", f"model/{name}", work) for name in _MODEL]
    rows = job.facts("encode")["population"]
    told = f"{facts['n_clusters']} segments, as in the base"
    kept = {name: value for name, value in facts.items() if name not in ("matching", "matched")}
    return Outcome(files, rows, rows, told, {**kept, "parts": work_done(0, n)})


def warm_start(job: Job) -> sweep.WarmStart:
    """The centres of the base in the components of now, and how to number what becomes of them."""
    base = of_refresh(job).earlier
    arrays = read_arrays(base.root, base.file("sweep", "model/arrays.npz"))
    old, features = base.stages["encode"].facts["features"], job.facts("encode")["features"]
    projection = Projection.from_arrays(
        read_arrays(job.root, job.manifest.file("fit", "model/projection.npz"))
    )
    centers = in_units(Projection.from_arrays(arrays), arrays["cluster_centers"])
    there = np.array([name in old for name in features])
    places = [old.index(name) for name in features if name in old]
    starts = np.tile(projection.scaler.mean_, (len(centers), 1))
    starts[:, there] = centers[:, places]
    ids = segment_ids(arrays)
    next_segment = base.stages["sweep"].facts["next_segment"]

    def number(found: np.ndarray) -> tuple[np.ndarray, dict[str, Any]]:
        scale = arrays["scale"][places]
        match = match_segments(
            shared_rows(job, projection, found, ids),
            centers[:, places] / scale,
            in_units(projection, found)[:, there] / scale,
            tuple(ids.tolist()),
            next_segment,
        )
        most = max(next_segment, max(match.ids) + 1)
        return np.array(match.ids, dtype=np.int32), {
            "next_segment": most,
            "matched": len(job.manifest.files("encode", "features/population/")),
            "matching": asdict(match),
        }

    rule = f"refitted from the {len(centers)} segments of the base"
    return sweep.WarmStart(projection.transform(starts.astype(np.float32)), number, rule)


def in_units(projection: Projection, centers: np.ndarray) -> np.ndarray:
    """Centres in the units of the features, shape (n_clusters, n_features)."""
    scaled = centers.astype(np.float64) @ projection.pca.components_
    return np.asarray(projection.scaler.mean_ + scaled * projection.scaler.scale_)


def shared_rows(
    job: Job, projection: Projection, centers: np.ndarray, ids: np.ndarray
) -> np.ndarray:
    """Rows of the population by segment of the base's model and by new one, (n_old, n_new)."""
    features = tuple(job.facts("encode")["features"])
    tasks = [
        delayed(_shared)(job.root, file, placed, features, projection, centers, ids)
        for file, placed in zip(
            job.manifest.files("encode", "features/population/"),
            job.manifest.files("drift", "refresh/placed/population/"),
            strict=True,
        )
        if file.rows
    ]
    largest = max(file.rows or 0 for file in job.manifest.files("encode"))
    at_once = job.at_once(sweep.BYTES_PER_FEATURE * len(features), largest)
    return np.asarray(sum(job.workers.run(tasks, at_once=at_once)))


def _shared(
    root: Location,
    file: StoredFile,
    placed: StoredFile,
    features: tuple[str, ...],
    projection: Projection,
    centers: np.ndarray,
    ids: np.ndarray,
) -> np.ndarray:
    encoded = read_part(root, file)
    rows = encoded.select("row").join(read_part(root, placed), on="row", maintain_order="left")
    order = np.argsort(ids)
    before = order[np.searchsorted(ids, rows["segment"].to_numpy(), sorter=order)]
    scores = projection.transform(as_block(encoded, features))
    now = KMeans.from_centers(centers).predict(scores)
    return contingency(before, now, len(ids), len(centers))


SWEEP = Stage("sweep", ("encode", "fit", "drift"), sweep.settings, sweep_inputs, run_sweep)
