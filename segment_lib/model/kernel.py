"""Inner loops of KMeans: a product of a tile of rows with all centres, then one scan of it.

Products are taken in float32. Where they leave a doubt which centre is the nearest, float64
decides: a row's cluster follows from the row and the centres alone, whatever it is multiplied with.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, NamedTuple, TypeVar

import numba
import numpy as np
import scipy.linalg.cython_blas  # noqa: F401  # loaded now, so that a limit on its threads holds

F = TypeVar("F", bound=Callable[..., Any])

_SMALL_PRODUCT = 100_000
"""Multiply-adds up to which OpenBLAS does not pack the factors: twice as fast for few centres."""
_SMALL_TILE, _TILE = 32, 512
"""Rows per product: it stays in the cache, and no array of rows by clusters is ever made."""


def tally_rows(
    rows: np.ndarray,
    centers: Sequence[np.ndarray],
    center_shifts: Sequence[np.ndarray],
    labels: np.ndarray,
    bound_slack: np.ndarray,
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Move rows to their nearest centres, for several clusterings in one reading.

    Parameters
    ----------
    rows : scores of shape (n_rows, n_components), float32
    centers : per clustering, shape (n_clusters, n_components), float32
    center_shifts : per clustering and cluster, how much nearer another centre may have come
    labels : shape (n_clusterings, n_rows), as `unknown_labels` makes them; the clusters of the
        rows, brought up to date
    bound_slack : shape (n_clusterings, n_rows), float32; the shift up to which a row is sure of it

    Returns
    -------
    changes : per clustering, of its counts (n_clusters,) and its sums (n_clusters, n_components)
    """
    stacked, norms, offsets = _stack(centers)
    counts = np.zeros(len(stacked), dtype=np.int64)
    sums = np.zeros(stacked.shape)
    center_shift = np.concatenate(center_shifts).astype(np.float64)
    tile = _tile_rows(stacked)
    _tally(np.ascontiguousarray(rows), stacked, norms, offsets, tile, center_shift, labels,
           np.iinfo(labels.dtype).max, bound_slack, counts, sums)  # fmt: skip
    return [(counts[a:b], sums[a:b]) for a, b in pairwise(offsets)]


def unknown_labels(n_clusterings: int, n_rows: int, most: int) -> np.ndarray:
    """Return labels of rows not seen yet, in a byte or two: the largest number there is.

    Parameters
    ----------
    most : clusters of a clustering; 65,535 at the most
    """
    kind = np.uint8 if most <= np.iinfo(np.uint8).max else np.uint16
    return np.full((n_clusterings, n_rows), np.iinfo(kind).max, dtype=kind)


def doubtful_rows(labels: np.ndarray, slack: np.ndarray, shift: np.ndarray) -> np.ndarray:
    """Return the rows to which another centre may have come nearer, in ascending order.

    Parameters
    ----------
    labels, slack : of one clustering, shape (n_rows,), as `tally_rows` leaves them
    shift : per cluster, how much nearer another centre may have come to a row
    """
    rows = np.empty(len(labels), dtype=np.intp)
    return rows[: _doubtful(labels, slack, shift, rows)]


def measure_rows(
    rows: np.ndarray, centers: Sequence[np.ndarray]
) -> list[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]]:
    """Sum the measures of quality of several clusterings, in one reading.

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
    """Return the nearest centre of each row under each clustering, in one reading.

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
    """Return the nearest centre of each row, and the distance to it.

    Returns
    -------
    labels : shape (n_rows,), int32
    distances : shape (n_rows,), float32
    """
    rows = np.ascontiguousarray(rows, dtype=np.float32)
    (labels,) = label_rows(rows, [centers])
    distances = np.empty(len(rows), dtype=np.float32)
    _distances(rows, np.ascontiguousarray(centers, dtype=np.float32), labels, distances)
    return labels, distances


def squares(rows: np.ndarray) -> float:
    """Sum all squared scores in float64."""
    return float(_squares(np.ascontiguousarray(rows)))


def _stack(centers: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    stacked = np.ascontiguousarray(np.concatenate(centers), dtype=np.float32)
    norms = (stacked.astype(np.float64) ** 2).sum(axis=1).astype(np.float32)
    return stacked, norms, np.concatenate([[0], np.cumsum(list(map(len, centers)))])


def _tile_rows(stacked: np.ndarray) -> int:
    return _SMALL_TILE if _SMALL_TILE * stacked.size <= _SMALL_PRODUCT else _TILE


def _compiled(**options: Any) -> Callable[[F], F]:
    """Compile a loop when it is first called, and keep the code beside it or below HOME.

    Where nothing may be written in either place, as in a container, it is compiled in each process.
    """

    def compiled(function: F) -> F:
        try:
            loop: F = numba.njit(nogil=True, cache=True, **options)(function)
        except RuntimeError:
            loop = numba.njit(nogil=True, **options)(function)
        return loop

    return compiled


@_compiled(fastmath=True)
def _square(row: np.ndarray) -> float:
    total = 0.0
    for j in range(len(row)):
        total += np.float64(row[j]) * np.float64(row[j])
    return total


@_compiled()
def _squares(rows: np.ndarray) -> float:
    total = 0.0
    for i in range(len(rows)):
        total += _square(rows[i])
    return total


@_compiled(fastmath=True)
def _distance(row: np.ndarray, center: np.ndarray) -> float:
    total = 0.0
    for j in range(len(row)):
        apart = np.float64(row[j]) - np.float64(center[j])
        total += apart * apart
    return float(np.sqrt(total))


@_compiled()
def _distances(
    rows: np.ndarray, centers: np.ndarray, labels: np.ndarray, distances: np.ndarray
) -> None:
    for i in range(len(rows)):
        distances[i] = _distance(rows[i], centers[labels[i]])


class _Room(NamedTuple):
    """Memory for a tile, reused for the next."""

    products: np.ndarray
    square: np.ndarray
    least: np.ndarray
    second: np.ndarray
    upper: np.ndarray
    lower: np.ndarray
    own: np.ndarray


class _Tile(NamedTuple):
    """A few rows, their products with all centres, and their bounds under one clustering."""

    rows: np.ndarray
    products: np.ndarray
    """Shape (n_centers, n_rows): the inner loops run over rows, side by side."""
    square: np.ndarray
    """|z|² of each row."""
    least: np.ndarray
    """The least |c|² - 2 z·c of the centres of the clustering."""
    second: np.ndarray
    """The second least of them."""
    upper: np.ndarray
    """What the squared distance to the own centre is at most."""
    lower: np.ndarray
    """What that to any other is at least."""
    own: np.ndarray
    """The nearest centre, its row in the stack of all."""


@_compiled()
def _room(n_centers: int, tile_rows: int) -> _Room:
    return _Room(
        np.empty(n_centers * tile_rows, dtype=np.float32),
        np.empty(tile_rows, dtype=np.float32),
        np.empty(tile_rows, dtype=np.float32),
        np.empty(tile_rows, dtype=np.float32),
        np.empty(tile_rows, dtype=np.float32),
        np.empty(tile_rows, dtype=np.float32),
        np.empty(tile_rows, dtype=np.int32),
    )


@_compiled()
def _multiplied(rows: np.ndarray, start: int, centers: np.ndarray, room: _Room) -> _Tile:
    """Multiply the tile that begins at `start` with all centres; bounds are not set yet."""
    tile = rows[start : start + len(room.own)]
    n = len(tile)
    products = room.products[: len(centers) * n].reshape(len(centers), n)
    np.dot(centers, tile.T, products)
    for i in range(n):
        room.square[i] = _square(tile[i])
    return _Tile(tile, products, room.square[:n], room.least[:n], room.second[:n],
                 room.upper[:n], room.lower[:n], room.own[:n])  # fmt: skip


@_compiled()
def _two_least(
    products: np.ndarray,
    norms: np.ndarray,
    first: int,
    stop: int,
    least: np.ndarray,
    second: np.ndarray,
    own: np.ndarray,
) -> None:
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


@_compiled()
def _decide(
    row: np.ndarray,
    values: np.ndarray,
    norms: np.ndarray,
    centers: np.ndarray,
    first: int,
    stop: int,
    below: float,
) -> int:
    """Return the nearest of the candidate centres by float64 distances; the first of equals."""
    closest, least_distance = first, np.inf
    for cluster in range(first, stop):
        if norms[cluster] - np.float32(2) * values[cluster] <= below:
            distance = _distance(row, centers[cluster])
            if distance < least_distance:
                closest, least_distance = cluster, distance
    return closest


@_compiled()
def _settle(tile: _Tile, norms: np.ndarray, centers: np.ndarray, first: int, stop: int) -> None:
    """Find the nearest centre of each row for the clustering of centres `first` up to `stop`.

    A float32 product of n terms is off by at most n u |z||c|, u = 2^-24 (Higham 2002, "Accuracy
    and stability of numerical algorithms", section 3.1). As 2 |z||c| is at most |z|² + |c|², and
    |c|² at most 2 |z|² + 2 d², a squared distance d² is off by at most n u (3 |z|² + 2 d²): a
    centre far away, however long, leaves no doubt about those nearby.
    """
    _two_least(tile.products, norms, first, stop, tile.least, tile.second, tile.own)
    square, least, second = tile.square, tile.least, tile.second
    upper, lower = tile.upper, tile.lower
    unit = np.float32((2 * tile.rows.shape[1] + 16) * 2.0**-24)
    up, down = np.float32(1) + 2 * unit, np.float32(1) - 2 * unit
    for i in range(len(square)):
        slack = np.float32(3) * unit * square[i]
        upper[i] = max(square[i] + least[i], np.float32(0)) * up + slack
        lower[i] = (square[i] + second[i]) * down - slack
    for i in range(len(square)):
        if lower[i] <= upper[i]:
            below = (upper[i] + np.float32(3) * unit * square[i]) / down - square[i]
            values = tile.products[:, i]
            tile.own[i] = _decide(tile.rows[i], values, norms, centers, first, stop, below)


@_compiled()
def _tally(
    rows: np.ndarray,
    centers: np.ndarray,
    norms: np.ndarray,
    offsets: np.ndarray,
    tile_rows: int,
    center_shift: np.ndarray,
    labels: np.ndarray,
    unknown: int,
    bound_slack: np.ndarray,
    counts: np.ndarray,
    sums: np.ndarray,
) -> None:
    room = _room(len(centers), tile_rows)
    gaps = np.empty(tile_rows, dtype=np.float32)
    for start in range(0, len(rows), tile_rows):
        tile = _multiplied(rows, start, centers, room)
        for run in range(len(offsets) - 1):
            first = offsets[run]
            _settle(tile, norms, centers, first, offsets[run + 1])
            _gaps(tile.upper, tile.lower, gaps)
            for i in range(len(tile.own)):
                cluster, before = tile.own[i], labels[run, start + i]
                # Rounded down, so that a limit never promises too much.
                bound_slack[run, start + i] = (center_shift[cluster] + gaps[i]) * (1 - 2.0**-22)
                if before == cluster - first:
                    continue
                labels[run, start + i] = cluster - first
                counts[cluster] += 1
                for j in range(rows.shape[1]):
                    sums[cluster, j] += tile.rows[i, j]
                if before != unknown:
                    counts[first + before] -= 1
                    for j in range(rows.shape[1]):
                        sums[first + before, j] -= tile.rows[i, j]


@_compiled()
def _doubtful(labels: np.ndarray, slack: np.ndarray, shift: np.ndarray, rows: np.ndarray) -> int:
    n = 0
    for i in range(len(labels)):
        rows[n] = i
        n += slack[i] <= shift[labels[i]]
    return n


@_compiled()
def _gaps(upper: np.ndarray, lower: np.ndarray, gaps: np.ndarray) -> None:
    """Lower bound on how much farther any other centre is than the own; 0 where in doubt."""
    for i in range(len(upper)):
        mine = np.sqrt(upper[i])
        other = np.sqrt(max(lower[i], np.float32(0)))
        gaps[i] = max(other - mine - np.float32(2.0**-22) * (other + mine), np.float32(0))


@_compiled()
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
    room = _room(len(centers), tile_rows)
    for start in range(0, len(rows), tile_rows):
        tile = _multiplied(rows, start, centers, room)
        for run in range(len(offsets) - 1):
            _settle(tile, norms, centers, offsets[run], offsets[run + 1])
            for i in range(len(tile.own)):
                cluster = tile.own[i]
                mine = _distance(tile.rows[i], centers[cluster])
                other = np.sqrt(max(np.float64(tile.square[i]) + np.float64(tile.second[i]), 0.0))
                counts[cluster] += 1
                distances[cluster] += mine
                if other > mine:
                    silhouettes[cluster] += (other - mine) / other if other < np.inf else 0.0
                for j in range(rows.shape[1]):
                    sums[cluster, j] += tile.rows[i, j]


@_compiled()
def _label(
    rows: np.ndarray,
    centers: np.ndarray,
    norms: np.ndarray,
    offsets: np.ndarray,
    tile_rows: int,
    labels: np.ndarray,
) -> None:
    room = _room(len(centers), tile_rows)
    for start in range(0, len(rows), tile_rows):
        tile = _multiplied(rows, start, centers, room)
        for run in range(len(offsets) - 1):
            first = offsets[run]
            _settle(tile, norms, centers, first, offsets[run + 1])
            for i in range(len(tile.own)):
                labels[run, start + i] = tile.own[i] - first
