"""Plans proposed for a later delivery: rules for what is new, levels never seen before."""

import pytest

from segment_lib.encode import Plan, propose_plan
from segment_lib.encode.proposal import with_levels
from segment_lib.encode.rules import Binary, Drop, Number, OneHot, Rule
from segment_lib.schema import Attribute, Schema

SCHEMA = Schema(
    (
        Attribute("AGE", "person", "ordinal", ("-1",)),
        Attribute("TOWN", "person", "categorical", ()),
        Attribute("GONE", "person", "categorical", ()),
    )
)


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (OneHot("A", ("a", "b"), "a"), OneHot("A", ("a", "b", "c"), "a")),
        (Number("A", 1.0, ("a", "b")), Number("A", 1.0, ("a", "b", "c"))),
        (Number("A", 1.0), Number("A", 1.0)),
        (Binary("A", "a", "b", "a"), OneHot("A", ("a", "b", "c"), "a")),
        (Drop("A", "sparse"), Drop("A", "sparse")),
    ],
)
def test_a_rule_that_lists_levels_lists_those_that_are_new(rule: Rule, expected: Rule) -> None:
    assert with_levels(rule, ["c", "b", "a"]) == expected


def test_an_attribute_that_is_new_gets_a_rule_and_one_that_was_dropped_stays_so() -> None:
    plan = Plan((Number("AGE", 2.0, ("1", "2")), Drop("TOWN", "new"), Drop("GONE", "sparse")))
    proposed = propose_plan(
        plan,
        SCHEMA,
        {"AGE": {"1": 5, "2": 5}, "TOWN": {"Ulm": 3, "Bonn": 4, "Köln": 3}, "GONE": {"x": 10}},
        {"AGE": ("1", "2"), "TOWN": ("Bonn", "Köln", "Ulm"), "GONE": ("x",)},
        new=["TOWN"],
    )
    age, town, gone = proposed.rules
    assert age == plan.rules[0]
    assert isinstance(town, OneHot)
    assert set(town.levels) == {"Ulm", "Bonn", "Köln"}
    assert gone == plan.rules[2]
