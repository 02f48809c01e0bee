"""Rows chosen by a hash of their number, and what is found on them: starts, silhouettes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Self

import dask
import dask.array as da
import numpy as np
from dask import delayed
from dask.delayed import Delayed
from sklearn.cluster import kmeans_plusplus
from sklearn.metrics import adjusted_rand_score
from threadpoolctl import threadpool_limits

from segment_lib.hashing import row_hash
from segment_lib.model.blocks import add_up, row_blocks
from segment_lib.model.kernel import nearest
from segment_lib.model.lloyd import RowsHere, lloyd
from segment_lib.model.quality import silhouette

SAMPLE_SIZE = 25_000
"""Rows on which starting centres are found."""
THIN_SIZE = 200_000
"""Rows on which centres travel most of their way before passes go over all rows."""
SILHOUETTE_SIZE = 3_000
"""Rows of that sample on which the silhouette is measured; its cost grows with their square."""
_STRATUM = 50
"""Rows of a small cluster among them, if it has so many."""
_START_ITERATIONS = 50
_START_TOL = 1e-3
"""A sample errs by more than centres still move then."""
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


def thin_blocks(
    Z: da.Array, rows: da.Array, *, size: int = THIN_SIZE, random_state: int = 0
) -> list[Delayed]:
    """About `size` rows of `Z`, chosen by hashing `rows`, left in its blocks on the workers."""
    share = min(1.0, size / Z.shape[0])
    parts = [
        delayed(_thin_block)(block, numbers, share, random_state)
        for block, numbers in zip(row_blocks(Z), row_blocks(rows), strict=True)
    ]
    return list(dask.persist(*parts))


def starting_centers(sample: Sample, k: int, n_init: int, seed: int) -> tuple[np.ndarray, float]:
    """The best of `n_init` clusterings of the sample, and how well they agree."""
    scores = sample.first(SAMPLE_SIZE)
    seeds = [(seed, k, trial) for trial in range(n_init)]
    found = clusterings(scores, k, seeds, max_iter=_START_ITERATIONS)
    labels = [nearest(scores, centers)[0] for centers in found]
    pairs = [adjusted_rand_score(a, b) for a, b in combinations(labels, 2)]
    return fittest(scores, found), float(np.mean(pairs)) if pairs else float("nan")


def clusterings(
    scores: np.ndarray, k: int, seeds: Sequence[tuple[int, ...]], *, max_iter: int
) -> list[np.ndarray]:
    """Centres that k-means++ and Lloyd's algorithm find on these rows, from each of the seeds.

    Where fewer than `k` rows differ, there is one clustering: the rows that do, some of them again.
    """
    if len(np.unique(scores[: 100 * k], axis=0)) < k:
        different = np.unique(scores, axis=0)
        if len(different) < k:
            return [np.resize(different, (k, scores.shape[1]))]
    exact = scores.astype(np.float64)
    # scikit-learn adds up in as many threads as OpenMP grants, so one: any other count rounds anew.
    with threadpool_limits(limits=1):
        starts = {
            i: kmeans_plusplus(exact, k, random_state=np.random.RandomState(seed))[0]
            for i, seed in enumerate(seeds)
        }
    runs = lloyd(RowsHere(scores), starts, max_iter=max_iter, tol=_START_TOL)
    return [run.centers for run in runs.values()]


def fittest(scores: np.ndarray, candidates: Sequence[np.ndarray]) -> np.ndarray:
    """The centres with the least inertia on these rows; the first of equals."""
    return min(
        candidates, key=lambda centers: (nearest(scores, centers)[1].astype(np.float64) ** 2).sum()
    )


def neighbouring_centers(
    sample: Sample, centers: Mapping[int, np.ndarray], k: int, seed: int
) -> np.ndarray:
    """The best on the sample of the `k` centres, and of those of one fewer or one more, mended.

    One fewer takes in a row far from its centres; of one more the two are merged that cost least.
    """
    scores = sample.first(SAMPLE_SIZE)
    starts = {}
    if k - 1 in centers:
        fewer = centers[k - 1]
        starts[0] = np.concatenate([fewer, further_rows(sample, fewer, 1, seed)])
    if k + 1 in centers:
        more = centers[k + 1]
        starts[1] = _merged(more, np.bincount(nearest(scores, more)[0], minlength=k + 1))
    runs = lloyd(RowsHere(scores), starts, max_iter=_START_ITERATIONS, tol=_START_TOL)
    return fittest(scores, [centers[k], *(run.centers for run in runs.values())])


def _merged(centers: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """One centre fewer: the two whose union raises the inertia least (Ward 1963, JASA 58, 236)."""
    a, b = np.triu_indices(len(centers), 1)
    together = np.maximum(counts[a] + counts[b], 1)
    cost = counts[a] * counts[b] / together * ((centers[a] - centers[b]) ** 2).sum(axis=1)
    first, second = a[cost.argmin()], b[cost.argmin()]
    weights = counts[[first, second]] if counts[[first, second]].any() else None
    merged = centers.copy()
    merged[first] = np.average(centers[[first, second]], axis=0, weights=weights)
    return np.delete(merged, second, axis=0)


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


def sample_silhouettes(
    sample: Delayed, centers: Sequence[np.ndarray], counts: Sequence[np.ndarray]
) -> list[float]:
    """Mean silhouette of each clustering, on a part of the sample stratified by its clusters.

    Parameters
    ----------
    counts : rows per cluster among all rows, which the strata stand for
    """
    tasks = [
        delayed(_silhouette)(sample, these, rows)
        for these, rows in zip(centers, counts, strict=True)
    ]
    return list(dask.compute(*tasks))


def _silhouette(sample: Sample, centers: np.ndarray, counts: np.ndarray) -> float:
    scores = sample.first(SAMPLE_SIZE)
    labels = nearest(scores, centers)[0]
    chosen = _strata(labels, len(centers))
    return silhouette(scores[chosen], labels[chosen], counts)


def _strata(labels: np.ndarray, n_clusters: int) -> np.ndarray:
    """Rows for the silhouette: of each cluster its share, and at least so many if it has them."""
    of = [np.flatnonzero(labels == cluster) for cluster in range(n_clusters)]
    share = SILHOUETTE_SIZE / len(labels)
    return np.concatenate([rows[: max(round(share * len(rows)), _STRATUM)] for rows in of])


def _sample_block(scores: np.ndarray, rows: np.ndarray, share: float, seed: int) -> Sample:
    hashes = row_hash(rows, seed)
    chosen = hashes <= np.uint64(share * (2**64 - 2**11))
    return Sample(hashes[chosen], scores[chosen])


def _thin_block(scores: np.ndarray, rows: np.ndarray, share: float, seed: int) -> np.ndarray:
    return _sample_block(scores, rows, share, seed).scores
