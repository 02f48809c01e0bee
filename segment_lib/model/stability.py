"""Stability of segments: how they come out when half of the sample is clustered anew."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import dask
import numpy as np
from dask import delayed
from dask.delayed import Delayed
from sklearn.metrics import adjusted_rand_score

from segment_lib.hashing import row_hash
from segment_lib.model.kernel import label_rows
from segment_lib.model.kmeans import KMeans
from segment_lib.model.parallel import count_above
from segment_lib.model.sample import Sample
from segment_lib.model.search import fit_sample, search

RECLUSTERINGS = 8
"""Clusterings anew. Each leaves a degree of freedom to the limits of an index."""


def recluster_samples(
    sample: Delayed,
    models: Sequence[KMeans],
    *,
    variance_needed: Sequence[float] = (),
    random_state: int = 0,
    trials: int = RECLUSTERINGS,
) -> dict[int, np.ndarray]:
    """Cluster random halves of the sample anew, with the effort that the models took.

    A half has its own components: those of the given ones whose variance in it is not above what
    is needed count for nothing.

    What differs between halves of a sample is what differs between samples of that size: the
    variance of a half about the whole is that of the whole about the truth (McCarthy 1969,
    "Pseudo-replication: half samples", Review of the International Statistical Institute 37,
    239-264).

    Parameters
    ----------
    variance_needed : as of `IncrementalPCA`, shape (n_components,); empty if all components count

    Returns
    -------
    centers : by number of clusters, shape (trials, n_clusters, n_components), float32
    """
    first = models[0]
    n_clusters = sorted(model.n_clusters for model in models)
    effort = {"max_iter": first.max_iter, "tol": first.tol, "min_share": first.min_share}
    tasks = [
        delayed(_recluster)(
            sample, n_clusters, variance_needed, trial, random_state, first.n_init, effort
        )
        for trial in range(trials)
    ]
    fitted = dask.compute(*tasks)
    return {k: np.stack([centers[k] for centers in fitted]) for k in n_clusters}


def _recluster(
    sample: Sample,
    n_clusters: Sequence[int],
    variance_needed: Sequence[float],
    trial: int,
    seed: int,
    n_init: int,
    effort: Mapping[str, Any],
) -> dict[int, np.ndarray]:
    """Cluster the half of the sample with the smallest hashes of their hashes."""
    most, n = max(n_clusters), len(sample.scores)
    size = max(n // 2, min(most, n))
    drawn = np.argsort(row_hash(sample.hashes, seed + trial + 1), kind="stable")[:size]
    axes = _axes_that_count(sample.scores[drawn], variance_needed)
    half = sample.scores[drawn] @ axes
    searches = [
        search(half, n_clusters, (seed, trial, start), min_share=effort["min_share"])
        for start in range(n_init)
    ]
    fitted, _ = fit_sample(half, n_clusters, searches, (seed, trial), **effort)
    # Off the axes a centre is 0, which changes the distances of a row to all centres alike.
    return {k: centers @ axes.T for k, centers in fitted.items()}


def _axes_that_count(scores: np.ndarray, needed: Sequence[float]) -> np.ndarray:
    """Return the axes of the components of these rows that count, (n_components, n_axes)."""
    width = scores.shape[1]
    centred = (scores - scores.mean(axis=0, dtype=np.float64)).astype(np.float64)
    variances, axes = np.linalg.eigh(centred.T @ centred / max(len(scores) - 1, 1))
    above = count_above(variances[::-1], np.asarray(needed)) if len(needed) else width
    if above == width:
        return np.eye(width, dtype=np.float32)
    return axes[:, ::-1][:, : max(above, 1)].astype(np.float32)


def cross_tables(sample: Delayed, clusterings: Mapping[int, np.ndarray]) -> dict[int, np.ndarray]:
    """Count the rows of the sample by their clusters under each pair of clusterings.

    Parameters
    ----------
    clusterings : by number of clusters, centres of shape (n_clusterings, n_clusters, n_components)

    Returns
    -------
    tables : by number of clusters, (n_clusterings, n_clusterings, n_clusters, n_clusters)
    """
    tasks = [delayed(_cross_table)(sample, centers) for centers in clusterings.values()]
    return dict(zip(clusterings, dask.compute(*tasks), strict=True))


def _cross_table(sample: Sample, clusterings: np.ndarray) -> np.ndarray:
    k = clusterings.shape[1]
    labels = label_rows(sample.scores, list(clusterings))
    return np.stack([[contingency(own, others, k, k) for others in labels] for own in labels])


def compare_clusterings(
    sample: Delayed, centers: np.ndarray, others: Sequence[np.ndarray]
) -> list[tuple[np.ndarray, float]]:
    """Compare a clustering with others, of other numbers of clusters, on the rows of the sample.

    Returns
    -------
    tables, agreements : for each other clustering, rows by cluster and other cluster, shape
        (n_clusters, n_others), and the adjusted Rand index
    """
    tasks = [delayed(_compare)(sample, centers, theirs) for theirs in others]
    return list(dask.compute(*tasks))


def _compare(sample: Sample, centers: np.ndarray, others: np.ndarray) -> tuple[np.ndarray, float]:
    own, theirs = label_rows(sample.scores, [centers, others])
    table = contingency(own, theirs, len(centers), len(others))
    return table, float(adjusted_rand_score(own, theirs))


def contingency(labels: np.ndarray, others: np.ndarray, n: int, n_others: int) -> np.ndarray:
    """Count rows by label and other label, shape (n, n_others)."""
    cells = labels.astype(np.int64) * n_others + others
    return np.bincount(cells, minlength=n * n_others).reshape(n, n_others)


def jaccard(table: np.ndarray) -> np.ndarray:
    """Return the Jaccard coefficient of every segment with every other clustering's.

    Parameters
    ----------
    table : contingency table of segments and others, shape (…, n, n_others)
    """
    own, theirs = table.sum(axis=-1, keepdims=True), table.sum(axis=-2, keepdims=True)
    return np.asarray(table / np.maximum(own + theirs - table, 1))


def best_matches(tables: np.ndarray) -> np.ndarray:
    """Return the Jaccard coefficient of each segment's best match in each other clustering.

    Hennig (2007), "Cluster-wise assessment of cluster stability", Computational Statistics & Data
    Analysis 52, 258-271, with half samples, compared on all rows of the sample.

    Parameters
    ----------
    tables : contingency tables, shape (n_reclusterings, n_clusters, n_others)

    Returns
    -------
    stability : shape (n_reclusterings, n_clusters)
    """
    return np.asarray(jaccard(tables).max(axis=-1))


@dataclass(frozen=True)
class Overlap:
    """Contingency of segments and clusterings anew; adds up over parts."""

    contingency: np.ndarray
    """Shape (n_reclusterings, n_clusters, n_clusters)."""

    def __add__(self, other: Self) -> Self:
        return type(self)(self.contingency + other.contingency)

    @property
    def stability(self) -> np.ndarray:
        """Jaccard coefficient of each segment's best match, (n_reclusterings, n_clusters)."""
        return best_matches(self.contingency)

    @property
    def sizes(self) -> np.ndarray:
        """Rows of the segments of the clusterings anew, shape (n_reclusterings, n_clusters)."""
        return np.asarray(self.contingency.sum(axis=1))


def overlap(scores: np.ndarray, centers: np.ndarray, others: np.ndarray) -> Overlap:
    """Count the rows that the segments of a block share with those of other clusterings.

    Parameters
    ----------
    scores : shape (n_rows, n_components)
    centers : shape (n_clusters, n_components)
    others : shape (n_reclusterings, n_clusters, n_components)
    """
    own, *theirs = label_rows(scores, [centers, *others])
    k = len(centers)
    return Overlap(np.stack([contingency(own, labels, k, k) for labels in theirs]))
