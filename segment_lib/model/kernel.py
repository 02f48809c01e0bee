"""The inner loops of KMeans: a product of a tile of rows with all centres, and one walk over it."""

from collections.abc import Sequence
from itertools import pairwise

import numba
import numpy as np

from segment_lib.model.quality import ClusterSums

_TILE = 256
"""Rows per product: it stays in the cache, and no array of rows by clusters is ever made."""


def tally_block(
    block: np.ndarray, centers: Sequence[np.ndarray], measured: Sequence[bool]
) -> list[ClusterSums]:
    """Sums of the clusters for several sets of centres, in one reading of the block.

    Parameters
    ----------
    block : scores of shape (n_rows, n_components), float32
    centers : arrays of shape (n_clusters, n_components), float32
    measured : for which of them distances are added up too
    """
    stacked = np.ascontiguousarray(np.concatenate(centers), dtype=np.float32)
    offsets = np.concatenate([[0], np.cumsum([len(these) for these in centers])])
    norms = (stacked.astype(np.float64) ** 2).sum(axis=1).astype(np.float32)
    counts = np.zeros(len(stacked), dtype=np.int64)
    sums = np.zeros(stacked.shape)
    distances = np.zeros(len(stacked))
    squares = 0.0
    for start in range(0, len(block), _TILE):
        tile = np.ascontiguousarray(block[start : start + _TILE], dtype=np.float32)
        squares += _tally_tile(
            tile, stacked @ tile.T, stacked, norms, offsets, np.asarray(measured), counts, sums,
            distances,
        )  # fmt: skip
    return [
        ClusterSums(counts[a:b], sums[a:b], distances[a:b], squares) for a, b in pairwise(offsets)
    ]


def nearest(block: np.ndarray, centers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The nearest centre of each row, and the distance to it.

    Returns
    -------
    labels : shape (n_rows,), int32
    distances : shape (n_rows,), float32
    """
    centers = np.ascontiguousarray(centers, dtype=np.float32)
    norms = (centers.astype(np.float64) ** 2).sum(axis=1).astype(np.float32)
    labels = np.empty(len(block), dtype=np.int32)
    distances = np.empty(len(block), dtype=np.float32)
    for start in range(0, len(block), _TILE):
        tile = np.ascontiguousarray(block[start : start + _TILE], dtype=np.float32)
        part = slice(start, start + len(tile))
        _nearest_tile(tile, centers @ tile.T, centers, norms, labels[part], distances[part])
    return labels, distances


@numba.njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def _argmin(
    products: np.ndarray,
    norms: np.ndarray,
    first: int,
    stop: int,
    least: np.ndarray,
    own: np.ndarray,
) -> None:
    """The centre from `first` up to `stop` with the least |c|² - 2 z·c; the first of equals.

    Products are of shape (n_centers, n_rows): the inner loop runs over rows, side by side.
    """
    for i in range(len(least)):
        least[i] = norms[first] - np.float32(2) * products[first, i]
        own[i] = first
    for cluster in range(first + 1, stop):
        for i in range(len(least)):
            value = norms[cluster] - np.float32(2) * products[cluster, i]
            if value < least[i]:
                least[i] = value
                own[i] = cluster


@numba.njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def _distance(row: np.ndarray, center: np.ndarray) -> float:
    total = 0.0
    for j in range(len(row)):
        apart = np.float64(row[j]) - np.float64(center[j])
        total += apart * apart
    return float(np.sqrt(total))


@numba.njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def _tally_tile(
    tile: np.ndarray,
    products: np.ndarray,
    centers: np.ndarray,
    norms: np.ndarray,
    offsets: np.ndarray,
    measured: np.ndarray,
    counts: np.ndarray,
    sums: np.ndarray,
    distances: np.ndarray,
) -> float:
    least = np.empty(len(tile), dtype=np.float32)
    own = np.empty(len(tile), dtype=np.int32)
    for run in range(len(measured)):
        _argmin(products, norms, offsets[run], offsets[run + 1], least, own)
        for i in range(len(tile)):
            cluster = own[i]
            counts[cluster] += 1
            for j in range(tile.shape[1]):
                sums[cluster, j] += tile[i, j]
            if measured[run]:
                distances[cluster] += _distance(tile[i], centers[cluster])
    squares = 0.0
    for i in range(len(tile)):
        for j in range(tile.shape[1]):
            squares += np.float64(tile[i, j]) * np.float64(tile[i, j])
    return squares


@numba.njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def _nearest_tile(
    tile: np.ndarray,
    products: np.ndarray,
    centers: np.ndarray,
    norms: np.ndarray,
    labels: np.ndarray,
    distances: np.ndarray,
) -> None:
    least = np.empty(len(tile), dtype=np.float32)
    _argmin(products, norms, 0, len(centers), least, labels)
    for i in range(len(tile)):
        distances[i] = _distance(tile[i], centers[labels[i]])
