"""Principal components from the scatter matrix: incremental PCA, exact and mergeable."""

from typing import Any, Self

import dask.array as da
import dask_ml.decomposition
import numpy as np

from segment_lib.errors import ConfigError
from segment_lib.model.scale import Moments, moments


class IncrementalPCA(dask_ml.decomposition.IncrementalPCA):  # type: ignore[misc]
    """dask-ml's IncrementalPCA, exact: one pass gives the scatter matrix, ``eigh`` the components.

    Attributes are those of scikit-learn's PCA. The sign of a component is such that its largest
    loading is positive.

    Parameters
    ----------
    n_components : whole number, or a share of variance between 0 and 1, or None for all
    """

    def __init__(self, n_components: int | float | None = None) -> None:
        super().__init__(n_components=n_components)

    def fit(self, X: da.Array, y: None = None) -> Self:
        return self.fit_moments(moments(X))

    def partial_fit(self, X: np.ndarray, y: None = None, check_input: bool = True) -> Self:
        """Add rows to those seen; the result is that of fitting all of them at once."""
        seen = Moments.of(np.asarray(X))
        return self.fit_moments(self.moments_ + seen if hasattr(self, "moments_") else seen)

    def merge(self, other: Self) -> Self:
        """Add the rows that another fit has seen."""
        return self.fit_moments(self.moments_ + other.moments_)

    def fit_moments(self, of: Moments) -> Self:
        """Fit from the moments of the rows.

        Raises
        ------
        ConfigError
            If more components are asked for than there are features or rows.
        """
        variances, vectors = np.linalg.eigh(of.scatter / max(of.n - 1, 1))
        variances = np.maximum(variances[::-1], 0.0)
        components = vectors[:, ::-1].T
        largest = np.abs(components).argmax(axis=1)
        components = components * np.sign(components[np.arange(len(components)), largest])[:, None]
        ratio = variances / variances.sum() if variances.any() else np.zeros_like(variances)
        kept = _n_components(self.n_components, ratio, of.n)
        self.moments_ = of
        self.n_components_ = kept
        self.components_ = components[:kept]
        self.explained_variance_ = variances[:kept]
        self.explained_variance_ratio_ = ratio[:kept]
        self.all_explained_variance_ratio_ = ratio
        self.singular_values_ = np.sqrt(variances[:kept] * max(of.n - 1, 1))
        self.noise_variance_ = variances[kept:].mean() if kept < len(variances) else 0.0
        self.mean_ = of.mean
        self.var_ = np.diag(of.scatter) / of.n
        self.n_samples_seen_ = of.n
        self.batch_size_ = of.n  # whatever the parts: the result is that of one batch
        self.n_features_in_ = len(of.mean)
        return self

    def transform(self, X: Any) -> Any:
        """Scores of shape (n_rows, n_components), float32; lazily for a dask array."""
        mean, axes = self.mean_.astype(np.float32), self.components_.T.astype(np.float32)
        if isinstance(X, da.Array):
            chunks = (X.chunks[0], (axes.shape[1],))
            return X.map_blocks(_project, mean, axes, dtype=np.float32, chunks=chunks)
        return _project(X, mean, axes)


def _project(block: np.ndarray, mean: np.ndarray, axes: np.ndarray) -> np.ndarray:
    return np.asarray((block - mean) @ axes, dtype=np.float32)


def _n_components(wanted: int | float | None, ratio: np.ndarray, n_rows: int) -> int:
    most = min(len(ratio), n_rows)
    if wanted is None:
        return most
    if wanted < 1:
        # Rounding must not ask for one component more than the share needs.
        return min(most, int(np.searchsorted(np.cumsum(ratio), wanted - 1e-12) + 1))
    if wanted > most:
        raise ConfigError(
            f"model.n_components = {wanted}, of {len(ratio)} features and {n_rows} rows. "
            f"Choose at most {most}, or a share of variance below 1."
        )
    return int(wanted)
