"""Spread of a segment's index over resampled clusterings of the population."""

import numpy as np


def index_spread(
    overlap: np.ndarray,
    customers: np.ndarray,
    *,
    all_population: int,
    all_customers: int,
    own: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Lowest and highest index that resampled clusterings give the people of each segment.

    One clustering in twenty is left out at each end, so that a single poor one does not decide; the
    limits hold nine in ten of them. The people of a segment lie in one segment of a resampled
    clustering or in several; each counts with the index of the one it lies in. For a segment that
    is recovered whole this is the index of its match.

    Parameters
    ----------
    overlap : contingency tables, rows of the population by segment and by segment of a resampled
        clustering, shape (n_resampled, n_segments, n_clusters)
    customers : rows of the customers by segment of a resampled clustering, shape (n_resampled,
        n_clusters)
    all_population, all_customers : rows of the extracts, those set aside included
    own : index of each segment, shape (n_segments,); it lies within the limits

    Returns
    -------
    low, high : of shape (n_segments,)
    """
    population = np.maximum(overlap.sum(axis=1), 1)
    index = 100 * (customers / all_customers) / (population / all_population)
    people = np.maximum(overlap.sum(axis=2), 1)
    resampled = (overlap * index[:, None, :]).sum(axis=2) / people
    left_out = len(resampled) // 20
    kept = np.sort(resampled, axis=0)[left_out : len(resampled) - left_out]
    indices = np.vstack([own, kept])
    return indices.min(axis=0), indices.max(axis=0)
