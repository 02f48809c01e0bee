"""The table of segments: customers against the population, and what other clusterings say."""

from collections.abc import Mapping

import numpy as np
import polars as pl

from segment_lib.compare.index import compare_segments, index_interval
from segment_lib.compare.spread import index_spread


def segment_table(
    population: Mapping[int, int],
    customers: Mapping[int, int],
    ids: np.ndarray,
    *,
    contingency: np.ndarray,
    customer_sizes: np.ndarray,
    jaccard: np.ndarray,
    min_rows: int,
) -> pl.DataFrame:
    """Return index, interval, spread, stability and verdict of each segment.

    Parameters
    ----------
    population, customers : rows by segment, those set aside included
    ids : number of each cluster, shape (n_clusters,)
    contingency : rows of the population by cluster and by cluster of each resampled clustering,
        shape (n_resamples, n_clusters, n_clusters)
    customer_sizes : rows of the customers by cluster of those, shape (n_resamples, n_clusters)
    jaccard : of each cluster with its likest partner in those, shape (n_resamples, n_clusters)
    min_rows : segments with fewer rows of the population are marked small
    """
    n, m = sum(population.values()), sum(customers.values())
    places = [place for place, number in enumerate(ids.tolist()) if population[number]]
    numbers = [int(ids[place]) for place in places]
    own = [index_interval(customers[s], m, population[s], n)[1] for s in numbers]
    low, high = index_spread(
        contingency[:, places],
        customer_sizes,
        all_population=n,
        all_customers=m,
        own=np.array(own, dtype=np.float64),
    )
    return compare_segments(
        population,
        customers,
        spread={s: (float(low[i]), float(high[i])) for i, s in enumerate(numbers)},
        stability={s: float(jaccard[:, at].mean()) for at, s in zip(places, numbers, strict=True)},
        min_rows=min_rows,
    )
