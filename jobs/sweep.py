"""KMeans for every number of segments in the sweep, measured; one is chosen by a written rule."""

import json
from pathlib import Path
from typing import Any

import polars as pl

from jobs.choice import choose, judge, with_judgement
from jobs.stage import Job, Outcome, Stage
from segment_lib.cluster import BASE, parts_at_once
from segment_lib.config import Config
from segment_lib.manifest import FORMAT
from segment_lib.matrix import feature_array, row_array, spill
from segment_lib.model import (
    Clustering,
    Projection,
    calinski_harabasz,
    davies_bouldin,
    reclusterings,
    sample_blocks,
    sample_silhouettes,
    sweep,
)
from segment_lib.store import read_arrays, write_arrays, write_file

BYTES_PER_SCORE = 6
"""Of a score kept in memory from pass to pass, with what a pass needs beside it; measured."""
BYTES_PER_FEATURE = 12
"""Of a feature value in memory while it is projected; measured."""


def settings(config: Config) -> Any:
    told = config.model
    return [told.n_clusters, told.sweep, told.random_state]


def inputs(job: Job) -> Any:
    return [job.hashes("fit"), job.hashes("encode", "features/")]


def trials(config: Config, n_rows: int) -> list[int]:
    """The numbers of clusters to try: the sweep and, if one is asked for, that one."""
    least, most = config.model.sweep
    wanted = {k for k in range(least, most + 1) if k <= max(n_rows // 2, 2)}
    if isinstance(config.model.n_clusters, int):
        wanted.add(config.model.n_clusters)
    return sorted(wanted)


def run(job: Job, work: Path) -> Outcome:
    features = job.facts("encode")["features"]
    files = job.manifest.files("encode", "features/population/")
    arrays = read_arrays(job.root, job.manifest.file("fit", "model/projection.npz"))
    projection = Projection.from_arrays(arrays)
    Z = projection.project(feature_array(job.root, files, features))
    part = BYTES_PER_FEATURE * len(features) * max(Z.chunks[0])
    held = Z.size * BYTES_PER_SCORE
    parts_at_once(job.config.memory, part, job.workers.threads)
    kept = BASE + part + held <= job.config.memory
    Z = Z.persist() if kept else spill(Z, work, "scratch")
    rows = row_array(job.root, files)
    sample = sample_blocks(Z, rows, random_state=job.config.model.random_state)
    tried = trials(job.config, len(Z))
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
            random_state=job.config.model.random_state,
            on_pass=on_pass,
        )
    found = [clustering.by_size() for clustering in found]
    n_rows = len(Z)
    table = sweep_table(found, sample_silhouettes(sample, [c.centers for c in found]), n_rows)
    del Z  # The scores of the population are not read again; the customers' take their room.
    judged, stability = judge(job, found, sample, projection)
    chosen, rule = choose(job.config, judged)
    clustering = found[tried.index(chosen)]
    table = with_judgement(table, judged, chosen)
    anew = reclusterings(sample, chosen, random_state=job.config.model.random_state)
    model = {
        "format_version": FORMAT,
        "features": features,
        "n_features": len(features),
        "n_components": len(projection.components),
        "n_clusters": chosen,
        "inertia": clustering.inertia,
        "rows": n_rows,
    }
    fitted = {**projection.arrays(), "cluster_centers": clustering.centers}
    written = [
        write_file(work, "model/model.json", json.dumps(model, indent=1).encode()),
        write_arrays(work, "model/arrays.npz", fitted),
        write_arrays(work, "model/reclusterings.npz", {"cluster_centers": anew}),
        write_file(work, "model/sweep.csv", table.write_csv().encode()),
        write_file(work, "model/stability.csv", stability.write_csv().encode()),
    ]
    told = f"{chosen} segments, {rule}"
    scores = "in memory" if kept else "in scratch files"
    facts = {"n_clusters": chosen, "rule": rule, "scores": scores}
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
            "stability": [c.stability for c in found],
            "smallest_share": [int(c.sums.counts.min()) / n_rows for c in found],
            "n_iter": [c.n_iter for c in found],
        }
    )


STAGE: Stage = Stage("sweep", needs=("encode", "fit"), settings=settings, inputs=inputs, run=run)

if __name__ == "__main__":
    from jobs.run import main

    main(only="sweep")
