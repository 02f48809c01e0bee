"""What a depth reaches and earns, against sums made by hand and against every other depth."""

from math import sqrt

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segment_lib.mailing.depths import Costs, depths_table, mailing_depth, orders_range
from segment_lib.mailing.gains import gains_in_order

# At 2 % for index 100 and 50 an order, a piece of 1.50 needs an index of 150.
COSTS = Costs(1.5, 50, 0.02)
CELLS = pl.DataFrame(
    {
        "cell": [0, 1, 2],
        "population_rows": [100, 200, 700],
        "measured_rows": [40, 32, 28],
        "micro_index": [400.0, 160.0, 40.0],
        "micro_index_low": [380.0, 140.0, 30.0],
        "micro_index_high": [420.0, 180.0, 50.0],
    }
)


def depths_of(cells: pl.DataFrame, *depths: float, costs: Costs | None = COSTS) -> pl.DataFrame:
    rows = cells.select("cell", "population_rows", "measured_rows")
    everyone = int(rows["population_rows"].sum())
    reached = gains_in_order(rows, "cell", rows["cell"], everyone, depths)
    return depths_table(cells, reached, costs)


def test_mailing_goes_as_deep_as_a_piece_earns_what_it_costs() -> None:
    depth = mailing_depth(CELLS, depths_of(CELLS, 0.0, 0.3, 1.0), COSTS)
    assert depth["break_even_index"] == pytest.approx(150)
    assert (depth["recommended_depth"], depth["pieces"]) == (0.3, 300)
    assert (depth["depth_low"], depth["depth_high"]) == (0.1, 0.3)
    orders = 100 * 0.08 + 200 * 0.032
    assert depth["expected_orders"] == pytest.approx(orders)
    assert depth["expected_profit"] == pytest.approx(orders * 50 - 300 * 1.5)
    assert depth["customers_reached"] == pytest.approx(0.72)


@given(rows=st.lists(st.tuples(st.integers(1, 500), st.floats(1, 900)), min_size=1, max_size=12))
def test_mailing_everybody_brings_the_base_response_rate(rows: list[tuple[int, float]]) -> None:
    """Whatever the mean of the index: rows without a segment may be more like customers."""
    cells = pl.DataFrame(
        [(at, n, 1, index, index, index) for at, (n, index) in enumerate(rows)],
        schema=CELLS.schema,
        orient="row",
    )
    (row,) = depths_of(cells, 1.0).rows(named=True)
    assert row["average_pieces"] == pytest.approx(row["pieces"])
    assert row["orders"] == pytest.approx(0.02 * row["pieces"])


def test_a_piece_pays_from_the_same_rate_on_whatever_the_mean_of_the_index() -> None:
    double = CELLS.with_columns(pl.col("micro_index", "micro_index_low", "micro_index_high") * 2)
    one, two = (mailing_depth(cells, depths_of(cells, 0.3), COSTS) for cells in (CELLS, double))
    assert two["break_even_index"] == pytest.approx(2 * 150)
    assert two["recommended_depth"] == one["recommended_depth"]
    assert two["expected_profit"] == pytest.approx(one["expected_profit"])


def test_the_range_of_the_profit_is_that_of_the_orders_in_money() -> None:
    depth = mailing_depth(CELLS, depths_of(CELLS, 0.3), COSTS)
    orders, reached = 100 * 0.08 + 200 * 0.032, 0.72
    for side, sign in (("low", -1), ("high", 1)):
        by_customers = orders * abs(depth[f"customers_reached_{side}"] / reached - 1)
        off = sqrt(by_customers**2 + 1.959964**2 * orders)
        assert depth[f"orders_{side}"] == pytest.approx(orders + sign * off, rel=1e-6)
        assert depth[f"profit_{side}"] == pytest.approx(50 * (orders + sign * off) - 450, rel=1e-6)


def test_orders_are_counted_within_their_range_as_often_as_it_says() -> None:
    """Customers are drawn, then orders: 95 of 100 times the orders lie within the range."""
    random, held_out, share, rate = np.random.default_rng(0), 400, 0.6, 0.5
    within = []
    for _ in range(2_000):
        reached = random.binomial(held_out, share) / held_out
        error = 1.96 * sqrt(reached * (1 - reached) / held_out)
        expected = rate * reached * 1_000
        low, high = orders_range(expected, reached, reached - error, reached + error)
        within.append(low <= random.poisson(rate * share * 1_000) <= high)
    assert np.mean(within) == pytest.approx(0.95, abs=0.015)


def test_mailing_nobody_is_an_answer() -> None:
    dear = Costs(100, 1, 0.01)
    depth = mailing_depth(CELLS, depths_of(CELLS, 0.0, costs=dear), dear)
    assert (depth["recommended_depth"], depth["pieces"], depth["expected_profit"]) == (0, 0, 0)
    assert (depth["orders_low"], depth["orders_high"]) == (0, 0)


def test_without_a_measured_customer_there_is_no_range() -> None:
    cells = CELLS.with_columns(measured_rows=pl.lit(0))
    depth = mailing_depth(cells, depths_of(cells, 0.3), COSTS)
    assert depth["expected_orders"] > 0
    assert depth["profit_low"] is depth["profit_high"] is depth["customers_reached"] is None


CELL = st.tuples(st.integers(1, 500), st.floats(1, 900))


@given(rows=st.lists(CELL, min_size=1, max_size=12))
def test_no_other_depth_of_the_list_earns_more(rows: list[tuple[int, float]]) -> None:
    """Also where the index does not fall all along the list."""
    cells = pl.DataFrame(
        [(at, n, 1, index, index, index) for at, (n, index) in enumerate(rows)],
        schema=CELLS.schema,
        orient="row",
    )
    everyone = cells["population_rows"].sum()
    edges = [0, *cells["population_rows"].cum_sum()]
    depths = depths_of(cells, *(edge / everyone for edge in edges))
    depth = mailing_depth(cells, depths, COSTS)
    earned = depths["average_pieces"] * 0.02 * 50 - depths["pieces"] * 1.5
    assert depth["expected_profit"] == pytest.approx(earned.max(), abs=1e-6)


def test_without_costs_depths_tell_whom_they_reach_and_no_money() -> None:
    (row,) = depths_of(CELLS, 0.2, costs=None).rows(named=True)
    assert (row["pieces"], row["customers_reached"]) == (200, pytest.approx(0.56))
    assert row["average_pieces"] == pytest.approx(100 * 4 + 100 * 1.6)
    assert [row[name] for name in ("orders", "cost", "profit", "profit_low")] == [None] * 4
