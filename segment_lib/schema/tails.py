"""Heavy tails of amounts: how skewed counted numbers are, and what takes the skew away."""

from collections.abc import Mapping
from math import copysign, fsum, log1p
from typing import Literal

Transform = Literal["none", "log", "rank"]
MOST_SKEW = 2.0
"""Skewness from which on a few large amounts decide a mean and a variance (Kim 2013,
"Statistical notes for clinical researchers: assessing normal distribution (2)")."""


def skewness(rows: Mapping[float, int]) -> float:
    """Fisher's moment coefficient of skewness of numbers counted by value; 0 if all are the same.

    Summed exactly, so that it is the same however the rows were counted.
    """
    n = sum(rows.values())
    mean = fsum(value * count for value, count in rows.items()) / n
    moments = [
        fsum((value - mean) ** power * count for value, count in rows.items()) / n
        for power in (2, 3)
    ]
    return float(moments[1] / moments[0] ** 1.5) if moments[0] > 0 else 0.0


def signed_log(value: float, unit: float) -> float:
    """The logarithm of 1 + `value / unit`, of negative amounts with its sign turned.

    >>> round(signed_log(-100, unit=1), 2)
    -4.62
    """
    return copysign(log1p(abs(value) / unit), value)


def log_unit(rows: Mapping[float, int]) -> float:
    """The median size of amounts that are not 0: below it the logarithm is about a line."""
    sizes: dict[float, int] = {}
    for value, count in rows.items():
        if value:
            sizes[abs(value)] = sizes.get(abs(value), 0) + count
    return median(sizes) if sizes else 1.0


def median(rows: Mapping[float, int]) -> float:
    """The lower weighted median: a value that occurs, or its bin where numbers share one."""
    half, below = sum(rows.values()) / 2, 0
    for value, count in sorted(rows.items()):
        below += count
        if below >= half:
            return value
    raise ValueError("no values")


def choose_transform(rows: Mapping[float, int]) -> tuple[Transform, float]:
    """Choose what takes the skew of amounts away, and return it with their skewness.

    Nothing if they are little skewed, else the signed logarithm if that is, else the rank.
    """
    skew = skewness(rows)
    if abs(skew) <= MOST_SKEW:
        return "none", skew
    unit, logs = log_unit(rows), dict[float, int]()
    for value, count in rows.items():
        log = signed_log(value, unit)
        logs[log] = logs.get(log, 0) + count
    return ("log" if abs(skewness(logs)) <= MOST_SKEW else "rank"), skew
