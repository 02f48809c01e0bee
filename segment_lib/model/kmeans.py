"""KMeans for several numbers of clusters at once: a pass reads each block once for all of them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, Self

import dask
import dask.array as da
import dask_ml.cluster
import numpy as np
from dask import delayed
from dask.delayed import Delayed

from segment_lib.errors import ConfigError
from segment_lib.model.blocks import sum_over_blocks
from segment_lib.model.kernel import nearest, tally_block
from segment_lib.model.quality import ClusterSums, inertia
from segment_lib.model.sample import further_rows, sample_blocks, starting_centers


@dataclass(frozen=True)
class Clustering:
    """A fitted clustering, its clusters in the order of the starting centres."""

    n_clusters: int
    centers: np.ndarray
    """Shape (n_clusters, n_components), float32."""
    sums: ClusterSums
    n_iter: int
    converged: bool
    stability: float
    """Mean adjusted Rand index of pairs of restarts on the sample."""

    @property
    def inertia(self) -> float:
        return inertia(self.sums, self.centers)

    def by_size(self) -> "Clustering":
        """The same clustering with the largest cluster first."""
        order = np.argsort(-self.sums.counts, kind="stable")
        sums = ClusterSums(
            self.sums.counts[order],
            self.sums.sums[order],
            self.sums.distances[order],
            self.sums.squares,
        )
        return replace(self, centers=self.centers[order], sums=sums)


@dataclass
class _Run:
    """One number of clusters on its way."""

    centers: np.ndarray
    n_iter: int = 0
    settled: bool = False
    converged: bool = False
    sums: ClusterSums | None = None


class KMeans(dask_ml.cluster.KMeans):  # type: ignore[misc]
    """dask-ml's KMeans with scikit-learn's answers.

    Starting centres come from k-means++ with restarts on a sample; then exact Lloyd passes over all
    blocks. `tol` is relative to the mean variance of the features, an empty cluster moves to the
    row farthest from its centre, and `inertia_` is the sum of squared distances.

    Parameters
    ----------
    init : "k-means++", or an array of starting centres of shape (n_clusters, n_features)
    n_init : restarts on the sample
    """

    def __init__(
        self,
        n_clusters: int = 8,
        init: str | np.ndarray = "k-means++",
        n_init: int = 4,
        max_iter: int = 300,
        tol: float = 1e-4,
        random_state: int = 0,
    ) -> None:
        super().__init__(n_clusters=n_clusters, init=init, max_iter=max_iter, tol=tol)
        self.n_init = n_init
        self.random_state = random_state

    def fit(self, X: da.Array | np.ndarray, y: None = None) -> Self:
        """Fit to `X`, shape (n_rows, n_features), in known chunks."""
        if isinstance(X, np.ndarray):
            X = da.from_array(X, chunks=X.shape)
        # Products of rows far from the origin lose their digits in float32: centre the rows.
        mean = X.mean(axis=0, dtype=np.float64).compute()
        Z = X.map_blocks(_centred, mean, dtype=np.float32)
        rows = da.arange(X.shape[0], chunks=X.chunks[0], dtype=np.int64)
        starts = None
        if not isinstance(self.init, str):
            starts = {self.n_clusters: _centred(np.asarray(self.init), mean)}
        (found,) = sweep(
            Z,
            [self.n_clusters],
            sample=None if starts else sample_blocks(Z, rows, random_state=self.random_state),
            starts=starts,
            n_init=self.n_init,
            max_iter=self.max_iter,
            tol=self.tol,
            random_state=self.random_state,
        )
        self.cluster_centers_ = found.centers + mean
        self.inertia_ = found.inertia
        self.n_iter_ = found.n_iter
        self.n_features_in_ = X.shape[1]
        self.labels_ = self.predict(X)
        return self

    def predict(self, X: Any) -> Any:
        """The nearest cluster of each row; lazily for a dask array."""
        if isinstance(X, da.Array):
            return X.map_blocks(_labels, self.cluster_centers_, drop_axis=1, dtype=np.int32)
        return _labels(X, self.cluster_centers_)

    def __getstate__(self) -> dict[str, Any]:
        """Without `labels_`, which would take the rows along; `predict` gives them again."""
        state = dict(super().__getstate__())
        state.pop("labels_", None)
        return state


def sweep(
    Z: da.Array,
    n_clusters: Sequence[int],
    *,
    sample: Delayed | None = None,
    starts: Mapping[int, np.ndarray] | None = None,
    n_init: int = 4,
    max_iter: int = 300,
    tol: float = 1e-4,
    random_state: int = 0,
    on_pass: Callable[[int, int], None] = lambda passes, running: None,
) -> list[Clustering]:
    """KMeans of `Z`, shape (n_rows, n_components), for each number of clusters.

    Parameters
    ----------
    sample : rows on which starting centres are found, unless `starts` gives them
    on_pass : called after each pass with the passes done and the clusterings still running

    Raises
    ------
    ConfigError
        If there are fewer rows than clusters.
    """
    if max(n_clusters) > Z.shape[0]:
        raise ConfigError(
            f"{max(n_clusters)} clusters of {Z.shape[0]} rows. "
            "Choose fewer in model.n_clusters or model.sweep."
        )
    stability = dict.fromkeys(n_clusters, float("nan"))
    if starts is None:
        trials = [delayed(starting_centers)(sample, k, n_init, random_state) for k in n_clusters]
        found = dask.compute(*trials)
        starts = {k: centers for k, (centers, _) in zip(n_clusters, found, strict=True)}
        stability = {k: stable for k, (_, stable) in zip(n_clusters, found, strict=True)}
    runs = {k: _Run(np.asarray(starts[k], dtype=np.float32)) for k in n_clusters}
    _lloyd(Z, runs, max_iter=max_iter, tol=tol, on_pass=on_pass)
    _mend_rises(Z, runs, sample, random_state, max_iter=max_iter, tol=tol, on_pass=on_pass)
    return [_fitted(k, runs[k], stability[k]) for k in n_clusters]


def _lloyd(
    Z: da.Array,
    runs: Mapping[int, _Run],
    *,
    max_iter: int,
    tol: float,
    on_pass: Callable[[int, int], None],
) -> None:
    """Run each until its centres rest; then one pass more measures it at its final centres."""
    passes = 0
    while running := [run for run in runs.values() if run.sums is None]:
        centers = [run.centers for run in running]
        measured = [run.settled for run in running]
        totals = sum_over_blocks(_pass, Z, centers, measured).sums
        passes += 1
        for run, sums in zip(running, totals, strict=True):
            if run.settled:
                run.sums = sums
                continue
            moved = _moved_centers(Z, run.centers, sums)
            shift = ((moved - run.centers.astype(np.float64)) ** 2).sum()
            run.centers = moved.astype(np.float32)
            run.n_iter += 1
            run.converged = bool(shift <= tol * _mean_variance(sums))
            run.settled = run.converged or run.n_iter >= max_iter
        on_pass(passes, sum(run.sums is None for run in runs.values()))


def _mend_rises(
    Z: da.Array,
    runs: dict[int, _Run],
    sample: Delayed | None,
    seed: int,
    *,
    max_iter: int,
    tol: float,
    on_pass: Callable[[int, int], None],
) -> None:
    """More clusters never fit worse: where they do, start from the fewer and rows far from them."""
    for fewer, more in pairwise(sorted(runs)):
        if _measured(runs[more]) <= _measured(runs[fewer]):
            continue
        centers = runs[fewer].centers
        if sample is None:
            extra = sum_over_blocks(_farthest, Z, centers, more - fewer).scores
        else:
            (extra,) = dask.compute(delayed(further_rows)(sample, centers, more - fewer, seed))
        warm = _Run(np.concatenate([centers, extra]))
        _lloyd(Z, {more: warm}, max_iter=max_iter, tol=tol, on_pass=on_pass)
        runs[more] = warm


def _measured(run: _Run) -> float:
    assert run.sums is not None
    return inertia(run.sums, run.centers)


def _fitted(k: int, run: _Run, stability: float) -> Clustering:
    assert run.sums is not None
    return Clustering(k, run.centers, run.sums, run.n_iter, run.converged, stability)


def _moved_centers(Z: da.Array, centers: np.ndarray, of: ClusterSums) -> np.ndarray:
    """Means of the clusters; an empty one takes the row farthest from its centre, as in sklearn."""
    counts, sums = of.counts.astype(np.float64), of.sums.copy()
    empty = np.flatnonzero(counts == 0)
    if len(empty):
        far = sum_over_blocks(_farthest, Z, centers, len(empty))
        for cluster, owner, row in zip(empty, far.labels, far.scores, strict=False):
            sums[owner] -= row
            counts[owner] -= 1
            sums[cluster], counts[cluster] = row, 1
    filled = counts > 0
    moved = centers.astype(np.float64)
    moved[filled] = sums[filled] / counts[filled, None]
    return moved


def _mean_variance(of: ClusterSums) -> float:
    n = of.counts.sum()
    means = of.sums.sum(axis=0) / n
    return float((of.squares / n - (means**2).sum()) / len(means))


@dataclass(frozen=True)
class _Sums:
    """Sums of several clusterings of the same rows."""

    sums: list[ClusterSums]

    def __add__(self, other: Self) -> Self:
        return type(self)([a + b for a, b in zip(self.sums, other.sums, strict=True)])


@dataclass(frozen=True)
class _Far:
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


def _pass(block: np.ndarray, centers: list[np.ndarray], measured: list[bool]) -> _Sums:
    return _Sums(tally_block(block, centers, measured))


def _farthest(block: np.ndarray, centers: np.ndarray, most: int) -> _Far:
    labels, distances = nearest(block, centers)
    first = np.argsort(-distances, kind="stable")[:most]
    return _Far(distances[first], labels[first], block[first], most)


def _labels(block: np.ndarray, centers: np.ndarray) -> np.ndarray:
    middle = centers.mean(axis=0, dtype=np.float64)
    return nearest(_centred(block, middle), _centred(centers, middle))[0]


def _centred(block: np.ndarray, mean: np.ndarray) -> np.ndarray:
    return np.asarray(block - mean, dtype=np.float32)
