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
from segment_lib.model.sample import SAMPLE_SIZE, Sample, clusterings, fittest

RECLUSTERINGS = 5
"""Clusterings anew for each number of segments of the sweep."""
SPREAD_RECLUSTERINGS = 20
"""Clusterings anew for the number chosen, over which the index of a segment spreads."""
SUBSAMPLE_SIZE = 6_000
"""Rows of each of them, or half of the sample if that is less."""
SPREAD_STARTS = 4
"""Starts of each of those, the best of which counts: as many as the segments themselves had."""
_STARTS = 2
_ITERATIONS = 15


def recluster(sample: Sample, k: int, trial: int, seed: int, starts: int = _STARTS) -> np.ndarray:
    """Centres of another clustering: of other rows, from other starts, the best of a few.

    The rows are those of the sample with the smallest hash of their hash, so that neither their
    order nor the partitioning changes the choice.
    """
    drawn = np.argsort(sample.hashes, kind="stable")[:SAMPLE_SIZE]
    size = max(min(SUBSAMPLE_SIZE, len(drawn) // 2), min(k, len(drawn)))
    hashes = row_hash(sample.hashes[drawn], seed + trial + 1)
    scores = sample.scores[drawn][np.argsort(hashes, kind="stable")[:size]]
    seeds = [(seed, k, trial, start) for start in range(starts)]
    found = fittest(scores, clusterings(scores, k, seeds, max_iter=_ITERATIONS))
    return np.asarray(found, dtype=np.float32)


def reclusterings(
    sample: Delayed, k: int, *, random_state: int = 0, trials: int = SPREAD_RECLUSTERINGS
) -> np.ndarray:
    """Centres of several clusterings anew, shape (trials, k, n_components)."""
    tasks = [
        delayed(recluster)(sample, k, trial, random_state, SPREAD_STARTS) for trial in range(trials)
    ]
    return np.stack(dask.compute(*tasks))


def count_jointly(labels: np.ndarray, others: np.ndarray, n: int, n_others: int) -> np.ndarray:
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
    trials: int = RECLUSTERINGS,
) -> list[np.ndarray]:
    """Jaccard coefficient of each segment with its likest partner in each clustering anew.

    Hennig (2007), "Cluster-wise assessment of cluster stability", Computational Statistics & Data
    Analysis 52, 258-271, with subsamples and starts drawn anew, compared on all rows of the sample.

    Returns
    -------
    stability : for each set of centres an array of shape (trials, n_clusters)
    """
    tasks = [
        delayed(_found_again)(sample, these, trial, random_state)
        for these in centers
        for trial in range(trials)
    ]
    found = dask.compute(*tasks)
    return [np.stack(found[i * trials : (i + 1) * trials]) for i in range(len(centers))]


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
    return Overlap(np.stack([count_jointly(own, labels, k, k) for labels in theirs]))


def _found_again(sample: Sample, centers: np.ndarray, trial: int, seed: int) -> np.ndarray:
    others = recluster(sample, len(centers), trial, seed)
    found = overlap(sample.first(SAMPLE_SIZE), centers, others[None])
    return np.asarray(found.partners()[1][0])
