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
}


def compare_segments(population: Mapping[int, int], customers: Mapping[int, int]) -> pl.DataFrame:
    """Index of each segment, in the order of segments; the set-aside rows are segment -1.

    Parameters
    ----------
    population, customers : rows by segment

    Returns
    -------
    segments : columns of SEGMENTS; index is null where the population has no row
    """
    n, m = sum(population.values()), sum(customers.values())
    rows = []
    for segment in sorted(set(population) | set(customers)):
        p, c = population.get(segment, 0), customers.get(segment, 0)
        low, index, high = index_interval(c, m, p, n)
        verdict = "average"
        if low is not None and high is not None:
            verdict = "over" if low > 100 else "under" if high < 100 else "average"
        rows.append((segment, p, p / n, c, c / m, index, low, high, verdict))
    return pl.DataFrame(rows, schema=SEGMENTS, orient="row")


def index_interval(
    customers: int, all_customers: int, population: int, all_population: int
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
    reach = NormalDist().inv_cdf(0.5 + CONFIDENCE / 2) * spread
    centre = log(counted / expected)
    low = 100 * exp(centre - reach) if customers else 0.0
    return low, 100 * customers / expected, 100 * exp(centre + reach)
