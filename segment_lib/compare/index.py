"""Table of the segments, customers against population: shares, index, limits, verdict."""

from collections.abc import Mapping
from math import exp, sqrt
from statistics import NormalDist

import polars as pl
from scipy.special import betaincinv

from segment_lib.terms import AVERAGE, CONFIDENCE, OVER, UNDER

MIN_NORMAL_ROWS = 30
"""The fewest rows for an approximation by the normal distribution."""

SEGMENTS = {
    "segment": pl.Int32,
    "population_rows": pl.Int64,
    "population_share": pl.Float64,
    "customer_rows": pl.Int64,
    "customer_share": pl.Float64,
    "index": pl.Float64,
    "index_low": pl.Float64,
    "index_high": pl.Float64,
    "verdict": pl.String,
    "spread_low": pl.Float64,
    "spread_high": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "stability": pl.Float64,
    "small": pl.Boolean,
}


def compare_segments(
    population: Mapping[int, int],
    customers: Mapping[int, int],
    *,
    spread: Mapping[int, tuple[float, float]] | None = None,
    stability: Mapping[int, float] | None = None,
    min_rows: int = 0,
) -> pl.DataFrame:
    """Table of shares, index, limits and verdict of each segment, in the order of segments.

    The rows set aside are segment -1. `index_low` and `index_high` are the confidence interval of
    a single segment. `low` and `high` hold for all segments at once: the interval at the level
    1 - 0.05 / segments (Bonferroni), widened to the spread where that lies beyond it. The verdict
    is read from these, so that with no difference at all the chance that any segment is called over
    or under is at most 5 %.

    Parameters
    ----------
    population, customers : rows by segment
    spread : lowest and highest index of a segment over matched resampled clusterings
    stability : mean Jaccard coefficient of a segment over resampled clusterings
    min_rows : a segment with fewer rows of the population is marked small

    Returns
    -------
    segments : columns of SEGMENTS; index is null where the population has no row
    """
    n, m = sum(population.values()), sum(customers.values())
    segments = sorted(set(population) | set(customers))
    all_at_once = 1 - (1 - CONFIDENCE) / len(segments)
    rows = []
    for segment in segments:
        p, c = population.get(segment, 0), customers.get(segment, 0)
        low, index, high = index_interval(c, m, p, n)
        least, _, most = index_interval(c, m, p, n, confidence=all_at_once)
        lowest, highest = (spread or {}).get(segment, (None, None))
        if lowest is not None and highest is not None and least is not None and most is not None:
            least, most = min(least, lowest), max(most, highest)
        rows.append(
            (
                *(segment, p, p / n, c, c / m, index, low, high, _verdict(least, most)),
                *(lowest, highest, least, most, (stability or {}).get(segment), p < min_rows),
            )
        )
    return pl.DataFrame(rows, schema=SEGMENTS, orient="row")


def index_interval(
    customers: int,
    all_customers: int,
    population: int,
    all_population: int,
    confidence: float = CONFIDENCE,
) -> tuple[float | None, float | None, float | None]:
    """Lower limit, index and upper limit of one segment.

    The index is 100 × customer share ÷ population share. Its interval is the log interval of a
    ratio of two proportions: Katz, Baptista, Azen and Pike (1978), "Obtaining confidence intervals
    for the risk ratio in cohort studies", Biometrics 34, 469-474, method C. That is an
    approximation: where customers or population have fewer than MIN_NORMAL_ROWS rows in the segment
    or outside it, the limits are exact ones of a ratio of two rates, which are never too narrow.
    """
    if not population:
        return None, None, None
    expected = all_customers * population / all_population
    index = 100 * customers / expected
    sizes = ((customers, all_customers), (population, all_population))
    if min(min(rows, everybody - rows) for rows, everybody in sizes) < MIN_NORMAL_ROWS:
        low, high = _exact_limits(customers, population, 1 - confidence)
        scale = 100 * all_population / all_customers
        return scale * low, index, scale * high
    standard_error = sqrt(sum(1 / rows - 1 / everybody for rows, everybody in sizes))
    factor = exp(NormalDist().inv_cdf(0.5 + confidence / 2) * standard_error)
    return index / factor, index, index * factor


def _exact_limits(first: int, second: int, error: float) -> tuple[float, float]:
    """Exact limits of the ratio of two Poisson rates, given their counts; the second is not 0.

    Given their sum, the first count is binomial: Przyborowski and Wilenski (1940), "Homogeneity of
    results in testing samples from Poisson series", Biometrika 31, 313-323, with the limits of
    Clopper and Pearson (1934), Biometrika 26, 404-413. Counts of proportions spread less.
    """
    low = betaincinv(first, second + 1, error / 2) if first else 0.0
    high = betaincinv(first + 1, second, 1 - error / 2)
    return float(low / (1 - low)), float(high / (1 - high))


def _verdict(low: float | None, high: float | None) -> str:
    if low is None or high is None:
        return AVERAGE
    return OVER if low > 100 else UNDER if high < 100 else AVERAGE
