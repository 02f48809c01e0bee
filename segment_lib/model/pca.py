"""Incremental PCA from the scatter matrix, exact and mergeable."""

from collections.abc import Hashable, Sequence
from typing import Any, Self

import dask.array as da
import dask_ml.decomposition
import numpy as np
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted

from segment_lib.errors import ParameterError, RowsError
from segment_lib.model.parallel import RELATIVE_ROUNDING, count_above, variances_by_chance
from segment_lib.model.scale import Moments, StandardScaler, by_blocks, compute_moments
from segment_lib.model.validation import (
    check_at_least,
    check_choice,
    check_rows,
    refuse_unsupported,
)

_SOLVERS = ("auto", "full", "tsqr", "randomized")


class IncrementalPCA(dask_ml.decomposition.IncrementalPCA):  # type: ignore[misc]
    """Principal components: dask-ml's IncrementalPCA, exact.

    One pass gives the scatter matrix, ``eigh`` its components. Attributes are those of
    scikit-learn's PCA. The sign of a component is such that its largest loading is positive.

    Parameters
    ----------
    n_components : whole number, or a share of variance between 0 and 1, or "parallel" for those
        that parallel analysis finds above chance, or None for all
    blocks : block of each feature, such as the attribute it is made from, shape (n_features,):
        parallel analysis takes blocks as they are and those of its reference as independent of each
        other. None if each feature is its own
    min_components : least number that "parallel" keeps, as far as there are so many of any variance
    whiten : scale scores to variance 1
    copy, batch_size, svd_solver, iterated_power, random_state : as dask-ml has them; the result is
        the exact one whatever they are, and the caller's array stays as it is

    Attributes
    ----------
    all_explained_variance_ratio_ : of all components in falling order, those left out included
    n_above_chance_ : number of components that parallel analysis finds above chance, which may be
        0; those kept where it was not asked
    variance_needed_ : variance that each component kept has to exceed: what chance gives it by
        parallel analysis, and 0 for the first `min_components`; empty where that was not asked
    moments_ : count, mean and scatter matrix of the rows seen
    """

    power_iteration_normalizer = "auto"  # scikit-learn's PCA asks itself for it; dask-ml's has none

    def __init__(
        self,
        n_components: float | str | None = None,
        whiten: bool = False,
        copy: bool = True,
        batch_size: int | None = None,
        svd_solver: str = "auto",
        iterated_power: int = 0,
        random_state: Any = None,
        blocks: Sequence[Hashable] | None = None,
        min_components: int = 1,
    ) -> None:
        super().__init__(
            n_components,
            whiten=whiten,
            copy=copy,
            batch_size=batch_size,
            svd_solver=svd_solver,
            iterated_power=iterated_power,
            random_state=random_state,
        )
        self.blocks = blocks
        self.min_components = min_components

    def fit(
        self, X: Any, y: None = None, *, moments: Moments | None = None, **fit_params: Any
    ) -> Self:
        """Fit to `X`, shape (n_rows, n_features), in one pass.

        Parameters
        ----------
        moments : of the rows of `X` where they are known, as from
            `StandardScaler.scaled_moments`: then no row is read

        Raises
        ------
        ValueError
            If a value is not finite, or there are fewer features or rows than components.
        TypeError
            If `sample_weight` is given.
        """
        refuse_unsupported(self, fit_params)
        X = check_rows(self, X, reset=True)
        if moments is None:
            moments = compute_moments(X)
        elif (moments.n, len(moments.mean)) != X.shape:
            raise RowsError(f"These moments are not those of rows of shape {X.shape}.")
        return self._learn(moments)

    def partial_fit(self, X: Any, y: None = None, check_input: bool = True) -> Self:
        """Add rows to those seen; the result is that of fitting all of them at once."""
        seen = getattr(self, "moments_", None)
        moments = compute_moments(check_rows(self, X, reset=seen is None))
        return self._learn(moments if seen is None else seen + moments)

    def merge(self, other: Self) -> Self:
        """Add the rows that another PCA has seen."""
        return self._learn(self.moments_ + other.moments_)

    def fit_transform(self, X: Any, y: None = None, **fit_params: Any) -> Any:
        """Fit to `X` and transform it."""
        return self.fit(X, y, **fit_params).transform(X)

    @classmethod
    def from_arrays(cls, components: np.ndarray, explained_variance_ratio: np.ndarray) -> Self:
        """Build a fitted PCA of scaled rows from its arrays.

        Parameters
        ----------
        components : shape (n_components, n_features)
        explained_variance_ratio : of all components in falling order
        """
        pca = cls(len(components))
        pca.components_ = components
        pca.n_components_, pca.n_features_in_ = components.shape
        pca.all_explained_variance_ratio_ = explained_variance_ratio
        pca.explained_variance_ratio_ = explained_variance_ratio[: len(components)]
        pca.mean_ = np.zeros(pca.n_features_in_)
        return pca

    def _learn(self, moments: Moments) -> Self:
        check_choice("svd_solver", self.svd_solver, _SOLVERS)
        check_at_least("min_components", self.min_components, 1)
        variances, vectors = np.linalg.eigh(moments.scatter / max(moments.n - 1, 1))
        variances = np.maximum(variances[::-1], 0.0)
        components = vectors[:, ::-1].T
        largest = np.abs(components).argmax(axis=1)
        components = components * np.sign(components[np.arange(len(components)), largest])[:, None]
        ratio = variances / variances.sum() if variances.any() else np.zeros_like(variances)
        if self.n_components == "parallel":
            by_chance = variances_by_chance(moments, self.blocks)
            above = count_above(variances, by_chance)
            some = int(np.count_nonzero(ratio > RELATIVE_ROUNDING))
            kept = max(above, min(self.min_components, some), 1)
            by_chance[: self.min_components] = 0
        else:
            above = kept = _n_components(self.n_components, ratio, moments.n)
            by_chance = np.zeros(0)
        self.moments_ = moments
        self.n_components_, self.n_above_chance_ = kept, above
        self.components_ = components[:kept]
        self.explained_variance_ = variances[:kept]
        self.variance_needed_ = by_chance[:kept]
        self.explained_variance_ratio_ = ratio[:kept]
        self.all_explained_variance_ratio_ = ratio
        self.singular_values_ = np.sqrt(variances[:kept] * max(moments.n - 1, 1))
        self.noise_variance_ = variances[kept:].mean() if kept < len(variances) else 0.0
        self.mean_ = moments.mean
        self.var_ = np.diag(moments.scatter) / moments.n
        self.n_samples_ = self.n_samples_seen_ = moments.n
        self.batch_size_ = self.batch_size or moments.n
        self.n_features_in_ = len(moments.mean)
        return self

    def transform(self, X: Any, *, scaler: StandardScaler | None = None) -> Any:
        """Return scores of shape (n_rows, n_components), lazily for a Dask array.

        Parameters
        ----------
        X : shape (n_rows, n_features)
        scaler : scales the rows on the way, in the same product, where the components are those of
            rows that it scaled
        """
        check_is_fitted(self, "components_")
        if isinstance(X, da.Array):
            X = check_rows(self, X)
            return by_blocks(self.transform, X, (len(self.components_),), scaler=scaler)
        axes = self.components_
        if self.whiten:
            axes = axes / np.sqrt(self.explained_variance_)[:, None]
        if scaler is None:
            X = check_rows(self, X, min_rows=0)
            return (X - self.mean_.astype(X.dtype)) @ axes.T.astype(X.dtype)
        scores = scaler.transform(X, onto=axes)
        # The mean of rows that were scaled to mean 0 is not subtracted once more.
        return scores - (axes @ self.mean_).astype(X.dtype) if self.mean_.any() else scores

    def score_samples(self, X: Any) -> Any:
        """Return the log-likelihood of each row under the model; lazily for a Dask array."""
        check_is_fitted(self, "components_")
        return super().score_samples(check_rows(self, X))

    def inverse_transform(self, X: Any) -> Any:
        """Approximate the rows whose scores are `X`, shape (n_rows, n_components)."""
        check_is_fitted(self, "components_")
        axes = self.components_
        if self.whiten:
            axes = axes * np.sqrt(self.explained_variance_)[:, None]
        return X @ axes + self.mean_

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = tags.array_api_support = False
        return tags


def _n_components(wanted: Any, ratio: np.ndarray, n_rows: int) -> int:
    most = min(len(ratio), n_rows)
    if wanted is None:
        return most
    if isinstance(wanted, (int, float, np.number)) and 0 < wanted < 1:
        # Rounding must not ask for one component more than the share needs.
        return min(most, int(np.searchsorted(np.cumsum(ratio), wanted - 1e-12) + 1))
    if not isinstance(wanted, (int, float, np.number)) or wanted < 1 or int(wanted) != wanted:
        raise ParameterError(
            f"n_components = {wanted!r} is neither a whole number from 1 on, nor a share below 1, "
            'nor "parallel".'
        )
    if wanted > most:
        raise ParameterError(
            f"n_components = {wanted}, of {len(ratio)} features and {n_rows} rows. "
            f"Choose at most {most}, or a share of variance below 1."
        )
    return int(wanted)
