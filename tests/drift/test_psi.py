"""The population stability index against sums by hand, and against chance."""

from math import log

import numpy as np
import pytest

from segment_lib.drift.psi import psi, psi_band, psi_by_chance


def test_it_is_the_sum_by_hand() -> None:
    base, new = {"a": 500, "b": 300, "c": 200}, {"a": 40, "b": 30, "c": 30}
    by_hand = (0.4 - 0.5) * log(0.4 / 0.5) + (0.3 - 0.3) * log(1) + (0.3 - 0.2) * log(0.3 / 0.2)
    assert psi(base, new) == pytest.approx(by_hand, rel=1e-12)
    assert by_hand == pytest.approx(0.0628609, abs=1e-7)


def test_the_same_shares_of_more_rows_have_not_moved() -> None:
    assert psi({"a": 10, "b": 30}, {"a": 100, "b": 300}) == pytest.approx(0.0, abs=1e-15)


def test_it_is_the_same_both_ways() -> None:
    one, other = {"a": 10, "b": 30}, {"a": 25, "b": 15}
    assert psi(one, other) == pytest.approx(psi(other, one), rel=1e-12)


def test_a_level_with_no_row_counts_as_half_a_row() -> None:
    value = psi({"a": 100}, {"a": 90, "b": 10})
    by_hand = (0.9 - 1) * log(0.9) + (0.1 - 0.005) * log(0.1 / 0.005)
    assert value == pytest.approx(by_hand, rel=1e-12)


def test_a_level_that_nobody_has_changes_nothing() -> None:
    assert psi({"a": 1, "b": 0}, {"a": 2, "b": 0}) == 0


@pytest.mark.parametrize(
    ("value", "expected"),
    [(0, "stable"), (0.0999, "stable"), (0.1, "moderate"), (0.25, "moderate"), (0.2501, "large")],
)
def test_bands(value: float, expected: str) -> None:
    assert psi_band(value) == expected


def test_one_in_twenty_pairs_of_samples_lies_beyond_chance() -> None:
    draw = np.random.default_rng(0)
    shares, n, m = [0.1, 0.2, 0.3, 0.15, 0.25], 2000, 3000
    limit = psi_by_chance(5, n, m)
    beyond = [
        psi(
            dict(enumerate(draw.multinomial(n, shares).tolist())),
            dict(enumerate(draw.multinomial(m, shares).tolist())),
        )
        > limit
        for _ in range(4000)
    ]
    assert np.mean(beyond) == pytest.approx(0.05, abs=0.012)
