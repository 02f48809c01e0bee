"""The nearest centre of each row under several clusterings at once, in one reading of the rows."""

from collections.abc import Sequence

import numba
import numpy as np

_TILE = 256
"""Rows per product: it stays in the cache."""


def label_rows(block: np.ndarray, centers: Sequence[np.ndarray]) -> np.ndarray:
    """The nearest centre of each row under each clustering.

    Parameters
    ----------
    block : scores of shape (n_rows, n_components), float32
    centers : arrays of shape (n_clusters, n_components), one per clustering

    Returns
    -------
    labels : shape (n_clusterings, n_rows), int32; the first of equally near centres
    """
    stacked = np.ascontiguousarray(np.concatenate(centers), dtype=np.float32)
    offsets = np.concatenate([[0], np.cumsum([len(these) for these in centers])])
    norms = (stacked.astype(np.float64) ** 2).sum(axis=1).astype(np.float32)
    labels = np.empty((len(centers), len(block)), dtype=np.int32)
    for start in range(0, len(block), _TILE):
        tile = np.ascontiguousarray(block[start : start + _TILE], dtype=np.float32)
        _label_tile(stacked @ tile.T, norms, offsets, labels[:, start : start + len(tile)])
    return labels


def count_jointly(labels: np.ndarray, others: np.ndarray, n: int, n_others: int) -> np.ndarray:
    """Rows by label and other label, shape (n, n_others)."""
    both = labels.astype(np.int64) * n_others + others
    return np.bincount(both, minlength=n * n_others).reshape(n, n_others)


@numba.njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def _label_tile(
    products: np.ndarray, norms: np.ndarray, offsets: np.ndarray, labels: np.ndarray
) -> None:
    """Least |c|² - 2 z·c per row and clustering; products of shape (n_centers, n_rows)."""
    n_rows = products.shape[1]
    least = np.empty(n_rows, dtype=np.float32)
    for run in range(len(offsets) - 1):
        first = offsets[run]
        own = labels[run]
        for i in range(n_rows):
            least[i] = norms[first] - np.float32(2) * products[first, i]
            own[i] = 0
        for cluster in range(first + 1, offsets[run + 1]):
            for i in range(n_rows):
                value = norms[cluster] - np.float32(2) * products[cluster, i]
                if value < least[i]:
                    least[i] = value
                    own[i] = cluster - first
