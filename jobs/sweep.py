"""KMeans for every number of segments in the sweep, measured; one is chosen by a written rule."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from dask.delayed import Delayed

from jobs.choice import choose, customer_gains, stability_table, with_trials
from jobs.console import log
from jobs.parts import work_done
from jobs.stage import Job, Outcome, Stage
from segment_lib.cluster.passes import Sweep
from segment_lib.cluster.spill import Scratch
from segment_lib.config import Config
from segment_lib.errors import ConfigError
from segment_lib.matrix import feature_array, row_array
from segment_lib.model import (
    KMeans,
    Projection,
    SweepCheckpoint,
    evaluate,
    quality_figures,
    resampled_centers,
    segment_stability,
)
from segment_lib.run.checkpoint import read_checkpoint, write_checkpoint
from segment_lib.run.record import FORMAT
from segment_lib.storage.arrays import read_arrays, write_arrays
from segment_lib.storage.files import write_file
from segment_lib.storage.location import Location

SWEEP = (
    "n_clusters",
    "inertia",
    "calinski_harabasz",
    "davies_bouldin",
    "silhouette",
    "stability",
    "smallest_share",
    "n_iter",
    "chosen",
)
"""The first columns of model/sweep.csv."""
BYTES_PER_FEATURE = 12
"""Bytes per feature value in memory while it is projected (measured)."""


def settings(config: Config) -> Any:
    model = config.model
    return [model.n_clusters, model.sweep, model.random_state]


def inputs(job: Job) -> Any:
    return [job.hashes("fit"), job.hashes("encode", "features/")]


def numbers_to_try(config: Config, n_rows: int) -> list[int]:
    """The numbers of clusters to try: the sweep and, if one is asked for, that one.

    Raises
    ------
    ConfigError
        If there is none that so few rows allow.
    """
    (least, most), allowed = config.model.sweep, max(n_rows // 2, 2)
    wanted = {k for k in range(least, most + 1) if k <= allowed}
    if isinstance(config.model.n_clusters, int):
        wanted.add(config.model.n_clusters)
    if not wanted:
        raise ConfigError(
            f"model.sweep = [{least}, {most}]: {n_rows:,} rows of the population allow up to "
            f"{allowed} segments. Set model.sweep to begin there or below, or model.n_clusters."
        )
    return sorted(wanted)


@dataclass(frozen=True)
class WarmStart:
    """Where a refit begins, and how its segments get their numbers."""

    starts: np.ndarray
    """Centres in component space, shape (n_clusters, n_components), float32."""
    number: Callable[[np.ndarray], tuple[np.ndarray, dict[str, Any]]]
    """From fitted centres to their numbers, shape (n_clusters,), and facts of the matching."""
    rule: str


def run(job: Job, work: Location) -> Outcome:
    return sweep_and_choose(
        job, work, numbers_to_try(job.config, job.facts("encode")["population"])
    )


def sweep_and_choose(
    job: Job, work: Location, tried: list[int], warm: WarmStart | None = None
) -> Outcome:
    """Cluster for each number of segments, from starts found on a sample or from those given."""
    arrays = read_arrays(job.root, job.manifest.file("fit", "model/projection.npz"))
    projection = Projection.from_arrays(arrays)
    seed = job.config.model.random_state
    init: Any = warm.starts if warm else "k-means++"
    models = [KMeans(k, init=init, random_state=seed) for k in tried]
    sample, place = run_passes(job, work, projection, models)
    if warm is None:
        models = [model.by_size() for model in models]
    table = pl.DataFrame(quality_figures(models, sample))
    stability = segment_stability(sample, models, random_state=seed)
    trials = evaluate(models, stability, customer_gains(job, models, projection))
    chosen, rule = (tried[0], warm.rule) if warm else choose(job.config, trials)
    model = models[tried.index(chosen)]
    segments = stability_table(models, stability)
    ids, matching = np.arange(chosen, dtype=np.int32), {"next_segment": chosen}
    if warm:
        ids, matching = warm.number(model.cluster_centers_)
        segments = segments.with_columns(pl.Series("segment", ids.astype(np.int64)))
    table = with_trials(table, trials, chosen).select(*SWEEP, pl.exclude(SWEEP))
    table = table.with_columns(pl.col("gain", "gain_error").fill_nan(None))
    resampled = resampled_centers(sample, chosen, random_state=seed)
    features = job.facts("encode")["features"]
    n_rows = int(model.sums_.counts.sum())
    description = {
        "format_version": FORMAT,
        "features": features,
        "n_features": len(features),
        "n_components": projection.pca.n_components_,
        "n_clusters": chosen,
        "inertia": model.inertia_,
        "rows": n_rows,
    }
    fitted = {**projection.arrays(), "cluster_centers": model.cluster_centers_}
    if ids.tolist() != list(range(chosen)):
        fitted["segment_ids"] = ids
    written = [
        write_file(work, "model/model.json", json.dumps(description, indent=1).encode()),
        write_arrays(work, "model/arrays.npz", fitted),
        write_arrays(work, "model/reclusterings.npz", {"cluster_centers": resampled}),
        write_file(work, "model/sweep.csv", table.write_csv().encode()),
        write_file(work, "model/stability.csv", segments.write_csv().encode()),
    ]
    facts = {
        "n_clusters": chosen,
        "rule": rule,
        "scores": place,
        "parts": work_done(len(job.manifest.files("encode", "features/"))),
        **matching,
    }
    return Outcome(written, n_rows, n_rows, f"{chosen} segments, {rule}", facts)


def run_passes(
    job: Job, work: Location, projection: Projection, models: Sequence[KMeans]
) -> tuple[Delayed, str]:
    """Fit the models to the population, from the checkpoint of a run that ended early if any."""
    features = job.facts("encode")["features"]
    files = job.manifest.files("encode", "features/population/")
    Z = projection.transform(feature_array(job.root, files, features))
    sweep = Sweep(
        Z,
        row_array(job.root, files),
        BYTES_PER_FEATURE * len(features) * max(Z.chunks[0]),
        job.budget,
        job.workers,
        Scratch(job.scratch(work), "scratch"),
    )
    tried = [model.n_clusters for model in models]
    checkpoint = SweepCheckpoint.from_arrays(read_checkpoint(work) or {}, tried, Z.shape[1])
    if checkpoint is not None:
        stopped = sum(state.stopped for state in checkpoint.states.values())
        log(
            f"sweep    taken up after {checkpoint.passes} passes, "
            f"{stopped} of {len(tried)} at rest",
            stage="sweep",
            passes_done_before=checkpoint.passes,
        )
    with job.console.progress("sweep", len(tried), "clusterings") as progress:
        left = len(tried)

        def on_pass(passes: int, running: int) -> None:
            nonlocal left
            progress.add(max(left - running, 0))
            left = min(left, running)

        return sweep.run_passes(
            models,
            checkpoint=checkpoint,
            keep=lambda checkpoint: write_checkpoint(work, checkpoint.arrays()),
            on_pass=on_pass,
        )


STAGE: Stage = Stage("sweep", needs=("encode", "fit"), settings=settings, inputs=inputs, run=run)

if __name__ == "__main__":
    from jobs.run import main

    main(only="sweep")
