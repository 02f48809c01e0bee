"""Codes that likely mean missing, of a column that no feature summary describes."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from segment_lib.clean.columns import MAX_CODES, ColumnCounts
from segment_lib.clean.completeness import as_code
from segment_lib.clean.remarks import is_usual_sentinel, sentinels

_UNKNOWN = re.compile(
    r"unknown|undetermin|unclassif|cannot be|missing|refused|don'?t know"
    r"|not (known|available|stated|applicable|classif|possible)"
    r"|no (information|answer|data|classification|score)|unbekannt|fehlt|ohne angabe|weiß nicht"
    r"|nicht (bekannt|angegeben|zuzuordnen|ermittel)|keine (angabe|zuordnung)",
    re.IGNORECASE,
)
"""Words of labels, and of levels, that say that nothing is known."""
_MIN_SHARE = 0.01
_APART = "numbers apart from the others"
_FAR, _NEAR = 3, 2
"""Steps from the other codes at which a usual code is taken for missing, or asked about."""
_SPIKE, _SPIKE_APART, _NEIGHBOURS = 10, 3, 5
"""How frequent a code must be, in means of its neighbours: beside them, and apart; their number."""


@dataclass(frozen=True)
class MissingCodes:
    """Codes of a column that mean missing, and those that may."""

    codes: tuple[str, ...] = ()
    apart: tuple[str, ...] = ()
    """Of these the numbers that nothing but their distance from the others speaks for."""
    doubtful: tuple[str, ...] = ()
    why: str = ""

    def with_zero(self) -> "MissingCodes":
        """Return these and 0, which breaks the order of the codes above it."""
        if "0" in self.codes:
            return self
        why = ", ".join(filter(None, (self.why, "0 breaks the order of the others")))
        return MissingCodes((*self.codes, "0"), (*self.apart, "0"), self.doubtful, why)


def likely_missing(
    column: ColumnCounts,
    labels: Mapping[str, str],
    levels: Collection[str] | None = None,
    *,
    min_cell: int,
) -> MissingCodes:
    """Find the codes that mean missing: by labels, as words, or as numbers apart from the others.

    A code that fewer than `min_cell` rows hold is listed only if labels or the language name it.

    Parameters
    ----------
    labels : code to label, as a data dictionary has them, those of missing codes too
    levels : all codes that do not mean missing, where they are known
    """
    words = [*column.words, *(text for text in column.levels if _UNKNOWN.fullmatch(text))]
    labelled = [code for code, label in labels.items() if _UNKNOWN.search(label)]
    if levels or labelled:
        others = [c for c, n in column.levels.items() if n >= min_cell and c not in (levels or ())]
        codes = dict.fromkeys([*labelled, *(others if levels else ()), *words])
        return MissingCodes(tuple(codes), why="by the labels")
    certain, doubtful = _apart(column, min_cell)
    why = [*(["words for nothing"] * bool(words)), *([_APART] * bool(certain))]
    codes = dict.fromkeys([*certain, *words])
    return MissingCodes(tuple(codes), tuple(certain), tuple(doubtful), ", ".join(why))


def _apart(column: ColumnCounts, min_cell: int) -> tuple[list[str], list[str]]:
    """Codes apart from the others: those that mean missing, and those that may."""
    values = column.values
    if not values:
        return [], []
    letters = [c for c in column.levels if float_or_none(c) is None]
    # One or two codes of letters among numbers, such as X.
    few = len(letters) <= 2 < len(values) and column.rows_of(letters) < sum(values.values()) / 2
    certain = [code for code in letters if few and column.levels[code] >= min_cell]
    if len(letters) > 2:
        return [], []
    if len(values) > MAX_CODES or any(v != int(v) for v in values):
        numbers = sentinels(values, _MIN_SHARE * column.rows, min_cell) or _spikes(
            values, _MIN_SHARE * column.rows
        )
        return certain + [as_code(value) for value in numbers], []
    near = _near(values)
    apart = [v for v in (*_negative(values), *_high(values)) if v not in near]
    certain += [as_code(v) for v in apart if values[v] >= min_cell]
    return certain, [as_code(v) for v in near if values[v] >= min_cell]


def float_or_none(code: str) -> float | None:
    """The number that a code is; None for letters."""
    try:
        return float(code)
    except ValueError:
        return None


def _negative(values: Mapping[float, int]) -> list[float]:
    """Codes below 0, unless the scale goes as far below 0 as above."""
    negative = [v for v in values if v < 0]
    positive = [v for v in values if v > 0]
    is_symmetric = {-v for v in negative} == set(positive)
    return [] if is_symmetric or len(values) - len(negative) < 2 else negative


def _high(values: Mapping[float, int]) -> list[float]:
    """Usual codes for missing, such as 9 and 99, at least two steps above all others."""
    ordered = sorted(values)
    for i in range(2, len(ordered)):
        group, gap = ordered[i:], ordered[i] - ordered[i - 1]
        runs_on = ordered[i - 1] - ordered[i - 2] <= 1
        if len(group) <= 3 and all(map(is_usual_sentinel, group)) and runs_on and gap >= _NEAR:
            return group
    return []


def _near(values: Mapping[float, int]) -> list[float]:
    """Of the usual codes above all others those that are only two steps away, and may be levels."""
    group = _high(values)
    below = [v for v in values if not group or v < group[0]]
    return group if group and group[0] - max(below) < _FAR else []


def _spikes(values: Mapping[float, int], least_rows: float) -> list[float]:
    """The highest of amounts, if it is a usual code and far more frequent than those below."""
    ordered = sorted(values)
    last, below = ordered[-1], ordered[-1 - _NEIGHBOURS : -1]
    usual = is_usual_sentinel(last) and last > 9
    mean = sum(values[v] for v in below) / max(1, len(below))
    times = _SPIKE_APART if last - max(below, default=last) >= _NEAR else _SPIKE
    return [last] if usual and values[last] >= max(least_rows, times * mean) else []
