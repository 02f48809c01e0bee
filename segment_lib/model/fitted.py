"""The fitted model: what was learned from the population, applied unchanged to anyone."""

from collections.abc import Mapping
from dataclasses import dataclass

import dask.array as da
import numpy as np

from segment_lib.errors import IntegrityError
from segment_lib.model.kernel import nearest
from segment_lib.model.pca import IncrementalPCA
from segment_lib.model.scale import StandardScaler

_TILE = 4096
"""Rows projected at a time; they stay in the cache."""
_GRID = np.float32(2.0**20)
"""Scores are multiples of 1 / _GRID, so that float64 adds them up exactly: the sums of a cluster do
not depend on the order in which its rows came and left, nor on the parts they lie in."""

_ARRAYS = ("mean", "scale", "components", "explained_variance_ratio")


@dataclass(frozen=True)
class Projection:
    """Features to scores: scaled, then projected on the principal components."""

    mean: np.ndarray
    """Shape (n_features,)."""
    scale: np.ndarray
    """Shape (n_features,)."""
    components: np.ndarray
    """Shape (n_components, n_features)."""
    explained_variance_ratio: np.ndarray
    """Of all components in falling order, those beyond n_components included."""

    @classmethod
    def of(cls, scaler: StandardScaler, pca: IncrementalPCA) -> "Projection":
        return cls(scaler.mean_, scaler.scale_, pca.components_, pca.all_explained_variance_ratio_)

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
        found = cls(*(arrays[name] for name in _ARRAYS))
        n = found.mean.size
        shapes = found.mean.shape, found.scale.shape, found.components.shape[1:]
        if set(shapes) != {(n,)} or not len(found.components) or not found.scale.all():
            raise IntegrityError("The arrays of the model do not fit together. Run fit again.")
        return found

    def arrays(self) -> dict[str, np.ndarray]:
        return {
            "mean": self.mean,
            "scale": self.scale,
            "components": self.components,
            "explained_variance_ratio": self.explained_variance_ratio,
        }

    def scores(self, block: np.ndarray) -> np.ndarray:
        """Scores of shape (n_rows, n_components), float32, of features (n_rows, n_features)."""
        axes = (self.components / self.scale).T.astype(np.float32)
        mean = self.mean.astype(np.float32)
        scores = np.empty((len(block), len(self.components)), dtype=np.float32)
        for start in range(0, len(block), _TILE):
            tile = slice(start, start + _TILE)
            np.matmul(block[tile] - mean, axes, out=scores[tile])
            scores[tile] = np.rint(scores[tile] * _GRID) / _GRID
        return scores

    def inverse(self, scores: np.ndarray) -> np.ndarray:
        """Return what scores of shape (n, n_components) are of, as features (n, n_features)."""
        scaled = scores.astype(np.float64) @ self.components
        return np.asarray(self.mean + scaled * self.scale)

    def project(self, X: da.Array) -> da.Array:
        """Scores of all blocks, lazily."""
        chunks = (X.chunks[0], (len(self.components),))
        return X.map_blocks(self.scores, dtype=np.float32, chunks=chunks)


@dataclass(frozen=True)
class FittedModel:
    """A projection and the centres of the segments in it."""

    projection: Projection
    cluster_centers: np.ndarray
    """Shape (n_clusters, n_components), float32."""
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
        if centers.ndim != 2 or not len(centers) or len(centers.T) != len(projection.components):
            raise IntegrityError("The centres do not fit the components. Run sweep again.")
        ids = segment_ids(arrays)
        if ids.shape != (len(centers),) or len(set(ids.tolist())) != len(ids):
            raise IntegrityError("The segments' numbers do not fit the centres. Run sweep again.")
        return cls(projection, centers, ids)

    def assign(self, block: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Segment and distance to its centre for features of shape (n_rows, n_features)."""
        labels, distances = nearest(self.projection.scores(block), self.cluster_centers)
        return self.segment_ids[labels], distances


def segment_ids(arrays: Mapping[str, np.ndarray]) -> np.ndarray:
    """The number of each segment: its place among the centres, unless a refresh said otherwise."""
    places = np.arange(len(arrays["cluster_centers"]), dtype=np.int32)
    return arrays.get("segment_ids", places)
