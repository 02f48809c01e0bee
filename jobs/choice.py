"""Customers that each number of segments reaches held out, and the tables of the choice."""

from collections.abc import Sequence

import numpy as np
import polars as pl
from dask import delayed

from jobs.people import numbers_in, row_numbers
from jobs.stage import Job
from segment_lib.config import Config
from segment_lib.matrix import as_block
from segment_lib.model import (
    Gain,
    KMeans,
    Projection,
    Trial,
    choose_clusters,
    count_holdout,
    held_out_gains,
    holdout_split,
)
from segment_lib.storage.files import StoredFile, read_part
from segment_lib.storage.location import Location

BYTES_PER_FEATURE = 12
"""Of a feature value in memory while customers are counted; measured."""


def customer_gains(job: Job, models: Sequence[KMeans], projection: Projection) -> list[Gain]:
    """Held-out gain of each clustering, from counts of the customers part by part."""
    seed = job.config.model.random_state
    files = [f for f in job.manifest.files("encode", "features/customers/") if f.rows]
    features = tuple(job.facts("encode")["features"])
    tasks = [
        delayed(count_customers)(job.root, file, features, projection, models, seed)
        for file in files
    ]
    largest = max((file.rows or 0 for file in files), default=0)
    at_once = job.at_once(BYTES_PER_FEATURE * len(features), largest)
    parts = job.workers.run(tasks, at_once=at_once)
    return held_out_gains(
        models,
        [
            sum((part[i] for part in parts), np.zeros((2, model.n_clusters), int))
            for i, model in enumerate(models)
        ],
        customers=rows_by_split(job, seed),
        population=job.facts("ingest")["population"],
    )


def count_customers(
    root: Location,
    file: StoredFile,
    features: tuple[str, ...],
    projection: Projection,
    models: Sequence[KMeans],
    random_state: int,
) -> list[np.ndarray]:
    """Customers of a part that rank and that measure, by segment, for each clustering."""
    part = read_part(root, file)
    scores = projection.transform(as_block(part, features))
    return count_holdout(scores, part["row"].to_numpy(), models, random_state)


def stability_table(models: Sequence[KMeans], stability: Sequence[np.ndarray]) -> pl.DataFrame:
    """One row per number of segments and segment: the columns of model/stability.csv."""
    return pl.concat(
        pl.DataFrame(
            {
                "n_clusters": model.n_clusters,
                "segment": range(model.n_clusters),
                "population_rows": model.sums_.counts,
                "stability": resampled.mean(axis=0),
                "least": resampled.min(axis=0),
                "dissolved": (resampled <= 0.5).mean(axis=0),
                "reclusterings": len(resampled),
            }
        )
        for model, resampled in zip(models, stability, strict=True)
    )


def with_trials(table: pl.DataFrame, trials: Sequence[Trial], chosen: int) -> pl.DataFrame:
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


def _count_split(root: Location, rows: range | StoredFile, seed: int) -> np.ndarray:
    return np.bincount(holdout_split(numbers_in(root, rows), seed), minlength=3)
