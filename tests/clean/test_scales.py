"""The share of what codes explain that their order explains, on columns made for it."""

import numpy as np
import pytest

from segment_lib.clean.scales import MIN_MONOTONE, Others, are_grades, monotone_share, orders
from segment_lib.schema import Meaning

CHANCE = np.random.default_rng(2)
N = 20_000
CODES = CHANCE.integers(1, 6, size=N).astype(float)


def noise() -> np.ndarray:
    return CHANCE.normal(size=N)


def test_the_order_of_a_scale_explains_what_its_codes_explain() -> None:
    others = Others.of([CODES + noise(), noise() - 2 * CODES])
    assert monotone_share(CODES, others) == pytest.approx(1, abs=0.01)


def test_the_order_of_names_explains_little() -> None:
    heights = np.array([0, 3, -3, 2, -2, 0])
    share = monotone_share(CODES, Others.of([heights[CODES.astype(int)] + noise()]))
    # All variance between codes is explained by them; by their order, the square of this.
    assert share == pytest.approx(np.corrcoef(range(1, 6), heights[1:])[0, 1] ** 2, abs=0.02)
    assert share < MIN_MONOTONE


def test_the_share_is_that_of_sums_by_hand_with_missing_cells() -> None:
    codes = np.where(CHANCE.random(N) < 0.2, np.nan, CODES)
    other = np.where(CHANCE.random(N) < 0.3, np.nan, CODES**2 + noise())
    there = np.isfinite(codes) & np.isfinite(other)
    x, y = codes[there], other[there]
    between = sum(np.sum(x == c) * (y[x == c].mean() - y.mean()) ** 2 for c in range(1, 6))
    by_level = between / np.sum((y - y.mean()) ** 2) - 4 / len(y)
    by_order = np.corrcoef(x, y)[0, 1] ** 2 - 1 / len(y)
    assert monotone_share(codes, Others.of([other])) == pytest.approx(by_order / by_level, abs=1e-9)


def test_columns_that_explain_nothing_have_no_order() -> None:
    assert monotone_share(CODES, Others.of([noise()])) is None
    assert orders({"a": CODES}, ["a"]) == {}


@pytest.mark.parametrize(("height_of_zero", "apart"), [(0, False), (3, True), (9, True)])
def test_a_zero_that_breaks_the_order_is_apart(height_of_zero: float, apart: bool) -> None:
    codes = np.where(CHANCE.random(N) < 0.2, 0, CODES)
    other = np.where(codes == 0, height_of_zero, codes) + noise()
    order = orders({"codes": codes, "other": other}, ["codes"])["codes"]
    assert order.is_zero_apart is apart
    assert order.monotone > MIN_MONOTONE


def test_labels_are_grades_or_names() -> None:
    assert are_grades(Meaning("", {"1": "sehr hoch", "2": "mittel", "3": "niedrig"}))
    assert are_grades(Meaning("", {"1": "under 10 km", "2": "10-20 km", "3": "over 20 km"}))
    assert not are_grades(Meaning("", {"1": "tenant", "2": "owner", "3": "lodger"}))
