"""Checkpoint of a sweep between two passes, as arrays."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from segment_lib.model.lloyd import ClusteringState


@dataclass(frozen=True)
class SweepCheckpoint:
    """State of the clusterings after some passes, without the bounds of rows.

    A pass finds them again from the centres: each row's nearest one, and exact sums.
    """

    states: Mapping[int, ClusteringState]
    """By the number of clusters."""
    restarts_agree: Mapping[int, float]
    """How well the restarts on the sample agreed."""

    @property
    def passes(self) -> int:
        return max(state.n_iter for state in self.states.values())

    def arrays(self) -> dict[str, np.ndarray]:
        progress = [(k, s.n_iter, s.stopped, s.converged) for k, s in self.states.items()]
        return {
            "progress": np.array(progress, dtype=np.int64),
            "restarts_agree": np.array([self.restarts_agree[k] for k in self.states]),
            **{f"centers-{k}": state.centers for k, state in self.states.items()},
        }

    @classmethod
    def from_arrays(
        cls, arrays: Mapping[str, np.ndarray], n_clusters: Sequence[int], n_components: int
    ) -> Self | None:
        """Parse the arrays; None if they belong to a sweep of other numbers of clusters."""
        shapes = {
            "progress": (len(n_clusters), 4),
            "restarts_agree": (len(n_clusters),),
            **{f"centers-{k}": (k, n_components) for k in n_clusters},
        }
        if {name: array.shape for name, array in arrays.items()} != shapes:
            return None
        progress = {int(k): (int(n), bool(s), bool(c)) for k, n, s, c in arrays["progress"]}
        centers = {k: arrays[f"centers-{k}"] for k in progress if f"centers-{k}" in arrays}
        if set(centers) != set(n_clusters) or not all(
            array.dtype == np.float32 and np.isfinite(array).all() for array in centers.values()
        ):
            return None
        return cls(
            {k: ClusteringState(centers[k], *progress[k]) for k in progress},
            dict(zip(progress, arrays["restarts_agree"].tolist(), strict=True)),
        )
