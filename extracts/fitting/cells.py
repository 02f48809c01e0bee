"""Cells, one for every combination of missing states, and their rows by proportional fitting."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from extracts.figures import OUTLIERS
from extracts.missing import EMPTY, GROUP_COLUMN, GROUPS, REGIONS, Group, marks

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

FREE = -1
"""The label of cells a constraint says nothing about."""


@dataclass(frozen=True)
class Constraint:
    """Cells labelled 0, 1, ... hold so many rows together; cells labelled `FREE` are free."""

    labels: Ints
    rows: Floats

    def of(self, kept: Bools) -> "Constraint":
        """The same on some of the cells."""
        return Constraint(self.labels[kept], self.rows)

    def held(self, rows: Floats) -> Floats:
        """What cells of each label hold now."""
        counted = np.bincount(self.labels + 1, weights=rows, minlength=len(self.rows) + 1)
        return np.asarray(counted[1:])


def states_hold(where: Bools, state: Ints, rows: Iterable[float]) -> Constraint:
    """So many rows in state 0, 1, ... of a group, within some cells."""
    return Constraint(np.where(where, state, FREE), np.array([*rows], dtype=np.float64))


def cells_hold(where: Bools, rows: float) -> Constraint:
    """So many rows in some cells together."""
    return Constraint(np.where(where, 0, FREE), np.array([rows], dtype=np.float64))


def scale_rows(start: Floats, constraints: Sequence[Constraint], *, passes: int) -> Floats:
    """`start` scaled to meet each constraint in turn, all of them `passes` times.

    This is iterative proportional fitting: of all rows that meet the constraints it finds those
    nearest to `start`. Where constraints contradict each other, the later ones are met best.
    """
    rows = start.copy()
    for _ in range(passes):
        for constraint in constraints:
            held = constraint.held(rows)
            factor = np.divide(constraint.rows, held, out=np.ones_like(held), where=held > 0)
            rows *= np.concatenate([[1.0], factor])[constraint.labels + 1]
    return rows


@dataclass(frozen=True)
class Cells:
    """Combinations of a region and a state of each group, of shape (n_cells, 1 + groups)."""

    states: Ints

    @property
    def region(self) -> Ints:
        """The region of each cell."""
        return self.states[:, 0]

    def in_region(self, *names: str) -> Bools:
        """Which cells are in one of these regions."""
        return np.isin(self.region, [REGIONS.index(name) for name in names])

    def group(self, name: str) -> Ints:
        """The state of a group in each cell."""
        return self.states[:, GROUP_COLUMN[name]]

    @cached_property
    def n_missing(self) -> Ints:
        """Missing of the 79 attributes, per cell."""
        return self._added_up(lambda written: len(set(written) - set(OUTLIERS)))

    @cached_property
    def complete(self) -> Bools:
        """Which cells have no empty cell."""
        return np.asarray(self._added_up(lambda written: int(EMPTY in written.values())) == 0)

    def _added_up(self, amount: Callable[[dict[str, str]], int]) -> Ints:
        """An amount of what the region writes and of what each group writes, added up."""
        nothing = (0,) * len(GROUPS)
        of_region = [amount(marks((region, *nothing))) for region in range(len(REGIONS))]
        total = np.array(of_region)[self.region]
        for group in GROUPS:
            of_state = [amount(written) for written in group.states]
            total = total + np.array(of_state)[self.group(group.name)]
        return np.asarray(total)


def all_cells() -> Cells:
    """Every combination there can be: groups outside their regions keep to state 0."""
    blocks = []
    for region, name in enumerate(REGIONS):
        sizes = [_n_states(group, name) for group in GROUPS]
        states = np.indices(sizes).reshape(len(sizes), -1).T
        blocks.append(np.column_stack([np.full(len(states), region), states]))
    return Cells(np.vstack(blocks))


def _n_states(group: Group, region: str) -> int:
    return len(group.states) if region in group.regions else 1
