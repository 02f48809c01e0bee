"""The tables of segments and of their groups: customers against the population."""

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl

from segment_lib.compare.index import compare_segments
from segment_lib.compare.reclustered import recluster_index
from segment_lib.terms import SET_ASIDE


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


def group_table(
    population: Mapping[int, int],
    customers: Mapping[int, int],
    ids: np.ndarray,
    groups: Sequence[Sequence[int]],
    *,
    contingency: np.ndarray,
    customer_sizes: np.ndarray,
    base: str,
    min_rows: int,
) -> pl.DataFrame:
    """Return index, limits and verdict of each group, by the number of its first segment.

    The limits hold for as many comparisons as there are segments, so that a group of one segment
    has the figures of that segment.

    Parameters
    ----------
    groups : places of the segments of each group
    population, customers, ids, contingency, customer_sizes, base, min_rows : as `segment_table`
    """
    members = {int(ids[group[0]]): list(group) for group in groups}
    merged = np.stack([contingency[:, group].sum(axis=1) for group in members.values()], axis=1)
    values = recluster_index(merged, customer_sizes)
    people, theirs = (_sum_groups(counts, ids, members) for counts in (population, customers))
    return compare_segments(
        people,
        theirs,
        base=base,
        reclustered={n: values[:, at] for at, n in enumerate(members) if people[n]},
        min_rows=min_rows,
        at_once=len(ids),
    )


def _sum_groups(
    counts: Mapping[int, int], ids: np.ndarray, members: Mapping[int, Sequence[int]]
) -> dict[int, int]:
    """Rows by group, those set aside included."""
    rows = {n: sum(counts.get(int(ids[p]), 0) for p in group) for n, group in members.items()}
    return rows | {number: n for number, n in counts.items() if number == SET_ASIDE}
