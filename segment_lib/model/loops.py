"""Compiled loops, most of them of KMeans: a product of a tile of rows with all centres, one scan.

All of them stand in one file: compiled code that is kept is made anew when its file has changed.

Products are taken in float32. Where they leave a doubt which centre is the nearest, float64
decides: a row's cluster follows from the row and the centres alone, whatever it is multiplied with.
"""

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

import numba
import numpy as np
import scipy.linalg.cython_blas  # noqa: F401  # loaded now, so that a limit on its threads holds

F = TypeVar("F", bound=Callable[..., Any])

_TILE = 512
"""Rows per product: it stays in the cache, and no array of rows by clusters is ever made."""


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
def squares(rows: np.ndarray) -> float:
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
def distances(
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
def _room(n_centers: int) -> _Room:
    return _Room(
        np.empty(n_centers * _TILE, dtype=np.float32),
        np.empty(_TILE, dtype=np.float32),
        np.empty(_TILE, dtype=np.float32),
        np.empty(_TILE, dtype=np.float32),
        np.empty(_TILE, dtype=np.float32),
        np.empty(_TILE, dtype=np.float32),
        np.empty(_TILE, dtype=np.int32),
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
def tally(
    rows: np.ndarray,
    centers: np.ndarray,
    norms: np.ndarray,
    offsets: np.ndarray,
    center_shift: np.ndarray,
    labels: np.ndarray,
    unknown: int,
    bound_slack: np.ndarray,
    places: np.ndarray,
    counts: np.ndarray,
    sums: np.ndarray,
) -> None:
    room = _room(len(centers))
    gaps, at = np.empty(_TILE, dtype=np.float32), np.empty(_TILE, dtype=np.intp)
    for start in range(0, len(rows), _TILE):
        tile = _multiplied(rows, start, centers, room)
        for i in range(len(tile.own)):
            at[i] = start + i
        for run in range(len(offsets) - 1):
            _settle(tile, norms, centers, offsets[run], offsets[run + 1])
            _gaps(tile.upper, tile.lower, gaps)
            _keep(tile, offsets[run], gaps, at, center_shift, labels[places[run]], unknown,
                  bound_slack[places[run]], counts, sums)  # fmt: skip


@_compiled()
def tally_some(
    rows: np.ndarray,
    centers: np.ndarray,
    norms: np.ndarray,
    offsets: np.ndarray,
    center_shift: np.ndarray,
    labels: np.ndarray,
    unknown: int,
    bound_slack: np.ndarray,
    places: np.ndarray,
    counts: np.ndarray,
    sums: np.ndarray,
    some: np.ndarray,
    ends: np.ndarray,
) -> None:
    most = 0
    for run in range(len(offsets) - 1):
        most = max(most, offsets[run + 1] - offsets[run])
    room = _room(most)
    gaps = np.empty(_TILE, dtype=np.float32)
    picked = np.empty((_TILE, rows.shape[1]), dtype=np.float32)
    for run in range(len(offsets) - 1):
        first, stop = offsets[run], offsets[run + 1]
        own_centers, own_norms = centers[first:stop], norms[first:stop]
        for start in range(ends[run], ends[run + 1], _TILE):
            at = some[start : min(start + _TILE, ends[run + 1])]
            for i in range(len(at)):
                for j in range(rows.shape[1]):
                    picked[i, j] = rows[at[i], j]
            tile = _multiplied(picked[: len(at)], 0, own_centers, room)
            _settle(tile, own_norms, own_centers, 0, stop - first)
            _gaps(tile.upper, tile.lower, gaps)
            _keep(tile, 0, gaps, at, center_shift[first:stop], labels[places[run]], unknown,
                  bound_slack[places[run]], counts[first:stop], sums[first:stop])  # fmt: skip


@_compiled()
def _keep(
    tile: _Tile,
    first: int,
    gaps: np.ndarray,
    at: np.ndarray,
    center_shift: np.ndarray,
    labels: np.ndarray,
    unknown: int,
    bound_slack: np.ndarray,
    counts: np.ndarray,
    sums: np.ndarray,
) -> None:
    """Keep the clusters and limits of the rows of a tile, which are the rows `at` of a block."""
    for i in range(len(tile.own)):
        cluster, before = tile.own[i], labels[at[i]]
        # Rounded down, so that a limit never promises too much.
        bound_slack[at[i]] = (center_shift[cluster] + gaps[i]) * (1 - 2.0**-22)
        if before == cluster - first:
            continue
        labels[at[i]] = cluster - first
        counts[cluster] += 1
        for j in range(tile.rows.shape[1]):
            sums[cluster, j] += tile.rows[i, j]
        if before != unknown:
            counts[first + before] -= 1
            for j in range(tile.rows.shape[1]):
                sums[first + before, j] -= tile.rows[i, j]


@_compiled()
def doubtful(labels: np.ndarray, slack: np.ndarray, shift: np.ndarray, rows: np.ndarray) -> int:
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
def measure(
    rows: np.ndarray,
    centers: np.ndarray,
    norms: np.ndarray,
    offsets: np.ndarray,
    counts: np.ndarray,
    sums: np.ndarray,
    distances: np.ndarray,
    silhouettes: np.ndarray,
) -> None:
    room = _room(len(centers))
    for start in range(0, len(rows), _TILE):
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
def label(
    rows: np.ndarray,
    centers: np.ndarray,
    norms: np.ndarray,
    offsets: np.ndarray,
    labels: np.ndarray,
) -> None:
    room = _room(len(centers))
    for start in range(0, len(rows), _TILE):
        tile = _multiplied(rows, start, centers, room)
        for run in range(len(offsets) - 1):
            first = offsets[run]
            _settle(tile, norms, centers, first, offsets[run + 1])
            for i in range(len(tile.own)):
                labels[run, start + i] = tile.own[i] - first


@_compiled()
def unpack(
    small: np.ndarray,
    wide: np.ndarray,
    places: np.ndarray,
    mean: np.ndarray,
    factor: np.ndarray,
    rows: np.ndarray,
    scaled: np.ndarray,
) -> None:
    for i in range(len(rows)):
        for j in range(len(mean)):
            scaled[i, j] = (np.float64(small[rows[i], j]) - mean[j]) * factor[j]
        for at in range(len(places)):
            j = places[at]
            scaled[i, j] = (np.float64(wide[rows[i], at]) - mean[j]) * factor[j]
