"""How good a clustering is: each figure has its one definition here."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from sklearn.metrics import pairwise_distances, silhouette_score


@dataclass(frozen=True)
class ClusterSums:
    """What a pass adds up for one clustering, so that any split of the rows gives the same."""

    counts: np.ndarray
    """Rows per cluster, shape (n_clusters,)."""
    sums: np.ndarray
    """Sum of the scores per cluster, shape (n_clusters, n_components)."""
    distances: np.ndarray
    """Sum of the distances to the own centre per cluster, shape (n_clusters,)."""
    squares: float
    """Sum of the squared scores of all rows."""

    def __add__(self, other: Self) -> Self:
        return type(self)(
            self.counts + other.counts,
            self.sums + other.sums,
            self.distances + other.distances,
            self.squares + other.squares,
        )


def inertia(of: ClusterSums, centers: np.ndarray) -> float:
    """Sum of squared distances to the own centre, as scikit-learn defines it."""
    centers = centers.astype(np.float64)
    crossed = 2 * (centers * of.sums).sum()
    return float(of.squares - crossed + (of.counts * (centers**2).sum(axis=1)).sum())


def calinski_harabasz(of: ClusterSums) -> float:
    """Variance between over variance within clusters, per degree of freedom.

    Calinski and Harabasz (1974), Communications in Statistics 3, 1-27.
    """
    n, k = of.counts.sum(), len(of.counts)
    filled = of.counts > 0
    means = of.sums[filled] / of.counts[filled, None]
    around_zero = (of.counts[filled] * (means**2).sum(axis=1)).sum()
    between = around_zero - (of.sums.sum(axis=0) ** 2).sum() / n
    within = of.squares - around_zero
    if k < 2 or n <= k or within <= 0:
        return float("nan")
    return float(between / (k - 1) / (within / (n - k)))


def davies_bouldin(of: ClusterSums, centers: np.ndarray) -> float:
    """Mean over clusters of the worst (spread + spread) / distance of centres.

    Davies and Bouldin (1979), IEEE TPAMI 1, 224-227; spread is the mean distance to the centre.
    """
    filled = of.counts > 0
    spread = of.distances[filled] / of.counts[filled]
    apart = pairwise_distances(centers[filled].astype(np.float64))
    np.fill_diagonal(apart, np.inf)
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(np.nan_to_num((spread[:, None] + spread) / apart).max(axis=1).mean())


def silhouettes(sample: np.ndarray, labels: Sequence[np.ndarray]) -> list[float]:
    """Mean silhouette of each labelling of the same sample of scores.

    Rousseeuw (1987), J. Computational and Applied Mathematics 20, 53-65.
    """
    distances = pairwise_distances(sample)
    np.fill_diagonal(distances, 0.0)
    return [
        float(silhouette_score(distances, labelling, metric="precomputed"))
        if 1 < len(np.unique(labelling)) < len(sample)
        else float("nan")
        for labelling in labels
    ]
