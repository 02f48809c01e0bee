"""Count, mean and scatter matrix in one pass, and the standard scaler that follows from them."""

from dataclasses import dataclass
from typing import Any, Self

import dask.array as da
import dask_ml.preprocessing
import numpy as np

from segment_lib.errors import DataError
from segment_lib.model.blocks import sum_over_blocks

_TILE = 8192


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
    def of(cls, block: np.ndarray) -> Self:
        """Moments of an array of shape (n_rows, n_features), in float64 tile by tile."""
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
        """Moments of ``(x - mean) / scale``."""
        return type(self)(self.n, (self.mean - mean) / scale, self.scatter / np.outer(scale, scale))


def moments(X: da.Array) -> Moments:
    """Moments of all rows of `X`, shape (n_rows, n_features), in one pass.

    Raises
    ------
    DataError
        If a value of `X` is not finite.
    """
    total: Moments = sum_over_blocks(Moments.of, X)
    faulty = np.flatnonzero(~np.isfinite(total.mean) | ~np.isfinite(np.diag(total.scatter)))
    if len(faulty):
        raise DataError(f"Feature {faulty[0]} has a value that is not finite. Check the plan.")
    return total


class StandardScaler(dask_ml.preprocessing.StandardScaler):  # type: ignore[misc]
    """dask-ml's StandardScaler with exact moments; constant features keep the scale 1.

    A feature is constant where its variance is within rounding of zero, by scikit-learn's bound
    (``sklearn.preprocessing._data._is_constant_feature``).
    """

    def fit(self, X: da.Array, y: None = None) -> Self:
        return self.fit_moments(moments(X))

    def partial_fit(self, X: Any, y: None = None) -> Self:
        """Add rows to those seen; the result is that of fitting all of them at once."""
        seen = Moments.of(np.asarray(X))
        return self.fit_moments(self.moments_ + seen if hasattr(self, "moments_") else seen)

    def merge(self, other: Self) -> Self:
        """Add the rows that another scaler has seen."""
        return self.fit_moments(self.moments_ + other.moments_)

    def fit_moments(self, of: Moments) -> Self:
        """Fit from the moments of the rows."""
        self.moments_ = of
        eps = np.finfo(np.float64).eps
        self.mean_ = of.mean
        self.var_ = np.diag(of.scatter) / of.n
        self.constant_ = self.var_ <= of.n * eps * self.var_ + (of.n * of.mean * eps) ** 2
        self.scale_ = np.where(self.constant_, 1.0, np.sqrt(self.var_))
        if not self.with_mean:
            self.mean_ = np.zeros_like(of.mean)
        if not self.with_std:
            self.scale_ = np.ones_like(of.mean)
        self.n_samples_seen_ = of.n
        self.n_features_in_ = len(of.mean)
        return self

    def transform(self, X: Any, y: None = None, copy: bool | None = None) -> Any:
        """``(X - mean_) / scale_``, lazily for a dask array. The caller's array stays as it is."""
        mean, scale = self.mean_.astype(np.float32), self.scale_.astype(np.float32)
        if isinstance(X, da.Array):
            return X.map_blocks(_scale, mean, scale, dtype=np.float32)
        return _scale(X, mean, scale)

    def inverse_transform(self, X: Any, copy: bool | None = None) -> Any:
        return X * self.scale_ + self.mean_


def _scale(block: np.ndarray, mean: np.ndarray, scale: np.ndarray) -> np.ndarray:
    return np.asarray((block - mean) / scale, dtype=np.float32)
