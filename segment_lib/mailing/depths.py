"""What each depth of a mailing reaches and earns, and the depth that earns most."""

from dataclasses import dataclass
from math import hypot, sqrt
from statistics import NormalDist

import numpy as np
import polars as pl

from segment_lib.terms import CONFIDENCE

PERCENTS = tuple(percent / 100 for percent in range(101))
"""Depths, as shares of the population, of the table of depths."""

DEPTHS = {
    "depth": pl.Float64,
    "pieces": pl.Int64,
    "customers_reached": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "average_pieces": pl.Float64,
    "orders": pl.Float64,
    "orders_low": pl.Float64,
    "orders_high": pl.Float64,
    "cost": pl.Float64,
    "profit": pl.Float64,
    "profit_low": pl.Float64,
    "profit_high": pl.Float64,
}
"""Columns of the table of depths; the last seven are null where no costs are known."""
ASSUMPTION = (
    "people respond in proportion to the index of their cell, all people on average at "
    "base_response_rate; depth_low and depth_high are the depths by the limits of the index"
)


@dataclass(frozen=True)
class Costs:
    """Money of a mailing, in any one currency."""

    per_piece: float
    margin_per_order: float
    base_response_rate: float
    """Orders per piece where all people are mailed."""

    def break_even_index(self, cells: pl.DataFrame) -> float:
        """Index from which on a piece to a cell is expected to earn what it costs."""
        pays = self.per_piece / (self.base_response_rate * self.margin_per_order)
        return pays * average_index(cells)

    def profit(self, pieces: float, orders: float) -> float:
        return orders * self.margin_per_order - pieces * self.per_piece


def average_index(cells: pl.DataFrame) -> float:
    """Mean index of all people; more than 100 where those without a segment are like customers."""
    people, index = cells["population_rows"], cells["micro_index"]
    return float((people * index).sum()) / max(int(people.sum()), 1) or 100.0


def pieces_that_pay(cells: pl.DataFrame, costs: Costs, column: str = "micro_index") -> int:
    """Number of pieces that earn most, in the order of the list; 0 if no piece pays.

    Whole cells are mailed, the best first, as a list of that length holds them. Of two depths that
    earn the same the deeper one is taken.

    Parameters
    ----------
    cells : the table of micro-segments, or of cells of like people
    column : the index that is expected, or one of its limits
    """
    people = np.concatenate([[0], cells["population_rows"].to_numpy()])
    # As an index over break-even, which is 0 and not nearly so for a cell that just pays.
    excess = np.concatenate([[0.0], cells[column].to_numpy() - costs.break_even_index(cells)])
    earned = np.cumsum(people * excess)
    best = int(np.flatnonzero(earned >= earned.max())[-1])
    return int(people[: best + 1].sum())


def depths_table(cells: pl.DataFrame, gains: pl.DataFrame, costs: Costs | None) -> pl.DataFrame:
    """Table of the depths of `gains`: whom each reaches and, if costs are known, what it earns.

    A piece to a cell is expected to bring base_response_rate × micro_index ÷ the mean index orders:
    response is taken to be as much above or below the average as customers are.

    Parameters
    ----------
    cells : the table of the cells that rank, the best first
    gains : their gains, the columns of `gains_table`

    Returns
    -------
    depths : `depth`; `pieces`; `customers_reached` with `low` and `high`, as in the gains;
        `average_pieces`, how many pieces to people taken at random would bring as many orders;
        `orders`, `cost` and `profit`, the first and last with limits; null without costs
    """
    people = cells["population_rows"].to_numpy()
    edges, average = (
        np.concatenate([[0.0], np.cumsum(column)])
        for column in (people, people * cells["micro_index"].to_numpy() / average_index(cells))
    )
    rows = []
    for row in gains.sort("depth").iter_rows(named=True):
        pieces, reached = row["population_rows"], row["customers_reached"]
        known = (row["depth"], pieces, reached, row["low"], row["high"])
        average_pieces = float(np.interp(pieces, edges, average))
        earned: tuple[float | None, ...] = (None,) * 7
        if costs:
            orders = average_pieces * costs.base_response_rate
            limits = orders_range(orders, reached, row["low"], row["high"])
            profits = (None if count is None else costs.profit(pieces, count) for count in limits)
            cost = pieces * costs.per_piece
            earned = (orders, *limits, cost, costs.profit(pieces, orders), *profits)
        rows.append((*known, average_pieces, *earned))
    return pl.DataFrame(rows, schema=DEPTHS, orient="row")


def orders_range(
    orders: float, reached: float | None, low: float | None, high: float | None
) -> tuple[float | None, float | None]:
    """Limits of the orders of a mailing, at a known base response rate; None if not measured.

    Two doubts that do not depend on one another add up by their squares: how many customers the
    depth reaches, and the chance in the count of orders, taken as Poisson. Zou and Donner (2008),
    "Construction of confidence limits about effect measures: a general approach", Statistics in
    Medicine 27, 1693-1702.

    Parameters
    ----------
    orders : those expected
    reached, low, high : share of the customers that is reached, and its limits
    """
    if not reached or low is None or high is None:
        return (0.0, 0.0) if reached == 0 and not orders else (None, None)
    by_chance = NormalDist().inv_cdf(0.5 + CONFIDENCE / 2) * sqrt(orders)
    return (
        max(orders - hypot(orders * (1 - low / reached), by_chance), 0.0),
        orders + hypot(orders * (high / reached - 1), by_chance),
    )


def mailing_depth(
    cells: pl.DataFrame, depths: pl.DataFrame, costs: Costs
) -> dict[str, float | int | str | None]:
    """Most profitable depth: as long as further pieces are expected to earn what they cost.

    Parameters
    ----------
    cells : the table of the cells that rank, the best first
    depths : the table of depths, in which that of `pieces_that_pay` has a row
    """
    everyone = int(cells["population_rows"].sum())
    depth = pieces_that_pay(cells, costs) / everyone
    row = depths.row(by_predicate=pl.col("depth") == depth, named=True)
    return {
        "cost_per_piece": costs.per_piece,
        "margin_per_order": costs.margin_per_order,
        "base_response_rate": costs.base_response_rate,
        "break_even_index": costs.break_even_index(cells),
        "recommended_depth": depth,
        "depth_low": pieces_that_pay(cells, costs, "micro_index_low") / everyone,
        "depth_high": pieces_that_pay(cells, costs, "micro_index_high") / everyone,
        "pieces": row["pieces"],
        "customers_reached": row["customers_reached"],
        "customers_reached_low": row["low"],
        "customers_reached_high": row["high"],
        "expected_orders": row["orders"],
        "orders_low": row["orders_low"],
        "orders_high": row["orders_high"],
        "expected_margin": row["orders"] * costs.margin_per_order,
        "expected_cost": row["cost"],
        "expected_profit": row["profit"],
        "profit_low": row["profit_low"],
        "profit_high": row["profit_high"],
        "assumption": ASSUMPTION,
    }
