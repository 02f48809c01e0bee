"""Sampling of rows by a hash of their number, and seeds of clusters from the sample."""

import math
from dataclasses import dataclass
from typing import Self

import dask.array as da
import numpy as np
from dask import delayed
from dask.delayed import Delayed

from segment_lib.hashing import row_hash
from segment_lib.model.blocks import add_up, row_blocks
from segment_lib.model.kernel import nearest

SAMPLE_SIZE = 100_000
"""Rows on which clusterings are found; more of a population of over ten times as many."""
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


def sample_size(n_rows: int) -> int:
    """Return how many rows are sampled: more of more, as the root of their number."""
    return min(n_rows, max(SAMPLE_SIZE, math.isqrt(n_rows * SAMPLE_SIZE // 10)))


def sample_blocks(
    Z: da.Array, rows: da.Array, *, size: int | None = None, random_state: int = 0
) -> Delayed:
    """Sample rows of `Z` by hashing `rows`; the Sample stays on the workers.

    Parameters
    ----------
    size : rows sampled, by default as many as `sample_size` says
    """
    size = sample_size(Z.shape[0]) if size is None else size
    share = min(1.0, (size + 6 * size**0.5) / Z.shape[0])
    parts = [
        delayed(_sample_block)(block, numbers, share, random_state)
        for block, numbers in zip(row_blocks(Z), row_blocks(rows), strict=True)
    ]
    return delayed(Sample.first)(add_up(parts), size).persist()


def seeding(scores: np.ndarray, n_clusters: int, seed: tuple[int, ...]) -> np.ndarray:
    """Choose rows by greedy k-means++.

    The first `k` of them are a start for `k` clusters: one seeding serves all numbers of clusters.
    Arthur and Vassilvitskii (2007), "k-means++: the advantages of careful seeding", SODA,
    1027-1035. Where fewer rows differ than clusters are wanted, they are taken again.
    """
    draw = np.random.default_rng(seed)
    first = scores[draw.integers(len(scores), size=1)]
    return np.concatenate([first, _further(scores, first, n_clusters - 1, draw)])


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
