"""Stability of segments: the best Jaccard match of each in resampled clusterings."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import dask
import numpy as np
from dask import delayed
from dask.delayed import Delayed

from segment_lib.hashing import row_hash
from segment_lib.model.kmeans import KMeans
from segment_lib.model.sample import START_TOL, Sample

RESAMPLES = 6
"""Resampled clusterings for each number of segments of the sweep."""
SPREAD_RESAMPLES = 20
"""Resampled clusterings for the number chosen, over which the index of a segment spreads."""
RESAMPLE_SIZE = 6_000
"""Rows of each of them, or half of the sample if that is less."""
SPREAD_STARTS = 4
"""Starts of each of those, the best of which counts: as many as the segments themselves had."""
_STARTS = 2
_ITERATIONS = 15


def resample(
    sample: Sample, n_clusters: Sequence[int], trial: int, seed: int, n_init: int = _STARTS
) -> list[KMeans]:
    """Cluster other rows from other starts, and keep the best of a few.

    The rows are those of the sample with the smallest hash of their hash, so that neither their
    order nor the partitioning changes the choice.
    """
    most, n = max(n_clusters), len(sample.scores)
    size = max(min(RESAMPLE_SIZE, n // 2), min(most, n))
    drawn = np.argsort(row_hash(sample.hashes, seed + trial + 1), kind="stable")[:size]
    scores = sample.scores[drawn]
    seeds = [(seed, trial, start) for start in range(n_init)]
    return KMeans.fit_restarts(scores, n_clusters, seeds, max_iter=_ITERATIONS, tol=START_TOL)


def resampled_centers(
    sample: Delayed, k: int, *, random_state: int = 0, trials: int = SPREAD_RESAMPLES
) -> np.ndarray:
    """Return the centres of several resampled clusterings, (trials, k, n_components), float32."""
    tasks = [
        delayed(resample)(sample, [k], trial, random_state, SPREAD_STARTS)
        for trial in range(trials)
    ]
    return np.stack([model.cluster_centers_ for (model,) in dask.compute(*tasks)])


def contingency(labels: np.ndarray, others: np.ndarray, n: int, n_others: int) -> np.ndarray:
    """Count rows by label and other label, shape (n, n_others)."""
    cells = labels.astype(np.int64) * n_others + others
    return np.bincount(cells, minlength=n * n_others).reshape(n, n_others)


def jaccard(table: np.ndarray) -> np.ndarray:
    """Return the Jaccard coefficient of every segment with every other clustering's.

    Parameters
    ----------
    table : contingency table of segments and others, shape (n, n_others)
    """
    either = table.sum(axis=1)[:, None] + table.sum(axis=0) - table
    return np.asarray(table / np.maximum(either, 1))


def segment_stability(
    sample: Delayed,
    models: Sequence[KMeans],
    *,
    random_state: int = 0,
    trials: int = RESAMPLES,
) -> list[np.ndarray]:
    """Return the Jaccard coefficient of each segment's best match in each resampled clustering.

    Hennig (2007), "Cluster-wise assessment of cluster stability", Computational Statistics & Data
    Analysis 52, 258-271, with subsamples and starts drawn anew, compared on all rows of the sample.

    Returns
    -------
    stability : for each model an array of shape (trials, n_clusters)
    """
    own = delayed(_labels)(sample, list(models))
    sizes = [model.n_clusters for model in models]
    tasks = [
        delayed(_best_matches)(sample, own, sizes, trial, random_state) for trial in range(trials)
    ]
    return [np.stack(matches) for matches in zip(*dask.compute(*tasks), strict=True)]


@dataclass(frozen=True)
class Overlap:
    """Contingency of segments and resampled clusterings; adds up over parts."""

    contingency: np.ndarray
    """Shape (n_resamples, n_clusters, n_clusters)."""

    def __add__(self, other: Self) -> Self:
        return type(self)(self.contingency + other.contingency)

    def partners(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the best match of each segment, and its Jaccard coefficient.

        Both of shape (n_resamples, n_clusters).
        """
        alike = np.stack([jaccard(table) for table in self.contingency])
        return alike.argmax(axis=2), alike.max(axis=2)

    @property
    def sizes(self) -> np.ndarray:
        """Rows of the segments of the resampled clusterings, shape (n_resamples, n_clusters)."""
        return np.asarray(self.contingency.sum(axis=1))


def overlap(scores: np.ndarray, centers: np.ndarray, others: np.ndarray) -> Overlap:
    """Count the rows that the segments of a block share with those of other clusterings.

    Parameters
    ----------
    scores : shape (n_rows, n_components)
    centers : shape (n_clusters, n_components)
    others : shape (n_resamples, n_clusters, n_components)
    """
    models = list(map(KMeans.from_centers, (centers, *others)))
    own, *theirs = KMeans.predict_sweep(models, scores)
    k = len(centers)
    return Overlap(np.stack([contingency(own, labels, k, k) for labels in theirs]))


def _labels(sample: Sample, models: Sequence[KMeans]) -> np.ndarray:
    return KMeans.predict_sweep(models, sample.scores)


def _best_matches(
    sample: Sample, own: np.ndarray, n_clusters: Sequence[int], trial: int, seed: int
) -> list[np.ndarray]:
    """Return the Jaccard coefficient of each segment's best match, for each clustering."""
    theirs = KMeans.predict_sweep(resample(sample, n_clusters, trial, seed), sample.scores)
    return [
        jaccard(contingency(a, b, k, k)).max(axis=1)
        for a, b, k in zip(own, theirs, n_clusters, strict=True)
    ]
