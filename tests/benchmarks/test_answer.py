"""The answer on a small table with planted groups, from runs of the job; the rule by hand."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from benchmarks.agreement import Estimate
from benchmarks.answer import (
    SETTINGS,
    Answer,
    against_best,
    customers_reached,
    measure_answer,
)
from benchmarks.coverage import hold_against_others
from benchmarks.seeds import compare_seeds
from benchmarks.trials import Table, Trials
from segment_lib.run.opened import OpenedRun

SETTING = "attribute, parallel"


def planted_table() -> tuple[Table, np.ndarray]:
    """Return 1,500 people in three groups apart from each other, of which one buys."""
    random = np.random.default_rng(0)
    groups = random.integers(0, 3, 1_500)
    people = pl.DataFrame(
        {
            **{f"x{i}": 8.0 * (groups == i) + random.normal(size=1_500) for i in range(3)},
            "trade": np.array(["a", "b", "c"])[groups],
        }
    ).cast(pl.String)
    buys = random.random(1_500) < np.array([0.6, 0.1, 0.1])[groups]
    kinds = {"x0": "numeric", "x1": "numeric", "x2": "numeric", "trade": "categorical"}
    summary = ["attribute;information_level;type;missing_or_unknown"]
    summary += [f"{name};person;{kind};[]" for name, kind in kinds.items()]
    more = "[model]\nsweep = [2, 4]\n"
    return Table(people, people.filter(pl.Series(buys)), "\n".join(summary) + "\n", more), groups


@dataclass(frozen=True)
class Measured:
    answer: Answer
    runs: list[OpenedRun]
    groups: np.ndarray


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Measured:
    """Two seeds and a halving of the planted table."""
    table, groups = planted_table()
    trials = Trials(table, tmp_path_factory.mktemp("answer") / "whole")
    answer = measure_answer(trials, SETTING, seeds=2, halvings=1)
    return Measured(answer, [trials.run(f"attribute-parallel/seed-{s}") for s in range(2)], groups)


def test_planted_groups_are_found_again_by_halves_and_seeds(measured: Measured) -> None:
    assert measured.answer.segments == (3, 3)
    assert measured.answer.rand == (1.0,)
    assert measured.answer.jaccard.mean == 1
    assert measured.answer.found_again.mean == 1
    assert measured.answer.smallest == np.bincount(measured.groups).min() / 1_500


def test_customers_reached_are_the_mean_of_the_gains_of_the_seeds(measured: Measured) -> None:
    tables = [run.table("gains/gains.csv") for run in measured.runs]
    at = (pl.col("by") == "segment") & (pl.col("depth") == 0.2)
    shares = [table.filter(at)["customers_reached"].item() for table in tables]
    reached = customers_reached(measured.runs)["segment", 0.2]
    assert reached.mean == pytest.approx(sum(shares) / 2)
    customers = measured.runs[0].table("segments", "customers").height
    spread = abs(shares[0] - shares[1]) / 2
    counting = reached.mean * (1 - reached.mean) / customers
    assert reached.error == pytest.approx((counting + spread**2) ** 0.5)


def test_a_run_that_is_there_is_not_made_again(measured: Measured) -> None:
    root = Path(str(measured.runs[0].manifest.root))
    before = (root / "run.json").stat().st_mtime_ns
    trials = Trials(planted_table()[0], root.parent.parent)
    trials.run("attribute-parallel/seed-0")
    assert (root / "run.json").stat().st_mtime_ns == before


def test_seeds_that_say_the_same_agree_with_the_planted_groups(measured: Measured) -> None:
    truth = pl.DataFrame({"row": range(1_500), "segment": measured.groups})
    outcome = compare_seeds(measured.runs, truth.cast({"row": pl.UInt32, "segment": pl.Int8}))
    assert outcome.segments == (3, 3)
    assert outcome.rand == (1.0,)
    assert outcome.planted == (1.0, 1.0)
    assert outcome.verdicts_differ == (0.0,)


def test_runs_of_the_same_rows_say_what_their_tables_say(measured: Measured) -> None:
    held = hold_against_others(measured.runs)["as drawn"]
    tables = [run.table("compare/segments.csv").sort("population_rows") for run in measured.runs]
    # The groups differ in size, so they are the same rows in both runs.
    expected = tables[1].filter(pl.col("segment") >= 0)["drawn_index"].to_list()
    assert sorted(held.others[:3, 0]) == pytest.approx(sorted(expected))
    assert held.coverage().mean == 1


def test_losses_are_differences_from_the_best_setting_on_each_table(measured: Measured) -> None:
    worse = replace(measured.answer, found_again=Estimate(0.25, 0.0))
    settings = dict.fromkeys(SETTINGS, worse) | {SETTING: measured.answer}
    lines = against_best({"planted": settings}).lines
    at = lines[0].index(SETTING)
    assert lines[1][:2] == ("found again", "planted")
    others = [cell for i, cell in enumerate(lines[1][2:], 2) if i != at]
    assert others == ["-0.750"] * (len(SETTINGS) - 1)
    assert lines[1][at] == "0.000"
    assert set(lines[2][2:]) == {"0.000"}
