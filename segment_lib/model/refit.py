"""Refit from the segments of an earlier model, whose features may differ."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from segment_lib.model.fitted import FittedModel, Projection


@dataclass(frozen=True)
class Refit:
    """Starting centres of a refit, and how its segments compare with those of the base."""

    base: FittedModel
    base_features: Sequence[str]
    projection: Projection
    """That of now."""
    features: Sequence[str]

    @property
    def starts(self) -> np.ndarray:
        """Return the base's centres in the new components, (n_clusters, n_components), float32.

        A feature that the base has not is at its mean.
        """
        centers = self._base_centers
        starts = np.tile(self.projection.scaler.mean_, (len(centers), 1))
        starts[:, self._shared] = centers[:, self._places]
        return np.asarray(self.projection.transform(starts.astype(np.float32)))

    def comparable(self, centers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return base and new centres in the shared features, on one scale.

        Parameters
        ----------
        centers : in the components of now, shape (n_clusters, n_components)
        """
        before = self._base_centers[:, self._places]
        after = self.projection.inverse_transform(centers)[:, self._shared]
        scale = self.base.projection.scaler.scale_[self._places]
        return before / scale, after / scale

    @property
    def _base_centers(self) -> np.ndarray:
        """Return the centres of the base in its features."""
        return self.base.projection.inverse_transform(self.base.kmeans.cluster_centers_)

    @property
    def _shared(self) -> np.ndarray:
        """Return True for each new feature that the base has too."""
        return np.array([name in self.base_features for name in self.features])

    @property
    def _places(self) -> list[int]:
        """Return the positions of the shared features in the base."""
        return [
            self.base_features.index(name) for name in self.features if name in self.base_features
        ]
