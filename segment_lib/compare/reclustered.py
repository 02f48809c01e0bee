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
    """Index that another extract would give the people of one segment, by clusterings anew."""

    index: float
    spread: float
    """Variance of its logarithm over the clusterings."""
    counting: float
    """Variance of its logarithm by counting."""
    n: int
    """Clusterings."""

    @classmethod
    def from_values(cls, values: np.ndarray, drawn: float, counting: float) -> "ReclusteredIndex":
        """Extrapolate from the segment as drawn, over the clusterings of halves, to another sample.

        A clustering of a half differs from that of the whole by the variance of the whole about the
        truth, one of another sample by twice that. So the logarithm of the index moves as far again
        from the halves' mean as that lies from the segment as drawn, though not beyond 100. With
        the mean of the halves alone a segment stays half as far out as it was drawn.

        Parameters
        ----------
        values : index by each clustering anew, shape (n_reclusterings,)
        drawn : index of the segment as drawn, above 0
        """
        logs = np.log(values / 100)
        mean = float(logs.mean())
        spread = float(logs.var(ddof=1)) if len(logs) > 1 else 0.0
        beyond = 2 * mean - float(np.log(drawn / 100))
        index = 100 * float(np.exp(max(beyond, 0.0) if mean > 0 else min(beyond, 0.0)))
        return cls(index, spread, counting, len(logs))

    def limits(self, confidence: float) -> tuple[float, float]:
        """Limits of the index that another extract of the same size would give these people.

        Clustering halves of a sample spreads as clustering samples does, and counts differ as those
        of two samples do: both extracts err, so both variances count twice. The mean of the halves,
        which counts twice in the index, has its own error. Student's t has the degrees of freedom
        of Satterthwaite (1946), "An approximate distribution of estimates of variance components",
        Biometrics Bulletin 2, 110-114.
        """
        variance = self.spread + self.counting
        if not variance:
            return self.index, self.index
        free = (self.n - 1) * (variance / self.spread) ** 2 if self.spread else np.inf
        error = (2 * variance + 4 * self.spread / self.n) ** 0.5
        factor = float(np.exp(t.ppf(0.5 + confidence / 2, free) * error))
        return self.index / factor, self.index * factor
