"""Agreement of two clusterings of the same people, and means with their standard errors."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from sklearn.metrics import adjusted_rand_score
from sklearn.metrics.cluster import contingency_matrix

from segment_lib.terms import FOUND_AGAIN


@dataclass(frozen=True)
class Estimate:
    """A mean and its standard error, not a number where there is but one value."""

    mean: float
    error: float

    @classmethod
    def over(cls, values: Sequence[float]) -> "Estimate":
        """The mean of values measured independently of each other."""
        error = np.std(values, ddof=1) / len(values) ** 0.5 if len(values) > 1 else np.nan
        return cls(float(np.mean(values)), float(error))

    def text(self, decimals: int = 2) -> str:
        """Mean ± error, such as ``0.91 ± 0.02``."""
        error = "" if np.isnan(self.error) else f" ± {self.error:.{decimals}f}"
        return f"{self.mean:.{decimals}f}{error}"


@dataclass(frozen=True)
class Agreement:
    """How well one clustering's segments are found again in another, and the other way round."""

    jaccard: float
    """Mean over people of Jaccard's coefficient of their segment with its best match."""
    found_again: float
    """Share of people in segments whose best match reaches FOUND_AGAIN."""


def agreement(labels: np.ndarray, others: np.ndarray) -> Agreement:
    """Match the segments of two clusterings of the same people; symmetric.

    Parameters
    ----------
    labels, others : the segment of each person, shape (n_people,)
    """
    rows = contingency_matrix(labels, others)
    sizes, other_sizes = rows.sum(axis=1), rows.sum(axis=0)
    alike = rows / (sizes[:, None] + other_sizes - rows)
    sides = ((sizes, alike.max(axis=1)), (other_sizes, alike.max(axis=0)))
    return Agreement(
        float(np.mean([np.average(best, weights=people) for people, best in sides])),
        float(np.mean([np.average(best >= FOUND_AGAIN, weights=people) for people, best in sides])),
    )


def pairwise_rand(clusterings: Sequence[Any]) -> list[float]:
    """Return the adjusted Rand index of each pair of clusterings of the same people."""
    return [float(adjusted_rand_score(a, b)) for a, b in combinations(clusterings, 2)]


def pairwise_difference(values: Sequence[np.ndarray]) -> list[float]:
    """Return for each pair the share of people of whom they say different things."""
    return [float((a != b).mean()) for a, b in combinations(values, 2)]
