"""Labels of attributes and levels in the project's own words."""

import os
from pathlib import Path

import pytest

from segment_lib.schema import Meaning, Schema, canonical, known_meanings, read_feature_summary


@pytest.fixture(scope="module")
def azdias() -> Schema:
    if "REAL_DATA" not in os.environ:
        pytest.skip("REAL_DATA is not set: the real feature summary is not at hand")
    return read_feature_summary(
        Path(os.environ["REAL_DATA"]) / "azdias" / "AZDIAS_Feature_Summary.csv"
    )


def test_a_level_without_a_label_is_its_own_label():
    assert Meaning("", {"1": "male"}).label("7") == "7"


def test_a_level_has_its_label():
    assert Meaning("", {"1": "male"}).label("1") == "male"


def test_a_scale_tells_which_end_is_which():
    scale = Meaning("saver", {"1": "very high", "3": "medium", "5": "very low"})
    assert scale.direction == "1 = very high … 5 = very low"


@pytest.mark.parametrize("levels", [{}, {"1": "male"}, {"O": "East", "W": "West"}])
def test_two_levels_or_fewer_are_no_scale(levels):
    assert Meaning("", levels).direction is None


def test_every_known_attribute_has_a_meaning():
    assert [name for name, meaning in known_meanings().items() if not meaning.meaning.strip()] == []


def test_known_levels_are_in_their_one_spelling():
    misspelled = [
        (name, level)
        for name, meaning in known_meanings().items()
        for level in meaning.levels
        if canonical(level) != level
    ]
    assert misspelled == []


def test_every_label_says_something():
    unlabelled = [
        name for name, meaning in known_meanings().items() if not all(meaning.levels.values())
    ]
    assert unlabelled == []


def test_the_85_attributes_of_the_real_summary_are_known(azdias):
    assert set(known_meanings()) == set(azdias.names)


def test_no_known_level_is_a_missing_code_of_the_real_summary(azdias):
    missing_levels = {
        name: sorted(set(azdias[name].missing) & set(meaning.levels))
        for name, meaning in known_meanings().items()
        if set(azdias[name].missing) & set(meaning.levels)
    }
    assert missing_levels == {}


def test_every_coded_attribute_of_the_real_summary_has_levels(azdias):
    bare = [
        attribute.name
        for attribute in azdias
        if attribute.type in ("categorical", "ordinal")
        and not known_meanings()[attribute.name].levels
    ]
    assert bare == []


@pytest.mark.parametrize(
    ("attribute", "direction"),
    [
        # Reversed scales (design, section 9): 1 is the strongest.
        ("FINANZ_SPARER", "1 = very high … 5 = very low"),
        ("SEMIO_SOZ", "1 = strongest … 7 = weakest"),
        ("HH_EINKOMMEN_SCORE", "1 = highest … 6 = very low"),
        ("W_KEIT_KIND_HH", "1 = most likely … 6 = very unlikely"),
        ("KKK", "1 = very high … 4 = low"),
        ("ALTERSKATEGORIE_GROB", "1 = under 30 … 4 = over 60"),
    ],
)
def test_scales_run_the_right_way_round(attribute, direction):
    assert known_meanings()[attribute].direction == direction
