"""One row per segment for a spreadsheet, the best index first."""

import polars as pl

from segment_lib.compare import compare_segments
from segment_lib.profile.describe import describe_segments


def described(customers: dict[int, int], min_cell: int = 10) -> pl.DataFrame:
    segments = compare_segments(
        {-1: 100, 0: 500, 1: 400}, customers, stability={0: 0.812, 1: 0.5}, min_rows=450
    )
    names = pl.DataFrame({"segment": [-1, 0, 1], "name": ["Rows set aside", "Savers", "Spenders"]})
    traits = pl.DataFrame(
        {
            "segment": [0, 0, 1],
            "words": ["saver: high", "rare: yes", "saver: low"],
            "population_rows": [300, 9, 200],
            "segment_share": [0.604, 0.02, 0.5],
            "population_share": [0.3, 0.01, 0.3],
        }
    )
    names, traits = (table.cast({"segment": pl.Int32}) for table in (names, traits))
    return describe_segments(segments, names, traits, min_cell=min_cell)


def test_each_segment_has_a_row_the_best_index_first():
    rows = described({-1: 20, 0: 40, 1: 60})
    assert rows["segment"].to_list() == [-1, 1, 0]
    assert rows["name"].to_list() == ["Rows set aside", "Spenders", "Savers"]
    assert rows["index"].to_list() == [166.7, 135.0, 72.0]
    assert rows["stability"].to_list() == [None, 0.5, 0.81]
    assert rows["small"].to_list() == [True, True, False]


def test_traits_are_told_with_their_shares_and_those_of_few_people_left_out():
    rows = described({-1: 20, 0: 40, 1: 60})
    assert rows["traits"].to_list() == [None, "saver: low (50% against 30%)",
                                         "saver: high (60% against 30%)"]  # fmt: skip


def test_few_customers_are_not_counted_nor_what_would_tell_them():
    rows = described({-1: 30, 0: 9, 1: 61}).sort("segment")
    assert rows["customer_rows"].to_list() == [30, None, None]
    for name in ("customer_share", "index", "low", "high", "verdict"):
        assert rows[name].is_null().to_list() == [False, True, True], name
    assert rows["population_rows"].to_list() == [100, 500, 400]
