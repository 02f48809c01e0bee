"""Rows chosen by a hash of their number, and what is found on them: starts, silhouettes."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Self, cast

import dask
import dask.array as da
import numpy as np
import sklearn.cluster
from dask import delayed
from dask.delayed import Delayed
from sklearn.metrics import adjusted_rand_score
from threadpoolctl import threadpool_limits

from segment_lib.model.blocks import add_up, row_blocks
from segment_lib.model.kernel import nearest
from segment_lib.model.quality import silhouettes

SAMPLE_SIZE = 25_000
"""Rows on which starting centres are found."""
SILHOUETTE_SIZE = 5_000
"""Rows of that sample on which the silhouette is measured; its cost grows with their square."""
_START_ITERATIONS = 50
_CANDIDATES = 8


@dataclass(frozen=True)
class Sample:
    """Rows chosen by a hash of their number, so that partitioning does not change the choice."""

    hashes: np.ndarray
    scores: np.ndarray

    def __add__(self, other: Self) -> Self:
        return type(self)(
            np.concatenate([self.hashes, other.hashes]),
            np.concatenate([self.scores, other.scores]),
        )

    def first(self, size: int) -> np.ndarray:
        """Scores of the `size` rows of the smallest hashes, in their order."""
        return self.scores[np.argsort(self.hashes, kind="stable")[:size]]


def sample_blocks(
    Z: da.Array, rows: da.Array, *, size: int = SAMPLE_SIZE, random_state: int = 0
) -> Delayed:
    """About `size` rows of `Z`, chosen by hashing `rows`, as a Sample that stays on the workers."""
    share = min(1.0, (size + 6 * size**0.5) / Z.shape[0])
    parts = [
        delayed(_sample_block)(block, numbers, share, random_state)
        for block, numbers in zip(row_blocks(Z), row_blocks(rows), strict=True)
    ]
    return add_up(parts).persist()


def starting_centers(sample: Sample, k: int, n_init: int, seed: int) -> tuple[np.ndarray, float]:
    """The best of `n_init` clusterings of the sample, and how well they agree."""
    scores = sample.first(SAMPLE_SIZE)
    different = np.unique(scores, axis=0)
    if len(different) < k:
        return np.resize(different, (k, scores.shape[1])), float("nan")
    # scikit-learn adds up in as many threads as OpenMP grants, so one: any other count rounds anew.
    with threadpool_limits(limits=1):
        trials = [
            sklearn.cluster.KMeans(
                n_clusters=k,
                n_init=1,
                max_iter=_START_ITERATIONS,
                random_state=np.random.RandomState([seed, k, trial]),
            ).fit(scores)
            for trial in range(n_init)
        ]
    best = min(trials, key=lambda trial: trial.inertia_)
    pairs = [adjusted_rand_score(a.labels_, b.labels_) for a, b in combinations(trials, 2)]
    return best.cluster_centers_, float(np.mean(pairs)) if pairs else float("nan")


def further_rows(sample: Sample, centers: np.ndarray, n: int, seed: int) -> np.ndarray:
    """Rows of the sample to add to the centres, by greedy k-means++.

    Of a few rows drawn by their squared distance, the one that lowers the inertia most; so a lone
    row far from all others is not chosen for its distance alone.
    """
    scores = sample.first(SAMPLE_SIZE)
    draw = np.random.default_rng([seed, len(centers)])
    chosen = []
    squares = nearest(scores, centers)[1].astype(np.float64) ** 2
    for _ in range(n):
        if not squares.any():
            return np.resize(scores, (n, scores.shape[1]))
        drawn = draw.choice(len(scores), _CANDIDATES, p=squares / squares.sum())
        trials = [
            np.minimum(squares, ((scores - scores[row]).astype(np.float64) ** 2).sum(axis=1))
            for row in drawn
        ]
        best = min(range(_CANDIDATES), key=lambda i: trials[i].sum())
        squares = trials[best]
        chosen.append(scores[drawn[best]])
    return np.array(chosen)


def sample_silhouettes(sample: Delayed, centers: Sequence[np.ndarray]) -> list[float]:
    """Mean silhouette of the clusterings with these centres, on a part of the sample."""
    (found,) = dask.compute(delayed(_silhouettes)(sample, list(centers)))
    return cast(list[float], found)


def _silhouettes(sample: Sample, centers: Sequence[np.ndarray]) -> list[float]:
    scores = sample.first(SILHOUETTE_SIZE)
    return silhouettes(scores, [nearest(scores, these)[0] for these in centers])


def _sample_block(scores: np.ndarray, rows: np.ndarray, share: float, seed: int) -> Sample:
    hashes = hash_rows(rows, seed)
    chosen = hashes <= np.uint64(share * (2**64 - 2**11))
    return Sample(hashes[chosen], scores[chosen])


def hash_rows(rows: np.ndarray, seed: int) -> np.ndarray:
    """SplitMix64 of the row number (Steele, Lea and Flood 2014, doi:10.1145/2714064.2660195)."""
    golden = 0x9E3779B97F4A7C15
    z = rows.astype(np.uint64) + np.uint64((seed + 1) * golden % 2**64)
    z *= np.uint64(golden)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))
