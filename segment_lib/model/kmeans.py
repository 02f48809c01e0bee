"""KMeans for several numbers of clusters at once: each pass reads each block once for all."""

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from itertools import pairwise
from numbers import Real
from typing import Any, Self

import dask
import dask.array as da
import dask_ml.cluster
import numpy as np
from dask import delayed
from dask.delayed import Delayed
from sklearn.base import ClusterMixin
from sklearn.metrics import euclidean_distances
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted

from segment_lib.errors import ParameterError, RowsError
from segment_lib.model.blocks import row_blocks
from segment_lib.model.checkpoint import SweepCheckpoint
from segment_lib.model.kernel import label_rows, nearest
from segment_lib.model.lloyd import (
    ClusteringState,
    DaskRows,
    LocalRows,
    Rows,
    farthest,
    lloyd,
    measure,
)
from segment_lib.model.quality import ClusterSums, inertia
from segment_lib.model.sample import Sample, reseed_empty, sample_blocks
from segment_lib.model.scale import by_blocks
from segment_lib.model.search import Clustering, fit_sample, search
from segment_lib.model.validation import (
    as_seed,
    check_at_least,
    check_choice,
    check_rows,
    refuse_unsupported,
)

_INITS = ("k-means++", "k-means||")


class KMeans(ClusterMixin, dask_ml.cluster.KMeans):  # type: ignore[misc]
    """Lloyd's algorithm: dask-ml's KMeans with scikit-learn's results.

    Starting centres come from searches on a sample, each from k-means++ and mended by swaps of
    centres; then exact passes over all blocks. An empty cluster moves to the row farthest from its
    centre. Products of rows are taken in float32; the answer is the same for any chunks, threads
    and workers.

    Parameters
    ----------
    n_clusters : how many
    init : "k-means++", or "k-means||" (dask-ml's name for a start that does not read all rows into
        memory; it is the same here), or an array of starting centres of shape
        (n_clusters, n_features)
    n_init : searches on the sample; the best counts
    max_iter : passes at most
    tol : squared shift of the centres, in all, at which they rest; relative to the mean variance
    random_state : a seed, a RandomState, or None for another answer each time
    min_share : share of the rows below which the searches avoid a cluster, at the price of a higher
        inertia

    Attributes
    ----------
    cluster_centers_ : shape (n_clusters, n_features)
    labels_ : the cluster of each row that `fit` has seen, lazy for a Dask array; never pickled
    inertia_ : sum of squared distances to the own centre
    n_iter_ : passes over all rows
    converged_ : whether the centres rest
    restarts_agree_ : mean adjusted Rand index of pairs of searches on the sample
    sums_ : what a pass adds up per cluster: rows, sums, distances, simplified silhouettes
    """

    def __init__(
        self,
        n_clusters: int = 8,
        init: str | np.ndarray = "k-means++",
        n_init: int = 2,
        max_iter: int = 300,
        tol: float = 1e-4,
        random_state: Any = 0,
        min_share: float = 0.0,
    ) -> None:
        self.n_clusters = n_clusters
        self.init = init
        self.n_init = n_init
        self.max_iter = max_iter
        self.tol = tol
        self.random_state = random_state
        self.min_share = min_share

    @classmethod
    def from_centers(cls, centers: np.ndarray) -> Self:
        """Build a fitted model of rows around the origin, such as scores, from its centres.

        Parameters
        ----------
        centers : shape (n_clusters, n_features), float32
        """
        model = cls(len(centers))
        model.cluster_centers_, model._offset = centers, None
        model.n_features_in_ = centers.shape[1]
        return model

    def fit(self, X: Any, y: None = None, **fit_params: Any) -> Self:
        """Fit to `X`, shape (n_rows, n_features), in known chunks.

        Raises
        ------
        ValueError
            If a value is not finite, a parameter nonsense, or there are fewer rows than clusters.
        TypeError
            If `sample_weight` is given.
        """
        refuse_unsupported(self, fit_params)
        X = check_rows(self, X, reset=True)
        lazy = da.from_array(X, chunks=X.shape) if isinstance(X, np.ndarray) else X
        # Products of rows far from the origin lose their digits in float32: centre the rows.
        mean = lazy.mean(axis=0, dtype=np.float64).compute()
        if not np.isfinite(mean).all():
            raise RowsError("Input X contains NaN or infinity. Fill in or leave out such rows.")
        self.fit_sweep([self], lazy, mean=mean)
        self.labels_ = self._nearest(X)
        return self

    def predict(self, X: Any, *, return_distance: bool = False) -> Any:
        """Return the nearest cluster of each row, int32; lazily for a Dask array.

        Parameters
        ----------
        X : shape (n_rows, n_features)
        return_distance : return the distances to its centre too, float32
        """
        check_is_fitted(self, "cluster_centers_")
        X = check_rows(self, X, min_rows=0)
        if not return_distance:
            return self._nearest(X)
        if isinstance(X, da.Array):
            distances = X.map_blocks(_distances, self, drop_axis=1, meta=np.empty(0, np.float32))
            return self._nearest(X), distances
        return nearest(self._around_origin(X), self._around_origin(self.cluster_centers_))

    def _nearest(self, X: np.ndarray | da.Array) -> Any:
        if isinstance(X, da.Array):
            return X.map_blocks(self.predict, drop_axis=1, meta=np.empty(0, np.int32))
        return self.predict_sweep([self], X)[0]

    def transform(self, X: Any) -> Any:
        """Return distances to all centres, shape (n_rows, n_clusters); lazily for a Dask array."""
        check_is_fitted(self, "cluster_centers_")
        X = check_rows(self, X, min_rows=0)
        if isinstance(X, da.Array):
            X = X.astype(np.result_type(X, self.cluster_centers_))
            return by_blocks(self.transform, X, (len(self.cluster_centers_),))
        return euclidean_distances(X, self.cluster_centers_)

    def measure(self, X: Any) -> ClusterSums:
        """Sum the measures of quality for these rows, in one pass."""
        check_is_fitted(self, "cluster_centers_")
        X = check_rows(self, X, min_rows=0)
        rows: Rows
        if isinstance(X, da.Array):
            rows = DaskRows(row_blocks(X.map_blocks(_centred, self._offset, dtype=np.float32)))
        else:
            rows = LocalRows([self._around_origin(X)])
        (sums,) = measure(rows, [self._around_origin(self.cluster_centers_)])
        return sums

    def score(self, X: Any, y: None = None) -> float:
        """Return minus the sum of squared distances of these rows to the nearest centre."""
        sums = self.measure(X)
        return -inertia(sums, self._around_origin(self.cluster_centers_))

    def by_size(self) -> Self:
        """Return the same clustering with the largest cluster first."""
        order = np.argsort(-self.sums_.counts, kind="stable")
        model = copy(self)
        model.cluster_centers_ = self.cluster_centers_[order]
        model.sums_ = self.sums_.reordered(order)
        # A sum in another order may round to another last digit: the figure is that of this order.
        model.inertia_ = inertia(model.sums_, model._around_origin(model.cluster_centers_))
        return model

    @staticmethod
    def fit_sweep(
        models: Sequence["KMeans"],
        X: da.Array,
        *,
        mean: np.ndarray | None = None,
        sample: Delayed | None = None,
        rows: Callable[[], Rows] | None = None,
        on_pass: Callable[[int, int], None] = lambda passes, running: None,
        checkpoint: SweepCheckpoint | None = None,
        keep: Callable[[SweepCheckpoint], None] = lambda checkpoint: None,
    ) -> None:
        """Fit models of different numbers of clusters together; `KMeans.fit` is the case of one.

        Parameters
        ----------
        models : alike in all parameters but `n_clusters` and `init`; if one begins from centres
            of its own, all do
        X : shape (n_rows, n_features), finite
        mean : of the rows, subtracted from them; None if they lie around the origin, as scores do
        sample : rows on which starting centres are found, as a Sample; by default chosen here
        rows : gives the rows of `X` as passes go over them; 5 or 6 bytes of a row and clustering
            are remembered
        on_pass : called after each pass with the passes done and the clusterings still running
        checkpoint : where an earlier sweep of the same rows was; it goes on from there
        keep : called with that once the passes over all rows begin, and after each of them

        Raises
        ------
        ValueError
            If there are fewer rows than clusters, or a parameter is nonsense.
        """
        _check_alike(models)
        for model in models:
            _check_parameters(model, X.shape)
        seed = as_seed(models[0].random_state)
        is_ready = mean is None and X.dtype == np.float32
        Z = X if is_ready else X.map_blocks(_centred, mean, dtype=np.float32)
        if sample is None and isinstance(models[0].init, str):
            numbers = da.arange(len(Z), chunks=Z.chunks[0], dtype=np.int64)
            sample = sample_blocks(Z, numbers, random_state=seed)
        if checkpoint is None:
            checkpoint = _begin(models, mean, sample, seed)
            keep(checkpoint)
        agreement = checkpoint.restarts_agree
        everyone = rows() if rows else DaskRows(row_blocks(Z))
        states = lloyd(
            everyone,
            checkpoint.states,
            **models[0]._limits,
            on_pass=on_pass,
            keep=lambda states: keep(SweepCheckpoint(states, agreement)),
        )
        sums = _measured(everyone, states)
        for fewer, more in pairwise(sorted(states)):
            # More clusters never fit worse: else begin with the fewer and rows far from them.
            kept, tried = states[fewer].centers, states[more].centers
            if inertia(sums[more], tried) > inertia(sums[fewer], kept):
                further = _further(everyone, sample, kept, more - fewer, seed)
                warm = {more: np.concatenate([kept, further])}
                states |= lloyd(everyone, warm, **models[0]._limits, on_pass=on_pass)
                sums |= _measured(everyone, {more: states[more]})
        for model in models:
            k, state = model.n_clusters, states[model.n_clusters]
            centers = state.centers if mean is None else state.centers + mean
            model.cluster_centers_ = centers.astype(X.dtype, copy=False)
            model.n_features_in_, model._offset = X.shape[1], mean
            model.n_iter_, model.converged_ = state.n_iter, state.converged
            model.sums_, model.restarts_agree_ = sums[k], agreement[k]
            model.inertia_ = inertia(sums[k], state.centers)

    @staticmethod
    def predict_sweep(models: Sequence["KMeans"], X: np.ndarray) -> np.ndarray:
        """Predict with several models in one reading; `predict` is the case of one.

        Parameters
        ----------
        X : shape (n_rows, n_features), finite

        Returns
        -------
        labels : shape (n_models, n_rows), int32
        """
        first = models[0]
        rows = first._around_origin(X)
        return label_rows(rows, [first._around_origin(model.cluster_centers_) for model in models])

    @property
    def _limits(self) -> dict[str, Any]:
        return {"max_iter": self.max_iter, "tol": self.tol}

    def _around_origin(self, rows: np.ndarray) -> np.ndarray:
        return _centred(rows, self._offset)

    def __getstate__(self) -> dict[str, Any]:
        """Pickle without `labels_`, which would take the rows along; `predict` gives them again."""
        state = dict(super().__getstate__())
        state.pop("labels_", None)
        return state

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = False
        return tags


def _check_alike(models: Sequence[KMeans]) -> None:
    shared = {(m.n_init, m.max_iter, m.tol, m.min_share, isinstance(m.init, str)) for m in models}
    if len(shared) > 1 or len({model.n_clusters for model in models}) < len(models):
        raise ParameterError(
            "Models fitted together differ in n_clusters, and in centres they begin from, alone."
        )


def _check_parameters(model: KMeans, shape: tuple[int, ...]) -> None:
    check_at_least("n_clusters", model.n_clusters, 1)
    check_at_least("n_init", model.n_init, 1)
    check_at_least("max_iter", model.max_iter, 1)
    check_at_least("tol", model.tol, -np.inf, Real)
    check_at_least("min_share", model.min_share, 0, Real)
    n_rows, n_features = shape
    if isinstance(model.init, str):
        check_choice("init", model.init, _INITS)
    else:
        init = np.asarray(model.init)
        if init.shape != (model.n_clusters, n_features):
            raise ParameterError(
                f"init has the shape {init.shape}, not {(model.n_clusters, n_features)}: a row of "
                f"{n_features} features for each of {model.n_clusters} clusters."
            )
        if init.dtype.kind not in "fiu" or not np.isfinite(init).all():
            raise ParameterError("init has values that are no finite numbers.")
    if model.n_clusters > n_rows:
        raise ParameterError(f"{model.n_clusters} clusters of {n_rows} rows. Choose fewer.")


def _begin(
    models: Sequence[KMeans], mean: np.ndarray | None, sample: Delayed | None, seed: int
) -> SweepCheckpoint:
    """Choose starting centres: given, or fitted to a sample."""
    tried = [model.n_clusters for model in models]
    if not isinstance(models[0].init, str):
        starts = {model.n_clusters: _centred(np.asarray(model.init), mean) for model in models}
        agreements = dict.fromkeys(tried, float("nan"))
    else:
        n_init, min_share = models[0].n_init, models[0].min_share
        searches = [delayed(_search)(sample, tried, (seed, i), min_share) for i in range(n_init)]
        limits = {"min_share": min_share, **models[0]._limits}
        fitting = delayed(_fit_sample)(sample, tried, searches, (seed,), limits)
        starts, agreements = fitting.compute()
    return SweepCheckpoint({k: ClusteringState(c) for k, c in starts.items()}, agreements)


def _search(
    sample: Sample, n_clusters: Sequence[int], seed: tuple[int, ...], min_share: float
) -> dict[int, Clustering]:
    return search(sample.scores, n_clusters, seed, min_share=min_share)


def _fit_sample(
    sample: Sample,
    n_clusters: Sequence[int],
    searches: Sequence[Mapping[int, Clustering]],
    seed: tuple[int, ...],
    limits: Mapping[str, Any],
) -> tuple[dict[int, np.ndarray], dict[int, float]]:
    return fit_sample(sample.scores, n_clusters, searches, seed, **limits)


def _further(
    rows: Rows, sample: Delayed | None, centers: np.ndarray, n: int, seed: int
) -> np.ndarray:
    if sample is None:
        return farthest(rows, centers, n).scores
    (extra,) = dask.compute(delayed(reseed_empty)(sample, centers, n, seed))
    return np.asarray(extra)


def _measured(rows: Rows, states: Mapping[int, ClusteringState]) -> dict[int, ClusterSums]:
    sums = measure(rows, [state.centers for state in states.values()])
    return dict(zip(states, sums, strict=True))


def _distances(block: np.ndarray, model: KMeans) -> np.ndarray:
    return np.asarray(model.predict(block, return_distance=True)[1])


def _centred(rows: np.ndarray, mean: np.ndarray | None) -> np.ndarray:
    return np.asarray(rows if mean is None else rows - mean, dtype=np.float32)
