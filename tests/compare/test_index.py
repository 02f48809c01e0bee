"""Customers against the population: shares, index, Katz interval, verdict."""

from math import exp, log, sqrt

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest
from scipy.stats.contingency import relative_risk

from segment_lib.compare import SEGMENTS, compare_segments, index_interval


def segment(segments, number: int) -> dict:
    (row,) = (row for row in segments.iter_rows(named=True) if row["segment"] == number)
    return row


def test_the_index_is_a_hundred_times_the_ratio_of_the_shares():
    _, index, _ = index_interval(30, 100, 200, 1000)
    assert index == pytest.approx(150)


def test_the_interval_is_that_of_katz_by_hand():
    # Risk ratio 0.3 / 0.2; variance of its log 1/30 - 1/100 + 1/200 - 1/1000; z = 1.959964.
    spread = 1.959963984540054 * sqrt(1 / 30 - 1 / 100 + 1 / 200 - 1 / 1000)
    low, _, high = index_interval(30, 100, 200, 1000)
    assert low == pytest.approx(100 * exp(log(1.5) - spread))
    assert high == pytest.approx(100 * exp(log(1.5) + spread))


@given(st.integers(30, 500), st.integers(30, 500), st.integers(30, 5000), st.integers(30, 5000))
def test_the_interval_is_that_of_scipy(customers, other_customers, population, others):
    m, n = customers + other_customers, population + others
    theirs = relative_risk(customers, m, population, n)
    limits = theirs.confidence_interval(0.95)
    low, index, high = index_interval(customers, m, population, n)
    assert index == pytest.approx(100 * theirs.relative_risk)
    assert (low, high) == (pytest.approx(100 * limits.low), pytest.approx(100 * limits.high))


@given(st.integers(0, 29), st.integers(0, 500), st.integers(1, 5000), st.integers(0, 5000))
def test_few_customers_have_the_exact_interval(customers, other_customers, population, others):
    """Of the share of customers among the rows of the segment, by scipy, turned into a ratio."""
    m, n = customers + other_customers + 1, population + others
    share = binomtest(customers, customers + population).proportion_ci(0.95, method="exact")
    low, index, high = index_interval(customers, m, population, n)
    assert index == pytest.approx(100 * (customers / m) / (population / n))
    for limit, bound in ((low, share.low), (high, share.high)):
        assert limit == pytest.approx(100 * (bound / (1 - bound)) * (n / m))


@pytest.mark.parametrize(
    "counts", [(29, 100, 200, 1000), (71, 100, 200, 1000), (50, 100, 29, 99), (50, 100, 971, 1000)]
)
def test_few_rows_in_the_segment_or_outside_it_widen_the_interval(counts):
    low, _, high = index_interval(*counts)
    limits = relative_risk(*counts).confidence_interval(0.95)
    assert low < 100 * limits.low
    assert high > 100 * limits.high


def test_the_index_of_the_rows_set_aside_is_the_published_one():
    # 26.05 % of customers and 10.45 % of the population lack too much: index 249.
    _, index, _ = index_interval(49_927, 191_652, 93_148, 891_221)
    assert index == pytest.approx(249, abs=0.5)


def test_no_customer_has_an_index_of_zero_and_an_upper_limit():
    low, index, high = index_interval(0, 100, 200, 1000)
    assert (low, index) == (0, 0)
    assert high > 0


def test_one_customer_is_no_evidence():
    segments = compare_segments({0: 635, 1: 365}, {1: 1})
    assert set(segments["verdict"]) == {"average"}
    assert segment(segments, 1)["low"] < 50


def test_a_segment_without_population_has_no_index():
    assert index_interval(5, 100, 0, 1000) == (None, None, None)


def test_everybody_in_one_segment_is_average():
    segments = compare_segments({0: 1000}, {0: 100})
    assert segment(segments, 0)["index"] == 100
    assert segment(segments, 0)["verdict"] == "average"


@pytest.mark.parametrize(
    ("customers", "verdict"), [(400, "over"), (210, "average"), (190, "average"), (90, "under")]
)
def test_the_verdict_needs_an_interval_clear_of_100(customers, verdict):
    segments = compare_segments({0: 2000, 1: 8000}, {0: customers, 1: 1000 - customers})
    assert segment(segments, 0)["verdict"] == verdict


@pytest.mark.parametrize(
    ("shares", "population", "customers"),
    [
        ([5] * 16, 20_000, 5_000),
        ([1] * 12, 20_000, 1),
        ([1] * 12, 500, 10),
        ([1] * 12, 20_000, 120),
        ([5, 5, 5, 5, 9_980], 100_000, 1_000),
    ],
)
def test_without_a_difference_any_verdict_is_as_rare_as_stated(shares, population, customers):
    """At most 5 % of comparisons call any segment over or under, by chance alone."""
    rng = np.random.default_rng(0)
    chances = np.array(shares) / sum(shares)
    called = 0
    for _ in range(1000):
        drawn = (rng.multinomial(n, chances).tolist() for n in (population, customers))
        counts = ({s: rows for s, rows in enumerate(sample) if rows} for sample in drawn)
        called += (compare_segments(*counts)["verdict"] != "average").any()
    assert called <= 65  # two standard errors above 50


def test_the_limits_for_all_segments_are_those_of_bonferroni():
    segments = compare_segments({0: 2000, 1: 8000}, {0: 300, 1: 700})
    low, _, high = index_interval(300, 1000, 2000, 10_000, confidence=0.975)
    assert (segment(segments, 0)["low"], segment(segments, 0)["high"]) == (low, high)
    assert low < segment(segments, 0)["index_low"]


def test_a_large_segment_without_a_customer_is_under():
    segments = compare_segments({0: 2000, 1: 8000}, {1: 1000})
    assert segment(segments, 0)["verdict"] == "under"


def test_the_columns_are_those_of_the_files_page():
    assert compare_segments({0: 1}, {0: 1}).columns == [
        "segment",
        "population_rows",
        "population_share",
        "customer_rows",
        "customer_share",
        "index",
        "index_low",
        "index_high",
        "verdict",
        "low",
        "high",
        "drawn_index",
        "drawn_low",
        "drawn_high",
        "stability",
        "found_again",
        "small",
    ]


def test_the_types_do_not_depend_on_the_rows():
    assert dict(compare_segments({0: 1, 1: 1}, {2: 1}).schema) == SEGMENTS


def test_segments_stand_in_order_the_rows_set_aside_first():
    segments = compare_segments({1: 5, 0: 5, -1: 5}, {2: 5, 0: 5})
    assert segments["segment"].to_list() == [-1, 0, 1, 2]


def test_the_rows_set_aside_have_an_index_like_any_segment():
    segments = compare_segments({-1: 100, 0: 900}, {-1: 30, 0: 70})
    assert segment(segments, -1)["index"] == pytest.approx(300)


COUNTS = st.dictionaries(st.integers(-1, 9), st.integers(0, 10_000), min_size=1)


@given(
    COUNTS.filter(lambda counts: sum(counts.values())),
    COUNTS.filter(lambda counts: sum(counts.values())),
)
def test_rows_and_shares_add_up(population, customers):
    segments = compare_segments(population, customers)
    assert segments["population_rows"].sum() == sum(population.values())
    assert segments["customer_rows"].sum() == sum(customers.values())
    placed = segments.filter(pl.col("segment") >= 0)
    for extract, counts in (("population", population), ("customer", customers)):
        share, everyone = f"{extract}_share", sum(counts.values())
        assert placed[share].sum() == pytest.approx(float(everyone > counts.get(-1, 0)))
        for aside in segments.filter(segment=-1)[share]:
            assert aside == pytest.approx(counts.get(-1, 0) / everyone)


@given(
    COUNTS.filter(lambda counts: sum(counts.values())),
    COUNTS.filter(lambda counts: sum(counts.values())),
)
def test_the_index_lies_in_its_interval(population, customers):
    segments = compare_segments(population, customers).drop_nulls("index")
    assert (segments["index_low"] <= segments["index"] + 1e-9).all()
    assert (segments["index"] <= segments["index_high"] + 1e-9).all()


def test_a_segment_of_customers_alone_is_counted():
    row = segment(compare_segments({0: 10}, {0: 5, 1: 5}), 1)
    assert (row["customer_rows"], row["index"], row["population_rows"]) == (5, None, 0)
