"""What sets a segment apart, from exact counts."""

from math import asin, sqrt

import polars as pl
import pytest

from segment_lib.profile import Levels, count_levels
from segment_lib.profile.levels import PROFILE, choose_levels, profile_segments
from segment_lib.schema import Meaning
from segment_lib.terms import MAX_LISTED


def counted(table: pl.DataFrame, levels: list[Levels]) -> pl.DataFrame:
    return count_levels(table.drop(" segment"), table[" segment"], levels)


MEANINGS = {"KIND": Meaning("what kind", {"a": "apple", "b": "pear", "c": "plum"})}


def rows(segments: list[int], **columns: list) -> pl.DataFrame:
    return pl.DataFrame({" segment": segments, **columns}, schema_overrides={" segment": pl.Int32})


def profile(table: pl.DataFrame, *attributes: str) -> list[dict]:
    levels = [Levels(name, table[name].dtype.is_numeric()) for name in attributes]
    return profile_segments(counted(table, levels), levels, MEANINGS, {"KIND"}).to_dicts()


def named(levels: Levels, values: list[float | None]) -> list[str | None]:
    """The level each value is counted under; None if under none."""
    names = []
    for value in values:
        table = rows([0], **{levels.attribute: pl.Series([value], dtype=pl.Float64)})
        names += counted(table, [levels])["level"].to_list() or [None]
    return names


# Levels


@pytest.mark.parametrize("n", [2, MAX_LISTED])
def test_few_values_are_profiled_one_by_one(n):
    assert choose_levels("AGE", {float(i): 1 for i in range(n)}) == Levels("AGE", number=True)


def test_text_is_profiled_level_by_level_however_many_there_are():
    assert choose_levels("KIND", {f"level {i}": 1 for i in range(100)}) == Levels("KIND")


def test_a_number_is_named_as_its_code():
    assert named(Levels("AGE", number=True), [8.0, 8.5, -1.0, None]) == ["8", "8.5", "-1", None]


def test_a_text_level_keeps_its_name():
    counts = counted(rows([0, 0, 0], KIND=["v1.0", "v1", "a"]), [Levels("KIND")])
    assert sorted(counts["level"]) == ["a", "v1", "v1.0"]


def test_many_values_are_profiled_in_bins_of_about_equal_population():
    levels = choose_levels("AGE", {float(i): 10 for i in range(100)})
    assert levels.names == ("0 to 19", "20 to 39", "40 to 59", "60 to 79", "80 to 99")


def test_a_value_falls_into_the_bin_that_names_it():
    levels = choose_levels("AGE", {float(i): 10 for i in range(100)})
    assert named(levels, [0, 19, 20, 99, None]) == ["0 to 19"] * 2 + ["20 to 39", "80 to 99", None]


def test_a_commonest_value_has_a_bin_of_its_own():
    levels = choose_levels("GAIN", {0.0: 9000} | {float(i): 1 for i in range(100, 200)})
    assert levels.names[0] == "0"


@pytest.mark.parametrize("commonest", [0.0, 15.0, 29.0])
def test_every_value_is_in_a_bin_whichever_is_the_commonest(commonest):
    counts = {float(i): 1 for i in range(30)} | {commonest: 10_000}
    levels = choose_levels("AGE", counts)
    assert None not in named(levels, list(counts))


@pytest.mark.parametrize("first", [0, 1_000, 20_240_101, 10_000_000])
def test_bins_have_different_names(first):
    levels = choose_levels("DAY", {float(first + i): 1 for i in range(100)})
    assert len(set(levels.names)) == len(levels.names)


@pytest.mark.parametrize("step", [0.1, 1.0, 1000.0])
def test_bins_are_in_rising_order(step):
    levels = choose_levels("PAY", {i * step: 1 for i in range(-50, 50)})
    assert list(levels.edges) == sorted(levels.edges)
    assert len(levels.names) == len(levels.edges) + 1


# Counts


def test_rows_are_counted_by_segment_attribute_and_level():
    table = rows([0, 0, 1, -1], KIND=["a", "a", "b", "a"])
    counts = counted(table, [Levels("KIND")]).sort("segment", "level").rows()
    assert counts == [(-1, "KIND", "a", 1), (0, "KIND", "a", 2), (1, "KIND", "b", 1)]


def test_unknown_values_are_not_counted():
    table = rows([0, 0], KIND=[None, "a"])
    assert counted(table, [Levels("KIND")])["rows"].to_list() == [1]


@pytest.mark.parametrize("name", ["level", "rows", "attribute", "position", "segment"])
def test_an_attribute_may_have_the_name_of_a_column_of_ours(name):
    table = rows([0, 0, 1], **{name: ["a", "b", "a"]})
    assert len(profile(table, name)) == 4


def test_counts_of_parts_add_up_to_those_of_the_whole():
    table = rows([0, 1, 0, 1], KIND=["a", "b", "b", None], AGE=[1.0, 2.0, 1.0, 2.0])
    levels = [Levels("KIND"), Levels("AGE", number=True)]
    parts = pl.concat([counted(table[:1], levels), counted(table[1:], levels)])
    keys = ["segment", "attribute", "level"]
    added = parts.group_by(keys).agg(pl.col("rows").sum()).sort(keys)
    assert added.equals(counted(table, levels).sort(keys))


# Profile

FRUIT = rows([0, 0, 0, 0, 1, 1, 1, 1], KIND=["a", "a", "a", "b", "b", "b", "b", "b"])


def test_shares_are_of_the_segment_and_of_the_whole_population():
    first = profile(FRUIT, "KIND")[0]
    assert (first["segment"], first["level"]) == (0, "a")
    assert (first["segment_share"], first["population_share"]) == (0.75, 3 / 8)


def test_the_index_is_a_hundred_times_the_ratio_of_the_shares():
    assert profile(FRUIT, "KIND")[0]["index"] == pytest.approx(200)


def test_the_effect_is_cohens_h_by_hand():
    expected = 2 * asin(sqrt(0.75)) - 2 * asin(sqrt(3 / 8))
    assert profile(FRUIT, "KIND")[0]["effect"] == pytest.approx(expected)


def test_a_level_that_a_segment_lacks_is_listed_with_a_share_of_zero():
    levels = {(r["segment"], r["level"]): r for r in profile(FRUIT, "KIND")}
    assert levels[1, "a"]["segment_share"] == 0
    assert levels[1, "a"]["population_rows"] == 0


def test_shares_leave_out_the_unknown():
    table = rows([0, 0, 0, 1], KIND=["a", None, None, "b"])
    levels = profile(table, "KIND")
    assert levels[0]["segment_share"] == 1
    assert levels[0]["population_share"] == 0.5


def test_an_attribute_unknown_in_a_whole_segment_is_not_told_of_it():
    table = rows([0, 1], KIND=["a", None], AGE=[1.0, 2.0])
    assert {(r["segment"], r["attribute"]) for r in profile(table, "KIND", "AGE")} == {
        (0, "KIND"),
        (0, "AGE"),
        (1, "AGE"),
    }


def test_levels_are_decoded_and_the_scale_is_stated():
    first = profile(FRUIT, "KIND")[0]
    assert (first["label"], first["meaning"]) == ("apple", "what kind")
    assert first["direction"] == "a = apple … c = plum"


def test_levels_in_no_order_have_no_direction():
    levels = [Levels("KIND")]
    described = profile_segments(counted(FRUIT, levels), levels, MEANINGS, set())
    assert described["direction"].unique().to_list() == [None]


def test_an_attribute_nobody_explained_keeps_its_codes():
    first = profile(rows([0], AGE=[8.0]), "AGE")[0]
    assert (first["level"], first["label"], first["direction"]) == ("8", "8", None)


def test_the_columns_and_types_are_those_of_the_files_page():
    levels = [Levels("KIND")]
    described = profile_segments(counted(FRUIT, levels), levels, MEANINGS, {"KIND"})
    assert dict(described.schema) == PROFILE


def test_shares_of_an_attribute_add_up_to_one_in_every_segment():
    table = rows([0, 0, 1, 1, 1], KIND=["a", "b", "c", "a", None])
    described = pl.DataFrame(profile(table, "KIND"))
    assert described.group_by("segment").agg(pl.col("segment_share").sum())[
        "segment_share"
    ].to_list() == [
        pytest.approx(1),
        pytest.approx(1),
    ]


def test_attributes_stand_in_the_order_of_the_levels_given():
    table = rows([0], B=["x"], A=["y"])
    assert [row["attribute"] for row in profile(table, "B", "A")] == ["B", "A"]


def test_levels_of_a_scale_stand_in_its_order():
    table = rows([0] * 12, AGE=[float(i) for i in range(1, 13)])
    assert [row["level"] for row in profile(table, "AGE")] == [str(i) for i in range(1, 13)]
