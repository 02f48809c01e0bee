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
from segment_lib.model.blocks import row_blocks
from segment_lib.model.checkpoint import SweepCheckpoint
from segment_lib.model.kernel import nearest
from segment_lib.model.lloyd import (
    ClusteringState,
    DaskRows,
    Rows,
    farthest,
    lloyd,
    measure,
)
from segment_lib.model.quality import ClusterSums, inertia
from segment_lib.model.sample import (
    neighbouring_centers,
    reseed_empty,
    sample_blocks,
    seed_sample,
    starting_centers,
)

_ROUNDS = 3
"""How often each number of clusters learns from its neighbours: what helps one helps others."""


@dataclass(frozen=True)
class Clustering:
    """A fitted clustering, its clusters in the order of the starting centres."""

    n_clusters: int
    centers: np.ndarray
    """Shape (n_clusters, n_components), float32."""
    sums: ClusterSums
    n_iter: int
    converged: bool
    restarts_agree: float
    """Mean adjusted Rand index of pairs of restarts on the sample."""

    @property
    def inertia(self) -> float:
        return inertia(self.sums, self.centers)

    def by_size(self) -> "Clustering":
        """The same clustering with the largest cluster first."""
        order = np.argsort(-self.sums.counts, kind="stable")
        return replace(self, centers=self.centers[order], sums=self.sums.reordered(order))


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
    rows: Callable[[], Rows] | None = None,
    thin: Callable[[], Rows] | None = None,
    starts: Mapping[int, np.ndarray] | None = None,
    n_init: int = 4,
    max_iter: int = 300,
    tol: float = 1e-4,
    random_state: int = 0,
    on_pass: Callable[[int, int], None] = lambda passes, running: None,
    midway: SweepCheckpoint | None = None,
    keep: Callable[[SweepCheckpoint], None] = lambda midway: None,
) -> list[Clustering]:
    """KMeans of `Z`, shape (n_rows, n_components), for each number of clusters.

    Parameters
    ----------
    sample : rows on which starting centres are found, unless `starts` gives them
    rows : gives the rows of `Z` as passes go over them; 5 or 6 bytes of a row and clustering are
        remembered
    thin : gives some of the rows, on which centres travel before passes go over all
    on_pass : called after each pass with the passes done and the clusterings still running
    midway : where an earlier sweep of the same rows was; it goes on from there
    keep : called with that once the passes over all rows begin, and after each of them

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
    if midway is None:
        agreement = dict.fromkeys(n_clusters, float("nan"))
        if starts is None:
            starts, agreement = _starts(sample, n_clusters, n_init, random_state)
        if thin:
            travelled = lloyd(thin(), starts, max_iter=max_iter, tol=tol)
            starts = {k: run.centers for k, run in travelled.items()}
        midway = SweepCheckpoint(
            {k: ClusteringState(centers) for k, centers in starts.items()}, agreement
        )
        keep(midway)
    restarts_agree = midway.restarts_agree
    everyone = rows() if rows else DaskRows(row_blocks(Z))
    runs = lloyd(
        everyone,
        midway.runs,
        max_iter=max_iter,
        tol=tol,
        on_pass=on_pass,
        keep=lambda runs: keep(SweepCheckpoint(runs, restarts_agree)),
    )
    sums = dict(zip(runs, measure(everyone, [run.centers for run in runs.values()]), strict=True))
    for fewer, more in pairwise(sorted(runs)):
        # More clusters never fit worse: where they do, start from the fewer and rows far from them.
        if inertia(sums[more], runs[more].centers) <= inertia(sums[fewer], runs[fewer].centers):
            continue
        warm = np.concatenate(
            [
                runs[fewer].centers,
                _further(everyone, sample, runs[fewer].centers, more - fewer, random_state),
            ]
        )
        runs |= lloyd(everyone, {more: warm}, max_iter=max_iter, tol=tol, on_pass=on_pass)
        (sums[more],) = measure(everyone, [runs[more].centers])
    return [
        Clustering(k, run.centers, sums[k], run.n_iter, run.converged, restarts_agree[k])
        for k, run in ((k, runs[k]) for k in n_clusters)
    ]


def _starts(
    sample: Delayed | None, n_clusters: Sequence[int], n_init: int, seed: int
) -> tuple[dict[int, np.ndarray], dict[int, float]]:
    """Starting centres for each number of clusters, and how well restarts agree on them."""
    most = max(n_clusters)
    seedings = [delayed(seed_sample)(sample, most, (seed, trial)) for trial in range(n_init)]
    found = dask.compute(*(delayed(starting_centers)(sample, k, seedings) for k in n_clusters))
    starts = {k: centers for k, (centers, _) in zip(n_clusters, found, strict=True)}
    agreement = {k: agree for k, (_, agree) in zip(n_clusters, found, strict=True)}
    for _ in range(_ROUNDS):
        better = [delayed(neighbouring_centers)(sample, starts, k, seed) for k in starts]
        starts = dict(zip(starts, dask.compute(*better), strict=True))
    return starts, agreement


def _further(
    rows: Rows, sample: Delayed | None, centers: np.ndarray, n: int, seed: int
) -> np.ndarray:
    if sample is None:
        return farthest(rows, centers, n).scores
    (extra,) = dask.compute(delayed(reseed_empty)(sample, centers, n, seed))
    return np.asarray(extra)


def _labels(block: np.ndarray, centers: np.ndarray) -> np.ndarray:
    middle = centers.mean(axis=0, dtype=np.float64)
    return nearest(_centred(block, middle), _centred(centers, middle))[0]


def _centred(block: np.ndarray, mean: np.ndarray) -> np.ndarray:
    return np.asarray(block - mean, dtype=np.float32)
