"""What the choice of a number of segments looks at: stability, and customers reached held out."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl
from dask import delayed
from dask.delayed import Delayed

from jobs.people import numbers_in, row_numbers
from jobs.stage import Job
from segment_lib.config import Config
from segment_lib.matrix import as_block
from segment_lib.model import (
    Clustering,
    Gain,
    Projection,
    Trial,
    choose_clusters,
    count_holdout,
    held_out_gain,
    holdout_split,
    segment_stability,
    small_share,
)
from segment_lib.storage.files import StoredFile, read_part

BYTES_PER_FEATURE = 12
"""Of a feature value in memory while customers are counted; measured."""


def judge(
    job: Job, found: Sequence[Clustering], sample: Delayed, projection: Projection
) -> tuple[list[Trial], pl.DataFrame]:
    """Stability and held-out gain of each clustering, and the table of its segments."""
    centers = [clustering.centers for clustering in found]
    seed = job.config.model.random_state
    stability = segment_stability(sample, centers, random_state=seed)
    gains = held_out_gains(job, found, projection)
    trials = [
        Trial(
            clustering.n_clusters,
            float(np.average(anew.mean(axis=0), weights=clustering.sums.counts)),
            float(anew.mean()),
            clustering.restarts_agree,
            small_share(clustering.sums.counts),
            gain,
        )
        for clustering, anew, gain in zip(found, stability, gains, strict=True)
    ]
    return trials, stability_table(found, stability)


def held_out_gains(job: Job, found: Sequence[Clustering], projection: Projection) -> list[Gain]:
    """Customers reached by each clustering; the rows set aside are a segment of their own."""
    seed = job.config.model.random_state
    files = [f for f in job.manifest.files("encode", "features/customers/") if f.rows]
    features = tuple(job.facts("encode")["features"])
    centers = [clustering.centers for clustering in found]
    tasks = [
        delayed(count_customers)(job.root, file, features, projection, centers, seed)
        for file in files
    ]
    largest = max((file.rows or 0 for file in files), default=0)
    at_once = job.at_once(BYTES_PER_FEATURE * len(features), largest)
    counted = job.workers.run(tasks, at_once=at_once)
    customers = rows_by_split(job, seed)
    population = job.facts("ingest")["population"]
    gains = []
    for i, clustering in enumerate(found):
        clustered = sum((part[i] for part in counted), np.zeros((2, clustering.n_clusters), int))
        both = np.column_stack([clustered, customers - clustered.sum(axis=1)])
        people = clustering.sums.counts
        everyone = np.append(people, population - people.sum())
        gains.append(held_out_gain(everyone, ranking=both[0], measured=both[1]))
    return gains


def count_customers(
    root: Path,
    file: StoredFile,
    features: tuple[str, ...],
    projection: Projection,
    centers: Sequence[np.ndarray],
    random_state: int,
) -> list[np.ndarray]:
    """Customers of a part that rank and that measure, by segment, for each clustering."""
    part = read_part(root, file)
    scores = projection.scores(as_block(part, features))
    return count_holdout(scores, part["row"].to_numpy(), centers, random_state)


def stability_table(found: Sequence[Clustering], stability: Sequence[np.ndarray]) -> pl.DataFrame:
    """One row per number of segments and segment: the columns of model/stability.csv."""
    return pl.concat(
        pl.DataFrame(
            {
                "n_clusters": clustering.n_clusters,
                "segment": range(clustering.n_clusters),
                "population_rows": clustering.sums.counts,
                "stability": anew.mean(axis=0),
                "least": anew.min(axis=0),
                "dissolved": (anew <= 0.5).mean(axis=0),
                "reclusterings": len(anew),
            }
        )
        for clustering, anew in zip(found, stability, strict=True)
    )


def with_judgement(table: pl.DataFrame, trials: Sequence[Trial], chosen: int) -> pl.DataFrame:
    """The sweep with what the choice looked at, after the columns of the contract."""
    return table.with_columns(
        stability=pl.Series([trial.stability for trial in trials]),
        chosen=pl.col("n_clusters") == chosen,
        restarts_agree=pl.Series([trial.restarts_agree for trial in trials]),
        segment_stability=pl.Series([trial.segment_stability for trial in trials]),
        small_share=pl.Series([trial.small_share for trial in trials]),
        gain=pl.Series([trial.gain.share for trial in trials]),
        gain_error=pl.Series([trial.gain.error for trial in trials]),
        stable=pl.Series([trial.is_stable for trial in trials]),
        large=pl.Series([trial.is_large for trial in trials]),
    )


def choose(config: Config, trials: Sequence[Trial]) -> tuple[int, str]:
    """The number of segments, and the sentence that says why."""
    if isinstance(config.model.n_clusters, int):
        return config.model.n_clusters, "as set in model.n_clusters"
    return choose_clusters(trials)


def rows_by_split(job: Job, seed: int) -> np.ndarray:
    """Customers that rank and that measure."""
    raw = job.manifest.files("ingest", "raw/customers/")
    tasks = [delayed(_count_split)(job.root, rows, seed) for rows in row_numbers(job, raw)]
    return np.asarray(sum(job.workers.run(tasks))[:2])


def _count_split(root: Path, rows: range | StoredFile, seed: int) -> np.ndarray:
    return np.bincount(holdout_split(numbers_in(root, rows), seed), minlength=3)
