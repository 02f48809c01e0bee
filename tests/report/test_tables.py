"""What numbers become in words, and what is held back."""

from collections.abc import Callable

import polars as pl
import pytest

from segment_lib.report import data_tables, tables
from segment_lib.report.components import components
from segment_lib.report.segments import Segment, build_segments, traits_of
from segment_lib.schema.language import Language
from segment_lib.storage.tables import PLAIN

Shares = Callable[[dict[int, tuple[int, int, str]]], pl.DataFrame]

NAMES = pl.DataFrame({"segment": [1, 2, 3], "name": ["one", "two", None]})
TRAITS = pl.DataFrame(
    {
        "segment": [1, 1, 1],
        "attribute": ["ZABEOTYP", "FINANZ_SPARER", "REGIOTYP"],
        "family": ["Energy", "Money", "Region"],
        "levels": ["3", "1, 2", "2"],
        "words": ["rarely energy use “fair”", "savers", "rural"],
        "direction": [None, "1 = very high … 5 = very low", None],
        "population_rows": [200, 500, 9],
        "segment_share": [0.3, 0.6, 0.01],
        "population_share": [0.4, 0.2, 0.5],
        "index": [75.0, 300.0, 2.0],
        "effect": [-0.21, 0.85, -1.4],
        "plain": [True, True, True],
    }
)


def segments_of(table: pl.DataFrame) -> tuple[Segment, ...]:
    return build_segments(table, NAMES, TRAITS, min_cell=10)


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
    assert Language().percent(share) == text


@pytest.mark.parametrize(
    ("index", "text"),
    [
        (7, "0.1 times"),
        (103, "1.03 times"),
        (141, "1.4 times"),
        (310, "3.1 times"),
        (1240, "12 times"),
    ],
)
def test_an_index_is_said_in_times(index: float, text: str) -> None:
    assert Language().times(index) == text


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "0 B"), (2_301, "2.3 kB"), (238_113_004, "238 MB"), (None, "–"), (4e15, "4,000 TB")],
)
def test_bytes_are_given_in_the_unit_that_fits(number: float | None, text: str) -> None:
    assert Language().size(number) == text


def test_segments_come_by_falling_index_with_the_rows_set_aside_last(shares: Shares) -> None:
    table = shares(
        {1: (50, 20, "under"), 2: (50, 90, "over"), 3: (50, 50, "average"), -1: (50, 99, "over")}
    )
    segments = segments_of(table)
    assert [segment.name for segment in segments] == [
        "Segment 2",
        "Segment 3",
        "Segment 1",
        "Set aside",
    ]


def test_a_small_count_takes_share_index_and_interval_with_it(shares: Shares) -> None:
    table = shares({1: (500, 9, "under"), 2: (500, 300, "over"), 3: (600, 200, "average")})
    small = {s.number: s for s in segments_of(table)}[1]
    assert (small.customer_rows, small.customer_share, small.index, small.limits) == (None,) * 4
    assert small.population_rows == 500
    assert (small.sampling_limits, small.verdict, small.verdict_word) == (
        None,
        "hidden",
        "not shown",
    )


def test_a_lone_small_count_does_not_follow_from_the_total(shares: Shares) -> None:
    table = shares({1: (500, 9, "under"), 2: (500, 300, "over"), 3: (600, 200, "average")})
    segments = {s.number: s for s in segments_of(table)}
    assert (
        segments[3].customer_rows,
        segments[3].customer_share,
        segments[3].index,
    ) == (None,) * 3
    assert (segments[3].population_rows, segments[3].verdict) == (600, "hidden")
    assert (segments[2].customer_rows, segments[2].verdict) == (300, "over")


def test_traits_come_strongest_first_and_those_of_too_few_people_are_held_back() -> None:
    traits = traits_of(TRAITS, 1, min_cell=10)
    assert [(trait.words, trait.codes) for trait in traits] == [
        ("Savers", "FINANZ_SPARER: 1, 2 (1 = very high … 5 = very low)"),
        ("Rarely energy use “fair”", "ZABEOTYP: 3"),
    ]
    assert traits_of(TRAITS, 1, min_cell=9)[0].attribute == "REGIOTYP"
    assert traits_of(TRAITS, 2, min_cell=10) == ()


def test_loadings_come_by_size_with_their_sign_in_words() -> None:
    read = pl.DataFrame(
        {"component": [1, 2], "explained_variance_ratio": [0.2, 0.1], "reading": ["savers", None]}
    )
    loadings = pl.DataFrame(
        {
            "component": [1, 1],
            "feature": ["FINANZ_SPARER", "ZABEOTYP=3"],
            "loading": [0.2, -0.4],
            "attribute": ["FINANZ_SPARER", "ZABEOTYP"],
            "toward": ["no savers", "not fair supplied"],
        }
    )
    first, second = components(read, loadings, Language(), shown=3)
    assert [(item.toward, item.text, item.width) for item in first.loadings] == [
        ("not fair supplied", "−0.40", 100.0),
        ("no savers", "+0.20", 50.0),
    ]
    assert (second.reading, second.loadings) == ("–", ())


def test_words_a_spreadsheet_would_run_are_made_safe() -> None:
    rows = pl.DataFrame({"name": ["=1+1"], "rows": [3]})
    table = tables.table(
        "t", "T", rows, [("Name", "name", None), ("Rows", "rows", Language().count)]
    )
    assert table.csv(PLAIN) == "Name,Rows\n'=1+1,3\n"


def test_a_column_of_shares_keeps_its_digits_and_what_is_held_back_stays_empty() -> None:
    rows = pl.DataFrame({"name": ["a", "b"], "share": [0.123456, None]})
    table = tables.table(
        "t", "T", rows, [("Name", "name", None), ("Share", "share", Language().percent)]
    )
    assert [row[1].text for row in table.rows] == ["12%", "–"]
    assert table.csv(PLAIN) == "Name,Share\na,0.123456\nb,\n"


def test_codes_the_dictionary_lacks_are_listed_by_rows() -> None:
    attributes = pl.DataFrame(
        {
            "attribute": ["A", "B", "C"],
            "unseen_rows": [0, 3, None],
            "customers_unseen_rows": [0, 1, 40],
        }
    )
    assert data_tables.unseen_code_rows(attributes, min_cell=1)["attribute"].to_list() == ["C", "B"]


def test_few_unseen_codes_are_not_counted_out() -> None:
    attributes = pl.DataFrame(
        {"attribute": ["A"], "unseen_rows": [3], "customers_unseen_rows": [40]}
    )
    assert data_tables.unseen_code_rows(attributes, min_cell=10).row(0) == ("A", None, 40)
