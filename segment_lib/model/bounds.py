"""Hamerly's bounds, kept from pass to pass: each row's cluster, and how certain it is.

Hamerly (2010), "Making k-means even faster", SIAM International Conference on Data Mining, 130-140.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, Self

import numpy as np

from segment_lib.model.kernel import unknown_labels


@dataclass(frozen=True)
class Query:
    """Centres of a clustering, as a pass uses them."""

    centers: np.ndarray
    """Shape (n_clusters, n_components), float32."""
    center_shift: np.ndarray
    """By the cluster of a row, how much nearer than at first another centre may have come to it."""


@dataclass(frozen=True)
class RowBounds:
    """Labels of the rows of a block and their bounds; a pass updates them in place."""

    keys: np.ndarray
    """Keys of the clusterings, in ascending order; shape (n_clusterings,), int."""
    labels: np.ndarray
    """The clusters of the rows, shape (n_clusterings, n_rows), uint8 or uint16."""
    slack: np.ndarray
    """The centre shift up to which a row keeps its cluster, (n_clusterings, n_rows), float32."""

    @classmethod
    def unknown(cls, queries: Mapping[int, Query], n_rows: int) -> Self:
        """Bounds of rows that no pass has seen."""
        most = max(len(query.centers) for query in queries.values())
        labels = unknown_labels(len(queries), n_rows, most)
        return cls(np.array(list(queries)), labels, np.full(labels.shape, -np.inf, np.float32))

    def select(self, keys: Sequence[int]) -> Self:
        """Copy the bounds of some of the clusterings."""
        at = self.places(keys)
        return type(self)(np.array(keys), self.labels[at], self.slack[at])

    def places(self, keys: Sequence[int]) -> np.ndarray:
        """Return the places of clusterings in the arrays."""
        return np.searchsorted(self.keys, keys)


class BoundsStore(Protocol):
    """Keeps the bounds of each block from pass to pass, in this process."""

    def recall(self, block: int, keys: Sequence[int]) -> RowBounds | None:
        """Return the bounds of a block, of these clusterings at least; None at first."""

    def keep(self, block: int, bounds: RowBounds) -> None:
        """Replace the bounds of a block."""


class MemoryBounds:
    """Keeps bounds in memory."""

    def __init__(self) -> None:
        self._kept: dict[int, RowBounds] = {}

    def recall(self, block: int, keys: Sequence[int]) -> RowBounds | None:
        return self._kept.get(block)

    def keep(self, block: int, bounds: RowBounds) -> None:
        self._kept[block] = bounds
