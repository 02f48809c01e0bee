"""Sampling of rows by a hash of their number, and starting centres from the sample."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Self

import dask
import dask.array as da
import numpy as np
from dask import delayed
from dask.delayed import Delayed
from sklearn.metrics import adjusted_rand_score

from segment_lib.hashing import row_hash
from segment_lib.model.blocks import add_up, row_blocks
from segment_lib.model.kernel import label_rows, nearest
from segment_lib.model.lloyd import LocalRows, lloyd

SAMPLE_SIZE = 25_000
"""Rows on which starting centres are found."""
SUBSAMPLE_SIZE = 100_000
"""Rows on which centres travel most of their way before passes go over all rows."""
_START_ITERATIONS = 20
START_TOL = 1e-3
"""A sample errs by more than centres still move then."""
_CANDIDATES = 5
_NOTHING = 1e-6
"""Of the sum of squares, what products in float32 leave of distances that are none."""


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

    def first(self, size: int) -> Self:
        """Return the `size` rows of the smallest hashes, in hash order."""
        chosen = np.argsort(self.hashes, kind="stable")[:size]
        return type(self)(self.hashes[chosen], self.scores[chosen])


def sample_blocks(
    Z: da.Array, rows: da.Array, *, size: int = SAMPLE_SIZE, random_state: int = 0
) -> Delayed:
    """Sample `size` rows of `Z` by hashing `rows`; the Sample stays on the workers."""
    share = min(1.0, (size + 6 * size**0.5) / Z.shape[0])
    parts = [
        delayed(_sample_block)(block, numbers, share, random_state)
        for block, numbers in zip(row_blocks(Z), row_blocks(rows), strict=True)
    ]
    return delayed(Sample.first)(add_up(parts), size).persist()


def subsample_blocks(
    Z: da.Array, rows: da.Array, *, size: int = SUBSAMPLE_SIZE, random_state: int = 0
) -> list[Delayed]:
    """Sample about `size` rows of `Z` by hashing `rows`, left in their blocks on the workers."""
    share = min(1.0, size / Z.shape[0])
    parts = [
        delayed(_subsample_block)(block, numbers, share, random_state)
        for block, numbers in zip(row_blocks(Z), row_blocks(rows), strict=True)
    ]
    return list(dask.persist(*parts))


def seeding(scores: np.ndarray, n_clusters: int, seed: tuple[int, ...]) -> np.ndarray:
    """Choose rows by greedy k-means++.

    The first `k` of them are a start for `k` clusters: one seeding serves all numbers of clusters.
    Arthur and Vassilvitskii (2007), "k-means++: the advantages of careful seeding", SODA,
    1027-1035. Where fewer rows differ than clusters are wanted, they are taken again.
    """
    draw = np.random.default_rng(seed)
    first = scores[draw.integers(len(scores), size=1)]
    return np.concatenate([first, _further(scores, first, n_clusters - 1, draw)])


def seed_sample(sample: Sample, n_clusters: int, seed: tuple[int, ...]) -> np.ndarray:
    """Seed from the rows of a sample."""
    return seeding(sample.scores, n_clusters, seed)


def starting_centers(
    sample: Sample, k: int, seedings: Sequence[np.ndarray]
) -> tuple[np.ndarray, float]:
    """Fit from several seedings; return the best centres and how well the fits agree."""
    candidates = _refined(sample.scores, [rows[:k] for rows in seedings])
    labels = label_rows(sample.scores, candidates)
    pairs = [adjusted_rand_score(a, b) for a, b in combinations(labels, 2)]
    return best_of(sample.scores, candidates), float(np.mean(pairs)) if pairs else float("nan")


def _refined(scores: np.ndarray, starts: Sequence[np.ndarray]) -> list[np.ndarray]:
    states = lloyd(
        LocalRows([scores]), dict(enumerate(starts)), max_iter=_START_ITERATIONS, tol=START_TOL
    )
    return [state.centers for state in states.values()]


def best_of(scores: np.ndarray, candidates: Sequence[np.ndarray]) -> np.ndarray:
    """Return the centres of least inertia on these rows; the first of equals."""
    return min(
        candidates, key=lambda centers: (nearest(scores, centers)[1].astype(np.float64) ** 2).sum()
    )


def neighbouring_centers(
    sample: Sample, centers: Mapping[int, np.ndarray], k: int, seed: int
) -> np.ndarray:
    """Improve the `k` centres by those of one fewer and one more, on the sample.

    One fewer takes in a row far from its centres; of one more the two are merged that cost least.
    """
    starts = []
    if k - 1 in centers:
        fewer = centers[k - 1]
        starts.append(np.concatenate([fewer, reseed_empty(sample, fewer, 1, seed)]))
    if k + 1 in centers:
        more = centers[k + 1]
        counts = np.bincount(nearest(sample.scores, more)[0], minlength=k + 1)
        starts.append(_merged(more, counts))
    return best_of(sample.scores, [centers[k], *_refined(sample.scores, starts)])


def _merged(centers: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Merge the two centres whose union raises the inertia least (Ward 1963, JASA 58, 236)."""
    a, b = np.triu_indices(len(centers), 1)
    together = np.maximum(counts[a] + counts[b], 1)
    cost = counts[a] * counts[b] / together * ((centers[a] - centers[b]) ** 2).sum(axis=1)
    first, second = a[cost.argmin()], b[cost.argmin()]
    weights = counts[[first, second]] if counts[[first, second]].any() else None
    merged = centers.copy()
    merged[first] = np.average(centers[[first, second]], axis=0, weights=weights)
    return np.delete(merged, second, axis=0)


def reseed_empty(sample: Sample, centers: np.ndarray, n: int, seed: int) -> np.ndarray:
    """Choose rows of the sample as further centres, by greedy k-means++."""
    return _further(sample.scores, centers, n, np.random.default_rng([seed, len(centers)]))


def _further(
    scores: np.ndarray, centers: np.ndarray, n: int, draw: np.random.Generator
) -> np.ndarray:
    """Draw a few rows by squared distance; return the one that lowers the inertia most.

    So a lone row far from all others is not chosen for its distance alone.
    """
    norms = (scores.astype(np.float64) ** 2).sum(axis=1)
    squares = nearest(scores, centers)[1].astype(np.float64) ** 2
    chosen = np.zeros(n, dtype=np.int64)
    for i in range(n):
        upto = squares.cumsum()
        if upto[-1] > _NOTHING * norms.sum():
            drawn = upto.searchsorted(draw.random(_CANDIDATES) * upto[-1])
        else:  # Every row is a centre already.
            drawn = draw.integers(len(scores), size=_CANDIDATES)
        apart = norms[:, None] + norms[drawn] - 2 * (scores @ scores[drawn].T)
        trials = np.minimum(squares[:, None], np.maximum(apart, 0))
        best = trials.sum(axis=0).argmin()
        squares, chosen[i] = trials[:, best], drawn[best]
    return scores[chosen]


def _sample_block(scores: np.ndarray, rows: np.ndarray, share: float, seed: int) -> Sample:
    hashes = row_hash(rows, seed)
    chosen = hashes <= np.uint64(share * (2**64 - 2**11))
    return Sample(hashes[chosen], scores[chosen])


def _subsample_block(scores: np.ndarray, rows: np.ndarray, share: float, seed: int) -> np.ndarray:
    return _sample_block(scores, rows, share, seed).scores
