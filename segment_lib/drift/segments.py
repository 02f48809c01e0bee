"""Drift of the segments: of their shares of the population, and of the customers' index."""

from collections.abc import Mapping
from math import exp, log, sqrt
from statistics import NormalDist
from typing import Any

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


_SHARES = ("share_base", "share_new", "ratio", "drifted")
_INDEX = ("index", "low", "high")
_WITH_LIMITS = ("drawn_low", "index", "drawn_high")
"""The change is that of the index shown; as both runs draw the segments alike, its error is that of
counting, which the limits as drawn tell."""


def segment_changes(
    base: pl.DataFrame, new: pl.DataFrame, shares: pl.DataFrame, overlap: Mapping[int, float]
) -> pl.DataFrame:
    """Return a row per segment of either run: state, shares by the base's model, both indices.

    Parameters
    ----------
    base, new : the compared segments with their names
    shares : columns of SEGMENTS
    overlap : how much of each segment was in it before, after a refit
    """
    before, after, moved = (
        {row["segment"]: row for row in table.iter_rows(named=True)}
        for table in (base, new, shares)
    )
    rows = []
    for number in sorted(before.keys() | after.keys()):
        row_before, row_after = before.get(number), after.get(number)
        share: Mapping[str, Any] = moved.get(number, {})
        change = (
            index_change(
                *(tuple(row[name] for name in _WITH_LIMITS) for row in (row_before, row_after))
            )
            if row_before and row_after
            else (None, None, None)
        )
        state = "kept" if row_before and row_after else "vanished" if row_before else "new"
        rows.append(
            {
                "segment": number,
                "name": (row_after or row_before or {})["name"],
                "state": state,
                "overlap": overlap.get(number),
                **{name: share.get(name) for name in _SHARES},
                **{f"{name}_base": (row_before or {}).get(name) for name in _INDEX},
                **{f"{name}_new": (row_after or {}).get(name) for name in _INDEX},
                **dict(zip(("change_low", "index_change", "change_high"), change, strict=True)),
            }
        )
    return pl.DataFrame(rows, infer_schema_length=None)
