"""Lloyd's algorithm for many clusterings at once: a pass reads each block once, for all of them.

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
from segment_lib.model.kernel import (
    doubtful_rows,
    measure_rows,
    nearest,
    squares,
    tally_rows,
    unknown_labels,
)
from segment_lib.model.quality import ClusterSums

_DENSE = 0.25
"""From this share of doubtful rows on, reading all rows costs less than picking them out."""

Hold = Callable[[Sequence[Delayed], Delayed], tuple[Sequence[Delayed], Any]]
"""Computes tasks whose results are to stay where they are, and one whose result is wanted here."""


@dataclass(frozen=True)
class Ask:
    """A clustering as a pass sees it."""

    centers: np.ndarray
    """Shape (n_clusters, n_components), float32."""
    drift: np.ndarray
    """How much nearer, than at the start, another centre may have come to a row, by its cluster."""


@dataclass(frozen=True)
class Standing:
    """What is remembered of the rows of a block; a pass brings it up to date in its place."""

    keys: np.ndarray
    """Of the clusterings, in ascending order; shape (n_clusterings,), int."""
    labels: np.ndarray
    """The clusters of the rows, shape (n_clusterings, n_rows), uint8 or uint16."""
    limits: np.ndarray
    """The drifts up to which rows are sure of them, shape (n_clusterings, n_rows), float32."""

    @classmethod
    def unknown(cls, asks: Mapping[int, Ask], n_rows: int) -> Self:
        """Of rows that no pass has seen."""
        most = max(len(ask.centers) for ask in asks.values())
        labels = unknown_labels(len(asks), n_rows, most)
        return cls(np.array(list(asks)), labels, np.full(labels.shape, -np.inf, np.float32))

    def of(self, keys: Sequence[int]) -> Self:
        """A copy for some of the clusterings."""
        at = self.places(keys)
        return type(self)(np.array(keys), self.labels[at], self.limits[at])

    def places(self, keys: Sequence[int]) -> np.ndarray:
        """Where clusterings stand in the arrays."""
        return np.searchsorted(self.keys, keys)


@dataclass(frozen=True)
class Changes:
    """By how much rows and sums of the clusters change; those of disjoint rows add up."""

    counts: dict[int, np.ndarray]
    sums: dict[int, np.ndarray]

    def __add__(self, other: Self) -> Self:
        return type(self)(
            {key: counts + other.counts[key] for key, counts in self.counts.items()},
            {key: sums + other.sums[key] for key, sums in self.sums.items()},
        )


@dataclass
class Run:
    """One clustering on its way."""

    centers: np.ndarray
    n_iter: int = 0
    settled: bool = False
    converged: bool = False
    counts: np.ndarray = field(init=False)
    sums: np.ndarray = field(init=False)
    drift: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        self.centers = np.ascontiguousarray(self.centers, dtype=np.float32)
        self.counts = np.zeros(len(self.centers), dtype=np.int64)
        self.sums = np.zeros(self.centers.shape)
        self.drift = np.zeros(len(self.centers))

    def go_to(self, moved: np.ndarray, tolerance: float, max_iter: int) -> None:
        """Move the centres; settle if they hardly did, or have often enough."""
        before = self.centers.astype(np.float64)
        shift = ((moved - before) ** 2).sum()
        self.centers = moved.astype(np.float32)
        self.drift = self.drift + _approach(np.linalg.norm(self.centers - before, axis=1))
        self.n_iter += 1
        self.converged = bool(shift <= tolerance)
        self.settled = self.converged or self.n_iter >= max_iter


class Rows(Protocol):
    """Rows that passes go over, wherever they are."""

    def total(self, function: Callable[..., Any], *args: Any) -> Any:
        """``function(block, *args)`` of all blocks, added up."""

    def passes(self) -> Callable[[Mapping[int, Ask]], Changes]:
        """A pass that remembers what the one before it found; the first finds every row new."""


class Standings(Protocol):
    """Where this process keeps, from pass to pass, what is remembered of the rows of each block."""

    def recall(self, block: int, keys: Sequence[int]) -> Standing | None:
        """What was kept last of a block, for these clusterings at least; None at first."""

    def keep(self, block: int, standing: Standing) -> None:
        """Keep it in the place of what was kept before."""


class StandingsInMemory:
    """They are kept as they are."""

    def __init__(self) -> None:
        self._kept: dict[int, Standing] = {}

    def recall(self, block: int, keys: Sequence[int]) -> Standing | None:
        return self._kept.get(block)

    def keep(self, block: int, standing: Standing) -> None:
        self._kept[block] = standing


class RowsHere:
    """Rows that threads of this process go over.

    A pass by a graph of tasks takes some 20 ms of Python beside its work: here it takes none.

    Parameters
    ----------
    blocks : of shape (n_rows, n_components), float32; each is asked for anew in every pass
    standings : makes a place for what is remembered of their rows
    """

    def __init__(
        self,
        blocks: Sequence[np.ndarray],
        threads: int = 1,
        standings: Callable[[], Standings] = StandingsInMemory,
    ) -> None:
        self._blocks = blocks
        self._map = ThreadPoolExecutor(threads).map if threads > 1 else map
        self._standings = standings

    def total(self, function: Callable[..., Any], *args: Any) -> Any:
        def of_block(i: int) -> Any:
            return function(self._blocks[i], *args)

        return add_all(self._map(of_block, range(len(self._blocks))))

    def passes(self) -> Callable[[Mapping[int, Ask]], Changes]:
        standings = self._standings()

        def move(asks: Mapping[int, Ask]) -> Changes:
            def move_block(i: int) -> Changes:
                standing = standings.recall(i, list(asks))
                standing, changes = move_rows(self._blocks[i], standing, asks)
                standings.keep(i, standing)
                return changes

            changes: Changes = add_all(self._map(move_block, range(len(self._blocks))))
            return changes

        return move


def rows_here(blocks: Sequence[Delayed], threads: int) -> RowsHere:
    """Rows of blocks that lie in the memory of this process already."""
    return RowsHere(dask.compute(*blocks), threads)


class RowsInBlocks:
    """Rows in blocks that tasks give; `hold` keeps what is remembered of them between passes."""

    def __init__(self, blocks: Sequence[Delayed], hold: Hold | None = None) -> None:
        self._blocks = blocks
        self._hold = hold or hold_in_memory

    def total(self, function: Callable[..., Any], *args: Any) -> Any:
        told = [delayed(arg, traverse=False) for arg in args]
        tasks = [delayed(function)(block, *told) for block in self._blocks]
        (total,) = dask.compute(add_up(tasks))
        return total

    def passes(self) -> Callable[[Mapping[int, Ask]], Changes]:
        standing: Sequence[Any] = [None] * len(self._blocks)

        def move(asks: Mapping[int, Ask]) -> Changes:
            nonlocal standing
            told = delayed(dict(asks), traverse=False)
            found = [
                delayed(_move_rows_anew, nout=2)(block, held, told)
                for block, held in zip(self._blocks, standing, strict=True)
            ]
            changes: Changes
            standing, changes = self._hold([s for s, _ in found], add_up([c for _, c in found]))
            return changes

        return move


def hold_in_memory(tasks: Sequence[Delayed], total: Delayed) -> tuple[Sequence[Delayed], Any]:
    """Keep the results of the tasks where they were computed."""
    *held, value = dask.persist(*tasks, total)
    return held, value.compute()


def lloyd(
    rows: Rows,
    starts: Mapping[int, np.ndarray] | Mapping[int, Run],
    *,
    max_iter: int = 300,
    tol: float = 1e-4,
    on_pass: Callable[[int, int], None] = lambda passes, running: None,
    keep: Callable[[Mapping[int, Run]], None] = lambda runs: None,
) -> dict[int, Run]:
    """Move the centres of each clustering to the means of their rows until they rest.

    Parameters
    ----------
    starts : by a number that names the clustering, starting centres of shape
        (n_clusters, n_components), or a run taken up again: what it remembered of rows is found
        anew by its next pass, with the same bits where sums are exact
    tol : squared shift of the centres, in all, at which they rest; relative to the mean variance
    on_pass : called after each pass with the passes done and the clusterings still running
    keep : called after each pass with all clusterings
    """
    runs = {key: start if isinstance(start, Run) else Run(start) for key, start in starts.items()}
    runs = dict(sorted(runs.items()))
    total_squares = rows.total(squares)
    move = rows.passes()
    passes = 0
    while running := {key: run for key, run in runs.items() if not run.settled}:
        changes = move({key: Ask(run.centers, run.drift) for key, run in running.items()})
        passes += 1
        for key, run in running.items():
            run.counts = run.counts + changes.counts[key]
            run.sums = run.sums + changes.sums[key]
            tolerance = tol * _mean_variance(run, total_squares)
            run.go_to(_means(rows, run), tolerance, max_iter)
        keep(runs)
        on_pass(passes, sum(not run.settled for run in runs.values()))
    return runs


def move_rows(
    block: np.ndarray, standing: Standing | None, asks: Mapping[int, Ask]
) -> tuple[Standing, Changes]:
    """Bring the clusters of a block's rows up to date, looking at the doubtful rows alone.

    Parameters
    ----------
    standing : what is remembered of these clusterings, at least; None before the first pass
    asks : the clusterings still running, by ascending key

    Returns
    -------
    standing : up to date, and the same arrays
    changes : of rows and sums
    """
    keys = list(asks)
    if standing is None:
        standing = Standing.unknown(asks, len(block))
        dense, few = keys, {}
    else:
        doubtful = {
            key: doubtful_rows(standing.labels[at], standing.limits[at], asks[key].drift)
            for key, at in zip(keys, standing.places(keys), strict=True)
        }
        dense = [key for key, rows in doubtful.items() if len(rows) > _DENSE * len(block)]
        few = {key: rows for key, rows in doubtful.items() if key not in dense}
    found: dict[int, tuple[np.ndarray, np.ndarray]] = {}
    if dense:
        at = standing.places(dense)
        labels, limits = standing.labels[at], standing.limits[at]
        changed = _tally(_whole(block), [asks[key] for key in dense], labels, limits)
        standing.labels[at], standing.limits[at] = labels, limits
        found |= dict(zip(dense, changed, strict=True))
    for key, rows in few.items():
        (place,) = standing.places([key])
        labels, limits = standing.labels[[place], rows][None], standing.limits[[place], rows][None]
        (found[key],) = _tally(block.take(rows, axis=0), [asks[key]], labels, limits)
        standing.labels[place, rows], standing.limits[place, rows] = labels[0], limits[0]
    counts, sums = ({key: found[key][i] for key in keys} for i in (0, 1))
    return standing, Changes(counts, sums)


def _move_rows_anew(
    block: np.ndarray, standing: Standing | None, asks: Mapping[int, Ask]
) -> tuple[Standing, Changes]:
    """The same for tasks, which leave what they are given as it is."""
    return move_rows(block, standing and standing.of(list(asks)), asks)


def measure(rows: Rows, centers: Sequence[np.ndarray]) -> list[ClusterSums]:
    """What tells how good clusterings with these centres are, in one pass over all rows."""
    measures: _Measures = rows.total(_measure_block, list(centers))
    return measures.sums


def farthest(rows: Rows, centers: np.ndarray, most: int) -> "Far":
    """The `most` rows farthest from their centres."""
    far: Far = rows.total(_farthest, centers, most)
    return far


@dataclass(frozen=True)
class Far:
    """The rows farthest from their centres, the farthest first."""

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
    rows: np.ndarray, asks: Sequence[Ask], labels: np.ndarray, limits: np.ndarray
) -> list[tuple[np.ndarray, np.ndarray]]:
    return tally_rows(rows, [a.centers for a in asks], [a.drift for a in asks], labels, limits)


def _whole(block: np.ndarray) -> np.ndarray:
    """All rows of a block; one that lies in a file is read from it whole."""
    if isinstance(block, np.memmap) and block.filename is not None:
        rows = np.fromfile(block.filename, block.dtype, block.size, offset=block.offset)
        return rows.reshape(block.shape)
    return block


def _approach(shifts: np.ndarray) -> np.ndarray:
    """How much nearer another centre may come to a row of each cluster, by the shifts of all."""
    if len(shifts) == 1:
        return shifts
    largest, next_largest = np.sort(shifts)[[-1, -2]]
    others = np.full(len(shifts), largest)
    others[np.argmax(shifts)] = next_largest
    return np.asarray(shifts + others)


def _means(rows: Rows, run: Run) -> np.ndarray:
    """Means of the clusters; an empty one takes the row farthest from its centre, as in sklearn."""
    counts, sums = run.counts.astype(np.float64), run.sums.copy()
    empty = np.flatnonzero(counts == 0)
    if len(empty):
        far = farthest(rows, run.centers, len(empty))
        for cluster, owner, row in zip(empty, far.labels, far.scores, strict=False):
            sums[owner] -= row
            counts[owner] -= 1
            sums[cluster], counts[cluster] = row, 1
    filled = counts > 0
    means = run.centers.astype(np.float64)
    means[filled] = sums[filled] / counts[filled, None]
    return means


def _mean_variance(run: Run, total_squares: float) -> float:
    n = run.counts.sum()
    means = run.sums.sum(axis=0) / n
    return float((total_squares / n - (means**2).sum()) / len(means))
