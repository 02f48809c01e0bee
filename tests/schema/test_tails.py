"""Skewness against scipy, and what takes it away."""

import numpy as np
import pytest
import scipy.stats

from segment_lib.schema.tails import choose_transform, log_unit, signed_log, skewness

DRAW = np.random.default_rng(3)
AMOUNTS = {
    "log-normal": DRAW.lognormal(8, 1.5, 5_000).round(2),
    "normal": DRAW.normal(40, 10, 5_000).round(1),
    "mostly 0": np.where(DRAW.random(5_000) < 0.97, 0.0, DRAW.lognormal(9, 0.3, 5_000).round()),
    "gains and losses": (DRAW.standard_t(1.5, 5_000) * 1_000).round(),
}


def counted(amounts: np.ndarray) -> dict[float, int]:
    values, rows = np.unique(amounts, return_counts=True)
    return dict(zip(values.tolist(), rows.tolist(), strict=True))


@pytest.mark.parametrize("name", AMOUNTS)
def test_skewness_is_that_of_scipy(name: str) -> None:
    assert skewness(counted(AMOUNTS[name])) == pytest.approx(scipy.stats.skew(AMOUNTS[name]))


def test_skewness_does_not_depend_on_the_order_of_the_counts() -> None:
    rows = counted(AMOUNTS["log-normal"])
    assert skewness(dict(reversed(rows.items()))) == skewness(rows)


def test_one_value_has_no_skewness() -> None:
    assert skewness({7.0: 3}) == 0


@pytest.mark.parametrize(
    ("name", "transform"),
    [("log-normal", "log"), ("normal", "none"), ("mostly 0", "rank"), ("gains and losses", "log")],
)
def test_what_is_left_of_the_skew_decides_what_an_amount_is_taken_as(
    name: str, transform: str
) -> None:
    chosen, skew = choose_transform(counted(AMOUNTS[name]))
    assert chosen == transform
    assert (abs(skew) > 2) == (transform != "none")


def test_a_currency_makes_no_difference_to_the_logarithm() -> None:
    euros = counted(AMOUNTS["log-normal"])
    cents = {100 * amount: n for amount, n in euros.items()}
    in_euros, in_cents = log_unit(euros), log_unit(cents)
    assert in_cents == 100 * in_euros
    assert signed_log(500, in_euros) == pytest.approx(signed_log(50_000, in_cents))
