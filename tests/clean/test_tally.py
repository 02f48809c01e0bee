"""Tallies: counts of parts that add up to those of the whole."""

from functools import reduce
from itertools import pairwise
from operator import add

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segment_lib.clean import Tally, count_extract, tally_part
from segment_lib.clean.completeness import histogram
from segment_lib.clean.tally import MAX_VALUES, SAMPLE, count_values
from segment_lib.schema import Attribute, Schema

AGE = Attribute("AGE", "person", "ordinal", ("-1", "0"))
KIND = Attribute("KIND", "person", "categorical", ("X",))
PAY = Attribute("PAY", "person", "numeric", ())
SCHEMA = Schema((AGE, KIND, PAY))
TYPES = {"AGE": pl.Float32, "KIND": pl.String, "PAY": pl.Float64}


def table(*rows: tuple) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=TYPES, orient="row")


PEOPLE = table((1, "a", 10.5), (1, "X", None), (-1, None, 10.5), (None, "b", 7), (0, "a", 7))


def test_values_are_counted_without_missing_codes():
    assert tally_part(PEOPLE, SCHEMA).values["AGE"].rows == {1.0: 2}


def test_levels_are_counted_as_text():
    assert tally_part(PEOPLE, SCHEMA).values["KIND"].rows == {"a": 2, "b": 1}


def test_cells_are_counted_by_their_canonical_spelling():
    cells = pl.Series(["8", " 8.0", "8.0", "TRUE", "true", "X ", " ", "", None, "b"])
    counts = count_values(cells, KIND)
    assert counts.rows == {"8": 3, "b": 1, "true": 2}
    assert (counts.nulls, counts.missing) == (3, {"X": 1})


@pytest.mark.parametrize(("attribute", "nulls"), [("AGE", 1), ("KIND", 1), ("PAY", 1)])
def test_empty_cells_are_counted_beside_the_values(attribute, nulls):
    assert tally_part(PEOPLE, SCHEMA).values[attribute].nulls == nulls


def test_rows_are_counted_by_which_attributes_they_lack():
    # Bits: AGE 1, KIND 2, PAY 4.
    assert tally_part(PEOPLE, SCHEMA).patterns == {0: 1, 1: 2, 3: 1, 6: 1}


def test_missing_cells_follow_from_the_patterns():
    counts = count_extract(tally_part(PEOPLE, SCHEMA), SCHEMA)
    assert dict(counts.missing) == {"AGE": 3, "KIND": 2, "PAY": 1}


def test_rows_are_counted_by_how_many_of_the_kept_attributes_they_lack():
    tally = tally_part(PEOPLE, SCHEMA)
    assert histogram(tally, SCHEMA, {"AGE", "PAY"}) == {0: 1, 1: 4}


def test_patterns_hold_more_attributes_than_a_word_has_bits():
    schema = Schema(tuple(Attribute(f"A{i}", "p", "mixed", ()) for i in range(150)))
    lacking = {"A0", "A62", "A63", "A64", "A126", "A149"}
    row = {a.name: [None if a.name in lacking else "1"] for a in schema}
    tally = tally_part(pl.DataFrame(row, schema_overrides=dict.fromkeys(row, pl.String)), schema)
    missing = count_extract(tally, schema).missing
    assert {name for name, n in missing.items() if n} == lacking


def test_minus_zero_is_zero():
    assert tally_part(table((-0.0, "a", 0.0), (0.0, "a", -0.0)), SCHEMA).values["PAY"].rows == {
        0: 2
    }


@pytest.mark.parametrize("n", [MAX_VALUES - 1, MAX_VALUES])
def test_as_many_levels_as_fit_are_all_counted(n):
    rows = table(*((1, f"level {i}", 1) for i in range(n)))
    assert len(tally_part(rows, SCHEMA).values["KIND"].rows) == n


def test_a_level_too_many_and_none_is_listed():
    rows = table(*((1, f"level {i}", 1) for i in range(MAX_VALUES + 1)), (1, None, 1))
    values = tally_part(rows, SCHEMA).values["KIND"]
    assert (values.rows, values.nulls, values.overflow) == ({}, 1, True)


def test_missing_codes_are_counted_one_by_one_and_words_among_numbers_together():
    schema = Schema((Attribute("AGE", "p", "ordinal", ("-1", "0", "?", "NA")), KIND))
    rows = table((-1, "X", 1), (-1, "a", 1), (float("nan"), "X", 1), (2, "x", 1), (None, None, 1))
    values = tally_part(rows, schema).values
    assert (values["AGE"].missing, values["KIND"].missing) == ({"-1": 2, "word": 1}, {"X": 2})


def test_the_least_and_the_largest_numbers_are_counted_exactly_however_many_there_are():
    pay = [*(i / 7 for i in range(10_000)), 99_999_998, 99_999_998, 99_999_997]
    counted = tally_part(table(*((1, "a", value) for value in pay)), SCHEMA).values["PAY"].counted
    assert sorted(counted)[:2] == [0, 1 / 7]
    assert (counted[99_999_998], counted[99_999_997]) == (2, 1)


def test_some_of_too_many_levels_are_counted_exactly():
    rows = table(*((1, f"level {i % 6000}", 1) for i in range(9000)))
    sample = tally_part(rows, SCHEMA).values["KIND"].sample
    assert len(sample) == SAMPLE
    assert all(n == (2 if int(level.split()[1]) < 3000 else 1) for level, n in sample.items())


@pytest.mark.parametrize("cuts", [[1], [4096, 4097], [100, 5000, 8999]])
def test_what_is_counted_of_too_many_levels_does_not_depend_on_the_parts(cuts):
    rows = table(*((1, f"level {i % 6000}", 1) for i in range(9000)))
    parts = [tally_part(part, SCHEMA) for part in in_parts(rows, cuts)]
    assert reduce(add, parts) == tally_part(rows, SCHEMA)


def test_too_many_levels_in_two_parts_overflow_as_in_one():
    rows = table(*((1, f"level {i}", 1) for i in range(MAX_VALUES + 1)))
    parts = [tally_part(rows[:3000], SCHEMA), tally_part(rows[3000:], SCHEMA)]
    assert count_extract(sum(parts[1:], start=parts[0]), SCHEMA).values["KIND"].overflow is True


def test_too_many_numbers_share_bins_and_every_row_is_counted():
    rows = table(*((1, "a", i / 7) for i in range(10_000)))
    values = tally_part(rows, SCHEMA).values["PAY"]
    assert len(values.rows) <= MAX_VALUES
    assert sum(values.rows.values()) == 10_000


def test_a_bin_is_no_wider_than_a_thousandth_of_its_value():
    rows = table(*((1, "a", 1000 + i / 100) for i in range(10_000)))
    bins = sorted(tally_part(rows, SCHEMA).values["PAY"].rows)
    assert max(b / a for a, b in pairwise(bins)) < 1.001


def test_a_missing_code_among_too_many_numbers_is_still_none_of_them():
    """Binned, it would be another number, and pass for a value of many rows."""
    income = Attribute("PAY", "person", "numeric", ("99999",))
    cells = [*range(65_536, 131_072, 8), *[99_999] * 5_000]
    rows = pl.DataFrame({"PAY": pl.Series(cells, dtype=pl.Float64)})
    tally = tally_part(rows, Schema((income,)))
    assert tally.values["PAY"].coarseness > 0
    assert sum(tally.values["PAY"].rows.values()) == 8192
    assert count_extract(tally, Schema((income,))).missing == {"PAY": 5_000}


def test_a_tally_comes_back_from_json_as_it_was():
    tally = tally_part(PEOPLE, SCHEMA)
    assert Tally.from_json(tally.to_json()) == tally


def test_a_tally_of_binned_numbers_comes_back_from_json_as_it_was():
    tally = tally_part(table(*((1, "a", i / 7) for i in range(5000))), SCHEMA)
    assert Tally.from_json(tally.to_json()) == tally


def test_a_tally_does_not_depend_on_the_order_of_the_rows():
    assert tally_part(PEOPLE.reverse(), SCHEMA).to_json() == tally_part(PEOPLE, SCHEMA).to_json()


ROW = st.tuples(
    st.sampled_from([-1.0, 0.0, 1.0, 2.0, None]),
    st.sampled_from(["a", "b", "X", None]),
    st.one_of(st.none(), st.floats(-1e6, 1e6, allow_nan=False)),
)


def in_parts(rows: pl.DataFrame, cuts: list[int]) -> list[pl.DataFrame]:
    edges = [0, *sorted(cut % (rows.height + 1) for cut in cuts), rows.height]
    return [rows[a:b] for a, b in pairwise(edges)]


@settings(max_examples=100, deadline=None)
@given(st.lists(ROW, min_size=1, max_size=60), st.lists(st.integers(0, 60), max_size=5))
def test_any_partitioning_adds_up_to_the_whole(rows, cuts):
    whole = table(*rows)
    parts = [tally_part(part, SCHEMA) for part in in_parts(whole, cuts)]
    assert count_extract(sum(parts[1:], start=parts[0]), SCHEMA) == count_extract(
        tally_part(whole, SCHEMA), SCHEMA
    )
    assert reduce(add, parts) == tally_part(whole, SCHEMA)


@settings(max_examples=15, deadline=None)
@given(
    st.lists(st.integers(0, 30_000), max_size=6),
    st.sampled_from([0.37, 1e-3, 7.0, 12345.678]),
    st.integers(-5000, 5000),
)
def test_any_partitioning_of_many_numbers_adds_up_to_the_whole(cuts, step, first):
    pay = [(1.0, "a", (first + i * 13 % 9001) * step) for i in range(12_000)]
    whole = table(*pay)
    parts = [tally_part(part, SCHEMA).values["PAY"] for part in in_parts(whole, cuts)]
    assert reduce(add, parts) == tally_part(whole, SCHEMA).values["PAY"]
