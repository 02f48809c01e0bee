"""Drift of the segments: of their shares of the population, and of the customers' index."""

from collections.abc import Mapping
from math import exp, log, sqrt
from statistics import NormalDist

import polars as pl

from segment_lib.terms import CONFIDENCE

MIN_CHANGE = 0.25
"""The largest change of a share that is no drift: to 1.25 times as much, or from it."""

SEGMENTS = {
    "segment": pl.Int32,
    "rows_base": pl.Int64,
    "share_base": pl.Float64,
    "rows_new": pl.Int64,
    "share_new": pl.Float64,
    "ratio": pl.Float64,
    "drifted": pl.Boolean,
}
"""Columns of a table of segments, a row each."""


def segment_drift(base: Mapping[int, int], new: Mapping[int, int]) -> pl.DataFrame:
    """Table of the share of each segment before and after, by one model.

    A segment has drifted if its share has changed by more than a quarter and by more than chance:
    the two-proportion z test at 0.05 for all segments together (Bonferroni).

    Parameters
    ----------
    base, new : rows by segment, those set aside included

    Returns
    -------
    segments : columns of SEGMENTS; `ratio` is null where the base has no row
    """
    n, m = sum(base.values()), sum(new.values())
    segments = sorted(set(base) | set(new))
    limit = NormalDist().inv_cdf(1 - (1 - CONFIDENCE) / 2 / max(len(segments), 1))
    rows = []
    for segment in segments:
        a, b = base.get(segment, 0), new.get(segment, 0)
        p, q, pooled = a / n, b / m, (a + b) / (n + m)
        error = sqrt(pooled * (1 - pooled) * (1 / n + 1 / m))
        is_significant = abs(q - p) > limit * error
        is_large = not (p / (1 + MIN_CHANGE) <= q <= p * (1 + MIN_CHANGE))
        rows.append((segment, a, p, b, q, q / p if a else None, is_significant and is_large))
    return pl.DataFrame(rows, schema=SEGMENTS, orient="row")


def index_change(
    before: tuple[float | None, float | None, float | None],
    after: tuple[float | None, float | None, float | None],
) -> tuple[float | None, float | None, float | None]:
    """Lower limit, ratio and upper limit of a segment's index after ÷ before.

    Parameters
    ----------
    before, after : lower limit, index and upper limit; the limits are those of a log interval, so
        that the variance of the logarithm of the ratio is the sum of the two. For deliveries that
        share people that is too wide, never too narrow.
    """
    if not all(v and v > 0 for v in (*before, *after)):
        return None, None, None
    (low, index, high), (low2, index2, high2) = (
        tuple(float(v or 0) for v in t) for t in (before, after)
    )
    half_width = sqrt(log(high / low) ** 2 + log(high2 / low2) ** 2) / 2
    middle = log(index2 / index)
    return exp(middle - half_width), exp(middle), exp(middle + half_width)
