"""Joint missing patterns by iterative proportional fitting: least assuming table with the published counts.

A cell is one combination of region and group states. Every published count, alone, in pairs or as
rows by number missing, is a constraint; what is not published stays as independent as they allow.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from segment_lib.synthetic.figures import figures
from segment_lib.synthetic.missing import GROUPS, REGIONS, n_missing

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

COLUMN = {group.name: index + 1 for index, group in enumerate(GROUPS)}


@dataclass(frozen=True)
class Constraint:
    """Cells labelled 0, 1, ... hold so many rows; cells labelled -1 are free."""

    labels: Ints
    rows: Floats


def all_cells() -> Ints:
    blocks = []
    for region, name in enumerate(REGIONS):
        sizes = [len(g.states) if name in g.regions else 1 for g in GROUPS]
        states = np.indices(sizes).reshape(len(sizes), -1).T
        blocks.append(np.column_stack([np.full(len(states), region), states]))
    return np.vstack(blocks)


def fit(start: Floats, constraints: Sequence[Constraint], *, passes: int) -> Floats:
    """`start` scaled until the constraints hold, one after the other."""
    rows = start.copy()
    for _ in range(passes):
        for c in constraints:
            now = np.bincount(c.labels + 1, weights=rows, minlength=len(c.rows) + 1)[1:]
            factor = np.divide(c.rows, now, out=np.ones_like(now), where=now > 0)
            rows *= np.concatenate([[1.0], factor])[c.labels + 1]
    return rows


def one(mask: NDArray[np.bool_], n: float) -> Constraint:
    return Constraint(np.where(mask, 0, -1), np.array([float(n)]))
