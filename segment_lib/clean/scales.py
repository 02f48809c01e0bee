"""Scales against codes: whether the order of whole numbers means anything."""

import re
from collections.abc import Collection, Mapping

import numpy as np

from segment_lib.schema import Meaning

MIN_MONOTONE = 0.75
"""Share of what a column explains of others that its order must explain, for a scale."""
_LEAST = 0.003
"""Share of variance from which on one column is said to explain another."""
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


def monotone_share(codes: np.ndarray, others: Collection[np.ndarray]) -> float | None:
    """Of what the codes explain of other columns, the share that their order explains.

    For each other column it compares the squared correlation with the correlation ratio (Pearson
    1905): they are the same where its mean rises or falls evenly with the codes.

    Parameters
    ----------
    codes, others : shape (n_rows,), NaN where missing

    Returns
    -------
    A share from 0 to 1; None if the codes explain none of the others.
    """
    levels = np.unique(codes[np.isfinite(codes)])
    by_order = by_level = 0.0
    for other in others:
        both = np.isfinite(codes) & np.isfinite(other)
        order = np.searchsorted(levels, codes[both])
        y = other[both]
        n = len(y)
        spread = float(((y - y.mean()) ** 2).sum()) if n else 0.0
        if not spread or len(np.unique(order)) < 2:
            continue
        rows = np.bincount(order, minlength=len(levels))
        sums = np.bincount(order, weights=y - y.mean(), minlength=len(levels))
        # Less what chance would explain.
        ratio = float((sums**2 / np.maximum(rows, 1)).sum()) / spread - (len(levels) - 1) / n
        if ratio > _LEAST:
            by_level += ratio
            by_order += max(0.0, float(np.corrcoef(order, y)[0, 1]) ** 2 - 1 / n)
    return min(1.0, by_order / by_level) if by_level else None


def monotone_shares(
    columns: Mapping[str, np.ndarray], names: Collection[str], most: int = 40
) -> dict[str, float]:
    """The `monotone_share` of some columns against the others, at most `most` of these."""
    shares = {}
    for name in names:
        others = [values for other, values in columns.items() if other != name]
        others = others[:: max(1, len(others) // most)]
        if (share := monotone_share(columns[name], others)) is not None:
            shares[name] = share
    return shares
