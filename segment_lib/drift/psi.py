"""Population stability index (PSI), its bands, and its size by chance alone."""

from collections.abc import Hashable, Mapping
from math import log

from scipy.stats import chi2

from segment_lib.terms import CONFIDENCE

PSI_BANDS = ((0.1, "stable"), (0.25, "moderate"))
"""Below 0.1 stable, from 0.1 to 0.25 moderate, above it large (Siddiqi 2006)."""


def psi(base: Mapping[Hashable, int], new: Mapping[Hashable, int]) -> float:
    """Population stability index: the sum of ``(q - p) ln(q / p)`` over all levels.

    p is the share of a level before and q after. Siddiqi (2006), "Credit risk scorecards",
    chapter 8; the same as the symmetric divergence of Kullback and Leibler (1951), Annals of
    Mathematical Statistics 22, 79-86. A level with no row in one of the two counts as half a row
    there; the other shares stay as they are.

    Parameters
    ----------
    base, new : rows by level; each holds at least one row

    >>> round(psi({"a": 50, "b": 50}, {"a": 60, "b": 40}), 6)
    0.040547
    """
    n, m = sum(base.values()), sum(new.values())
    total = 0.0
    for level in dict.fromkeys((*base, *new)):
        rows, others = base.get(level, 0), new.get(level, 0)
        if rows or others:
            p, q = (rows or 0.5) / n, (others or 0.5) / m
            total += (q - p) * log(q / p)
    return total


def psi_by_chance(levels: int, n: int, m: int) -> float:
    """The 95th percentile of the PSI between two samples of one population.

    The PSI is then ``1 / n + 1 / m`` times a chi-square with ``levels - 1`` degrees of freedom
    (Yurdakul and Naranjo 2020, "Statistical properties of the population stability index", Journal
    of Risk Model Validation 14(4)).

    Parameters
    ----------
    levels : number of levels
    n, m : rows of the two samples
    """
    return float(chi2.ppf(CONFIDENCE, levels - 1)) * (1 / n + 1 / m) if levels > 1 else 0.0


def psi_band(value: float) -> str:
    """Band of a PSI: stable, moderate or large.

    >>> [psi_band(value) for value in (0.09, 0.1, 0.25, 0.26)]
    ['stable', 'moderate', 'moderate', 'large']
    """
    (stable, least), (moderate, middle) = PSI_BANDS
    return least if value < stable else middle if value <= moderate else "large"
