"""Drift of segments: shares, index, distances."""

from math import exp, log, sqrt
from statistics import NormalDist

import numpy as np
import polars as pl
import pytest

from segment_lib.drift import AssignmentCounts, distance_table, segment_changes, segment_drift
from segment_lib.drift.segments import index_change


def test_the_segment_that_doubled_is_drifted_and_no_other() -> None:
    base = {-1: 1000, 0: 3000, 1: 2500, 2: 2000, 3: 1500}
    table = segment_drift(base, base | {3: 3000})
    assert table.filter("drifted")["segment"].to_list() == [3]
    row = table.filter(pl.col("segment") == 3).row(0, named=True)
    assert (row["share_base"], row["share_new"]) == (0.15, 3000 / 11500)
    assert row["ratio"] == pytest.approx(3000 / 11500 / 0.15)


def test_few_rows_may_double_by_chance() -> None:
    assert not segment_drift({0: 1000, 1: 3}, {0: 1000, 1: 6})["drifted"].any()


def test_a_segment_that_was_empty_has_no_ratio() -> None:
    table = segment_drift({0: 1000}, {0: 1000, 1: 500})
    assert table["ratio"].to_list() == [pytest.approx(2 / 3), None]
    assert table["drifted"].to_list() == [True, True]


def test_the_interval_of_a_change_adds_the_variances() -> None:
    z = NormalDist().inv_cdf(0.975)
    a, b = 0.04, 0.03
    before = (100 * exp(-z * a), 100.0, 100 * exp(z * a))
    after = (120 * exp(-z * b), 120.0, 120 * exp(z * b))
    low, ratio, high = index_change(before, after)
    assert ratio == pytest.approx(1.2)
    assert low == pytest.approx(exp(log(1.2) - z * sqrt(a * a + b * b)))
    assert high == pytest.approx(exp(log(1.2) + z * sqrt(a * a + b * b)))


def test_no_customers_give_no_change() -> None:
    assert index_change((0.0, 0.0, 5.0), (1.0, 2.0, 3.0)) == (None, None, None)


def test_distances_add_up_over_parts() -> None:
    draw = np.random.default_rng(0)
    labels = draw.integers(-1, 3, 5000)
    far = draw.gamma(4, 2, 5000).astype(np.float32)
    segments = pl.Series(labels, dtype=pl.Int32)
    distances = pl.Series(np.where(labels < 0, np.nan, far), dtype=pl.Float32, nan_to_null=True)
    parts = [
        AssignmentCounts.count(segments[i : i + 999], distances[i : i + 999])
        for i in range(0, 5000, 999)
    ]
    total = sum(parts[1:], start=AssignmentCounts.from_json(parts[0].to_json()))
    own = far[labels >= 0].astype(np.float64)
    assert dict(total.rows) == {s: int((labels == s).sum()) for s in (-1, 0, 1, 2)}
    assert total.mean == pytest.approx(own.mean(), rel=1e-9)
    assert total.quantile(0.95) == pytest.approx(np.quantile(own, 0.95), rel=0.011)
    table = distance_table(total, parts[0], -1)
    assert table["set_aside_base"] == pytest.approx((labels < 0).mean())
    assert table["rows_new"] == 999


def test_segments_of_either_run_stand_beside_each_other() -> None:
    columns = ("segment", "drawn_low", "drawn_index", "drawn_high", "index", "low", "high", "name")
    base = pl.DataFrame(
        [(0, 90.0, 100.0, 110.0, 98.0, 80.0, 120.0, "a"), (1, 1.0, 2.0, 3.0, 2.5, 1.0, 4.0, "b")],
        columns,
        orient="row",
    )
    new = pl.DataFrame(
        [
            (0, 180.0, 200.0, 220.0, 190.0, 160.0, 240.0, "a"),
            (2, 1.0, 2.0, 3.0, 2.5, 1.0, 4.0, "c"),
        ],
        columns,
        orient="row",
    )
    shares = segment_drift({0: 600, 1: 400}, {0: 500, 1: 500})
    table = segment_changes(base, new, shares, {0: 0.9})
    assert table["state"].to_list() == ["kept", "vanished", "new"]
    assert table["name"].to_list() == ["a", "b", "c"]
    assert table["share_new"].to_list() == [0.5, 0.5, None]
    assert table["overlap"].to_list() == [0.9, None, None]
    assert table["index_base"].to_list() == [98.0, 2.5, None]
    assert table["index_change"].to_list() == [pytest.approx(190 / 98), None, None]
