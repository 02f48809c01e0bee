"""Quality figures of clusterings; each has its one definition here."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from sklearn.metrics import pairwise_distances

_CHUNK = 512
"""Rows whose distances to all others are in memory at a time."""


@dataclass(frozen=True)
class ClusterSums:
    """Sums of one clustering over rows; those of disjoint rows add up."""

    counts: np.ndarray
    """Rows per cluster, shape (n_clusters,)."""
    sums: np.ndarray
    """Sum of the scores per cluster, shape (n_clusters, n_components)."""
    distances: np.ndarray
    """Sum of the distances to the own centre per cluster, shape (n_clusters,)."""
    silhouettes: np.ndarray
    """Sum of the simplified silhouettes per cluster, shape (n_clusters,)."""
    squares: float
    """Sum of the squared scores of all rows."""

    def __add__(self, other: Self) -> Self:
        return type(self)(
            self.counts + other.counts,
            self.sums + other.sums,
            self.distances + other.distances,
            self.silhouettes + other.silhouettes,
            self.squares + other.squares,
        )

    def reordered(self, order: np.ndarray) -> Self:
        """The same with the clusters in another order."""
        return type(self)(
            self.counts[order],
            self.sums[order],
            self.distances[order],
            self.silhouettes[order],
            self.squares,
        )


def inertia(sums: ClusterSums, centers: np.ndarray) -> float:
    """Sum of squared distances to the own centre, as scikit-learn defines it."""
    centers = centers.astype(np.float64)
    crossed = 2 * (centers * sums.sums).sum()
    return float(sums.squares - crossed + (sums.counts * (centers**2).sum(axis=1)).sum())


def calinski_harabasz(sums: ClusterSums) -> float:
    """Variance between over variance within clusters, per degree of freedom.

    Calinski and Harabasz (1974), Communications in Statistics 3, 1-27.
    """
    n, k = sums.counts.sum(), len(sums.counts)
    filled = sums.counts > 0
    means = sums.sums[filled] / sums.counts[filled, None]
    around_zero = (sums.counts[filled] * (means**2).sum(axis=1)).sum()
    between = around_zero - (sums.sums.sum(axis=0) ** 2).sum() / n
    within = sums.squares - around_zero
    if k < 2 or n <= k or within <= 0:
        return float("nan")
    return float(between / (k - 1) / (within / (n - k)))


def davies_bouldin(sums: ClusterSums, centers: np.ndarray) -> float:
    """Mean over clusters of the worst (spread + spread) / distance of centres.

    Davies and Bouldin (1979), IEEE TPAMI 1, 224-227; spread is the mean distance to the centre.
    """
    filled = sums.counts > 0
    spread = sums.distances[filled] / sums.counts[filled]
    apart = pairwise_distances(centers[filled].astype(np.float64))
    np.fill_diagonal(apart, np.inf)
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(np.nan_to_num((spread[:, None] + spread) / apart).max(axis=1).mean())


def simplified_silhouette(sums: ClusterSums) -> float:
    """Mean of (b - a) / max(a, b) over all rows, a and b the distances to the two nearest centres.

    Hruschka, Campello and de Castro (2006), "Evolving clusters in gene-expression data",
    Information Sciences 176, 1898-1927.
    """
    if len(sums.counts) < 2:
        return float("nan")
    return float(sums.silhouettes.sum() / sums.counts.sum())


def silhouette(rows: np.ndarray, labels: np.ndarray, counts: np.ndarray) -> float:
    """Mean silhouette of a stratified sample.

    Rousseeuw (1987), J. Computational and Applied Mathematics 20, 53-65. Each cluster counts as its
    rows among all do, however many of them are in the sample; one without any does not count.

    Parameters
    ----------
    rows : scores of shape (n_rows, n_components)
    labels : shape (n_rows,)
    counts : rows per cluster among all rows, shape (n_clusters,)
    """
    n = np.bincount(labels, minlength=len(counts))
    if (n > 0).sum() < 2:
        return float("nan")
    member = np.zeros((len(rows), len(counts)), dtype=rows.dtype)
    member[np.arange(len(rows)), labels] = 1
    norms = (rows**2).sum(axis=1)
    values = np.zeros(len(rows))
    for start in range(0, len(rows), _CHUNK):
        chunk = slice(start, start + _CHUNK)
        squares = norms[chunk, None] + norms - 2 * (rows[chunk] @ rows.T)
        distances = np.sqrt(np.maximum(squares, 0))
        distances[np.arange(len(distances)), np.arange(start, start + len(distances))] = 0.0
        own = labels[chunk]
        to = (distances @ member).astype(np.float64)
        index = np.arange(len(own)), own
        others = n[own] - 1
        within = to[index] / np.maximum(others, 1)
        apart = np.where(n > 0, to / np.maximum(n, 1), np.inf)
        apart[index] = np.inf
        near = apart.min(axis=1)
        widest = np.maximum(within, near)
        # By Rousseeuw's convention a row alone in its cluster has the silhouette 0.
        values[chunk] = np.where((others > 0) & (widest > 0), near - within, 0) / np.where(
            widest > 0, widest, 1
        )
    means = np.bincount(labels, values, len(counts)) / np.maximum(n, 1)
    weights = np.where(n > 0, counts, 0)
    return float((weights * means).sum() / weights.sum())
