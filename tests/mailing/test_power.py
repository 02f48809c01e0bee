"""What sizes can tell: against statsmodels, the exact chance, and the textbook."""

from math import sqrt

import numpy as np
import pytest
from scipy.stats import binom, norm

from segment_lib.mailing.power import POWER, power_of, smallest_lift

STATSMODELS = [
    (0.02, 0.03, 1_000, 1_000, 0.29909238646104647),
    (0.02, 0.026, 1_000, 9_000, 0.18332831200337277),
    (0.01, 0.02, 500, 4_500, 0.29741305499897536),
    (0.1, 0.08, 2_000, 3_000, 0.683063373316559),
    (0.5, 0.55, 800, 800, 0.5170237833861687),
]
"""Rates, people and power, by statsmodels 0.15.0:
power_proportions_2indep(test_rate - control_rate, control_rate, test, ratio=control / test)."""


@pytest.mark.parametrize(("control_rate", "test_rate", "control", "test", "power"), STATSMODELS)
def test_power_is_that_of_statsmodels(
    control_rate: float, test_rate: float, control: int, test: int, power: float
) -> None:
    assert power_of(control_rate, test_rate, control, test) == pytest.approx(power, rel=1e-12)


def exact_power(control_rate: float, test_rate: float, control: int, test: int) -> float:
    """Chance that the z-test rejects, over all counts that may come."""
    a, b = np.arange(control + 1)[:, None], np.arange(test + 1)[None, :]
    pooled = (a + b) / (control + test)
    spread = np.sqrt(pooled * (1 - pooled) * (1 / control + 1 / test))
    with np.errstate(invalid="ignore"):
        z = np.nan_to_num((b / test - a / control) / spread)
    chance = binom.pmf(a, control, control_rate) * binom.pmf(b, test, test_rate)
    return float(chance[np.abs(z) > norm.ppf(0.975)].sum())


@pytest.mark.parametrize(("rates", "people"), [((0.1, 0.2), (300, 300)), ((0.05, 0.1), (200, 900))])
def test_power_is_nearly_the_exact_chance(
    rates: tuple[float, float], people: tuple[int, int]
) -> None:
    assert power_of(*rates, *people) == pytest.approx(exact_power(*rates, *people), abs=0.03)


def test_power_of_equal_rates_is_the_chance_of_an_error() -> None:
    assert power_of(0.1, 0.1, 700, 900) == pytest.approx(0.05)


@pytest.mark.parametrize("base_rate", [0.002, 0.02, 0.3])
@pytest.mark.parametrize("people", [(1_000, 9_000), (5_000, 5_000), (100_000, 900_000)])
def test_the_smallest_lift_is_told_with_the_power_and_no_smaller_one(
    base_rate: float, people: tuple[int, int]
) -> None:
    lift = smallest_lift(base_rate, *people)
    assert lift is not None
    assert power_of(base_rate, base_rate * lift, *people) == pytest.approx(POWER)
    assert power_of(base_rate, base_rate * (1 + (lift - 1) * 0.99), *people) < POWER


def test_the_smallest_lift_needs_the_people_of_the_textbook_formula() -> None:
    """n per group = (z₀.₉₇₅ √(2 p̄ q̄) + z₀.₈ √(p₁q₁ + p₂q₂))² ÷ (p₂ - p₁)²."""
    p, q = 0.02, 0.03
    mean = (p + q) / 2
    root = norm.ppf(0.975) * sqrt(2 * mean * (1 - mean)) + norm.ppf(0.8) * sqrt(
        p * (1 - p) + q * (1 - q)
    )
    people = round(root**2 / (q - p) ** 2)
    assert smallest_lift(p, people, people) == pytest.approx(1.5, abs=0.001)


def test_too_few_people_tell_nothing() -> None:
    assert smallest_lift(0.02, 0, 100) is None
    assert smallest_lift(0.9, 2, 3) is None
