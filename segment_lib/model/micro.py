"""Micro-segments: small clusters of the scores, cut into slices by similarity to customers."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np
import sklearn.cluster
from threadpoolctl import threadpool_limits

from segment_lib.errors import IntegrityError
from segment_lib.model.fitted import Projection
from segment_lib.model.kmeans import KMeans
from segment_lib.model.quality import ClusterSums

SAMPLE_SIZE = 25_000
"""Rows of the population on which clusters and cuts are found."""
MIN_ROWS = 25
"""Rows of the sample a micro-segment should hold on average: with fewer it is noise."""
_ITERATIONS = 10


@dataclass(frozen=True)
class MicroClusters:
    """Clusters finer than segments, in weighted scores.

    Each component weighs by its variance, as share of the largest: in plain scores the many weak
    components, mostly noise, decide who is near whom once clusters are small.
    """

    projection: Projection
    weights: np.ndarray
    """Shape (n_components,), float32."""
    kmeans: KMeans
    """The largest cluster of the sample first."""
    n_slices: int
    """How many slices each is to be cut in."""

    @classmethod
    def fit(
        cls, projection: Projection, sample: np.ndarray, *, n_micro: int, random_state: int = 0
    ) -> Self:
        """From a sample of the population.

        Parameters
        ----------
        sample : features of shape (n_rows, n_features), in an order that no part decides
        n_micro : clusters times slices, at most; fewer if the sample is too small for them
        """
        scores = projection.transform(sample)
        variances = scores.var(axis=0, dtype=np.float64)
        weights = (variances / (variances.max() or 1.0)).astype(np.float32)
        weighted = scores * weights
        n_micro = max(1, min(n_micro, len(weighted) // MIN_ROWS))
        # Three times as many clusters as slices did best where it was measured.
        n_slices = max(1, round((n_micro / 3) ** 0.5))
        n_clusters = min(n_micro // n_slices, len(np.unique(weighted, axis=0)))
        # scikit-learn adds up in as many threads as OpenMP grants, so one: others round otherwise.
        with threadpool_limits(limits=1):
            rough = sklearn.cluster.KMeans(
                n_clusters, n_init=1, max_iter=_ITERATIONS, random_state=random_state
            ).fit(weighted)
        order = np.argsort(-np.bincount(rough.labels_, minlength=n_clusters), kind="stable")
        centers = rough.cluster_centers_[order].astype(np.float32)
        return cls(projection, weights, KMeans.from_centers(centers), n_slices)

    def transform(self, block: np.ndarray) -> np.ndarray:
        """Weighted scores (n_rows, n_components) of features (n_rows, n_features)."""
        return np.asarray(self.projection.transform(block) * self.weights)

    def tally(self, block: np.ndarray) -> ClusterSums:
        """Count rows and sum weighted scores by cluster."""
        return self.kmeans.measure(self.transform(block))


@dataclass(frozen=True)
class MicroModel:
    """Clusters, and in each the direction from population to customers with its cuts.

    Micro-segment `cluster * n_slices + slice`; the last slice is the most customer-like.
    """

    clusters: MicroClusters
    contrasts: np.ndarray
    """Shape (n_clusters, n_components), float32."""
    cuts: np.ndarray
    """Shape (n_clusters, n_slices - 1), float32, ascending."""

    @classmethod
    def fit(
        cls,
        clusters: MicroClusters,
        sample: np.ndarray,
        population: ClusterSums,
        customers: ClusterSums,
    ) -> Self:
        """Contrasts from the sums of all of the population and of customers, cuts from the sample.

        The contrast of a cluster is Fisher's linear discriminant (Fisher 1936, Annals of Eugenics
        7, 179-188) for uncorrelated scores: the difference of means over the variance within
        clusters. Differences are drawn towards the one of all clusters together by how much of
        their spread counting explains, with the variance between of DerSimonian and Laird (1986),
        "Meta-analysis in clinical trials", Controlled Clinical Trials 7, 177-188. The slices of a
        cluster hold equal numbers of its rows in the sample.
        """
        weighted = clusters.transform(sample)
        labels = clusters.kmeans.predict(weighted)
        n, m = (sums.counts.astype(np.float64) for sums in (population, customers))
        means = population.sums / np.maximum(n, 1)[:, None]
        apart = np.where(m[:, None] > 0, customers.sums / np.maximum(m, 1)[:, None] - means, 0.0)
        within = ((weighted - means[labels]) ** 2).mean(axis=0, dtype=np.float64)
        held = within > 1e-9 * max(within.max(), 1e-300)
        within = np.where(held, within, np.inf)
        sure = n * m / np.maximum(n + m, 1)
        shared = _shared_difference(apart, sure, within)
        contrasts = (shared / within).astype(np.float32)
        along = (weighted * contrasts[labels]).sum(axis=1)
        quantiles = np.arange(1, clusters.n_slices) / clusters.n_slices
        cuts = [
            np.quantile(along[labels == cluster], quantiles)
            if (labels == cluster).any()
            else np.zeros(len(quantiles))
            for cluster in range(clusters.kmeans.n_clusters)
        ]
        return cls(clusters, contrasts, np.array(cuts, dtype=np.float32))

    @property
    def n_micro(self) -> int:
        return len(self.contrasts) * self.clusters.n_slices

    def predict(self, block: np.ndarray) -> np.ndarray:
        """The micro-segment of each row of features (n_rows, n_features); (n_rows,), int32."""
        weighted = self.clusters.transform(block)
        labels = self.clusters.kmeans.predict(weighted)
        along = np.einsum("ij,ij->i", weighted, self.contrasts[labels])
        slices = (along[:, None] > self.cuts[labels]).sum(axis=1)
        return np.asarray(labels * self.clusters.n_slices + slices, dtype=np.int32)

    def arrays(self) -> dict[str, np.ndarray]:
        return {
            "weights": self.clusters.weights,
            "centers": self.clusters.kmeans.cluster_centers_,
            "contrasts": self.contrasts,
            "cuts": self.cuts,
        }

    @classmethod
    def from_arrays(cls, projection: Projection, arrays: Mapping[str, np.ndarray]) -> Self:
        """From the arrays of a run.

        Raises
        ------
        IntegrityError
            If their shapes do not fit together.
        """
        try:
            weights, centers, contrasts, cuts = (
                arrays[name] for name in ("weights", "centers", "contrasts", "cuts")
            )
        except KeyError as error:
            raise IntegrityError(f"Micro-segments lack {error.args[0]}. Run gains again.") from None
        shape = (len(centers), len(projection.pca.components_))
        if {centers.shape, contrasts.shape, (len(cuts), len(weights))} != {shape}:
            raise IntegrityError("The micro-segments do not fit the projection. Run gains again.")
        n_slices = cuts.shape[1] + 1
        kmeans = KMeans.from_centers(centers)
        return cls(MicroClusters(projection, weights, kmeans, n_slices), contrasts, cuts)


def _shared_difference(apart: np.ndarray, sure: np.ndarray, within: np.ndarray) -> np.ndarray:
    """Shrink the differences of all clusters to their mean; (n_clusters, n_components).

    Parameters
    ----------
    apart : of customers from population, shape (n_clusters, n_components)
    sure : the precision of each in units of 1 / within, shape (n_clusters,)
    within : variance of a score within clusters, shape (n_components,); infinite where there is
        none, and that component tells nothing
    """
    total = sure.sum()
    if not total:
        return np.zeros_like(apart)
    mean = (sure[:, None] * apart).sum(axis=0) / total
    alive = max(np.isfinite(within).sum(), 1)
    spread = float((sure * ((apart - mean) ** 2 / within).sum(axis=1)).sum() / alive)
    free = total - (sure**2).sum() / total
    between = max(spread - (np.count_nonzero(sure) - 1), 0.0) / free if free > 0 else 0.0
    kept = between * sure / (1 + between * sure)
    return np.asarray(mean + kept[:, None] * (apart - mean))
