"""Which new segment is which old one: by the rows they share, and by where their centres lie."""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment

SAME = 0.5
"""Segments whose Jaccard coefficient is above this are the same; no other can share as much."""


@dataclass(frozen=True)
class Match:
    """The new segments in terms of the old."""

    ids: tuple[int, ...]
    """For each new segment its number: that of the old one it is, else one never used."""
    overlap: tuple[float, ...]
    """Jaccard coefficient of each new segment with its partner; 0 without one."""
    new: tuple[int, ...]
    """Numbers of segments that were none before."""
    vanished: tuple[int, ...]
    """Numbers of old segments that are none any more."""


def match_segments(
    joint: np.ndarray,
    old_centers: np.ndarray,
    new_centers: np.ndarray,
    old_ids: tuple[int, ...],
    next_id: int,
) -> Match:
    """Match by the rows shared, and what is left over by where it lies.

    A pair is one segment if the Jaccard coefficient of their rows is above SAME (half of all the
    rows of either; at or below it Hennig 2007 calls a cluster dissolved). The others are assigned
    at least cost (Kuhn 1955, Naval Research Logistics Quarterly 2, 83-97), which is one minus that
    coefficient plus the distance of the centres as a share of the largest.

    Parameters
    ----------
    joint : the same rows by old and new segment, shape (n_old, n_new)
    old_centers, new_centers : in units that compare, shape (n_old, n_features), (n_new, n_features)
    old_ids : the numbers of the old segments
    next_id : the first number never used
    """
    either = joint.sum(axis=1)[:, None] + joint.sum(axis=0) - joint
    alike = joint / np.maximum(either, 1)
    apart = np.linalg.norm(old_centers[:, None, :] - new_centers[None, :, :], axis=2)
    apart = apart / (apart.max() or 1.0)
    # No other assignment is worth one segment that is still there: a cost is 2 at the most.
    partner = _partners(np.where(alike > SAME, -2.0 * max(joint.shape), 1 - alike + apart))
    ids: list[int] = []
    for segment in range(joint.shape[1]):
        old = partner.get(segment)
        if old is not None and alike[old, segment] > SAME:
            ids.append(old_ids[old])
        else:
            ids.append(next_id)
            next_id += 1
    return Match(
        tuple(ids),
        tuple(float(alike[partner[s], s]) if s in partner else 0.0 for s in range(joint.shape[1])),
        tuple(number for number in ids if number not in old_ids),
        tuple(number for number in old_ids if number not in ids),
    )


def _partners(cost: np.ndarray) -> dict[int, int]:
    """The old segment of each new one that has one."""
    old, new = linear_sum_assignment(cost)
    return dict(zip(new.tolist(), old.tolist(), strict=True))
