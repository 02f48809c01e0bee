"""Inner loops of KMeans, for arrays of several clusterings: see `loops`."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from segment_lib.model import loops


def tally_rows(
    rows: np.ndarray,
    centers: Sequence[np.ndarray],
    center_shifts: Sequence[np.ndarray],
    labels: np.ndarray,
    bound_slack: np.ndarray,
    places: np.ndarray | None = None,
    some: Sequence[np.ndarray] | None = None,
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Move rows to their nearest centres, for several clusterings in one reading.

    Parameters
    ----------
    rows : scores of shape (n_rows, n_components), float32
    centers : per clustering, shape (n_clusters, n_components), float32
    center_shifts : per clustering and cluster, how much nearer another centre may have come
    labels : shape (n_places, n_rows), as `unknown_labels` makes them; the clusters of the rows,
        brought up to date
    bound_slack : shape (n_places, n_rows), float32; the shift up to which a row is sure of it
    places : per clustering, where its labels and limits are; by default in their order
    some : per clustering, the rows looked at, in ascending order; by default all

    Returns
    -------
    changes : per clustering, of its counts (n_clusters,) and its sums (n_clusters, n_components)
    """
    stacked, norms, offsets = _stack(centers)
    counts, sums = np.zeros(len(stacked), dtype=np.int64), np.zeros(stacked.shape)
    at = np.arange(len(centers)) if places is None else places
    known = (
        *(np.concatenate(center_shifts).astype(np.float64), labels, np.iinfo(labels.dtype).max),
        *(bound_slack, at, counts, sums),
    )
    if some is None:
        loops.tally(np.ascontiguousarray(rows), stacked, norms, offsets, *known)
    else:
        picks = np.concatenate(some), np.cumsum([0, *map(len, some)])
        loops.tally_some(np.asarray(rows), stacked, norms, offsets, *known, *picks)
    return [(counts[a:b], sums[a:b]) for a, b in pairwise(offsets)]


def unknown_labels(n_clusterings: int, n_rows: int, most: int) -> np.ndarray:
    """Return labels of rows not seen yet, in a byte or two: the largest number there is.

    Parameters
    ----------
    most : clusters of a clustering; 65,535 at the most
    """
    kind = np.uint8 if most <= np.iinfo(np.uint8).max else np.uint16
    return np.full((n_clusterings, n_rows), np.iinfo(kind).max, dtype=kind)


def doubtful_rows(labels: np.ndarray, slack: np.ndarray, shift: np.ndarray) -> np.ndarray:
    """Return the rows to which another centre may have come nearer, in ascending order.

    Parameters
    ----------
    labels, slack : of one clustering, shape (n_rows,), as `tally_rows` leaves them
    shift : per cluster, how much nearer another centre may have come to a row
    """
    rows = np.empty(len(labels), dtype=np.intp)
    return rows[: loops.doubtful(labels, slack, shift, rows)]


def measure_rows(
    rows: np.ndarray, centers: Sequence[np.ndarray]
) -> list[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]]:
    """Sum the measures of quality of several clusterings, in one reading.

    Returns
    -------
    measures : per clustering and cluster: rows, sums of the scores, sums of the distances to the
        own centre, and sums of the simplified silhouettes
    """
    stacked, norms, offsets = _stack(centers)
    counts = np.zeros(len(stacked), dtype=np.int64)
    sums = np.zeros(stacked.shape)
    distances, silhouettes = np.zeros(len(stacked)), np.zeros(len(stacked))
    measures = counts, sums, distances, silhouettes
    loops.measure(np.ascontiguousarray(rows), stacked, norms, offsets, *measures)
    return [
        (counts[a:b], sums[a:b], distances[a:b], silhouettes[a:b]) for a, b in pairwise(offsets)
    ]


def label_rows(rows: np.ndarray, centers: Sequence[np.ndarray]) -> np.ndarray:
    """Return the nearest centre of each row under each clustering, in one reading.

    Returns
    -------
    labels : shape (n_clusterings, n_rows), int32; the first of equally near centres
    """
    stacked, norms, offsets = _stack(centers)
    labels = np.empty((len(centers), len(rows)), dtype=np.int32)
    rows = np.ascontiguousarray(rows, dtype=np.float32)
    loops.label(rows, stacked, norms, offsets, labels)
    return labels


def nearest(rows: np.ndarray, centers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the nearest centre of each row, and the distance to it.

    Returns
    -------
    labels : shape (n_rows,), int32
    distances : shape (n_rows,), float32
    """
    rows = np.ascontiguousarray(rows, dtype=np.float32)
    (labels,) = label_rows(rows, [centers])
    distances = np.empty(len(rows), dtype=np.float32)
    loops.distances(rows, np.ascontiguousarray(centers, dtype=np.float32), labels, distances)
    return labels, distances


def squares(rows: np.ndarray) -> float:
    """Sum all squared scores in float64."""
    return float(loops.squares(np.ascontiguousarray(rows)))


def _stack(centers: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    stacked = np.ascontiguousarray(np.concatenate(centers), dtype=np.float32)
    norms = (stacked.astype(np.float64) ** 2).sum(axis=1).astype(np.float32)
    return stacked, norms, np.concatenate([[0], np.cumsum(list(map(len, centers)))])
