"""The fitted model: what was learned from the population, applied unchanged to anyone."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import dask.array as da
import numpy as np

from segment_lib.errors import IntegrityError
from segment_lib.model.kmeans import KMeans
from segment_lib.model.pca import IncrementalPCA
from segment_lib.model.scale import StandardScaler, by_blocks, tiles

_GRID = np.float32(2.0**20)
"""Scores are multiples of 1 / _GRID, so that float64 adds them up exactly: the sums of a cluster do
not depend on the order in which its rows came and left, nor on the parts they lie in."""

_ARRAYS = ("mean", "variance", "scale", "components", "explained_variance_ratio")


@dataclass(frozen=True)
class Projection:
    """Pipeline from features to scores: a fitted scaler and a fitted PCA."""

    scaler: StandardScaler
    pca: IncrementalPCA

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> "Projection":
        """From the arrays of a run.

        Raises
        ------
        IntegrityError
            If their shapes do not fit together.
        """
        if absent := [name for name in _ARRAYS if name not in arrays]:
            raise IntegrityError(f"The model lacks {', '.join(absent)}. Run fit again.")
        mean, variance, scale, components, ratio = (arrays[name] for name in _ARRAYS)
        shapes = mean.shape, variance.shape, scale.shape, components.shape[1:]
        if set(shapes) != {(mean.size,)} or not len(components) or not scale.all():
            raise IntegrityError("The arrays of the model do not fit together. Run fit again.")
        return cls(
            StandardScaler.from_arrays(mean, variance, scale),
            IncrementalPCA.from_arrays(components, ratio),
        )

    def arrays(self) -> dict[str, np.ndarray]:
        return {
            "mean": self.scaler.mean_,
            "variance": self.scaler.var_,
            "scale": self.scaler.scale_,
            "components": self.pca.components_,
            "explained_variance_ratio": self.pca.all_explained_variance_ratio_,
        }

    def transform(self, X: Any) -> Any:
        """Scores of shape (n_rows, n_components), rounded to a grid; lazily for a Dask array.

        Parameters
        ----------
        X : features of shape (n_rows, n_features), float32
        """
        if isinstance(X, da.Array):
            return by_blocks(self.transform, X, (len(self.pca.components_),))
        scores = self.pca.transform(X, scaler=self.scaler)
        for tile in tiles(len(scores)):
            scores[tile] = np.rint(scores[tile] * _GRID) / _GRID
        return scores

    def inverse_transform(self, scores: np.ndarray) -> np.ndarray:
        """Features of shape (n, n_features), float64, as far as scores hold them."""
        scaled = scores.astype(np.float64) @ self.pca.components_
        return np.asarray(self.scaler.mean_ + scaled * self.scaler.scale_)


@dataclass(frozen=True)
class FittedModel:
    """Pipeline from features to segments: a projection, and the clusters of its scores."""

    projection: Projection
    kmeans: KMeans
    segment_ids: np.ndarray
    """The numbers of the segments, shape (n_clusters,), int32."""

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> "FittedModel":
        """From the arrays of a run.

        Raises
        ------
        IntegrityError
            If they do not fit together.
        """
        projection = Projection.from_arrays(arrays)
        centers = arrays.get("cluster_centers", np.empty(0))
        n_components = len(projection.pca.components_)
        if centers.ndim != 2 or not len(centers) or centers.shape[1] != n_components:
            raise IntegrityError("The centres do not fit the components. Run sweep again.")
        ids = segment_ids(arrays)
        if ids.shape != (len(centers),) or len(set(ids.tolist())) != len(ids):
            raise IntegrityError("The segments' numbers do not fit the centres. Run sweep again.")
        return cls(projection, KMeans.from_centers(centers), ids)

    def predict(self, X: Any, *, return_distance: bool = False) -> Any:
        """The segment of each row of features (n_rows, n_features); lazily for a Dask array.

        Parameters
        ----------
        return_distance : return the distances to the centre of its segment too, float32
        """
        scores = self.projection.transform(X)
        if not return_distance:
            return self._numbered(self.kmeans.predict(scores))
        labels, distances = self.kmeans.predict(scores, return_distance=True)
        return self._numbered(labels), distances

    def _numbered(self, labels: Any) -> Any:
        if isinstance(labels, da.Array):
            return labels.map_blocks(self._numbered, dtype=self.segment_ids.dtype)
        return self.segment_ids[labels]


def segment_ids(arrays: Mapping[str, np.ndarray]) -> np.ndarray:
    """Return the number of each segment: its place among the centres, unless a refresh set it."""
    places = np.arange(len(arrays["cluster_centers"]), dtype=np.int32)
    return arrays.get("segment_ids", places)
