"""Evaluation of clusterings: quality, stability and customers reached."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import dask
import numpy as np
from dask import delayed
from dask.delayed import Delayed

from segment_lib.model.choice import (
    Gain,
    Trial,
    cross_fitted_gain,
    found_again_share,
    holdout_split,
)
from segment_lib.model.kernel import label_rows
from segment_lib.model.kmeans import KMeans
from segment_lib.model.quality import (
    calinski_harabasz,
    davies_bouldin,
    silhouette,
    simplified_silhouette,
)
from segment_lib.model.sample import Sample
from segment_lib.model.stability import best_matches, contingency

SILHOUETTE_SIZE = 3_000
"""Rows of the sample on which the silhouette is measured; its cost grows with their square."""
_STRATUM = 50
"""Rows of a small cluster among them, if it has so many."""


def quality_figures(models: Sequence[KMeans], sample: Delayed) -> dict[str, list[float]]:
    """Return the quality figures of each clustering, by their names.

    Parameters
    ----------
    models : fitted together
    sample : rows of the population, as a Sample
    """
    return {
        "n_clusters": [model.n_clusters for model in models],
        "inertia": [model.inertia_ for model in models],
        "calinski_harabasz": [calinski_harabasz(model.sums_) for model in models],
        "davies_bouldin": [davies_bouldin(m.sums_, m.cluster_centers_) for m in models],
        "silhouette": sample_silhouettes(sample, models),
        "smallest_share": [
            int(model.sums_.counts.min()) / int(model.sums_.counts.sum()) for model in models
        ],
        "n_iter": [model.n_iter_ for model in models],
        "simplified_silhouette": [simplified_silhouette(model.sums_) for model in models],
        "converged": [model.converged_ for model in models],
        "restarts_agree": [model.restarts_agree_ for model in models],
    }


@dataclass(frozen=True)
class Tried:
    """Counts of all clusterings with one number of segments: the model's first, then those anew."""

    tables: np.ndarray
    """Rows of the sample by cluster under each pair of them, shape (n_clusterings, n_clusterings,
    n_clusters, n_clusters)."""
    customers: np.ndarray
    """Customers by clustering, holdout split and cluster, (n_clusterings, 3, n_clusters)."""
    stands_out: bool = True
    """Whether the components stand out from chance."""

    @property
    def stability(self) -> np.ndarray:
        """Jaccard coefficient of each segment's best match in each clustering anew.

        Shape (n_clusterings - 1, n_clusters).
        """
        return best_matches(self.tables[0, 1:])

    def trials(self, people: np.ndarray) -> list[Trial]:
        """Evaluate each clustering, by the others.

        The error of a gain is that of the customers or the spread over the clusterings anew,
        whichever is larger. Without clusterings anew nothing is known of stability: NaN.

        Parameters
        ----------
        people : rows of the population by cluster of the model, shape (n_clusters,)
        """
        n = len(self.tables)
        sizes = [people, *self.tables[0, 1:].sum(axis=1)]
        gains = [cross_fitted_gain(sizes[i], self.customers[i, :2]) for i in range(n)]
        spread = np.std([gain.share for gain in gains[1:]], ddof=1) if n > 2 else 0.0
        matches = [best_matches(np.delete(self.tables[i], i, axis=0)) for i in range(n)]
        return [
            Trial(
                len(size),
                float(np.average(match.mean(axis=0), weights=size)) if n > 1 else float("nan"),
                found_again_share(match.mean(axis=0), size) if n > 1 else float("nan"),
                float(size.min() / size.sum()),
                Gain(gain.share, float(np.fmax(gain.error, spread))),
                self.stands_out,
            )
            for size, gain, match in zip(sizes, gains, matches, strict=True)
        ]


def trial_figures(trials: Sequence[Trial]) -> dict[str, list[float]]:
    """Return the figures of the trials, by their names."""
    return {
        "stability": [trial.stability for trial in trials],
        "found_again": [trial.found_again for trial in trials],
        "gain": [trial.gain.share for trial in trials],
        "gain_error": [trial.gain.error for trial in trials],
        "stable": [trial.is_stable for trial in trials],
        "large": [trial.is_large for trial in trials],
    }


def count_holdout(
    scores: np.ndarray,
    rows: np.ndarray,
    clusterings: Mapping[int, np.ndarray],
    random_state: int,
) -> dict[int, np.ndarray]:
    """Count rows by holdout split and segment.

    Parameters
    ----------
    clusterings : by number of clusters, centres of shape (n_clusterings, n_clusters, n_components)

    Returns
    -------
    counts : by number of clusters, shape (n_clusterings, 3, n_clusters)
    """
    split = holdout_split(rows, random_state)
    return {
        k: np.stack([contingency(split, own, 3, k) for own in label_rows(scores, list(centers))])
        for k, centers in clusterings.items()
    }


def sample_silhouettes(sample: Delayed, models: Sequence[KMeans]) -> list[float]:
    """Mean silhouette of each clustering, on a part of the sample stratified by its clusters."""
    return list(dask.compute(*(delayed(_silhouette)(sample, model) for model in models)))


def _silhouette(sample: Sample, model: KMeans) -> float:
    labels = model.predict(sample.scores)
    chosen = _strata(labels, model.n_clusters)
    # The strata stand for the rows of the clusters among all rows.
    return silhouette(sample.scores[chosen], labels[chosen], model.sums_.counts)


def _strata(labels: np.ndarray, n_clusters: int) -> np.ndarray:
    """Draw rows for the silhouette: each cluster's share, and a minimum if it has them."""
    clusters = [np.flatnonzero(labels == cluster) for cluster in range(n_clusters)]
    share = SILHOUETTE_SIZE / len(labels)
    return np.concatenate([rows[: max(round(share * len(rows)), _STRATUM)] for rows in clusters])
