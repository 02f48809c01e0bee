"""Gains of a mail-out: cells ranked on half of the customers, measured on the other half.

A cell is a segment or a micro-segment. Customers are also members of the population, and nobody can
tell which: the depth is counted over all of the population, and a ratio of customers to population
says how much commoner a cell is among customers, not how many of the cell's people will respond.
"""

from collections.abc import Mapping, Sequence
from math import sqrt
from statistics import NormalDist

import numpy as np
import polars as pl
from scipy.stats import gamma

from segment_lib.terms import CONFIDENCE, SET_ASIDE

DEPTHS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
"""Depths, as shares of the population, at which gains are measured."""

COUNTS = {
    "segment": pl.Int32,
    "micro_segment": pl.Int32,
    "population_rows": pl.Int64,
    "ranking_rows": pl.Int64,
    "measured_rows": pl.Int64,
}
"""Rows by segment and micro-segment: of the population, and of the two halves of the customers."""


MICRO_SEGMENTS = (
    "rank",
    "micro_segment",
    "segment",
    "segment_share",
    "population_rows",
    "customer_rows",
    "index",
    "micro_index",
    "micro_index_low",
    "micro_index_high",
    "depth",
)
"""Columns of the table of micro-segments."""


def add_counts(
    counts: Sequence[pl.DataFrame], schema: Mapping[str, type[pl.DataType]] = COUNTS
) -> pl.DataFrame:
    """Sum of the counts of several parts, in the order of what they are counted by.

    Parameters
    ----------
    schema : columns of the counts; the numbers of rows are those of 64 bits
    """
    keys = [name for name, kind in schema.items() if kind != pl.Int64]
    return pl.concat(counts).group_by(keys).agg(pl.exclude(keys).sum()).sort(keys)


def shrink_ratios(customers: np.ndarray, expected: np.ndarray, prior: np.ndarray) -> np.ndarray:
    """Empirical Bayes estimates of the ratios of customers to expected customers.

    Counts are taken as Poisson around ratio × expected, the ratios as gamma-distributed around the
    prior ones (Clayton and Kaldor 1987, "Empirical Bayes estimates of age-standardized relative
    risks for use in disease mapping", Biometrics 43, 671-681), with the one variance that the
    moments of the counts ask for (Marshall 1991, "Mapping disease and mortality rates using
    empirical Bayes estimators", Applied Statistics 40, 283-294).

    Parameters
    ----------
    customers : counts, shape (n_cells,)
    expected : counts expected if all cells were alike, shape (n_cells,)
    prior : ratios to shrink towards, shape (n_cells,)

    Returns
    -------
    ratios : mean, lower and upper limit, shape (3, n_cells): the mean and the equal-tailed 95 %
        interval of the gamma distribution that the counts leave
    """
    known = expected > 0
    between = _variance_between(customers[known], expected[known], prior[known])
    if not between:
        return np.stack([prior, prior, prior])
    shape = np.maximum(prior, 1e-12) ** 2 / between + customers
    rate = np.maximum(prior, 1e-12) / between + expected
    tail = (1 - CONFIDENCE) / 2
    low, high = (gamma.ppf(level, shape) / rate for level in (tail, 1 - tail))
    return np.stack([shape / rate, low, high])


def _variance_between(customers: np.ndarray, expected: np.ndarray, prior: np.ndarray) -> float:
    """Variance of the true ratios around the prior ones, beyond that of counting."""
    excess = (expected * (customers / expected - prior) ** 2).sum() - prior.sum()
    return float(max(excess / expected.sum(), 0.0)) if len(expected) else 0.0


def micro_table(
    counts: pl.DataFrame, customers: Sequence[str] = ("ranking_rows", "measured_rows")
) -> pl.DataFrame:
    """Table of the micro-segments from the most to the least customer-like; empty ones last.

    The prior ratio of a micro-segment is that of the segments its people belong to.

    Parameters
    ----------
    counts : columns of COUNTS
    customers : columns of the customers to count, by default both halves

    Returns
    -------
    cells : `rank` from 1; `micro_segment`; `segment`, the one most of its people belong to, and
        `segment_share`, the share of them; `population_rows`, `customer_rows`; `index`, as counted,
        null where the population has no row; `micro_index` and its limits, smoothed; `depth`, the
        share of the population up to and with this micro-segment
    """
    counted = counts.with_columns(pl.sum_horizontal(customers).alias("customer_rows"))
    rows, customers_in = pl.col("population_rows"), pl.col("customer_rows")
    everyone = int(counted["population_rows"].sum())
    placed = counted.filter(pl.col("segment") != SET_ASIDE)
    # As of segments, 100 is the average of those who have one, where people and customers have.
    peopled = all(placed[name].sum() for name in ("population_rows", "customer_rows"))
    average = placed if peopled else counted
    per_row = int(average["customer_rows"].sum()) / int(average["population_rows"].sum())
    segments = counted.group_by("segment").agg(
        pl.when(rows.sum() > 0)
        .then(customers_in.sum() / (rows.sum() * per_row))
        .otherwise(1.0)
        .alias("prior")
    )
    cells = (
        counted.join(segments, on="segment")
        .sort("population_rows", "segment", descending=[True, False])
        .group_by("micro_segment")
        .agg(
            pl.col("segment").first(),
            (rows.first() / rows.sum()).fill_nan(None).alias("segment_share"),
            ((pl.col("prior") * rows).sum() / rows.sum())
            .fill_nan(pl.col("prior").mean())
            .alias("prior"),
            rows.sum(),
            customers_in.sum(),
        )
        .sort("micro_segment")
    )
    expected = cells["population_rows"].to_numpy() * per_row
    smoothed = shrink_ratios(cells["customer_rows"].to_numpy(), expected, cells["prior"].to_numpy())
    names = ("micro_index", "micro_index_low", "micro_index_high")
    return (
        cells.with_columns(
            pl.when(rows > 0).then(100 * customers_in / (rows * per_row)).alias("index"),
            *(pl.Series(name, 100 * values) for name, values in zip(names, smoothed, strict=True)),
        )
        .sort(rows > 0, "micro_index", "micro_segment", descending=[True, True, False])
        .with_columns(
            pl.int_range(1, pl.len() + 1).alias("rank"),
            (rows.cum_sum() / everyone).alias("depth"),
        )
        .select(*MICRO_SEGMENTS)
    )


def gains_table(counts: pl.DataFrame, depths: Sequence[float] = DEPTHS) -> pl.DataFrame:
    """Table of the customers reached at each depth, by segments and by micro-segments.

    Cells are ranked by the ranking half of the customers, segments by their plain ratio,
    micro-segments by the smoothed one; the customers reached are those of the measured half.

    Returns
    -------
    gains : `by` (segment or micro_segment), `depth`, `population_rows`, `customers_reached` (a
        share of the measured half), `low` and `high` (Wilson's interval of it), `lift`
        (customers_reached ÷ depth); these four null where nobody is in the measured half
    """
    segments = counts.group_by("segment").agg(pl.col("population_rows", "ranking_rows").sum())
    peopled = pl.col("population_rows") > 0
    ratio = pl.when(peopled).then(pl.col("ranking_rows") / pl.col("population_rows"))
    order = {
        "segment": segments.sort(ratio, -pl.col("segment"), descending=True, nulls_last=True)[
            "segment"
        ],
        "micro_segment": micro_table(counts, ["ranking_rows"])["micro_segment"],
    }
    everyone = int(counts["population_rows"].sum())
    return pl.concat(
        gains_in_order(counts, by, cells, everyone, depths) for by, cells in order.items()
    )


def gains_in_order(
    counts: pl.DataFrame,
    by: str,
    cells: pl.Series,
    population: int,
    depths: Sequence[float] = DEPTHS,
) -> pl.DataFrame:
    """Gains of mailing the cells in this order; within a cell people are taken evenly.

    Parameters
    ----------
    counts : `population_rows` and `measured_rows` by cell, the column `by`
    population : rows of which the depth is a share; those counted may be a sample of them
    depths : shares of the population; at 0 there is no lift
    """
    rows = counts.group_by(by).agg(pl.col("population_rows", "measured_rows").sum())
    ordered = cells.to_frame(by).join(rows, on=by, how="left", maintain_order="left")
    ordered = ordered.fill_null(0)
    people, customers = (
        np.concatenate([[0], np.cumsum(ordered[name].to_numpy())])
        for name in ("population_rows", "measured_rows")
    )
    mailed = np.array(depths)
    n = int(customers[-1])
    # Customers of cells without people would be reached by mailing nobody.
    reached = np.where(mailed > 0, np.interp(mailed * people[-1], people, customers), 0.0)
    share = reached / max(n, 1)
    limits = [wilson_interval(float(customers_there), n) for customers_there in reached]
    measured = {
        "customers_reached": share,
        "low": [low for low, _ in limits],
        "high": [high for _, high in limits],
        "lift": np.divide(share, mailed, out=np.full(len(mailed), np.nan), where=mailed > 0),
    }
    return pl.DataFrame(
        {
            "by": [by] * len(mailed),
            "depth": mailed,
            "population_rows": np.rint(mailed * population).astype(np.int64),
            **measured,
        }
    ).with_columns(pl.when(n > 0).then(pl.col(*measured)))


def wilson_interval(successes: float, n: int) -> tuple[float, float]:
    """Wilson 95 % limits of a proportion of `successes` in `n`; 0 and 1 if n is 0.

    Wilson (1927), "Probable inference, the law of succession, and statistical inference", Journal
    of the American Statistical Association 22, 209-212.
    """
    if not n:
        return 0.0, 1.0
    z = NormalDist().inv_cdf(0.5 + CONFIDENCE / 2)
    share = successes / n
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half_width = z / (1 + z * z / n) * sqrt(max(share * (1 - share), 0.0) / n + (z / (2 * n)) ** 2)
    low = 0.0 if successes <= 0 else max(centre - half_width, 0.0)
    high = 1.0 if successes >= n else min(centre + half_width, 1.0)
    return low, high


def response_table(counts: pl.DataFrame) -> pl.DataFrame:
    """Table of the response rate and its lift by extract and segment.

    Parameters
    ----------
    counts : `extract`, `segment`, `rows` with a known response, `responses`

    Returns
    -------
    response : counts, `response_rate`, Wilson's interval of it as `low` and `high`, and `lift`, the
        rate over that of the extract, with the interval of the rate over the same as `lift_low` and
        `lift_high`; null where nobody's response is known
    """
    whole = pl.col("responses").sum().over("extract") / pl.col("rows").sum().over("extract")
    summed = counts.group_by("extract", "segment").agg(pl.col("rows", "responses").sum())
    ordered = summed.sort("extract", "segment")
    limits = [
        wilson_interval(responses, n) if n else (None, None)
        for n, responses in ordered.select("rows", "responses").iter_rows()
    ]
    schema = {"low": pl.Float64, "high": pl.Float64}
    rates = ordered.hstack(pl.DataFrame(limits, schema=schema, orient="row")).with_columns(
        pl.when(pl.col("rows") > 0)
        .then(pl.col("responses") / pl.col("rows"))
        .alias("response_rate"),
        pl.when(whole > 0).then(whole).alias("whole"),
    )
    return rates.select(
        "extract",
        "segment",
        "rows",
        "responses",
        "response_rate",
        "low",
        "high",
        (pl.col("response_rate") / pl.col("whole")).alias("lift"),
        (pl.col("low") / pl.col("whole")).alias("lift_low"),
        (pl.col("high") / pl.col("whole")).alias("lift_high"),
    )


def gains_sentence(gains: pl.DataFrame, n_micro: int) -> str:
    """Return what a fifth of the population reaches, in words."""
    fifth = dict(gains.filter(pl.col("depth") == 0.2).select("by", "customers_reached").iter_rows())
    if fifth["segment"] is None:
        return f"{n_micro} micro-segments; no customer is held out, so no gain is measured"
    return (
        f"a fifth of the population reaches {fifth['micro_segment']:.1%} of held-out customers by "
        f"{n_micro} micro-segments, {fifth['segment']:.1%} by segments"
    )
