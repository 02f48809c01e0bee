"""Gains, smoothed ratios, depth and response, against sums made by hand."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from segment_lib.mailing.gains import (
    COUNTS,
    add_counts,
    gains_table,
    micro_table,
    response_table,
    shrink_ratios,
    wilson_interval,
)


def counts(*rows: tuple[int, int, int, int, int]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=COUNTS, orient="row")


# Segment 0 is cells 0 and 1, segment 1 is cell 2, segment -1 is set aside.
FOUR = counts(
    (-1, -1, 100, 10, 10), (0, 0, 200, 160, 140), (0, 1, 200, 20, 40), (1, 2, 500, 10, 10)
)


def gain(table: pl.DataFrame, by: str, depth: float) -> dict[str, float]:
    return table.filter((pl.col("by") == by) & (pl.col("depth") == depth)).row(0, named=True)


def test_segments_are_ranked_on_one_half_and_measured_on_the_other() -> None:
    """Segment 0 ranks first with 180 of 400; at 20 % half of it is mailed: 90 of 200 measured."""
    reached = gain(gains_table(FOUR), "segment", 0.2)
    assert reached["population_rows"] == 200
    assert reached["customers_reached"] == pytest.approx(90 / 200)
    assert reached["lift"] == pytest.approx(90 / 200 / 0.2)
    # Segment 0, then half of the set-aside rows (10 of 100 rank, against 10 of 500).
    assert gain(gains_table(FOUR), "segment", 0.5)["customers_reached"] == pytest.approx(190 / 200)


def test_micro_segments_reach_more_where_they_differ() -> None:
    """The first cell alone is the first fifth: 140 of 200 measured."""
    reached = gain(gains_table(FOUR), "micro_segment", 0.2)
    assert reached["customers_reached"] == pytest.approx(140 / 200)
    interval = binomtest(140, 200).proportion_ci(0.95, method="wilson")
    assert (reached["low"], reached["high"]) == pytest.approx((interval.low, interval.high))


def test_the_whole_population_reaches_everybody() -> None:
    table = gains_table(FOUR)
    for by in ("segment", "micro_segment"):
        whole = gain(table, by, 1.0)
        assert (whole["customers_reached"], whole["lift"]) == (1, 1)
        reached = table.filter(pl.col("by") == by)["customers_reached"]
        assert reached.is_sorted()


def test_only_the_measured_half_is_told() -> None:
    """Cells ranked by chance gain nothing where the other half knows nothing of it."""
    by_chance = counts((0, 0, 500, 100, 50), (0, 1, 500, 0, 50))
    assert gain(gains_table(by_chance), "micro_segment", 0.5)["lift"] == pytest.approx(1)


def test_a_segment_of_customers_alone_comes_last_and_has_no_index() -> None:
    customers_alone = counts((0, 0, 100, 5, 5), (-1, -1, 0, 50, 50))
    last = micro_table(customers_alone).row(-1, named=True)
    assert (last["micro_segment"], last["index"]) == (-1, None)
    assert gain(gains_table(customers_alone), "segment", 0.5)["customers_reached"] == pytest.approx(
        2.5 / 55
    )


def test_where_no_person_has_a_segment_the_average_is_of_everybody() -> None:
    """Customers may have one without them: set-aside people, and customers in segment 0."""
    aside, alone = micro_table(counts((-1, -1, 100, 5, 5), (0, 0, 0, 5, 5))).rows(named=True)
    assert (aside["micro_segment"], aside["index"]) == (-1, pytest.approx(100 * 10 / 20))
    assert (alone["micro_segment"], alone["index"]) == (0, None)


@pytest.mark.parametrize("ranking", [0, 7])
def test_without_a_measured_customer_no_gain_is_told(ranking: int) -> None:
    table = gains_table(counts((0, 0, 100, ranking, 0), (1, 1, 100, 0, 0)))
    assert table.null_count().rows() == [(0, 0, 0, *[table.height] * 4)]
    assert table["customers_reached"].dtype == pl.Float64


def test_micro_segments_add_up_to_all_rows_and_are_ranked() -> None:
    cells = micro_table(FOUR)
    assert cells["population_rows"].sum() == 1000
    assert cells["customer_rows"].sum() == 400
    assert cells["rank"].to_list() == [1, 2, 3, 4]
    assert cells["micro_index"].is_sorted(descending=True)
    assert cells["depth"].to_list()[-1] == 1
    first = cells.row(0, named=True)
    assert (first["micro_segment"], first["segment"], first["segment_share"]) == (0, 0, 1.0)
    # 100 is the average of the segments: 380 customers of 900 people.
    assert first["index"] == pytest.approx(100 * (300 / 380) / (200 / 900))


def test_a_micro_segment_belongs_to_the_segment_most_of_its_people_are_in() -> None:
    (row,) = micro_table(counts((0, 0, 30, 1, 1), (1, 0, 70, 1, 1))).rows(named=True)
    assert (row["segment"], row["segment_share"]) == (1, 0.7)


def test_smoothing_is_the_mean_of_the_gamma_distribution() -> None:
    """By hand: A = (Σ E (r - m)² - Σ m) ÷ Σ E, then r weighs A ÷ (A + m ÷ E)."""
    customers, expected, prior = (np.array(x, dtype=float) for x in ([30, 2], [10, 10], [1, 1]))
    between = ((10 * 2.0**2 + 10 * 0.8**2) - 2) / 20
    by_hand = [1 + between / (between + 0.1) * (r - 1) for r in (3.0, 0.2)]
    mean, low, high = shrink_ratios(customers, expected, prior)
    assert mean == pytest.approx(by_hand)
    assert (low < mean).all()
    assert (mean < high).all()


def test_small_cells_are_drawn_further_than_large_ones() -> None:
    mean, *_ = shrink_ratios(np.array([3, 3000, 10, 10]), np.array([1, 1000, 100, 100]), np.ones(4))
    assert 1 < mean[0] < mean[1] < 3


def test_counts_within_chance_are_drawn_all_the_way() -> None:
    mean, *_ = shrink_ratios(np.array([10, 11, 9]), np.array([10.0, 10, 10]), np.ones(3))
    assert mean.tolist() == [1, 1, 1]


@given(successes=st.integers(0, 300), failures=st.integers(0, 300))
def test_wilsons_interval_is_scipys(successes: int, failures: int) -> None:
    if not successes + failures:
        assert wilson_interval(0, 0) == (0, 1)
        return
    interval = binomtest(successes, successes + failures).proportion_ci(0.95, method="wilson")
    assert wilson_interval(successes, successes + failures) == pytest.approx(
        (interval.low, interval.high), abs=1e-12
    )


CELL = st.tuples(st.integers(-1, 3), st.integers(-1, 6), *(st.integers(0, 50) for _ in range(3)))


@given(rows=st.lists(CELL, min_size=1, max_size=40), cut=st.integers(0, 40))
@settings(deadline=None)
def test_counts_of_any_parts_are_those_of_one(
    rows: list[tuple[int, int, int, int, int]], cut: int
) -> None:
    whole = add_counts([counts(*rows)])
    parts = add_counts([counts(*rows[:cut]), counts(*rows[cut:])])
    assert parts.equals(whole)
    if whole["population_rows"].sum():
        assert gains_table(parts).equals(gains_table(whole))


def test_response_is_told_by_extract_and_segment() -> None:
    table = response_table(
        pl.DataFrame(
            {
                "extract": ["population"] * 4,
                "segment": [0, 1, 0, -1],
                "rows": [50, 100, 50, 0],
                "responses": [10, 2, 18, 0],
            }
        )
    )
    aside, first, second = table.rows(named=True)
    assert (first["rows"], first["responses"], first["response_rate"]) == (100, 28, 0.28)
    assert first["lift"] == pytest.approx(0.28 / (30 / 200))
    interval = binomtest(28, 100).proportion_ci(0.95, method="wilson")
    assert (first["low"], first["high"]) == pytest.approx((interval.low, interval.high))
    assert first["lift_low"] == pytest.approx(interval.low / 0.15)
    assert second["lift"] < 1
    assert (aside["response_rate"], aside["low"], aside["lift"]) == (None, None, None)
