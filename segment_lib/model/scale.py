"""Moments (count, mean and scatter matrix) in one pass, and the standard scaler."""

from collections import Counter
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Self

import dask.array as da
import dask_ml.preprocessing
import numpy as np
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted

from segment_lib.errors import ParameterError, RowsError
from segment_lib.model.blocks import sum_over_blocks
from segment_lib.model.validation import check_rows, refuse_unsupported

_TILE, _SMALL_TILE = 8192, 4096
"""Rows whose moments are added up, and that are projected, at a time; they stay in the cache."""


@dataclass(frozen=True)
class Moments:
    """Count, mean and scatter of rows; moments of disjoint rows add up.

    The sum is the pairwise update of Chan, Golub and LeVeque (1983), "Algorithms for computing
    the sample variance", The American Statistician 37, 242-247, formula 2.1, for vectors.
    """

    n: int
    mean: np.ndarray
    """Shape (n_features,), float64."""
    scatter: np.ndarray
    """Sum of (x - mean)(x - mean)', shape (n_features, n_features), float64."""

    @classmethod
    def from_block(cls, block: np.ndarray) -> Self:
        """Compute the moments of an array (n_rows, n_features), in float64 tile by tile."""
        mean = block.mean(axis=0, dtype=np.float64)
        scatter = np.zeros((block.shape[1], block.shape[1]))
        for start in range(0, len(block), _TILE):
            centred = block[start : start + _TILE].astype(np.float64)
            centred -= mean
            scatter += centred.T @ centred
        return cls(len(block), mean, scatter)

    def __add__(self, other: Self) -> Self:
        n = self.n + other.n
        apart = other.mean - self.mean
        return type(self)(
            n,
            self.mean + apart * (other.n / n),
            self.scatter + other.scatter + np.outer(apart, apart) * (self.n * other.n / n),
        )

    def scaled(self, mean: np.ndarray, scale: np.ndarray) -> Self:
        """Return the moments of ``(x - mean) / scale``."""
        return type(self)(self.n, (self.mean - mean) / scale, self.scatter / np.outer(scale, scale))


def compute_moments(X: da.Array | np.ndarray) -> Moments:
    """Compute the moments of all rows of `X`, shape (n_rows, n_features), in one pass.

    Raises
    ------
    RowsError
        If a value of `X` is not finite.
    """
    total: Moments = sum_over_blocks(Moments.from_block, X)
    faulty = np.flatnonzero(~np.isfinite(total.mean) | ~np.isfinite(np.diag(total.scatter)))
    if len(faulty):
        raise RowsError(
            f"Feature {faulty[0]} has a value that is not finite (NaN or infinity). Check the plan."
        )
    return total


class StandardScaler(dask_ml.preprocessing.StandardScaler):  # type: ignore[misc]
    """Scale features to mean 0 and variance 1: dask-ml's StandardScaler with exact moments.

    A constant feature, whose variance is within rounding of zero by scikit-learn's bound
    (``sklearn.preprocessing._data._is_constant_feature``), keeps the scale 1. Parameters and
    attributes are otherwise those of scikit-learn's.

    Parameters
    ----------
    copy, with_mean, with_std : as scikit-learn has them
    blocks : block of each feature, such as the attribute it is made from, shape (n_features,): the
        features of a block that vary share one unit of variance, so that an attribute of 40 levels
        does not weigh 40 times. This is the block scaling of multiblock component analysis
        (Westerhuis, Kourti and MacGregor 1998, "Analysis of multiblock and hierarchical PCA and
        PLS models", Journal of Chemometrics 12, 301-321). None if each feature has a unit

    Attributes
    ----------
    constant_ : which features are constant, shape (n_features,)
    moments_ : count, mean and scatter matrix of the rows seen
    """

    def __init__(
        self,
        *,
        copy: bool = True,
        with_mean: bool = True,
        with_std: bool = True,
        blocks: Sequence[Hashable] | None = None,
    ) -> None:
        super().__init__(copy=copy, with_mean=with_mean, with_std=with_std)
        self.blocks = blocks

    def fit(self, X: Any, y: None = None, **fit_params: Any) -> Self:
        """Fit to `X`, shape (n_rows, n_features), in one pass.

        Raises
        ------
        ValueError
            If a value is not finite, or `blocks` has not one entry per feature.
        TypeError
            If `sample_weight` is given.
        """
        refuse_unsupported(self, fit_params)
        return self._learn(compute_moments(check_rows(self, X, reset=True)))

    def partial_fit(self, X: Any, y: None = None, **fit_params: Any) -> Self:
        """Add rows to those seen; the result is that of fitting all of them at once."""
        refuse_unsupported(self, fit_params)
        seen = getattr(self, "moments_", None)
        moments = compute_moments(check_rows(self, X, reset=seen is None))
        return self._learn(moments if seen is None else seen + moments)

    def merge(self, other: Self) -> Self:
        """Add the rows that another scaler has seen."""
        return self._learn(self.moments_ + other.moments_)

    @classmethod
    def from_arrays(cls, mean: np.ndarray, variance: np.ndarray, scale: np.ndarray) -> Self:
        """Build a fitted scaler from its arrays, each of shape (n_features,)."""
        scaler = cls()
        scaler.mean_, scaler.var_, scaler.scale_ = mean, variance, scale
        scaler.n_features_in_ = len(mean)
        return scaler

    def _learn(self, moments: Moments) -> Self:
        self.moments_ = moments
        eps = np.finfo(np.float64).eps
        self.mean_ = moments.mean
        self.var_ = np.diag(moments.scatter) / moments.n
        bound = moments.n * eps * self.var_ + (moments.n * moments.mean * eps) ** 2
        self.constant_ = self.var_ <= bound
        self.scale_ = np.where(self.constant_, 1.0, np.sqrt(self.var_ * self._block_sizes()))
        if not self.with_mean:
            self.mean_ = np.zeros_like(moments.mean)
        if not self.with_std:
            self.scale_ = np.ones_like(moments.mean)
        self.n_samples_seen_ = moments.n
        self.n_features_in_ = len(moments.mean)
        return self

    def _block_sizes(self) -> np.ndarray:
        """Return how many features that vary are in the block of each, shape (n_features,)."""
        if self.blocks is None:
            return np.ones(len(self.constant_))
        if len(self.blocks) != len(self.constant_):
            raise ParameterError(
                f"blocks has {len(self.blocks)} entries for {len(self.constant_)} features."
            )
        sizes = Counter(b for b, flag in zip(self.blocks, self.constant_, strict=True) if not flag)
        return np.array([max(sizes[block], 1) for block in self.blocks], dtype=np.float64)

    def scaled_moments(self) -> Moments:
        """Return the moments of the rows seen after scaling, to fit a PCA to."""
        return self.moments_.scaled(self.mean_, self.scale_)

    def transform(
        self, X: Any, y: None = None, copy: bool | None = None, *, onto: np.ndarray | None = None
    ) -> Any:
        """``(X - mean_) / scale_``, lazily for a Dask array. The caller's array stays as it is.

        Parameters
        ----------
        X : shape (n_rows, n_features)
        onto : axes of shape (n_axes, n_features): their products with the scaled rows are returned
            in place of these, shape (n_rows, n_axes). The scale goes into the axes, so that it
            costs no copy of the rows.
        """
        check_is_fitted(self)
        X = check_rows(self, X, min_rows=0)
        if isinstance(X, da.Array):
            width = X.chunks[1] if onto is None else (len(onto),)
            return by_blocks(self.transform, X, width, onto=onto)
        mean = self.mean_.astype(X.dtype)
        if onto is None:
            return (X - mean) / self.scale_.astype(X.dtype)
        axes = (onto / self.scale_).T.astype(X.dtype)
        products = np.empty((len(X), len(onto)), dtype=X.dtype)
        for tile in tiles(len(X)):
            np.matmul(X[tile] - mean, axes, out=products[tile])
        return products

    def inverse_transform(self, X: Any, copy: bool | None = None) -> Any:
        """``X * scale_ + mean_``, lazily for a Dask array."""
        check_is_fitted(self)
        X = check_rows(self, X, min_rows=0)
        return X * self.scale_.astype(X.dtype) + self.mean_.astype(X.dtype)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = tags.input_tags.allow_nan = tags.array_api_support = False
        return tags


def tiles(n_rows: int) -> Iterator[slice]:
    """Yield slices of rows that stay in the cache while they are projected."""
    return (slice(start, start + _SMALL_TILE) for start in range(0, n_rows, _SMALL_TILE))


def by_blocks(transform: Any, X: da.Array, width: tuple[int, ...], **kwargs: Any) -> da.Array:
    """Apply ``transform(block)`` to each block of `X`, lazily; the dtype stays."""
    # The meta is given, as Dask would find it by a call with rows of no feature.
    meta = np.empty((0, 0), dtype=X.dtype)
    return X.map_blocks(transform, chunks=(X.chunks[0], width), meta=meta, **kwargs)
