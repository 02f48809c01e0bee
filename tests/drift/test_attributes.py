"""Drift of attributes: the planted one is named, the others are not."""

from collections import Counter
from math import log

import numpy as np
import pytest

from segment_lib.drift import AttributeCounts, attribute_drift


def test_missing_is_a_level() -> None:
    row = attribute_drift(
        "A", AttributeCounts(100, {"x": 90}, 10), AttributeCounts(100, {"x": 60}, 40)
    )
    by_hand = (0.6 - 0.9) * log(0.6 / 0.9) + (0.4 - 0.1) * log(0.4 / 0.1)
    assert row["psi"] == pytest.approx(by_hand, rel=1e-12)
    assert (row["missing_share_base"], row["missing_share_new"]) == (0.1, 0.4)
    assert row["missing_change"] == pytest.approx(0.3)
    assert row["band"] == "large"


def test_levels_unseen_and_vanished_are_named() -> None:
    row = attribute_drift(
        "A",
        AttributeCounts(100, {1.0: 40, 2.0: 60}, 0),
        AttributeCounts(100, {2.0: 50, 3.0: 30, 4.5: 20}, 0),
    )
    assert row["unseen_levels"] == ["3", "4.5"]
    assert row["vanished_levels"] == ["1"]


def test_rows_of_levels_too_many_to_list_are_one_level() -> None:
    row = attribute_drift("A", AttributeCounts(100, {}, 10), AttributeCounts(200, {}, 20))
    assert row["psi"] == pytest.approx(0, abs=1e-12)


def test_many_numbers_are_compared_in_tenths_of_the_base() -> None:
    before = AttributeCounts(1000, {float(i): 1 for i in range(1000)}, 0)
    after = AttributeCounts(1000, {float(i): 2 for i in range(500)}, 0)
    # Of ten bins with a tenth each, five hold a fifth afterwards and five nothing: half a row.
    by_hand = 5 * 0.1 * log(2) + 5 * (0.0005 - 0.1) * log(0.0005 / 0.1)
    row = attribute_drift("A", before, after)
    assert row["psi"] == pytest.approx(by_hand, rel=1e-12)
    assert row["unseen_levels"] == []


def test_the_attribute_that_was_shifted_is_drifted_and_no_other() -> None:
    draw = np.random.default_rng(1)
    drift = {}
    for name in ("moved", *"abcdefgh"):
        base = draw.integers(1, 6, 20_000)
        new = draw.integers(1, 6, 22_000)
        if name == "moved":
            new = np.minimum(new + (draw.random(22_000) < 0.9), 5)
        drift[name] = attribute_drift(
            name,
            *(AttributeCounts(len(c), Counter(c.astype(float).tolist()), 0) for c in (base, new)),
        )
    assert [name for name, row in drift.items() if row["drifted"]] == ["moved"]
    assert {row["band"] for name, row in drift.items() if name != "moved"} == {"stable"}


def test_few_rows_are_not_called_drifted_by_chance() -> None:
    row = attribute_drift(
        "A", AttributeCounts(8, {"a": 5, "b": 3}, 0), AttributeCounts(8, {"a": 2, "b": 6}, 0)
    )
    assert row["band"] == "large"
    assert row["drifted"] is False
