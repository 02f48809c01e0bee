"""Scales against codes: whether the order of whole numbers means anything."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from segment_lib.schema import Meaning

MIN_MONOTONE = 0.7
"""Share of what a column explains of others that its order must explain, for a scale."""
_LEAST = 0.003
"""Share of variance from which on one column is said to explain another."""
_ZERO_GAIN, _MOST_ZEROS, _MIN_ABOVE = 0.1, 0.6, 4
"""Gain of that share where 0 is left out, for 0 to be missing; largest share of 0; codes above."""
_GRADES = re.compile(
    r"\b(very|high|higher|highest|low|lower|lowest|medium|average|strong|strongest|weak|weakest"
    r"|small|large|good|poor|under|over|above|below|less|more|within|further|often|rarely|never"
    r"|always|likely|unlikely|sehr|hoch|niedrig|mittel|gering|stark|schwach|unter|über|bis|mehr"
    r"|weniger|oft|selten|nie|immer|none|kein[e]?)\b|\d",
    re.IGNORECASE,
)
_CODE_NAME = re.compile(
    r"typ(e|us)?(?![a-z])|_kz\b|_kz_|kind\b|class|klasse|categor|kategor|group|gruppe|cluster|segment"
    r"|region|code|status|branch|family|famil",
    re.IGNORECASE,
)


def are_grades(meaning: Meaning) -> bool:
    """True if most labels of a column are grades, such as "very high" or "under 10 km"."""
    labels = list(meaning.levels.values())
    graded = sum(_GRADES.search(label) is not None and len(label.split()) <= 5 for label in labels)
    return len(labels) > 2 and graded >= 0.6 * len(labels)


def is_code_name(name: str) -> bool:
    """True if a name says that the numbers of a column are types or groups."""
    return bool(_CODE_NAME.search(name))


@dataclass(frozen=True)
class Order:
    """What the order of the codes of a column says of other columns."""

    monotone: float
    """Share of what the codes explain of others that their order explains; 0 left out if apart."""
    is_zero_apart: bool = False
    """True if 0 breaks the order of the codes above it, as a code for missing does."""


@dataclass(frozen=True)
class Others:
    """Columns that codes are compared with, centred once for all codes."""

    cells: np.ndarray
    """Shape (n_columns, n_rows), less the mean of their column; 0 where missing."""
    is_there: np.ndarray
    """Of the same shape: 1 where a cell is not missing, else 0."""

    @classmethod
    def of(cls, columns: Sequence[np.ndarray]) -> "Others":
        """Columns of shape (n_rows,), NaN where missing."""
        cells = np.stack(columns)
        is_there = np.isfinite(cells)
        cells[~is_there] = 0
        cells -= cells.sum(axis=1, keepdims=True) / is_there.sum(axis=1, keepdims=True).clip(1)
        cells[~is_there] = 0
        return cls(cells, is_there.astype(np.float64))


def monotone_share(codes: np.ndarray, others: Others, own: int | None = None) -> float | None:
    """Of what the codes explain of other columns, the share that their order explains.

    For each other column it compares the squared correlation with the correlation ratio (Pearson
    1905): they are the same where its mean rises or falls evenly with the codes.

    Parameters
    ----------
    codes : shape (n_rows,), NaN where missing
    own : which of the others is the codes themselves

    Returns
    -------
    A share from 0 to 1; None if the codes explain none of the others.
    """
    is_coded = np.isfinite(codes)
    levels, order = np.unique(codes[is_coded], return_inverse=True)
    has_level = np.zeros((len(levels), len(codes)))
    has_level[order, np.flatnonzero(is_coded)] = 1
    # Sums by level and other column, from which all else follows.
    n, sums = has_level @ others.is_there.T, has_level @ others.cells.T
    squares = others.cells**2 @ is_coded
    rows, x = n.sum(axis=0), np.arange(len(levels))
    with np.errstate(divide="ignore", invalid="ignore"):
        mean_x, mean_y = x @ n / rows, sums.sum(axis=0) / rows
        spread_x = x**2 @ n / rows - mean_x**2
        spread_y = squares / rows - mean_y**2
        between = (sums**2 / np.maximum(n, 1)).sum(axis=0) / rows - mean_y**2
        # Less what chance would explain.
        by_level = between / spread_y - (len(levels) - 1) / rows
        by_order = (x @ sums / rows - mean_x * mean_y) ** 2 / (spread_x * spread_y) - 1 / rows
    explained = np.isfinite(by_order) & (by_level > _LEAST)
    if own is not None:
        explained[own] = False
    if not explained.any():
        return None
    shares = np.maximum(by_order[explained], 0).sum() / by_level[explained].sum()
    return min(1.0, float(shares))


def orders(
    columns: Mapping[str, np.ndarray], names: Collection[str], most: int = 40
) -> dict[str, Order]:
    """The `Order` of some columns as the others show it, about `most` of these."""
    result: dict[str, Order] = {}
    if not columns:
        return result
    compared = list(columns)[:: max(1, -(-(len(columns) - 1) // most))]
    others = Others.of([columns[name] for name in compared])
    for name in names:
        own = compared.index(name) if name in compared else None
        if order := _order(columns[name], others, own):
            result[name] = order
    return result


def _order(codes: np.ndarray, others: Others, own: int | None) -> Order | None:
    share = monotone_share(codes, others, own)
    if share is None:
        return None
    is_zero = codes == 0
    above = codes[codes > 0]
    may_be_apart = (
        0 < is_zero.mean() < _MOST_ZEROS
        and not (codes < 0).any()
        and len(np.unique(above)) >= _MIN_ABOVE
    )
    if not may_be_apart:
        return Order(share)
    without = monotone_share(np.where(is_zero, np.nan, codes), others, own)
    if without is None or without < share + _ZERO_GAIN:
        return Order(share)
    return Order(without, is_zero_apart=True)
