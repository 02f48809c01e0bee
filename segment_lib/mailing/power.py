"""How large a difference between two groups of people a test mailing can tell."""

from math import sqrt
from statistics import NormalDist

from segment_lib.terms import CONFIDENCE

POWER = 0.8
"""The usual chance with which a difference that is there is to be told (Cohen 1988, "Statistical
power analysis for the behavioral sciences")."""
_NORMAL = NormalDist()
_STEPS = 60
"""Halvings of an interval of rates, down to rounding."""


def power_of(control_rate: float, test_rate: float, control: int, test: int) -> float:
    """Chance that the two-sided z-test of two proportions tells the rates apart.

    The test pools the variance of both groups. Fleiss, Levin and Paik (2003), "Statistical methods
    for rates and proportions", chapter 4, without correction for continuity.

    Parameters
    ----------
    control_rate, test_rate : shares of the people who respond
    control, test : people of the groups, at least 1
    """
    pooled = (control * control_rate + test * test_rate) / (control + test)
    by_chance = sqrt(pooled * (1 - pooled) * (1 / control + 1 / test))
    spread = sqrt(control_rate * (1 - control_rate) / control + test_rate * (1 - test_rate) / test)
    bound = _NORMAL.inv_cdf(0.5 + CONFIDENCE / 2) * by_chance
    difference = test_rate - control_rate
    if not spread:
        return float(abs(difference) > bound)
    above, below = (difference - bound) / spread, (-difference - bound) / spread
    return _NORMAL.cdf(above) + _NORMAL.cdf(below)


def smallest_lift(base_rate: float, control: int, test: int) -> float | None:
    """Smallest lift of a test over its control that is told with `POWER`; None if none is.

    Parameters
    ----------
    base_rate : share of the control that responds, above 0 and below 1
    control, test : people of the groups
    """
    if not control or not test or power_of(base_rate, 1.0, control, test) < POWER:
        return None
    low, high = base_rate, 1.0
    for _ in range(_STEPS):
        middle = (low + high) / 2
        if power_of(base_rate, middle, control, test) < POWER:
            low = middle
        else:
            high = middle
    return high / base_rate
