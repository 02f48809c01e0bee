"""The inner loops of KMeans: a product of a tile of rows with all centres, and one walk over it.

Products are taken in float32. Where they leave a doubt which centre is the nearest, float64
decides: a row's cluster follows from the row and the centres alone, whatever it is multiplied with.
"""

from collections.abc import Sequence
from itertools import pairwise

import numba
import numpy as np
import scipy.linalg.cython_blas  # noqa: F401  # loaded now, so that a limit on its threads holds

_SMALL_PRODUCT = 100_000
"""Multiply-adds up to which OpenBLAS does not pack the factors: twice as fast for few centres."""
_SMALL_TILE, _TILE = 32, 512
"""Rows per product: it stays in the cache, and no array of rows by clusters is ever made."""
UNKNOWN = np.iinfo(np.uint16).max
"""The label of a row that no pass has seen yet. So there may be 65,535 clusters at the most."""


def tally_rows(
    rows: np.ndarray,
    centers: Sequence[np.ndarray],
    drifts: Sequence[np.ndarray],
    labels: np.ndarray,
    limits: np.ndarray,
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Move rows to their nearest centres, for several clusterings in one reading.

    Parameters
    ----------
    rows : scores of shape (n_rows, n_components), float32
    centers : per clustering, shape (n_clusters, n_components), float32
    drifts : per clustering and cluster, how much nearer another centre may have come to a row
    labels : shape (n_clusterings, n_rows), uint16; the clusters of the rows, brought up to date
    limits : shape (n_clusterings, n_rows), float32; the drifts up to which rows are sure of them

    Returns
    -------
    changes : per clustering, of its counts (n_clusters,) and its sums (n_clusters, n_components)
    """
    stacked, norms, offsets = _stack(centers)
    counts = np.zeros(len(stacked), dtype=np.int64)
    sums = np.zeros(stacked.shape)
    drift = np.concatenate(drifts).astype(np.float64)
    tile = _tile_rows(stacked)
    _tally(np.ascontiguousarray(rows), stacked, norms, offsets, tile, drift, labels, limits,
           counts, sums)  # fmt: skip
    return [(counts[a:b], sums[a:b]) for a, b in pairwise(offsets)]


def measure_rows(
    rows: np.ndarray, centers: Sequence[np.ndarray]
) -> list[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]]:
    """What tells how good clusterings are, in one reading.

    Returns
    -------
    measures : per clustering and cluster: rows, sums of the scores, sums of the distances to the
        own centre, and sums of the simplified silhouettes
    """
    stacked, norms, offsets = _stack(centers)
    counts = np.zeros(len(stacked), dtype=np.int64)
    sums = np.zeros(stacked.shape)
    distances, silhouettes = np.zeros(len(stacked)), np.zeros(len(stacked))
    tile = _tile_rows(stacked)
    _measure(np.ascontiguousarray(rows), stacked, norms, offsets, tile, counts, sums, distances,
             silhouettes)  # fmt: skip
    return [
        (counts[a:b], sums[a:b], distances[a:b], silhouettes[a:b]) for a, b in pairwise(offsets)
    ]


def label_rows(rows: np.ndarray, centers: Sequence[np.ndarray]) -> np.ndarray:
    """The nearest centre of each row under each clustering, in one reading.

    Returns
    -------
    labels : shape (n_clusterings, n_rows), int32; the first of equally near centres
    """
    stacked, norms, offsets = _stack(centers)
    labels = np.empty((len(centers), len(rows)), dtype=np.int32)
    rows = np.ascontiguousarray(rows, dtype=np.float32)
    _label(rows, stacked, norms, offsets, _tile_rows(stacked), labels)
    return labels


def nearest(rows: np.ndarray, centers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The nearest centre of each row, and the distance to it.

    Returns
    -------
    labels : shape (n_rows,), int32
    distances : shape (n_rows,), float32
    """
    stacked, norms, _ = _stack([centers])
    labels = np.empty(len(rows), dtype=np.int32)
    distances = np.empty(len(rows), dtype=np.float32)
    rows = np.ascontiguousarray(rows, dtype=np.float32)
    _nearest(rows, stacked, norms, _tile_rows(stacked), labels, distances)
    return labels, distances


def squares(rows: np.ndarray) -> float:
    """Sum of all squared scores, in float64."""
    return float(_squares(np.ascontiguousarray(rows)))


def _stack(centers: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    stacked = np.ascontiguousarray(np.concatenate(centers), dtype=np.float32)
    norms = (stacked.astype(np.float64) ** 2).sum(axis=1).astype(np.float32)
    return stacked, norms, np.concatenate([[0], np.cumsum([len(these) for these in centers])])


def _tile_rows(stacked: np.ndarray) -> int:
    return _SMALL_TILE if _SMALL_TILE * stacked.size <= _SMALL_PRODUCT else _TILE


@numba.njit(nogil=True, cache=True, fastmath=True)  # type: ignore[untyped-decorator]
def _square(row: np.ndarray) -> float:
    total = 0.0
    for j in range(len(row)):
        total += np.float64(row[j]) * np.float64(row[j])
    return total


@numba.njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def _squares(rows: np.ndarray) -> float:
    total = 0.0
    for i in range(len(rows)):
        total += _square(rows[i])
    return total


@numba.njit(nogil=True, cache=True, fastmath=True)  # type: ignore[untyped-decorator]
def _distance(row: np.ndarray, center: np.ndarray) -> float:
    total = 0.0
    for j in range(len(row)):
        apart = np.float64(row[j]) - np.float64(center[j])
        total += apart * apart
    return float(np.sqrt(total))


@numba.njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def _row_squares(tile: np.ndarray, square: np.ndarray) -> None:
    for i in range(len(tile)):
        square[i] = _square(tile[i])


@numba.njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def _two_least(
    products: np.ndarray,
    norms: np.ndarray,
    first: int,
    stop: int,
    least: np.ndarray,
    second: np.ndarray,
    own: np.ndarray,
) -> None:
    """The least and the second least |c|² - 2 z·c of the centres from `first` up to `stop`.

    Products are of shape (n_centers, n_rows): the inner loop runs over rows, side by side.
    """
    for i in range(len(least)):
        least[i] = norms[first] - np.float32(2) * products[first, i]
        second[i] = np.float32(np.inf)
        own[i] = first
    for cluster in range(first + 1, stop):
        for i in range(len(least)):
            value = norms[cluster] - np.float32(2) * products[cluster, i]
            second[i] = min(second[i], max(value, least[i]))
            if value < least[i]:
                least[i] = value
                own[i] = cluster


@numba.njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def _decide(
    row: np.ndarray,
    values: np.ndarray,
    norms: np.ndarray,
    centers: np.ndarray,
    first: int,
    stop: int,
    below: float,
) -> int:
    """The nearest of the centres that may be it, by distances in float64; the first of equals."""
    found, nearest_yet = first, np.inf
    for cluster in range(first, stop):
        if norms[cluster] - np.float32(2) * values[cluster] <= below:
            apart = _distance(row, centers[cluster])
            if apart < nearest_yet:
                found, nearest_yet = cluster, apart
    return found


@numba.njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def _settle(
    tile: np.ndarray,
    products: np.ndarray,
    norms: np.ndarray,
    centers: np.ndarray,
    first: int,
    stop: int,
    square: np.ndarray,
    least: np.ndarray,
    second: np.ndarray,
    upper: np.ndarray,
    lower: np.ndarray,
    own: np.ndarray,
) -> None:
    """The nearest centre of each row for one clustering, doubts decided.

    Its squared distance is at most `upper`, that of any other at least `lower`. A float32 product
    of n terms is off by at most n u |z||c|, u = 2^-24 (Higham 2002, "Accuracy and stability of
    numerical algorithms", section 3.1). As 2 |z||c| is at most |z|² + |c|², and |c|² at most
    2 |z|² + 2 d², a squared distance d² is off by at most n u (3 |z|² + 2 d²): a centre far away,
    however long, leaves no doubt about those nearby.
    """
    _two_least(products, norms, first, stop, least, second, own)
    unit = np.float32((2 * tile.shape[1] + 16) * 2.0**-24)
    up, down = np.float32(1) + 2 * unit, np.float32(1) - 2 * unit
    for i in range(len(tile)):
        slack = np.float32(3) * unit * square[i]
        upper[i] = max(square[i] + least[i], np.float32(0)) * up + slack
        lower[i] = (square[i] + second[i]) * down - slack
    for i in range(len(tile)):
        if lower[i] <= upper[i]:
            below = (upper[i] + np.float32(3) * unit * square[i]) / down - square[i]
            own[i] = _decide(tile[i], products[:, i], norms, centers, first, stop, below)


@numba.njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def _tally(
    rows: np.ndarray,
    centers: np.ndarray,
    norms: np.ndarray,
    offsets: np.ndarray,
    tile_rows: int,
    drift: np.ndarray,
    labels: np.ndarray,
    limits: np.ndarray,
    counts: np.ndarray,
    sums: np.ndarray,
) -> None:
    buffer = np.empty(len(centers) * tile_rows, dtype=np.float32)
    least = np.empty(tile_rows, dtype=np.float32)
    second = np.empty(tile_rows, dtype=np.float32)
    upper = np.empty(tile_rows, dtype=np.float32)
    lower = np.empty(tile_rows, dtype=np.float32)
    square = np.empty(tile_rows, dtype=np.float32)
    gaps = np.empty(tile_rows, dtype=np.float32)
    own = np.empty(tile_rows, dtype=np.int32)
    for start in range(0, len(rows), tile_rows):
        tile = rows[start : start + tile_rows]
        n = len(tile)
        products = buffer[: len(centers) * n].reshape(len(centers), n)
        np.dot(centers, tile.T, products)
        _row_squares(tile, square[:n])
        for run in range(len(offsets) - 1):
            first, stop = offsets[run], offsets[run + 1]
            _settle(tile, products, norms, centers, first, stop, square[:n], least[:n],
                    second[:n], upper[:n], lower[:n], own[:n])  # fmt: skip
            _gaps(upper[:n], lower[:n], gaps[:n])
            for i in range(n):
                cluster, before = own[i], labels[run, start + i]
                # Rounded down, so that a limit never promises too much.
                limits[run, start + i] = (drift[cluster] + gaps[i]) * (1 - 2.0**-22)
                if before == cluster - first:
                    continue
                labels[run, start + i] = cluster - first
                counts[cluster] += 1
                for j in range(tile.shape[1]):
                    sums[cluster, j] += tile[i, j]
                if before != UNKNOWN:
                    counts[first + before] -= 1
                    for j in range(tile.shape[1]):
                        sums[first + before, j] -= tile[i, j]


@numba.njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def _gaps(upper: np.ndarray, lower: np.ndarray, gaps: np.ndarray) -> None:
    """How much farther than the own centre any other is, at least; 0 where that is in doubt."""
    for i in range(len(gaps)):
        mine = np.sqrt(upper[i])
        other = np.sqrt(max(lower[i], np.float32(0)))
        gaps[i] = max(other - mine - np.float32(2.0**-22) * (other + mine), np.float32(0))


@numba.njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def _measure(
    rows: np.ndarray,
    centers: np.ndarray,
    norms: np.ndarray,
    offsets: np.ndarray,
    tile_rows: int,
    counts: np.ndarray,
    sums: np.ndarray,
    distances: np.ndarray,
    silhouettes: np.ndarray,
) -> None:
    buffer = np.empty(len(centers) * tile_rows, dtype=np.float32)
    least = np.empty(tile_rows, dtype=np.float32)
    second = np.empty(tile_rows, dtype=np.float32)
    upper = np.empty(tile_rows, dtype=np.float32)
    lower = np.empty(tile_rows, dtype=np.float32)
    square = np.empty(tile_rows, dtype=np.float32)
    own = np.empty(tile_rows, dtype=np.int32)
    for start in range(0, len(rows), tile_rows):
        tile = rows[start : start + tile_rows]
        n = len(tile)
        products = buffer[: len(centers) * n].reshape(len(centers), n)
        np.dot(centers, tile.T, products)
        _row_squares(tile, square[:n])
        for run in range(len(offsets) - 1):
            _settle(tile, products, norms, centers, offsets[run], offsets[run + 1], square[:n],
                    least[:n], second[:n], upper[:n], lower[:n], own[:n])  # fmt: skip
            for i in range(n):
                cluster = own[i]
                mine = _distance(tile[i], centers[cluster])
                other = np.sqrt(max(np.float64(square[i]) + np.float64(second[i]), 0.0))
                counts[cluster] += 1
                distances[cluster] += mine
                if other > mine:
                    silhouettes[cluster] += (other - mine) / other if other < np.inf else 0.0
                for j in range(tile.shape[1]):
                    sums[cluster, j] += tile[i, j]


@numba.njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def _nearest(
    rows: np.ndarray,
    centers: np.ndarray,
    norms: np.ndarray,
    tile_rows: int,
    labels: np.ndarray,
    distances: np.ndarray,
) -> None:
    buffer = np.empty(len(centers) * tile_rows, dtype=np.float32)
    least = np.empty(tile_rows, dtype=np.float32)
    second = np.empty(tile_rows, dtype=np.float32)
    upper = np.empty(tile_rows, dtype=np.float32)
    lower = np.empty(tile_rows, dtype=np.float32)
    square = np.empty(tile_rows, dtype=np.float32)
    for start in range(0, len(rows), tile_rows):
        tile = rows[start : start + tile_rows]
        n = len(tile)
        products = buffer[: len(centers) * n].reshape(len(centers), n)
        np.dot(centers, tile.T, products)
        _row_squares(tile, square[:n])
        own = labels[start : start + n]
        _settle(tile, products, norms, centers, 0, len(centers), square[:n], least[:n],
                second[:n], upper[:n], lower[:n], own)  # fmt: skip
        for i in range(n):
            distances[start + i] = _distance(tile[i], centers[own[i]])


@numba.njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def _label(
    rows: np.ndarray,
    centers: np.ndarray,
    norms: np.ndarray,
    offsets: np.ndarray,
    tile_rows: int,
    labels: np.ndarray,
) -> None:
    buffer = np.empty(len(centers) * tile_rows, dtype=np.float32)
    least = np.empty(tile_rows, dtype=np.float32)
    second = np.empty(tile_rows, dtype=np.float32)
    upper = np.empty(tile_rows, dtype=np.float32)
    lower = np.empty(tile_rows, dtype=np.float32)
    square = np.empty(tile_rows, dtype=np.float32)
    own = np.empty(tile_rows, dtype=np.int32)
    for start in range(0, len(rows), tile_rows):
        tile = rows[start : start + tile_rows]
        n = len(tile)
        products = buffer[: len(centers) * n].reshape(len(centers), n)
        np.dot(centers, tile.T, products)
        _row_squares(tile, square[:n])
        for run in range(len(offsets) - 1):
            first = offsets[run]
            _settle(tile, products, norms, centers, first, offsets[run + 1], square[:n],
                    least[:n], second[:n], upper[:n], lower[:n], own[:n])  # fmt: skip
            for i in range(n):
                labels[run, start + i] = own[i] - first
