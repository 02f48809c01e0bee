"""Ranking by likeness: gains, calibration and cells against sums made by hand."""

import numpy as np
import polars as pl
import pytest

from segment_lib.compare import index_interval
from segment_lib.mailing.gains import COUNTS, gains_table
from segment_lib.mailing.likeness import (
    LISTED,
    UNSEEN,
    calibration_table,
    cells_of,
    choose_ranking,
    likeness_cells,
    likeness_gains,
)
from segment_lib.terms import LIKENESS_BINS


def bin_of(index: float) -> int:
    return round(LIKENESS_BINS * np.log(index / 100))


def unseen(*rows: tuple[bool, int | None, int, int]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=UNSEEN, orient="row")


# Of each half 500 people, 100 of them set aside, and 100 customers, 5 of them set aside.
BINS = (bin_of(800), bin_of(100), bin_of(10))
COUNTS_OF_BINS = dict(zip(BINS, ((50, 75), (100, 18), (250, 2)), strict=True))
TWO_HALVES = unseen(
    *((half, at, *rows) for half in (True, False) for at, rows in COUNTS_OF_BINS.items()),
    *((half, None, 100, 5) for half in (True, False)),
)
LISTING = pl.DataFrame(
    [(0, BINS[0], 100), (0, BINS[1], 80), (1, BINS[1], 120), (1, BINS[2], 500), (-1, None, 200)],
    schema=LISTED,
    orient="row",
)


def reached(gains: pl.DataFrame, depth: float) -> float:
    return gains.filter(pl.col("depth") == depth)["customers_reached"].item()


def test_the_second_half_is_reached_in_the_order_of_the_first_fit() -> None:
    """At 10 % the 50 best; at 20 % half of the average too; the set aside come before the last."""
    gains = likeness_gains(TWO_HALVES, 1000)
    assert gains["population_rows"].to_list()[4] == 200
    assert reached(gains, 0.1) == pytest.approx(75 / 100)
    assert reached(gains, 0.2) == pytest.approx((75 + 9) / 100)
    assert reached(gains, 0.5) == pytest.approx((75 + 18 + 5) / 100)
    assert reached(gains, 1.0) == 1


def test_luck_of_the_first_half_gains_nothing() -> None:
    lucky = unseen((True, BINS[0], 50, 50), (False, BINS[0], 50, 5), (False, BINS[2], 50, 5))
    assert reached(likeness_gains(lucky, 200), 0.5) == pytest.approx(0.5)


def test_tenths_have_the_mean_likeness_and_the_index_that_was_counted() -> None:
    """Ten bins of equal size: both halves are added, those set aside are in neither sum."""
    bins = [bin_of(index) for index in (500, 300, 200, 150, 100, 80, 60, 40, 20, 10)]
    rows = [(half, at, 100, 30 - 3 * i) for half in (True, False) for i, at in enumerate(bins)]
    table = calibration_table(unseen(*rows, (True, None, 999, 1)), index_interval)
    assert table["tenth"].to_list() == list(range(1, 11))
    assert table["rows"].to_list() == [200] * 10
    assert table["cases"].to_list() == [60 - 6 * i for i in range(10)]
    total = sum(60 - 6 * i for i in range(10))
    low, index, high = index_interval(60, total, 200, 2000)
    first = table.row(0, named=True)
    assert (first["low"], first["index"], first["high"]) == (low, index, high)
    assert first["predicted"] == pytest.approx(500, rel=0.01)


def test_a_large_bin_is_in_the_tenth_of_its_middle() -> None:
    table = calibration_table(unseen((True, 10, 900, 9), (True, -10, 100, 1)), index_interval)
    assert table.select("tenth", "rows").rows() == [(5, 900), (10, 100)]


def test_without_cases_there_is_no_calibration() -> None:
    assert calibration_table(unseen((True, 3, 10, 0)), index_interval).is_empty()


def test_cells_hold_everybody_and_are_in_the_order_of_likeness() -> None:
    cells = likeness_cells(LISTING, TWO_HALVES, 300)
    assert cells["population_rows"].sum() == 1000
    assert cells["cell"].to_list() == [0, 1, -1, 2]
    assert cells["rank"].to_list() == [1, 2, 3, 4]
    assert cells["depth"].to_list() == pytest.approx([0.1, 0.3, 0.5, 1.0])
    first = cells.row(0, named=True)
    assert first["likeness"] == pytest.approx(800, rel=0.01)
    # 100 is the average of those not set aside: 190 customers on 800 people.
    assert first["index"] == pytest.approx(100 * (150 / 190) / (100 / 800))
    second = cells.row(1, named=True)
    assert (second["segment"], second["segment_share"]) == (1, 0.6)
    aside = cells.row(2, named=True)
    assert (aside["likeness"], aside["likeness_from"]) == (None, None)
    assert aside["index"] == pytest.approx(100 * (10 / 190) / (200 / 800))


def test_bins_are_joined_to_parts_of_the_population() -> None:
    listed = pl.DataFrame([(0, at, 10) for at in range(100)], schema=LISTED, orient="row")
    counted = unseen(*((True, at, 10, 1) for at in range(-5, 105)))
    cells = likeness_cells(listed, counted, 5)
    assert cells["population_rows"].to_list() == [200] * 5
    assert cells["customer_rows"].sum() == 110
    assert cells["likeness"].is_sorted(descending=True)


def test_rows_find_the_cell_they_were_counted_in() -> None:
    """Also as float32, as parts have it, and beyond the cells that there are."""
    listed = pl.DataFrame([(0, at, 10) for at in range(-500, 500)], schema=LISTED, orient="row")
    cells = likeness_cells(listed, unseen((True, 0, 10, 1)), 40)
    likeness = pl.Series(100 * np.exp(np.arange(-500, 500) / LIKENESS_BINS), dtype=pl.Float32)
    numbers = cells_of(likeness, cells)
    counted = cells.sort("cell")["population_rows"].to_list()
    assert (10 * np.bincount(numbers)).tolist() == counted
    assert (np.diff(numbers) <= 0).all()
    assert cells_of(pl.Series([None, 1e9, 1e-9]), cells).tolist() == [-1, 0, 39]


MICRO = pl.DataFrame({"by": ["micro_segment"], "depth": [0.2], "customers_reached": [0.5]})


@pytest.mark.parametrize(
    ("wanted", "share", "ranking"),
    [
        ("auto", 0.52, "logistic"),
        ("auto", 0.515, "micro"),
        ("auto", 0.4, "micro"),
        ("logistic", 0.4, "logistic"),
        ("micro", 0.9, "micro"),
    ],
)
def test_likeness_ranks_if_it_reaches_more_by_a_standard_error(
    wanted: str, share: float, ranking: str
) -> None:
    """Of 1,000 measured at a half: sqrt(0.25 ÷ 1000) is 1.6 %."""
    ours = MICRO.with_columns(by=pl.lit("logistic"), customers_reached=pl.lit(share))
    choice = choose_ranking(wanted, pl.concat([MICRO, ours]), 1000)
    assert choice.ranking == ranking
    if wanted == "auto":
        assert f"{share:.1%} of held-out customers" in str(choice.why)
        assert "error of 1.6%" in str(choice.why)


def test_what_is_no_better_than_chance_does_not_rank() -> None:
    worse = MICRO.with_columns(customers_reached=pl.lit(0.15))
    ours = MICRO.with_columns(by=pl.lit("logistic"), customers_reached=pl.lit(0.205))
    assert choose_ranking("auto", pl.concat([worse, ours]), 1000).ranking == "micro"


def test_without_a_likeness_micro_segments_rank() -> None:
    assert choose_ranking("logistic", MICRO, 1000).ranking == "micro"
    nobody = pl.DataFrame([(0, 0, 100, 7, 0)], schema=COUNTS, orient="row")
    tables = [gains_table(nobody), likeness_gains(unseen((True, 0, 100, 7)), 100)]
    assert choose_ranking("auto", pl.concat(tables), 0).ranking == "micro"
