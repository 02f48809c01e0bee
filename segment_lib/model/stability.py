"""Whether segments are found again: each matched to its likest partner in other clusterings."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import dask
import numpy as np
from dask import delayed
from dask.delayed import Delayed

from segment_lib.hashing import row_hash
from segment_lib.model.kernel import label_rows
from segment_lib.model.lloyd import LocalRows, lloyd
from segment_lib.model.sample import START_TOL, Sample, best_of, seeding

RESAMPLES = 6
"""Clusterings anew for each number of segments of the sweep."""
SPREAD_RESAMPLES = 20
"""Clusterings anew for the number chosen, over which the index of a segment spreads."""
RESAMPLE_SIZE = 6_000
"""Rows of each of them, or half of the sample if that is less."""
SPREAD_STARTS = 4
"""Starts of each of those, the best of which counts: as many as the segments themselves had."""
_STARTS = 2
_ITERATIONS = 15


def resample(
    sample: Sample, n_clusters: Sequence[int], trial: int, seed: int, n_init: int = _STARTS
) -> list[np.ndarray]:
    """Centres of clusterings anew: of other rows, from other starts, the best of a few.

    The rows are those of the sample with the smallest hash of their hash, so that neither their
    order nor the partitioning changes the choice.
    """
    most, n = max(n_clusters), len(sample.scores)
    size = max(min(RESAMPLE_SIZE, n // 2), min(most, n))
    drawn = np.argsort(row_hash(sample.hashes, seed + trial + 1), kind="stable")[:size]
    scores = sample.scores[drawn]
    seedings = [seeding(scores, most, (seed, trial, start)) for start in range(n_init)]
    starts = [rows[:k] for k in n_clusters for rows in seedings]
    runs = lloyd(LocalRows([scores]), dict(enumerate(starts)), max_iter=_ITERATIONS, tol=START_TOL)
    found = [run.centers for run in runs.values()]
    return [best_of(scores, found[i : i + n_init]) for i in range(0, len(found), n_init)]


def resampled_centers(
    sample: Delayed, k: int, *, random_state: int = 0, trials: int = SPREAD_RESAMPLES
) -> np.ndarray:
    """Centres of several clusterings anew, shape (trials, k, n_components), float32."""
    tasks = [
        delayed(resample)(sample, [k], trial, random_state, SPREAD_STARTS)
        for trial in range(trials)
    ]
    return np.stack([centers for (centers,) in dask.compute(*tasks)])


def contingency(labels: np.ndarray, others: np.ndarray, n: int, n_others: int) -> np.ndarray:
    """Rows by label and other label, shape (n, n_others)."""
    both = labels.astype(np.int64) * n_others + others
    return np.bincount(both, minlength=n * n_others).reshape(n, n_others)


def jaccard(joint: np.ndarray) -> np.ndarray:
    """Jaccard coefficient of every segment with every other clustering's.

    Parameters
    ----------
    joint : rows by segment and other segment, shape (n, n_others)
    """
    either = joint.sum(axis=1)[:, None] + joint.sum(axis=0) - joint
    return np.asarray(joint / np.maximum(either, 1))


def segment_stability(
    sample: Delayed,
    centers: Sequence[np.ndarray],
    *,
    random_state: int = 0,
    trials: int = RESAMPLES,
) -> list[np.ndarray]:
    """Jaccard coefficient of each segment with its likest partner in each clustering anew.

    Hennig (2007), "Cluster-wise assessment of cluster stability", Computational Statistics & Data
    Analysis 52, 258-271, with subsamples and starts drawn anew, compared on all rows of the sample.

    Returns
    -------
    stability : for each set of centres an array of shape (trials, n_clusters)
    """
    own = delayed(_labels)(sample, list(centers))
    sizes = [len(these) for these in centers]
    tasks = [
        delayed(_found_again)(sample, own, sizes, trial, random_state) for trial in range(trials)
    ]
    return [np.stack(found) for found in zip(*dask.compute(*tasks), strict=True)]


@dataclass(frozen=True)
class Overlap:
    """Rows shared by segments and those of several clusterings anew; adds up over parts."""

    joint: np.ndarray
    """Shape (n_reclusterings, n_clusters, n_clusters)."""

    def __add__(self, other: Self) -> Self:
        return type(self)(self.joint + other.joint)

    def partners(self) -> tuple[np.ndarray, np.ndarray]:
        """The likest partner of each segment, and its Jaccard coefficient.

        Both of shape (n_reclusterings, n_clusters).
        """
        alike = np.stack([jaccard(joint) for joint in self.joint])
        return alike.argmax(axis=2), alike.max(axis=2)

    @property
    def sizes(self) -> np.ndarray:
        """Rows of the segments of the clusterings anew, shape (n_reclusterings, n_clusters)."""
        return np.asarray(self.joint.sum(axis=1))


def overlap(scores: np.ndarray, centers: np.ndarray, others: np.ndarray) -> Overlap:
    """How the segments of a block share their rows with those of other clusterings.

    Parameters
    ----------
    scores : shape (n_rows, n_components)
    centers : shape (n_clusters, n_components)
    others : shape (n_reclusterings, n_clusters, n_components)
    """
    own, *theirs = label_rows(scores, [centers, *others])
    k = len(centers)
    return Overlap(np.stack([contingency(own, labels, k, k) for labels in theirs]))


def _labels(sample: Sample, centers: Sequence[np.ndarray]) -> np.ndarray:
    return label_rows(sample.scores, centers)


def _found_again(
    sample: Sample, own: np.ndarray, n_clusters: Sequence[int], trial: int, seed: int
) -> list[np.ndarray]:
    """Of each clustering, how much each segment is like its likest partner in one anew."""
    theirs = label_rows(sample.scores, resample(sample, n_clusters, trial, seed))
    return [
        jaccard(contingency(a, b, k, k)).max(axis=1)
        for a, b, k in zip(own, theirs, n_clusters, strict=True)
    ]
