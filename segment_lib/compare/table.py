"""The table of segments: customers against the population, and what clusterings anew say."""

from collections.abc import Mapping

import numpy as np
import polars as pl

from segment_lib.compare.index import compare_segments
from segment_lib.compare.reclustered import recluster_index


def segment_table(
    population: Mapping[int, int],
    customers: Mapping[int, int],
    ids: np.ndarray,
    *,
    contingency: np.ndarray,
    customer_sizes: np.ndarray,
    jaccard: np.ndarray,
    base: str,
    min_rows: int,
) -> pl.DataFrame:
    """Return index, limits, stability and verdict of each segment.

    Parameters
    ----------
    population, customers : rows by segment, those set aside included
    ids : number of each cluster, shape (n_clusters,)
    contingency : rows of the population by cluster and by cluster of each clustering anew,
        shape (n_reclusterings, n_clusters, n_clusters)
    customer_sizes : rows of the customers by cluster of those, (n_reclusterings, n_clusters)
    jaccard : of each cluster with its likest partner in those, (n_reclusterings, n_clusters)
    base : whose shares are index 100, "placed" or "all"
    min_rows : segments with fewer rows of the population are marked small
    """
    places = [place for place, number in enumerate(ids.tolist()) if population[number]]
    values = recluster_index(contingency, customer_sizes)
    return compare_segments(
        population,
        customers,
        base=base,
        reclustered={int(ids[place]): values[:, place] for place in places},
        stability={int(ids[place]): float(jaccard[:, place].mean()) for place in places},
        min_rows=min_rows,
    )
