"""The share of what codes explain that their order explains, on columns made for it."""

import numpy as np
import pytest

from segment_lib.clean.scales import MIN_MONOTONE, are_grades, monotone_share, monotone_shares
from segment_lib.schema import Meaning

CHANCE = np.random.default_rng(2)
CODES = CHANCE.integers(1, 6, size=20_000).astype(float)


def test_the_order_of_a_scale_explains_what_its_codes_explain() -> None:
    others = [CODES * slope + CHANCE.normal(size=len(CODES)) for slope in (1, -2)]
    assert monotone_share(CODES, others) == pytest.approx(1, abs=0.01)


def test_the_order_of_names_explains_little() -> None:
    heights = np.array([0, 3, -3, 2, -2, 0])
    other = heights[CODES.astype(int)] + CHANCE.normal(size=len(CODES))
    # All variance between codes is explained by them; by their order, the square of this.
    expected = np.corrcoef([1, 2, 3, 4, 5], heights[1:])[0, 1] ** 2
    share = monotone_share(CODES, [other])
    assert share == pytest.approx(expected, abs=0.02)
    assert share < MIN_MONOTONE


def test_columns_that_explain_nothing_have_no_share() -> None:
    assert monotone_share(CODES, [CHANCE.normal(size=len(CODES))]) is None
    assert monotone_shares({"a": CODES}, ["a"]) == {}


def test_missing_cells_are_left_aside() -> None:
    other = CODES + CHANCE.normal(size=len(CODES))
    holes = np.where(CHANCE.random(len(CODES)) < 0.2, np.nan, CODES)
    assert monotone_share(holes, [other]) == pytest.approx(1, abs=0.01)


def test_labels_are_grades_or_names() -> None:
    assert are_grades(Meaning("", {"1": "sehr hoch", "2": "mittel", "3": "niedrig"}))
    assert are_grades(Meaning("", {"1": "under 10 km", "2": "10-20 km", "3": "over 20 km"}))
    assert not are_grades(Meaning("", {"1": "tenant", "2": "owner", "3": "lodger"}))
