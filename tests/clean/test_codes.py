"""Missing-or-unknown codes become nulls, and nothing else does."""

import polars as pl
import pytest

from segment_lib.clean import count_missing, known
from segment_lib.schema import Attribute


@pytest.mark.parametrize(
    ("missing", "codes", "expected"),
    [
        (("-1", "0"), ["1", "2", "-1", "0", None], ["1", "2", None, None, None]),
        (("X",), ["1", "X", "XX", None], ["1", None, "XX", None]),
        (("?",), ["Private", "?"], ["Private", None]),
        ((), ["0", "-1", "X", None], ["0", "-1", "X", None]),
        (("0",), ["00", "0.5", "0"], ["00", "0.5", None]),
    ],
)
def test_text_codes_that_are_listed_become_null(missing, codes, expected):
    kind = Attribute("KIND", "person", "categorical", missing)
    rows = pl.LazyFrame({"KIND": codes}, schema={"KIND": pl.String})
    assert rows.select(known(kind)).collect()["KIND"].to_list() == expected


@pytest.mark.parametrize(
    ("missing", "codes", "expected"),
    [
        (("-1", "?"), [1, -1, float("nan"), None], [1, None, None, None]),
        (("-1", "0", "9"), [1, 4, 9, 0, -1, None], [1, 4, None, None, None, None]),
        ((), [0, -1, None], [0, -1, None]),
        (("-0.5",), [-0.5, 0.5], [None, 0.5]),
        (("99.9",), [99.9, 1.0], [None, 1.0]),
    ],
)
def test_number_codes_that_are_listed_become_null(missing, codes, expected):
    age = Attribute("AGE", "person", "ordinal", missing)
    rows = pl.LazyFrame({"AGE": codes}, schema={"AGE": pl.Float64})
    assert rows.select(known(age)).collect()["AGE"].to_list() == expected


@pytest.mark.parametrize("dtype", [pl.Float64])
def test_the_type_of_the_column_stays(dtype):
    rows = pl.LazyFrame({"AGE": [1.0]}, schema={"AGE": dtype})
    masked = rows.select(known(Attribute("AGE", "person", "ordinal", ("-1",)))).collect()
    assert masked.schema == {"AGE": dtype}


def test_codes_are_listed_for_one_attribute_alone():
    rows = pl.LazyFrame({"A": ["0", "1"], "B": ["0", "1"]})
    a, b = Attribute("A", "p", "mixed", ("0",)), Attribute("B", "p", "mixed", ("1",))
    assert rows.select(known(a), known(b)).collect().rows() == [(None, "0"), ("1", None)]


def test_empty_cells_and_missing_codes_of_a_row_are_counted_together():
    a, b, c = (Attribute(name, "p", "mixed", ("0",)) for name in "ABC")
    rows = pl.LazyFrame({"A": ["0", "1", None], "B": [None, "1", None], "C": ["1", "1", "0"]})
    codes_as_null = rows.select(known(a), known(b), known(c))
    counted = codes_as_null.select(count_missing(["A", "B", "C"]).alias("n")).collect()
    assert counted["n"].to_list() == [2, 0, 3]


def test_only_the_attributes_asked_for_are_counted():
    rows = pl.LazyFrame({"A": [None], "B": ["1"]}, schema={"A": pl.String, "B": pl.String})
    assert rows.select(count_missing(["B"]).alias("n")).collect()["n"].to_list() == [0]
    assert rows.select(count_missing(["A"]).alias("n")).collect()["n"].to_list() == [1]


def test_more_than_255_gaps_in_a_row_are_counted():
    names = [f"A{i}" for i in range(300)]
    rows = pl.LazyFrame({name: [None] for name in names})
    assert rows.select(count_missing(names).alias("n")).collect()["n"].to_list() == [300]
