"""The rule of the choice by hand, on figures given and on the pages that are written."""

import re
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import ttest_rel

from benchmarks.agreement import Estimate
from benchmarks.answer import Answer, found_again, reached
from benchmarks.choice import FORMER, Difference, choose, objections, read_figures
from benchmarks.machine import conditions
from benchmarks.ours import Failed
from benchmarks.table import as_markdown

TABLES = ("one", "two", "three")


def figures(**settings: dict[str, list[float]]) -> dict[str, dict[str, dict[str, float]]]:
    """Return the figures of settings, each a value for each table; "a" is the former default."""
    names = ("reached", "found again", "seeds agree")
    return {
        name: {
            FORMER if setting == "a" else setting: dict(zip(TABLES, own[name], strict=True))
            for setting, own in settings.items()
        }
        for name in names
    }


def setting(reached: list[float], again: list[float], seeds: float = 0.5) -> dict[str, list[float]]:
    return {"reached": reached, "found again": again, "seeds agree": [seeds] * 3}


def test_a_difference_and_its_error_are_those_of_a_paired_t_test() -> None:
    one, other = [0.5, 0.7, 0.4, 0.9], [0.4, 0.5, 0.45, 0.6]
    difference = Difference.of(one, other)
    assert difference.mean / difference.error == pytest.approx(ttest_rel(one, other).statistic)
    assert not difference.is_more
    assert Difference.of([0.5, 0.7, 0.4], [0.4, 0.6, 0.31]).is_more
    assert not Difference.of(one, one).is_more


def test_the_setting_that_reaches_most_is_chosen() -> None:
    a, b = setting([0.3, 0.4, 0.5], [0.9] * 3), setting([0.4, 0.5, 0.6], [0.5] * 3)
    assert choose(figures(a=a, b=b), TABLES) == "b"


def test_a_tie_to_a_tenth_of_a_point_goes_to_the_setting_on_which_seeds_agree_more() -> None:
    a, b = setting([0.4, 0.5, 0.6], [0.5] * 3, 0.6), setting([0.401, 0.5, 0.6], [0.5] * 3, 0.7)
    assert choose(figures(a=a, b=b), TABLES) == "b"
    assert choose(figures(a=a | {"seeds agree": [0.8] * 3}, b=b), TABLES) == FORMER


def test_a_setting_within_two_points_wins_if_more_people_are_surely_found_again() -> None:
    b = setting([0.4, 0.5, 0.6], [0.5, 0.6, 0.7])
    surely = setting([0.39, 0.48, 0.585], [0.6, 0.72, 0.8])
    perhaps = setting([0.39, 0.48, 0.585], [0.9, 0.5, 0.9])
    too_few = setting([0.39, 0.47, 0.57], [0.6, 0.72, 0.8])
    assert choose(figures(a=surely, b=b), TABLES) == FORMER
    assert choose(figures(a=perhaps, b=b), TABLES) == "b"
    assert choose(figures(a=too_few, b=b), TABLES) == "b"


def test_what_no_other_setting_beats_is_confirmed() -> None:
    a = setting([0.3, 0.4, 0.5], [0.5, 0.9, 0.7])
    b = setting([0.4, 0.5, 0.6], [0.9, 0.5, 0.6])
    assert objections(figures(a=a, b=b), "b", TABLES) == []


@pytest.mark.parametrize("name", ["reached", "found again", "seeds agree"])
def test_a_setting_that_is_surely_better_in_any_figure_is_an_objection(name: str) -> None:
    a = setting([0.4, 0.5, 0.6], [0.5, 0.6, 0.7])
    b = a | {name: [value - 0.1 + i / 100 for i, value in enumerate(a[name])]}
    others = objections(figures(a=a, b=b), "b", TABLES)
    assert [fault for fault in others if f"{FORMER} is better by" in fault and name in fault]


def test_far_fewer_customers_than_the_former_default_reaches_are_an_objection() -> None:
    a = setting([0.4, 0.7, 0.4], [0.5] * 3)
    b = setting([0.41, 0.6, 0.41], [0.5] * 3)
    assert objections(figures(a=a, b=b), "b", TABLES) == [f"{FORMER} reaches 0.027 more"]
    b["reached"] = [0.41, 0.65, 0.41]
    assert objections(figures(a=a, b=b), "b", TABLES) == []


def page(*names: str) -> str:
    """Return a page of two settings on tables of these names."""
    again = Estimate(0.75, 0.05)
    gains = {("segment", depth): Estimate(depth * 2, 0.01) for depth in (0.05, 0.1, 0.2)}
    one = Answer((3, 4), 5, Estimate(0.9, 0.1), again, (0.5, 0.7), 0.1, gains)
    answers = {name: {"a": one, "b": replace(one, rand=(0.25,))} for name in names}
    return as_markdown(conditions([], "x"), "", [found_again(answers, []), reached(answers)])


def test_figures_are_read_from_the_pages_that_answer_writes() -> None:
    figures = read_figures([page("one", "two"), page("three")])
    assert figures == {
        "reached": {name: dict.fromkeys(TABLES, 0.4) for name in "ab"},
        "found again": {name: dict.fromkeys(TABLES, 0.75) for name in "ab"},
        "seeds agree": {"a": dict.fromkeys(TABLES, 0.6), "b": dict.fromkeys(TABLES, 0.25)},
    }
    assert np.mean(list(figures["reached"]["a"].values())) == pytest.approx(0.4)


def test_two_pages_on_the_same_table_and_setting_are_refused() -> None:
    with pytest.raises(Failed, match=re.escape("one by a is on two pages")):
        read_figures([page("one"), page("one")])


def test_ten_components_by_parallel_analysis_need_no_second_run() -> None:
    few = page("one").replace("| a |", "| attribute, parallel |")
    many = page("two").replace("| a | 5 |", "| attribute, parallel | 10 |")
    many = many.replace("| a |", "| attribute, parallel |")
    figures = read_figures([few, many])
    assert figures["reached"]["attribute, 10 or more"] == {"two": 0.4}
    assert figures["seeds agree"]["attribute, 10 or more"] == {"two": 0.6}
    measured = many.replace("attribute, parallel", "attribute, 10 or more").replace("0.60", "0.90")
    measured = measured.replace("| b |", "| c |")
    assert read_figures([many, measured])["seeds agree"]["attribute, 10 or more"] == {"two": 0.9}
