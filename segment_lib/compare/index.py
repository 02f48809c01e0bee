"""Table of the segments, customers against population: shares, index, limits, verdict."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import exp, sqrt
from statistics import NormalDist

import numpy as np
import polars as pl
from scipy.special import betaincinv

from segment_lib.compare.reclustered import ReclusteredIndex
from segment_lib.terms import (
    ALL,
    AVERAGE,
    CONFIDENCE,
    FOUND_AGAIN,
    OVER,
    PLACED,
    SET_ASIDE,
    UNDER,
)

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
    "low": pl.Float64,
    "high": pl.Float64,
    "drawn_index": pl.Float64,
    "drawn_low": pl.Float64,
    "drawn_high": pl.Float64,
    "stability": pl.Float64,
    "found_again": pl.Boolean,
    "small": pl.Boolean,
}


@dataclass(frozen=True)
class SegmentIndex:
    """Index of a segment: of its people clustered anew, and of the segment as drawn."""

    customers: int
    population: int
    all_customers: int
    all_population: int
    values: np.ndarray | None = None
    """Index by each clustering anew, shape (n_reclusterings,)."""

    @property
    def drawn(self) -> tuple[float | None, float | None, float | None]:
        """Lower limit, index and upper limit of the segment as drawn."""
        return self._drawn(CONFIDENCE)

    def limits(self, confidence: float) -> tuple[float | None, float | None, float | None]:
        """Lower limit, index and upper limit of the people clustered anew.

        Where rows are too few for the approximation by the normal distribution, the limits are as
        far apart as the exact ones of the segment as drawn. Without clusterings anew both are one.
        """
        least, index, most = drawn = self._drawn(confidence)
        if self.values is None or least is None or index is None or most is None:
            return drawn
        counting = sum(1 / max(rows, 1) - 1 / everybody for rows, everybody in self._sizes)
        # Without a customer the index has no logarithm: half of one is counted.
        index = max(index, 50 * self.all_population / self.all_customers / self.population)
        reclustered = ReclusteredIndex.from_values(self.values, index, max(counting, 0.0))
        low, high = reclustered.limits(confidence)
        if self._are_few:
            low, high = min(low, least), max(high, most)
        return low, reclustered.index, high

    def _drawn(self, confidence: float) -> tuple[float | None, float | None, float | None]:
        return index_interval(
            self.customers, self.all_customers, self.population, self.all_population, confidence
        )

    @property
    def _sizes(self) -> tuple[tuple[int, int], tuple[int, int]]:
        return (self.customers, self.all_customers), (self.population, self.all_population)

    @property
    def _are_few(self) -> bool:
        return _are_few(self._sizes)


def compare_segments(
    population: Mapping[int, int],
    customers: Mapping[int, int],
    *,
    base: str = PLACED,
    reclustered: Mapping[int, np.ndarray] | None = None,
    stability: Mapping[int, float] | None = None,
    min_rows: int = 0,
    at_once: int | None = None,
) -> pl.DataFrame:
    """Table of shares, index, limits and verdict of each segment, in the order of segments.

    `index` is that of the segment's people clustered anew, with `index_low` and `index_high` for
    this segment alone; `drawn_index` with its limits is that of the segment as drawn. `low` and
    `high` hold for all segments at once: the limits at the level 1 - 0.05 / segments (Bonferroni).
    The verdict is read from these, so that with no difference at all the chance that any segment is
    called over or under is at most 5 %.

    The rows set aside are segment -1. Its shares are of all rows, and its index tells how complete
    the extracts are.

    Parameters
    ----------
    population, customers : rows by segment
    base : whether 100 is the share of the rows that have a segment ("placed"), or of "all"
    reclustered : index of a segment's people by each clustering anew, where 100 is the share of the
        rows that have a segment, shape (n_reclusterings,)
    stability : mean Jaccard coefficient of a segment over clusterings anew
    min_rows : a segment with fewer rows of the population is marked small
    at_once : comparisons for which `low` and `high` hold at once; the number of segments if None

    Returns
    -------
    segments : columns of SEGMENTS; index is null where the population has no row
    """
    everyone = sum(customers.values()), sum(population.values())
    placed = tuple(
        total - rows.get(SET_ASIDE, 0)
        for total, rows in zip(everyone, (customers, population), strict=True)
    )
    segments = sorted(set(population) | set(customers))
    comparisons = sum(s != SET_ASIDE for s in segments) if at_once is None else at_once
    all_at_once = 1 - (1 - CONFIDENCE) / max(comparisons, 1)
    rows = []
    for segment in segments:
        p, c = population.get(segment, 0), customers.get(segment, 0)
        m, n = everyone if segment == SET_ASIDE or base == ALL else placed
        values = (reclustered or {}).get(segment)
        if values is not None and (m, n) == everyone:
            values = values * (placed[0] / m) / (placed[1] / n)
        index = SegmentIndex(c, p, m, n, values)
        index_low, point, index_high = index.limits(CONFIDENCE)
        low, _, high = index.limits(all_at_once)
        drawn_low, drawn, drawn_high = index.drawn
        stable = (stability or {}).get(segment)
        again = None if stable is None else stable >= FOUND_AGAIN
        rows.append(
            (
                *(segment, p, p / n if n else None, c, c / m if m else None),
                *(point, index_low, index_high, _verdict(low, high), low, high),
                *(drawn, drawn_low, drawn_high, stable, again, p < min_rows),
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
    if not population or not all_customers:
        return None, None, None
    expected = all_customers * population / all_population
    index = 100 * customers / expected
    sizes = ((customers, all_customers), (population, all_population))
    if _are_few(sizes):
        low, high = _exact_limits(customers, population, 1 - confidence)
        scale = 100 * all_population / all_customers
        return scale * low, index, scale * high
    standard_error = sqrt(sum(1 / rows - 1 / everybody for rows, everybody in sizes))
    factor = exp(NormalDist().inv_cdf(0.5 + confidence / 2) * standard_error)
    return index / factor, index, index * factor


def _are_few(sizes: Sequence[tuple[int, int]]) -> bool:
    """Return True if too few rows are in the segment, or outside it, of either extract."""
    return min(min(rows, everybody - rows) for rows, everybody in sizes) < MIN_NORMAL_ROWS


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
