"""Lloyd's algorithm for many clusterings at once: each pass reads each block once for all.

A row keeps its cluster while no other centre can have come nearer than its own: the bound of
Hamerly (2010), "Making k-means even faster", SIAM International Conference on Data Mining, 130-140.
What a pass remembers of a block, the next one starts from; sums change by the rows that moved.
"""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Protocol, Self

import dask
import numpy as np
from dask import delayed
from dask.delayed import Delayed

from segment_lib.model.blocks import add_all, add_up
from segment_lib.model.bounds import BoundsStore, MemoryBounds, Query, RowBounds
from segment_lib.model.kernel import doubtful_rows, measure_rows, nearest, squares, tally_rows
from segment_lib.model.quality import ClusterSums

_DENSE = 0.25
"""From this share of doubtful rows on, reading all rows costs less than picking them out."""

Hold = Callable[[Sequence[Delayed], Delayed], tuple[Sequence[Delayed], Any]]
"""Computes tasks whose results are to stay where they are, and one whose result is wanted here."""


@dataclass(frozen=True)
class Changes:
    """Changes of the counts and sums of clusters; those of disjoint rows add up."""

    counts: dict[int, np.ndarray]
    sums: dict[int, np.ndarray]

    def __add__(self, other: Self) -> Self:
        return type(self)(
            {key: counts + other.counts[key] for key, counts in self.counts.items()},
            {key: sums + other.sums[key] for key, sums in self.sums.items()},
        )


@dataclass
class ClusteringState:
    """State of a clustering between two passes."""

    centers: np.ndarray
    n_iter: int = 0
    stopped: bool = False
    converged: bool = False
    counts: np.ndarray = field(init=False)
    sums: np.ndarray = field(init=False)
    center_shift: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        self.centers = np.ascontiguousarray(self.centers, dtype=np.float32)
        self.counts = np.zeros(len(self.centers), dtype=np.int64)
        self.sums = np.zeros(self.centers.shape)
        self.center_shift = np.zeros(len(self.centers))

    def update(self, moved: np.ndarray, tolerance: float, max_iter: int) -> None:
        """Move the centres; stop if they hardly move, or after the last iteration."""
        before = self.centers.astype(np.float64)
        shift = ((moved - before) ** 2).sum()
        self.centers = moved.astype(np.float32)
        self.center_shift = self.center_shift + _approach(
            np.linalg.norm(self.centers - before, axis=1)
        )
        self.n_iter += 1
        self.converged = bool(shift <= tolerance)
        self.stopped = self.converged or self.n_iter >= max_iter


class Rows(Protocol):
    """Protocol of rows to pass over, in memory or in tasks."""

    def total(self, function: Callable[..., Any], *args: Any) -> Any:
        """Sum ``function(block, *args)`` over all blocks."""

    def passes(self) -> Callable[[Mapping[int, Query]], Changes]:
        """Return a function that makes a pass; it keeps bounds between calls."""


class LocalRows:
    """Rows in this process, passed over by threads.

    A pass by a graph of tasks takes some 20 ms of Python beside its work: here it takes none.

    Parameters
    ----------
    blocks : of shape (n_rows, n_components), float32; each is asked for in every pass
    bounds_store : gives a place for what is remembered of their rows
    """

    def __init__(
        self,
        blocks: Sequence[np.ndarray],
        threads: int = 1,
        bounds_store: Callable[[], BoundsStore] = MemoryBounds,
    ) -> None:
        self._blocks = blocks
        self._map = ThreadPoolExecutor(threads).map if threads > 1 else map
        self._new_store = bounds_store

    def total(self, function: Callable[..., Any], *args: Any) -> Any:
        def apply(i: int) -> Any:
            return function(self._blocks[i], *args)

        return add_all(self._map(apply, range(len(self._blocks))))

    def passes(self) -> Callable[[Mapping[int, Query]], Changes]:
        store = self._new_store()

        def move(queries: Mapping[int, Query]) -> Changes:
            def move_block(i: int) -> Changes:
                bounds = store.recall(i, list(queries))
                bounds, changes = move_rows(self._blocks[i], bounds, queries)
                store.keep(i, bounds)
                return changes

            changes: Changes = add_all(self._map(move_block, range(len(self._blocks))))
            return changes

        return move


def local_rows(blocks: Sequence[Delayed], threads: int) -> LocalRows:
    """Return the rows of blocks that are already in the memory of this process."""
    return LocalRows(dask.compute(*blocks), threads)


class DaskRows:
    """Rows in blocks computed by tasks; `hold` keeps their bounds between passes."""

    def __init__(self, blocks: Sequence[Delayed], hold: Hold | None = None) -> None:
        self._blocks = blocks
        self._hold = hold or hold_in_memory

    def total(self, function: Callable[..., Any], *args: Any) -> Any:
        shared = [delayed(arg, traverse=False) for arg in args]
        tasks = [delayed(function)(block, *shared) for block in self._blocks]
        (total,) = dask.compute(add_up(tasks))
        return total

    def passes(self) -> Callable[[Mapping[int, Query]], Changes]:
        bounds: Sequence[Any] = [None] * len(self._blocks)

        def move(queries: Mapping[int, Query]) -> Changes:
            nonlocal bounds
            shared = delayed(dict(queries), traverse=False)
            moved = [
                delayed(_move_rows_anew, nout=2)(block, held, shared)
                for block, held in zip(self._blocks, bounds, strict=True)
            ]
            changes: Changes
            bounds, changes = self._hold([b for b, _ in moved], add_up([c for _, c in moved]))
            return changes

        return move


def hold_in_memory(tasks: Sequence[Delayed], total: Delayed) -> tuple[Sequence[Delayed], Any]:
    """Keep the results of the tasks on the workers that computed them."""
    *held, value = dask.persist(*tasks, total)
    return held, value.compute()


def lloyd(
    rows: Rows,
    starts: Mapping[int, np.ndarray] | Mapping[int, ClusteringState],
    *,
    max_iter: int = 300,
    tol: float = 1e-4,
    on_pass: Callable[[int, int], None] = lambda passes, running: None,
    keep: Callable[[Mapping[int, ClusteringState]], None] = lambda states: None,
) -> dict[int, ClusteringState]:
    """Move the centres of each clustering to the means of their rows until they converge.

    Parameters
    ----------
    starts : by a number that names the clustering, starting centres of shape
        (n_clusters, n_components), or a state taken up again: what it remembered of rows is worked
        out again by its next pass, with the same bits where sums are exact
    tol : squared shift of the centres, in all, at which they rest; relative to the mean variance
    on_pass : called after each pass with the passes done and the clusterings still running
    keep : called after each pass with all clusterings
    """
    states = {
        key: start if isinstance(start, ClusteringState) else ClusteringState(start)
        for key, start in starts.items()
    }
    states = dict(sorted(states.items()))
    total_squares = rows.total(squares)
    move = rows.passes()
    passes = 0
    while running := {key: state for key, state in states.items() if not state.stopped}:
        changes = move({key: Query(s.centers, s.center_shift) for key, s in running.items()})
        passes += 1
        for key, state in running.items():
            state.counts = state.counts + changes.counts[key]
            state.sums = state.sums + changes.sums[key]
            tolerance = tol * _mean_variance(state, total_squares)
            state.update(_means(rows, state), tolerance, max_iter)
        keep(states)
        on_pass(passes, sum(not state.stopped for state in states.values()))
    return states


def move_rows(
    block: np.ndarray, bounds: RowBounds | None, queries: Mapping[int, Query]
) -> tuple[RowBounds, Changes]:
    """Update the clusters of a block's rows, looking at the doubtful rows alone.

    Parameters
    ----------
    bounds : what is remembered of these clusterings, at least; None before the first pass
    queries : the clusterings still running, by ascending key

    Returns
    -------
    bounds : up to date, and the same arrays
    changes : of rows and sums
    """
    keys = list(queries)
    if bounds is None:
        bounds = RowBounds.unknown(queries, len(block))
        dense, few = keys, {}
    else:
        doubtful = {
            key: doubtful_rows(bounds.labels[at], bounds.slack[at], queries[key].center_shift)
            for key, at in zip(keys, bounds.places(keys), strict=True)
        }
        dense = [key for key, rows in doubtful.items() if len(rows) > _DENSE * len(block)]
        few = {key: rows for key, rows in doubtful.items() if key not in dense}
    changes: dict[int, tuple[np.ndarray, np.ndarray]] = {}
    if dense:
        changed = _tally(_whole(block), bounds, {key: queries[key] for key in dense})
        changes |= dict(zip(dense, changed, strict=True))
    if few:
        some = {key: queries[key] for key in few}
        changed = _tally(block, bounds, some, list(few.values()))
        changes |= dict(zip(few, changed, strict=True))
    counts, sums = ({key: changes[key][i] for key in keys} for i in (0, 1))
    return bounds, Changes(counts, sums)


def _move_rows_anew(
    block: np.ndarray, bounds: RowBounds | None, queries: Mapping[int, Query]
) -> tuple[RowBounds, Changes]:
    """Update the clusters of a block's rows in a task, whose inputs must not change."""
    return move_rows(block, bounds and bounds.select(list(queries)), queries)


def measure(rows: Rows, centers: Sequence[np.ndarray]) -> list[ClusterSums]:
    """Sum the measures of quality of clusterings with these centres, in one pass over all rows."""
    measures: _Measures = rows.total(_measure_block, list(centers))
    return measures.sums


def farthest(rows: Rows, centers: np.ndarray, most: int) -> "Far":
    """Return the `most` rows farthest from their centres."""
    far: Far = rows.total(_farthest, centers, most)
    return far


@dataclass(frozen=True)
class Far:
    """Rows farthest from their centres, the farthest first."""

    distances: np.ndarray
    labels: np.ndarray
    scores: np.ndarray
    most: int

    def __add__(self, other: Self) -> Self:
        distances = np.concatenate([self.distances, other.distances])
        first = np.argsort(-distances, kind="stable")[: self.most]
        return type(self)(
            distances[first],
            np.concatenate([self.labels, other.labels])[first],
            np.concatenate([self.scores, other.scores])[first],
            self.most,
        )


@dataclass(frozen=True)
class _Measures:
    """Sums of several clusterings of the same rows."""

    sums: list[ClusterSums]

    def __add__(self, other: Self) -> Self:
        return type(self)([a + b for a, b in zip(self.sums, other.sums, strict=True)])


def _measure_block(block: np.ndarray, centers: list[np.ndarray]) -> _Measures:
    rows = _whole(block)
    all_squares = squares(rows)
    return _Measures([ClusterSums(*sums, all_squares) for sums in measure_rows(rows, centers)])


def _farthest(block: np.ndarray, centers: np.ndarray, most: int) -> Far:
    labels, distances = nearest(block, centers)
    first = np.argsort(-distances, kind="stable")[:most]
    return Far(distances[first], labels[first], block[first], most)


def _tally(
    rows: np.ndarray,
    bounds: RowBounds,
    queries: Mapping[int, Query],
    some: Sequence[np.ndarray] | None = None,
) -> list[tuple[np.ndarray, np.ndarray]]:
    centers, shifts = zip(*((a.centers, a.center_shift) for a in queries.values()), strict=True)
    places = bounds.places(list(queries))
    return tally_rows(rows, centers, shifts, bounds.labels, bounds.slack, places, some)


def _whole(block: np.ndarray) -> np.ndarray:
    """Return all rows of a block; a block in a file is read from it whole."""
    if isinstance(block, np.memmap) and block.filename is not None:
        rows = np.fromfile(block.filename, block.dtype, block.size, offset=block.offset)
        return rows.reshape(block.shape)
    return block


def _approach(shifts: np.ndarray) -> np.ndarray:
    """Bound how much nearer another centre may have come to a row of each cluster."""
    if len(shifts) == 1:
        return shifts
    largest, next_largest = np.sort(shifts)[[-1, -2]]
    others = np.full(len(shifts), largest)
    others[np.argmax(shifts)] = next_largest
    return np.asarray(shifts + others)


def _means(rows: Rows, state: ClusteringState) -> np.ndarray:
    """Return the means of the clusters; an empty one takes the row farthest from its centre."""
    counts, sums = state.counts.astype(np.float64), state.sums.copy()
    empty = np.flatnonzero(counts == 0)
    if len(empty):
        far = farthest(rows, state.centers, len(empty))
        for cluster, owner, row in zip(empty, far.labels, far.scores, strict=False):
            sums[owner] -= row
            counts[owner] -= 1
            sums[cluster], counts[cluster] = row, 1
    filled = counts > 0
    means = state.centers.astype(np.float64)
    means[filled] = sums[filled] / counts[filled, None]
    return means


def _mean_variance(state: ClusteringState, total_squares: float) -> float:
    n = state.counts.sum()
    means = state.sums.sum(axis=0) / n
    return float((total_squares / n - (means**2).sum()) / len(means))
