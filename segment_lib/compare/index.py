"""Customers against the population, segment by segment: shares, index, interval, verdict."""

from collections.abc import Mapping
from math import exp, log, sqrt
from statistics import NormalDist

import polars as pl

SET_ASIDE = -1
"""The segment of rows too incomplete to cluster."""

CONFIDENCE = 0.95

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
    """Index of each segment, in the order of segments; the set-aside rows are segment -1.

    `index_low` and `index_high` are the interval of the segment by itself. `low` and `high` hold
    for all segments at once: the interval at the level 1 - 0.05 / segments (Bonferroni), and what
    of the spread lies beyond it. The verdict is read from these, so that with no difference at all
    the chance of any segment called over or under is at most 5 %.

    Parameters
    ----------
    population, customers : rows by segment
    spread : the lowest and the highest index of a segment over matched re-clusterings
    stability : mean Jaccard coefficient of a segment over re-clusterings
    min_rows : a segment with fewer rows of the population is marked small

    Returns
    -------
    segments : columns of SEGMENTS; index is null where the population has no row
    """
    n, m = sum(population.values()), sum(customers.values())
    segments = sorted(set(population) | set(customers))
    together = 1 - (1 - CONFIDENCE) / len(segments)
    rows = []
    for segment in segments:
        p, c = population.get(segment, 0), customers.get(segment, 0)
        low, index, high = index_interval(c, m, p, n)
        least, _, most = index_interval(c, m, p, n, confidence=together)
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
    """Lower limit, index and upper limit of a segment.

    The index is 100 × customer share ÷ population share. Its interval is the log interval of a
    ratio of two proportions: Katz, Baptista, Azen and Pike (1978), "Obtaining confidence intervals
    for the risk ratio in cohort studies", Biometrics 34, 469-474, method C. With no customer in the
    segment the limits are those of half a customer, the lower one 0.
    """
    if not population:
        return None, None, None
    expected = all_customers * population / all_population
    counted = customers or 0.5
    spread = sqrt(max(1 / counted - 1 / all_customers, 0.0) + (1 / population - 1 / all_population))
    reach = NormalDist().inv_cdf(0.5 + confidence / 2) * spread
    centre = log(counted / expected)
    low = 100 * exp(centre - reach) if customers else 0.0
    return low, 100 * customers / expected, 100 * exp(centre + reach)


def _verdict(low: float | None, high: float | None) -> str:
    if low is None or high is None:
        return "average"
    return "over" if low > 100 else "under" if high < 100 else "average"
