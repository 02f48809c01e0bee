"""Rules: one attribute to its features, with no null left behind."""

import math

import numpy as np
import polars as pl
import pytest

from segment_lib.encode.rules import (
    Age,
    Binary,
    Drop,
    Log,
    Number,
    OneHot,
    Pooled,
    Rank,
    Recode,
    Rule,
)
from segment_lib.schema import Attribute

NUMBER = Attribute("AGE", "person", "ordinal", ("-1",))
LOGS = [float(np.float32(log)) for log in (0, -math.log(4), math.log(4), math.log(8))]
TEXT = Attribute("AGE", "person", "mixed", ("-1",))


def encoded(rule: Rule, codes: list, attribute: Attribute | None = None) -> dict[str, list]:
    text = any(isinstance(code, str) for code in codes)
    attribute = attribute or (TEXT if text else NUMBER)
    kind = pl.String if attribute.storage == "text" else pl.Float64
    rows = pl.LazyFrame({"AGE": codes}, schema={"AGE": kind})
    return rows.select(rule.expressions(attribute)).collect().to_dict(as_series=False)


@pytest.mark.parametrize(
    ("rule", "codes", "expected"),
    [
        (Number("AGE", fill=2), [1, None, 3.5], {"AGE": [1, 2, 3.5]}),
        (Number("AGE", fill=2, levels=("1", "3")), [1, None, 3, 7], {"AGE": [1, 2, 3, 2]}),
        (Number("AGE", fill=2), ["1", None, "3.5"], {"AGE": [1, 2, 3.5]}),
        (Age("AGE", "2024-01-01", fill=50), [1974.0, None, 2024.5], {"AGE": [50, 50, -0.5]}),
        (Log("AGE", 2, fill=6, skew=3), [0, -6, None, 14], {"AGE": LOGS}),
        (
            Rank("AGE", (0, 0, 9), fill=9, skew=3),
            [-1, 0, 4, None, 10],
            {"AGE": [0, 0, 0.5, 0.5, 0.75]},
        ),
        (Binary("AGE", "1", "2", fill="1"), [1, 2, None, 7], {"AGE=2": [0, 1, 0, 0]}),
        (Binary("AGE", "1", "2", fill="2"), [1, 2, None, 7], {"AGE=2": [0, 1, 1, 1]}),
        (Binary("AGE", "W", "O", fill="W"), ["W", "O", None], {"AGE=O": [0, 1, 0]}),
        (
            OneHot("AGE", ("1", "2", "3"), fill="2"),
            ["1", "2", "3", None, "7"],
            {"AGE=1": [1, 0, 0, 0, 0], "AGE=2": [0, 1, 0, 1, 0], "AGE=3": [0, 0, 1, 0, 0]},
        ),
        (
            Pooled("AGE", ("a", "b"), fill="a"),
            ["a", "b", "c", None],
            {"AGE=a": [1, 0, 0, 1], "AGE=b": [0, 1, 0, 0], "AGE=other": [0, 0, 1, 0]},
        ),
        (
            OneHot("AGE", ("1", "2"), fill=None),
            [1, 2, None, 7],
            {"AGE=1": [1, 0, 0, 0], "AGE=2": [0, 1, 0, 0]},
        ),
        (
            Recode(
                "AGE",
                {"tens": {"11": 1, "25": 2, "0": None}, "odd": {"11": 1, "25": 1, "0": 0}},
                {"tens": 1, "odd": 0},
            ),
            ["11", "25", "0", None, "99"],
            {"tens": [1, 2, 1, 1, 1], "odd": [1, 1, 0, 0, 0]},
        ),
        (
            Recode("AGE", {"tens": {"11": 1, "25": 2}}, {"tens": 9}),
            [11, 25, None],
            {"tens": [1, 2, 9]},
        ),
        (Recode("AGE", {"tens": {"11": None}}, {"tens": 9}), ["11", None], {"tens": [9, 9]}),
        (Drop("AGE", "not wanted"), ["1", None], {}),
    ],
)
def test_codes_become_features(rule, codes, expected):
    assert encoded(rule, codes) == expected


@pytest.mark.parametrize(
    ("rule", "features"),
    [
        (Number("AGE", 0), ("AGE",)),
        (Binary("AGE", "W", "O", "W"), ("AGE=O",)),
        (OneHot("AGE", ("1", "2", "3"), None), ("AGE=1", "AGE=2", "AGE=3")),
        (Recode("AGE", {"a": {}, "b": {}}, {"a": 0, "b": 0}), ("a", "b")),
        (Drop("AGE", ""), ()),
    ],
)
def test_a_rule_names_its_features_in_order(rule, features):
    assert rule.features == features


@pytest.mark.parametrize(
    "rule",
    [
        Number("AGE", 2),
        Number("AGE", 2, ("1", "2")),
        Binary("AGE", "1", "2", "1"),
        OneHot("AGE", ("1", "2", "3"), None),
        OneHot("AGE", ("1", "2", "3"), "3"),
        Recode("AGE", {"a": {"1": 4, "2": None}, "b": {"1": 0, "2": 1}}, {"a": 4, "b": 0}),
    ],
)
@pytest.mark.parametrize(
    "codes", [[1, 2, None, 99], ["1", "2", None, "99"], [None, None], ["1"]], ids=str
)
def test_no_null_is_left_and_the_features_are_as_named(rule, codes):
    columns = encoded(rule, codes)
    assert tuple(columns) == rule.features
    assert not any(value is None for column in columns.values() for value in column)


@pytest.mark.parametrize(
    ("rule", "kind"),
    [
        (Number("AGE", 2), pl.Float32),
        (Binary("AGE", "1", "2", "1"), pl.UInt8),
        (OneHot("AGE", ("1",), None), pl.UInt8),
        (Recode("AGE", {"flag": {"1": 0, "2": 1}}, {"flag": 0}), pl.UInt8),
        (Recode("AGE", {"band": {"1": 1.5, "2": None}}, {"band": 1.5}), pl.Float32),
    ],
)
def test_features_are_stored_small(rule, kind):
    rows = pl.LazyFrame({"AGE": [1.0, None]}, schema={"AGE": pl.Float32})
    assert rows.select(rule.expressions(NUMBER)).collect_schema().dtypes() == [kind]


def test_a_level_absent_from_the_rows_still_has_its_column():
    assert encoded(OneHot("AGE", ("1", "5"), "1"), ["1", "1"])["AGE=5"] == [0, 0]


@pytest.mark.parametrize("level", ["0.1", "1.1", "33.3"])
def test_a_scale_may_have_levels_between_whole_numbers(level):
    features = encoded(Number("AGE", fill=2, levels=(level, "2")), [float(level)])
    assert features["AGE"] == [pytest.approx(float(level))]


@pytest.mark.parametrize("level", ["20240101", "16777217"])
def test_a_scale_may_have_levels_of_many_digits(level):
    rule = Number("AGE", fill=2, levels=(level, "2"))
    features = encoded(rule, [float(level)])
    assert features["AGE"] == [pytest.approx(float(level), rel=1e-6)]


@pytest.mark.parametrize("fill", [0.5, -1.0, 300.0])
def test_the_fill_of_a_flag_is_obeyed_whatever_it_is(fill):
    rule = Recode("AGE", {"flag": {"1": 0, "2": 1}}, {"flag": fill})
    assert encoded(rule, ["1", "2", None])["flag"] == [0, 1, fill]


def test_a_missing_youth_code_is_not_avant_garde():
    # A published error: "1 if code in mainstream else 0" makes 108,164 unknown rows avant-garde.
    rule = Recode("AGE", {"avantgarde": {"1": 0, "2": 1}}, {"avantgarde": 0})
    assert encoded(rule, ["1", "2", None])["avantgarde"] == [0, 1, 0]
