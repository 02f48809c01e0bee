"""How far the index of a segment's people moves when the population is clustered anew."""

import numpy as np


def index_spread(
    overlap: np.ndarray,
    customers: np.ndarray,
    *,
    all_population: int,
    all_customers: int,
    own: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """The lowest and the highest index that other clusterings give the people of each segment.

    One in twenty of the others is left out at each end, so that a single poor one does not decide.
    The people of a segment lie in one segment of another clustering or in several; each counts by
    the index of the one it lies in. For a segment found again whole that is the index of its match.
    Nine in ten of twenty clusterings lie within.

    Parameters
    ----------
    overlap : rows of the population by segment and by segment of another clustering, of shape
        (n_others, n_segments, n_clusters)
    customers : rows of the customers by segment of another clustering, (n_others, n_clusters)
    all_population, all_customers : rows of the extracts, those set aside included
    own : index of each segment, shape (n_segments,); it lies within the limits

    Returns
    -------
    low, high : of shape (n_segments,)
    """
    population = np.maximum(overlap.sum(axis=1), 1)
    index = 100 * (customers / all_customers) / (population / all_population)
    people = np.maximum(overlap.sum(axis=2), 1)
    seen = (overlap * index[:, None, :]).sum(axis=2) / people
    left_out = len(seen) // 20
    middle = np.sort(seen, axis=0)[left_out : len(seen) - left_out]
    together = np.vstack([own, middle])
    return together.min(axis=0), together.max(axis=0)
