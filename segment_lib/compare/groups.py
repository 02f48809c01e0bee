"""Groups of segments that are alike, for readers: a tree of mergings, cut by a written rule."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

FEWEST, MOST = 5, 9
"""Groups that a reader can keep in mind. No more segments than the most are groups as they are."""

Group = tuple[int, ...]
"""Places of segments, rising."""


@dataclass(frozen=True)
class Merging:
    """One step of the tree: the groups after it, and how far apart the two merged ones were."""

    groups: tuple[Group, ...]
    height: float


def group_segments(
    centers: np.ndarray, people: np.ndarray, verdicts: Sequence[str | None]
) -> tuple[Group, ...]:
    """Group segments of one verdict by Ward's method, five to nine groups, cut at the widest gap.

    Of two groups with the same verdict those are merged whose union adds least to the sum of
    squared distances of people to the centre of their group (Ward 1963, "Hierarchical grouping to
    optimize an objective function"). The height of a merging is the root of twice what it adds, as
    in scipy. The tree is cut where the next merging is higher than the last one by most; of equal
    gaps the one with fewer groups is taken.

    Parameters
    ----------
    centers : shape (n_segments, n_components)
    people : rows of the population in each segment, shape (n_segments,)
    verdicts : of each segment, None where it is suppressed

    Returns
    -------
    groups : by their first segment; each segment alone where there are nine segments or fewer
    """
    alone = tuple((place,) for place in range(len(centers)))
    if len(alone) <= MOST:
        return alone
    steps = [Merging(alone, 0.0)]
    while len(steps[-1].groups) >= FEWEST:
        step = merge_nearest(steps[-1].groups, centers, np.maximum(people, 1), verdicts)
        if step is None:
            break
        steps.append(step)
    gaps = [
        (after.height - step.height, -len(step.groups), step.groups)
        for step, after in pairwise(steps)
        if len(step.groups) <= MOST
    ]
    return max(gaps)[-1] if gaps else steps[-1].groups


def merge_nearest(
    groups: tuple[Group, ...],
    centers: np.ndarray,
    people: np.ndarray,
    verdicts: Sequence[str | None],
) -> Merging | None:
    """Merge the two groups of one verdict whose union adds least; None if no two are of one."""
    rows = [list(group) for group in groups]
    weights = np.array([people[row].sum() for row in rows], dtype=float)
    means = np.array([np.average(centers[row], axis=0, weights=people[row]) for row in rows])
    squared = ((means[:, None] - means) ** 2).sum(axis=2)
    added = weights[:, None] * weights / (weights[:, None] + weights) * squared
    kinds = np.array([str(verdicts[row[0]]) for row in rows])
    is_pair = np.triu(kinds[:, None] == kinds, k=1)
    if not is_pair.any():
        return None
    cost = np.where(is_pair, added, np.inf)
    first, second = (int(place) for place in np.unravel_index(cost.argmin(), cost.shape))
    merged = tuple(sorted(groups[first] + groups[second]))
    others = [group for place, group in enumerate(groups) if place not in (first, second)]
    return Merging(tuple(sorted([*others, merged])), float(np.sqrt(2 * added[first, second])))
