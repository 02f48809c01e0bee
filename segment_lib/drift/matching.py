"""Matching of new to old segments, by the rows they share and by the distance of their centres."""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment

SAME_SEGMENT = 0.5
"""The Jaccard coefficient above which two segments are the same; no other pair can reach it."""


@dataclass(frozen=True)
class Match:
    """Result of matching: the numbers of the new segments, carried over from the old ones."""

    ids: tuple[int, ...]
    """Number of each new segment: that of the old segment it equals, else one never used."""
    overlap: tuple[float, ...]
    """Jaccard coefficient of each new segment with its partner; 0 without one."""
    new: tuple[int, ...]
    """Numbers of segments that equal no old one."""
    vanished: tuple[int, ...]
    """Numbers of old segments that no new one equals."""


def match_segments(
    contingency: np.ndarray,
    old_centers: np.ndarray,
    new_centers: np.ndarray,
    old_ids: tuple[int, ...],
    next_id: int,
) -> Match:
    """Match new segments to old ones by the rows they share, the rest by least cost.

    A pair is one segment if the Jaccard coefficient of their rows is above SAME_SEGMENT (half of
    their union; at or below it Hennig 2007 calls a cluster dissolved). The others are assigned at
    least cost (Kuhn 1955, Naval Research Logistics Quarterly 2, 83-97), which is one minus that
    coefficient plus the distance of the centres as a share of the largest.

    Parameters
    ----------
    contingency : counts of the same rows by old and new segment, shape (n_old, n_new)
    old_centers, new_centers : in the same units, shape (n_old, n_features), (n_new, n_features)
    old_ids : the numbers of the old segments
    next_id : the first number never used
    """
    union = contingency.sum(axis=1)[:, None] + contingency.sum(axis=0) - contingency
    jaccard = contingency / np.maximum(union, 1)
    distance = np.linalg.norm(old_centers[:, None, :] - new_centers[None, :, :], axis=2)
    distance = distance / (distance.max() or 1.0)
    # No other assignment is worth one segment that is still there: a cost is 2 at the most.
    partner = _partners(
        np.where(jaccard > SAME_SEGMENT, -2.0 * max(contingency.shape), 1 - jaccard + distance)
    )
    ids: list[int] = []
    for segment in range(contingency.shape[1]):
        old = partner.get(segment)
        if old is not None and jaccard[old, segment] > SAME_SEGMENT:
            ids.append(old_ids[old])
        else:
            ids.append(next_id)
            next_id += 1
    return Match(
        tuple(ids),
        tuple(float(jaccard[partner[s], s]) if s in partner else 0.0 for s in range(len(ids))),
        tuple(number for number in ids if number not in old_ids),
        tuple(number for number in old_ids if number not in ids),
    )


def _partners(cost: np.ndarray) -> dict[int, int]:
    """Old segment by new one, by the assignment of least cost."""
    old, new = linear_sum_assignment(cost)
    return dict(zip(new.tolist(), old.tolist(), strict=True))
