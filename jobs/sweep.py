"""KMeans for every number of segments in the sweep, measured; one is chosen by a written rule."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from dask.delayed import Delayed

from jobs.choice import choose, judge, with_judgement
from jobs.legacy import Outcome, Stage, work_done
from segment_lib.cluster.memory import give_memory_back
from segment_lib.cluster.spill import Scratch
from segment_lib.config import Config
from segment_lib.errors import ConfigError
from segment_lib.matrix import feature_array, row_array
from segment_lib.model import (
    THIN_SIZE,
    Clustering,
    Projection,
    Rows,
    RowsHere,
    RowsInBlocks,
    SweepCheckpoint,
    calinski_harabasz,
    davies_bouldin,
    reclusterings,
    row_blocks,
    rows_here,
    sample_blocks,
    sample_silhouettes,
    simplified_silhouette,
    sweep,
    thin_blocks,
)
from segment_lib.run.checkpoint import read_checkpoint, write_checkpoint
from segment_lib.run.job import Job
from segment_lib.run.progress import log
from segment_lib.run.record import MODEL_FORMAT
from segment_lib.storage.files import read_arrays, write_arrays, write_file

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
BESIDE_ROWS = 160 * 2**20
"""Of the sample, and of what is computed on it; measured."""
BYTES_PER_SCORE = 4
"""Of a score kept in memory from pass to pass."""
BYTES_PER_LABEL = 14
"""Of what is remembered of a row for each clustering, from one pass and, by tasks, for the next."""
BYTES_PER_FEATURE = 12
"""Of a feature value in memory while it is projected; measured."""


def settings(config: Config) -> Any:
    told = config.model
    return [told.n_clusters, told.sweep, told.random_state]


def inputs(job: Job) -> Any:
    return [job.hashes("fit"), job.hashes("encode", "features/")]


def trials(config: Config, n_rows: int) -> list[int]:
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


def memory_needed(n_rows: int, n_components: int, n_clusterings: int) -> tuple[int, int]:
    """Bytes of all rows if they are kept in memory, and of what is there beside them."""
    per_row = BYTES_PER_SCORE * n_components + BYTES_PER_LABEL * n_clusterings
    thinned = THIN_SIZE if n_rows > 2 * THIN_SIZE else 0
    return n_rows * per_row, BESIDE_ROWS + thinned * per_row


@dataclass(frozen=True)
class Warm:
    """Where a refit begins, and how its segments get their numbers."""

    starts: np.ndarray
    """Centres in component space, shape (n_clusters, n_components), float32."""
    number: Callable[[np.ndarray], tuple[np.ndarray, dict[str, Any]]]
    """From the centres found to their numbers, shape (n_clusters,), and facts of the matching."""
    rule: str


def run(job: Job, work: Path) -> Outcome:
    return find(job, work, trials(job.config, job.facts("encode")["population"]))


@dataclass(frozen=True)
class Swept:
    """What passes over the population found."""

    found: list[Clustering]
    n_rows: int
    sample: Delayed
    """Rows of the population, as a Sample."""
    scores: str
    """Where those of all rows were kept."""


def cluster(
    job: Job, work: Path, projection: Projection, tried: list[int], starts: np.ndarray | None
) -> Swept:
    """Cluster the population for each number of segments; its scores are gone afterwards."""
    features = job.facts("encode")["features"]
    files = job.manifest.files("encode", "features/population/")
    Z = projection.project(feature_array(job.root, files, features))
    part = BYTES_PER_FEATURE * len(features) * max(Z.chunks[0])
    held, beside = memory_needed(len(Z), Z.shape[1], len(tried))
    # Parts are projected first; the sample and what is computed on it come after them.
    kept = job.budget.keeps(held, max(part, beside))
    job.budget.parts_at_once(beside, threads=1)
    at_once = job.budget.parts_at_once(part, job.workers.threads, held if kept else 0)
    scratch = Scratch(job.scratch(work), "scratch")
    with job.workers.limited(at_once):
        if kept:
            Z = Z.persist()
        else:
            spilled = scratch.spill(Z)
            Z = spilled.array()
    numbers = row_array(job.root, files)
    random_state = job.config.model.random_state
    sample = sample_blocks(Z, numbers, random_state=random_state)
    midway = SweepCheckpoint.from_arrays(read_checkpoint(work) or {}, tried, Z.shape[1])
    if midway is not None:
        rest = sum(run.settled for run in midway.runs.values())
        log(
            f"sweep    taken up after {midway.passes} passes, {rest} of {len(tried)} at rest",
            stage="sweep",
            passes_done_before=midway.passes,
        )

    def everyone() -> Rows:
        if kept:
            return rows_in_memory(job, row_blocks(Z))
        if job.workers.client is None:
            return RowsHere(spilled, job.workers.threads, scratch.standings)
        return RowsInBlocks(row_blocks(Z), scratch.hold)

    def thin() -> Rows:
        return rows_in_memory(job, thin_blocks(Z, numbers, random_state=random_state))

    with job.console.progress("sweep", len(tried), "clusterings") as progress:
        left = len(tried)

        def on_pass(passes: int, running: int) -> None:
            nonlocal left
            progress.add(max(left - running, 0))
            left = min(left, running)

        found = sweep(
            Z,
            tried,
            sample=sample,
            rows=everyone,
            thin=thin if starts is None and len(Z) > 2 * THIN_SIZE else None,
            starts=None if starts is None else {tried[0]: starts},
            random_state=random_state,
            on_pass=on_pass,
            midway=midway,
            keep=lambda midway: write_checkpoint(work, midway.arrays()),
        )
    return Swept(found, len(Z), sample, "in memory" if kept else "in scratch files")


def rows_in_memory(job: Job, blocks: Sequence[Delayed]) -> Rows:
    """Rows of blocks that lie in memory, here or on the workers of a cluster."""
    if job.workers.client is None:
        give_memory_back()  # Passes take room beside the rows: what came before leaves it to them.
        return rows_here(blocks, job.workers.threads)
    return RowsInBlocks(blocks)


def find(job: Job, work: Path, tried: list[int], warm: Warm | None = None) -> Outcome:
    """Cluster for each number of segments, from starts found on a sample or from those given."""
    arrays = read_arrays(job.root, job.manifest.file("fit", "model/projection.npz"))
    projection = Projection.from_arrays(arrays)
    swept = cluster(job, work, projection, tried, warm.starts if warm else None)
    found, sample, n_rows = swept.found, swept.sample, swept.n_rows
    if warm is None:
        found = [clustering.by_size() for clustering in found]
    silhouettes = sample_silhouettes(
        sample, [c.centers for c in found], [c.sums.counts for c in found]
    )
    table = sweep_table(found, silhouettes, n_rows)
    judged, stability = judge(job, found, sample, projection)
    chosen, rule = (tried[0], warm.rule) if warm else choose(job.config, judged)
    clustering = found[tried.index(chosen)]
    ids, matching = np.arange(chosen, dtype=np.int32), {"next_segment": chosen}
    if warm:
        ids, matching = warm.number(clustering.centers)
        stability = stability.with_columns(pl.Series("segment", ids.astype(np.int64)))
    table = with_judgement(table, judged, chosen).select(*SWEEP, pl.exclude(SWEEP))
    table = table.with_columns(pl.col("gain", "gain_error").fill_nan(None))
    anew = reclusterings(sample, chosen, random_state=job.config.model.random_state)
    features = job.facts("encode")["features"]
    model = {
        "format_version": MODEL_FORMAT,
        "features": features,
        "n_features": len(features),
        "n_components": len(projection.components),
        "n_clusters": chosen,
        "inertia": clustering.inertia,
        "rows": n_rows,
    }
    fitted = {**projection.arrays(), "cluster_centers": clustering.centers}
    if ids.tolist() != list(range(chosen)):
        fitted["segment_ids"] = ids
    written = [
        write_file(work, "model/model.json", json.dumps(model, indent=1).encode()),
        write_arrays(work, "model/arrays.npz", fitted),
        write_arrays(work, "model/reclusterings.npz", {"cluster_centers": anew}),
        write_file(work, "model/sweep.csv", table.write_csv().encode()),
        write_file(work, "model/stability.csv", stability.write_csv().encode()),
    ]
    told = f"{chosen} segments, {rule}"
    facts = {
        "n_clusters": chosen,
        "rule": rule,
        "scores": swept.scores,
        "parts": work_done(len(job.manifest.files("encode", "features/"))),
        **matching,
    }
    return Outcome(written, n_rows, n_rows, told, facts)


def sweep_table(found: list[Clustering], silhouette: list[float], n_rows: int) -> pl.DataFrame:
    """One row per number of clusters, in the columns of model/sweep.csv."""
    return pl.DataFrame(
        {
            "n_clusters": [c.n_clusters for c in found],
            "inertia": [c.inertia for c in found],
            "calinski_harabasz": [calinski_harabasz(c.sums) for c in found],
            "davies_bouldin": [davies_bouldin(c.sums, c.centers) for c in found],
            "silhouette": silhouette,
            "smallest_share": [int(c.sums.counts.min()) / n_rows for c in found],
            "n_iter": [c.n_iter for c in found],
            "simplified_silhouette": [simplified_silhouette(c.sums) for c in found],
            "converged": [c.converged for c in found],
        }
    )


STAGE: Stage = Stage("sweep", needs=("encode", "fit"), settings=settings, inputs=inputs, run=run)

if __name__ == "__main__":
    from jobs.run import main

    main(only="sweep")
