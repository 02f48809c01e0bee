"""What numbers become in words, and what is held back."""

from collections.abc import Callable

import polars as pl
import pytest

from segment_lib.report import tables

Shares = Callable[[dict[int, tuple[int, int, str]]], pl.DataFrame]

PROFILE = pl.DataFrame(
    {
        "segment": [1, 1, 1, 1],
        "attribute": ["FINANZ_SPARER", "FINANZ_SPARER", "ZABEOTYP", "REGIOTYP"],
        "level": ["1", "5", "3", "2"],
        "label": ["very high", "very low", None, "rural"],
        "meaning": ["money saver", "money saver", "energy use", None],
        "direction": ["1 = very high … 5 = very low", "1 = very high … 5 = very low", None, None],
        "population_rows": [500, 100, 200, 9],
        "segment_share": [0.6, 0.1, 0.3, 0.01],
        "population_share": [0.2, 0.3, 0.4, 0.5],
        "index": [300.0, 33.0, 75.0, 2.0],
        "effect": [0.85, -0.52, -0.21, -1.4],
    }
)


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (0.0, "0%"),
        (0.0001, "under 0.1%"),
        (0.0123, "1.2%"),
        (0.0996, "10%"),
        (0.614, "61%"),
        (None, "–"),
        (float("nan"), "–"),
    ],
)
def test_shares_are_percentages(share: float | None, text: str) -> None:
    assert tables.percent(share) == text


@pytest.mark.parametrize(
    ("index", "text"), [(103, "1.03 times"), (310, "3.1 times"), (1240, "12 times")]
)
def test_an_index_is_said_in_times(index: float, text: str) -> None:
    assert tables.times(index) == text


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "0 B"), (2_301, "2.3 kB"), (238_113_004, "238 MB"), (None, "–"), (4e15, "4000.0 TB")],
)
def test_bytes_are_given_in_the_unit_that_fits(number: float | None, text: str) -> None:
    assert tables.size(number) == text


def test_segments_come_by_falling_index_with_the_rows_set_aside_last(shares: Shares) -> None:
    table = shares(
        {1: (50, 20, "under"), 2: (50, 90, "over"), 3: (50, 50, "average"), -1: (50, 99, "over")}
    )
    found = tables.segments(table, PROFILE, min_cell=10)
    assert [segment.name for segment in found] == [
        "Segment 2",
        "Segment 3",
        "Segment 1",
        "Set aside",
    ]


def test_a_small_count_takes_share_index_and_interval_with_it(shares: Shares) -> None:
    table = shares({1: (500, 9, "under"), 2: (500, 300, "over"), 3: (600, 200, "average")})
    small = {s.number: s for s in tables.segments(table, PROFILE, min_cell=10)}[1]
    assert (small.customer_rows, small.customer_share, small.index, small.interval) == (None,) * 4
    assert small.population_rows == 500
    assert small.word == "under-represented"


def test_a_lone_small_count_does_not_follow_from_the_total(shares: Shares) -> None:
    table = shares({1: (500, 9, "under"), 2: (500, 300, "over"), 3: (600, 200, "average")})
    found = {s.number: s for s in tables.segments(table, PROFILE, min_cell=10)}
    assert found[3].customer_rows is None
    assert found[3].customer_share is not None
    assert found[2].customer_rows == 300


def test_a_segment_shows_each_attribute_once_by_its_strongest_level() -> None:
    found = tables.traits(PROFILE, 1, min_cell=10)
    assert [(trait.meaning, trait.label, trait.more) for trait in found] == [
        ("money saver", "very high", True),
        ("energy use", "3", False),
    ]


def test_traits_of_too_few_people_are_held_back() -> None:
    assert "REGIOTYP" not in {trait.attribute for trait in tables.traits(PROFILE, 1, min_cell=10)}
    assert "REGIOTYP" in {trait.attribute for trait in tables.traits(PROFILE, 1, min_cell=9)}


def test_a_segment_without_a_profile_has_no_traits() -> None:
    assert tables.traits(PROFILE, 2, min_cell=10) == ()


def test_loadings_are_decoded_and_split_into_ups_and_downs() -> None:
    loadings = pl.DataFrame(
        {
            "component": [1, 1, 1, 1],
            "feature": ["FINANZ_SPARER", "ZABEOTYP=3", "OTHER", "LAST"],
            "loading": [0.2, -0.4, 0.1, -0.05],
        }
    )
    found = tables.components(loadings, PROFILE, shown=3, top=1)[1]
    assert [(item.words, item.text, item.width) for item in found] == [
        ("money saver", "+0.20", 50.0),
        ("energy use: 3", "−0.40", 100.0),
    ]


def test_codes_the_dictionary_lacks_are_listed_by_rows() -> None:
    attributes = pl.DataFrame(
        {
            "attribute": ["A", "B", "C"],
            "unseen_rows": [0, 3, None],
            "customers_unseen_rows": [0, 1, 40],
        }
    )
    assert tables.unseen(attributes)["attribute"].to_list() == ["C", "B"]
