"""Index of the people of a segment once the population is clustered anew."""

from dataclasses import dataclass

import numpy as np
from scipy.stats import t

_LEAST = 0.5
"""Customers counted where there are none, so that their logarithm exists."""


def recluster_index(overlap: np.ndarray, customers: np.ndarray) -> np.ndarray:
    """Return the index that clusterings anew give the people of each segment.

    The people of a segment lie in one cluster of a clustering anew or in several; each counts with
    the index of the one it lies in. For a segment found again whole this is the index of its match.

    Parameters
    ----------
    overlap : contingency tables, rows of the population by segment and by cluster of a clustering
        anew, shape (n_reclusterings, n_segments, n_clusters)
    customers : rows of the customers by cluster of those, shape (n_reclusterings, n_clusters)

    Returns
    -------
    index : 100 is the share of all customers, shape (n_reclusterings, n_segments); above 0
    """
    population = np.maximum(overlap.sum(axis=1), 1)
    counted = np.maximum(customers, _LEAST)
    all_customers = np.maximum(customers.sum(axis=1), _LEAST)
    all_population = population.sum(axis=1)
    index = 100 * (counted / all_customers[:, None]) / (population / all_population[:, None])
    people = np.maximum(overlap.sum(axis=2), 1)
    return np.asarray((overlap * index[:, None, :]).sum(axis=2) / people)


@dataclass(frozen=True)
class ReclusteredIndex:
    """Index of one segment's people over clusterings anew."""

    index: float
    """Geometric mean over the clusterings."""
    spread: float
    """Variance of its logarithm over them."""
    counting: float
    """Variance of its logarithm by counting."""
    n: int
    """Clusterings."""

    @classmethod
    def from_values(cls, values: np.ndarray, counting: float) -> "ReclusteredIndex":
        """From the index by each clustering anew, shape (n_reclusterings,)."""
        logs = np.log(values)
        spread = float(logs.var(ddof=1)) if len(logs) > 1 else 0.0
        return cls(float(np.exp(logs.mean())), spread, counting, len(logs))

    def limits(self, confidence: float) -> tuple[float, float]:
        """Limits of the index that another extract of the same size would give these people.

        Clustering halves of a sample spreads as clustering samples does, and counts differ as those
        of two samples do: both extracts err, so both variances count twice. Student's t has the
        degrees of freedom of Satterthwaite (1946), "An approximate distribution of estimates of
        variance components", Biometrics Bulletin 2, 110-114.
        """
        variance = self.spread + self.counting
        if not variance:
            return self.index, self.index
        free = (self.n - 1) * (variance / self.spread) ** 2 if self.spread else np.inf
        error = (2 * variance + self.spread / self.n) ** 0.5
        factor = float(np.exp(t.ppf(0.5 + confidence / 2, free) * error))
        return self.index / factor, self.index * factor
