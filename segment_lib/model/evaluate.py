"""Evaluation of clusterings: quality, stability and customers reached."""

from collections.abc import Mapping, Sequence

import dask
import numpy as np
from dask import delayed
from dask.delayed import Delayed

from segment_lib.model.choice import Gain, Trial, held_out_gain, holdout_split, small_share
from segment_lib.model.kmeans import KMeans
from segment_lib.model.quality import (
    calinski_harabasz,
    davies_bouldin,
    silhouette,
    simplified_silhouette,
)
from segment_lib.model.sample import Sample
from segment_lib.model.stability import contingency

SILHOUETTE_SIZE = 3_000
"""Rows of the sample on which the silhouette is measured; its cost grows with their square."""
_STRATUM = 50
"""Rows of a small cluster among them, if it has so many."""


def quality_figures(models: Sequence[KMeans], sample: Delayed) -> Mapping[str, list[float]]:
    """Return the quality figures of each clustering, by their names.

    Parameters
    ----------
    models : fitted together
    sample : rows of the population, as a Sample
    """
    return {
        "n_clusters": [model.n_clusters for model in models],
        "inertia": [model.inertia_ for model in models],
        "calinski_harabasz": [calinski_harabasz(model.sums_) for model in models],
        "davies_bouldin": [davies_bouldin(m.sums_, m.cluster_centers_) for m in models],
        "silhouette": sample_silhouettes(sample, models),
        "smallest_share": [
            int(model.sums_.counts.min()) / int(model.sums_.counts.sum()) for model in models
        ],
        "n_iter": [model.n_iter_ for model in models],
        "simplified_silhouette": [simplified_silhouette(model.sums_) for model in models],
        "converged": [model.converged_ for model in models],
    }


def evaluate(
    models: Sequence[KMeans], stability: Sequence[np.ndarray], gains: Sequence[Gain]
) -> list[Trial]:
    """Evaluate each clustering for the choice.

    Parameters
    ----------
    stability : of each model's segments, shape (n_resamples, n_clusters)
    """
    return [
        Trial(
            model.n_clusters,
            float(np.average(found_again.mean(axis=0), weights=model.sums_.counts)),
            float(found_again.mean()),
            model.restarts_agree_,
            small_share(model.sums_.counts),
            gain,
        )
        for model, found_again, gain in zip(models, stability, gains, strict=True)
    ]


def trial_figures(trials: Sequence[Trial]) -> Mapping[str, list[float]]:
    """Return the figures of the trials, by their names."""
    return {
        "stability": [trial.stability for trial in trials],
        "restarts_agree": [trial.restarts_agree for trial in trials],
        "segment_stability": [trial.segment_stability for trial in trials],
        "small_share": [trial.small_share for trial in trials],
        "gain": [trial.gain.share for trial in trials],
        "gain_error": [trial.gain.error for trial in trials],
        "stable": [trial.is_stable for trial in trials],
        "large": [trial.is_large for trial in trials],
    }


def count_holdout(
    scores: np.ndarray, rows: np.ndarray, models: Sequence[KMeans], random_state: int
) -> list[np.ndarray]:
    """Count ranking and measuring rows by segment: (2, n_clusters) for each clustering."""
    split = holdout_split(rows, random_state)
    labels = KMeans.predict_sweep(models, scores)
    return [
        contingency(split, own, 3, model.n_clusters)[:2]
        for own, model in zip(labels, models, strict=True)
    ]


def held_out_gains(
    models: Sequence[KMeans],
    counts: Sequence[np.ndarray],
    *,
    customers: np.ndarray,
    population: int,
) -> list[Gain]:
    """Return the gain of each clustering; rows set aside are a segment of their own.

    Parameters
    ----------
    counts : for each model, customers that rank and that measure by segment, (2, n_clusters)
    customers : those of them in all, set aside or not, shape (2,)
    population : rows of the population, set aside or not
    """
    gains = []
    for model, clustered in zip(models, counts, strict=True):
        ranking, measured = np.column_stack([clustered, customers - clustered.sum(axis=1)])
        people = model.sums_.counts
        everyone = np.append(people, population - people.sum())
        gains.append(held_out_gain(everyone, ranking, measured))
    return gains


def sample_silhouettes(sample: Delayed, models: Sequence[KMeans]) -> list[float]:
    """Mean silhouette of each clustering, on a part of the sample stratified by its clusters."""
    return list(dask.compute(*(delayed(_silhouette)(sample, model) for model in models)))


def _silhouette(sample: Sample, model: KMeans) -> float:
    labels = model.predict(sample.scores)
    chosen = _strata(labels, model.n_clusters)
    # The strata stand for the rows of the clusters among all rows.
    return silhouette(sample.scores[chosen], labels[chosen], model.sums_.counts)


def _strata(labels: np.ndarray, n_clusters: int) -> np.ndarray:
    """Draw rows for the silhouette: each cluster's share, and a minimum if it has them."""
    clusters = [np.flatnonzero(labels == cluster) for cluster in range(n_clusters)]
    share = SILHOUETTE_SIZE / len(labels)
    return np.concatenate([rows[: max(round(share * len(rows)), _STRATUM)] for rows in clusters])
