"""How good is the answer, by setting of the model: found again, and reaching customers.

    python -m benchmarks.answer --tables census,loans

Each figure comes from runs of the job on the tables of `tables.py`. Which setting they speak for,
`choice.py` tells from the pages written.
"""

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from benchmarks.agreement import Agreement, Estimate, agreement, pairwise_rand
from benchmarks.machine import conditions
from benchmarks.ours import Failed
from benchmarks.table import Section, write_results
from benchmarks.tables import TABLES
from benchmarks.trials import Trials, add_options, people, say, segments_of_people
from segment_lib.run.opened import OpenedRun
from segment_lib.terms import DEPTH

_ROOT = Path(__file__).parent.parent

_PARALLEL = 'model.n_components="parallel"'
_COMPONENTS: Mapping[str, tuple[str, ...]] = {
    "85 %": ("model.n_components=0.85",),
    "parallel": (_PARALLEL, "model.min_components=1"),
    "10 or more": (_PARALLEL, "model.min_components=10"),
}
SETTINGS: Mapping[str, tuple[str, ...]] = {
    f"{scaling}, {name}": (f'model.scaling="{scaling}"', *_COMPONENTS[name])
    for scaling, name in (
        *(("feature", "85 %"), ("feature", "parallel")),
        *(("attribute", "85 %"), ("attribute", "parallel"), ("attribute", "10 or more")),
    )
}
"""What is set in the config, by the name of the setting."""
DEPTHS = (0.05, 0.1, 0.2)
RANKINGS = {"segment": "segments", "micro_segment": "micro", "logistic": "logistic"}
"""What people are ranked by, as in gains.csv, and how it is called here."""


@dataclass(frozen=True)
class Answer:
    """What a setting makes of a table."""

    segments: tuple[int, ...]
    """Number of segments of each seed."""
    components: int
    jaccard: Estimate
    """Of the models of two halves of the rows, over halvings."""
    found_again: Estimate
    """Share of people in segments found again, over halvings."""
    rand: tuple[float, ...]
    """Adjusted Rand index of each pair of seeds."""
    smallest: float
    """Share of people in the smallest segment, the least of all seeds."""
    reached: Mapping[tuple[str, float], Estimate]
    """Share of the held-out customers, by ranking and depth."""


def main(arguments: Sequence[str] | None = None) -> int:
    given = list(sys.argv[1:] if arguments is None else arguments)
    options = _parser().parse_args(given)
    measured_on = conditions(given, "benchmarks.answer")
    answers: dict[str, dict[str, Answer]] = {}
    absent: list[str] = []
    for name in options.tables.split(","):
        say(name)
        try:
            table = TABLES[name]()
        except Failed as failure:
            say(f"  {name}: {failure}")
            absent.append(f"{name} ({failure})")
            continue
        whole = Trials(table, options.runs / name / "whole", settings=tuple(options.settings))
        answers[name] = {
            setting: measure_answer(whole, setting, options.seeds, options.halvings)
            for setting in options.only or SETTINGS
        }
        for setting, answer in answers[name].items():
            say(f"  {' | '.join(_found_cells(name, setting, answer))}")
    sections = [against_best(answers), found_again(answers, absent), reached(answers)]
    rows = f"{len(answers)} tables, {options.seeds} seeds, {options.halvings} halvings"
    page = write_results(options.out, f"{measured_on.slug}-answer", measured_on, rows, sections)
    print(page.read_text())
    say(f"written to {page}")
    return 0


def measure_answer(whole: Trials, setting: str, seeds: int, halvings: int) -> Answer:
    """Run a setting on a table with several seeds, and on halves of its rows."""
    settings, folder = SETTINGS[setting], "-".join(setting.replace(" %", "").split(", "))
    runs = [
        whole.run(f"{folder}/seed-{seed}", *settings, f"model.random_state={seed}")
        for seed in range(seeds)
    ]
    labels = [segments_of_people(run) for run in runs]
    sizes = [np.unique(one, return_counts=True)[1] for one in labels]
    # The other numbers are tried too: the search for one learns from its neighbours.
    fixed = (*settings, f"model.n_clusters={len(sizes[0])}")
    halves = [halved(whole, halving, folder, fixed) for halving in range(halvings)]
    return Answer(
        segments=tuple(map(len, sizes)),
        components=len(runs[0].model.projection.pca.components_),
        jaccard=Estimate.over([half.jaccard for half in halves]),
        found_again=Estimate.over([half.found_again for half in halves]),
        rand=tuple(pairwise_rand(labels)),
        smallest=min(float(one.min() / one.sum()) for one in sizes),
        reached=customers_reached(runs),
    )


def halved(whole: Trials, seed: int, folder: str, settings: Sequence[str]) -> Agreement:
    """Fit a model to each of two halves of the rows, and compare them on all rows.

    Both halves follow the plan of the whole, so that their features are the same, and make as many
    segments as the whole has.
    """
    runs = []
    for first in (True, False):
        home = whole.folder.parent / f"half-{seed}-{'a' if first else 'b'}"
        half = whole.table.half(seed, first=first)
        trials = Trials(half, home, whole.plan_made, whole.settings)
        runs.append(trials.run(folder, *settings, until="sweep"))
    rows = people(whole.run(f"{folder}/seed-0"))
    return agreement(*(run.model.predict(rows) for run in runs))


def customers_reached(runs: Sequence[OpenedRun]) -> dict[tuple[str, float], Estimate]:
    """Share of the held-out customers that each ranking reaches at each depth.

    The mean over seeds, each of which holds out another half. Its error is that of a share of all
    customers, with the spread over the seeds added.
    """
    tables = [run.table("gains/gains.csv") for run in runs]
    customers = int(runs[0].table("compare/segments.csv")["customer_rows"].sum())
    reached = {}
    for by in tables[0]["by"].unique(maintain_order=True):
        for depth in DEPTHS:
            at = (pl.col("by") == by) & (pl.col("depth") == depth)
            shares = [float(table.filter(at)["customers_reached"].item()) for table in tables]
            share, spread = float(np.mean(shares)), np.nan_to_num(Estimate.over(shares).error)
            error = (share * (1 - share) / customers + spread**2) ** 0.5
            reached[by, depth] = Estimate(share, float(error))
    return reached


def against_best(answers: Mapping[str, Mapping[str, Answer]]) -> Section:
    """Each setting on each table, as a difference from the best setting there."""
    figures: Sequence[tuple[str, Callable[[Answer], float]]] = (
        ("found again", lambda answer: answer.found_again.mean),
        ("reached at 20 %", lambda answer: answer.reached["segment", DEPTH].mean),
    )
    measured = list(dict.fromkeys(setting for one in answers.values() for setting in one))
    lines = [("figure", "table", *measured)]
    for what, figure in figures:
        for name, settings in answers.items():
            values = [figure(settings[setting]) for setting in measured]
            lines.append((what, name, *(f"{value - max(values):.3f}" for value in values)))
    about = "What each setting loses on each table: its figure less that of the best setting there."
    return Section("Losses", about, (), tuple(lines))


def found_again(answers: Mapping[str, Mapping[str, Answer]], absent: Sequence[str]) -> Section:
    """What is found again, by table and setting."""
    header = (
        *("table", "setting", "components", "segments, by seed", "mean Jaccard", "found again"),
        *("seeds agree", "least", "smallest segment"),
    )
    lines = [
        _found_cells(name, setting, answer)
        for name, settings in answers.items()
        for setting, answer in settings.items()
    ]
    about = (
        "Jaccard's coefficient of a person's segment with its best match in the model of the other "
        "half of the rows, mean over people; the share of people for whom it is 0.75 or more; ± is "
        "the standard error over halvings. Seeds agree: mean adjusted Rand index of their pairs, "
        "and the least. The smallest segment of any seed, as a share of the people with a segment."
        + (f" Not measured: {'; '.join(absent)}." if absent else "")
    )
    return Section("Found again", about, (), (header, *lines))


def reached(answers: Mapping[str, Mapping[str, Answer]]) -> Section:
    """Customers that are reached, by table and setting."""
    given = {by for one in answers.values() for answer in one.values() for by, _ in answer.reached}
    cells = [(by, depth) for by in RANKINGS if by in given for depth in DEPTHS]
    header = ("table", "setting", *(f"{RANKINGS[by]} {depth:.0%}" for by, depth in cells))
    lines = [
        (
            name,
            setting,
            *(answer.reached[cell].text(3) if cell in answer.reached else "–" for cell in cells),
        )
        for name, settings in answers.items()
        for setting, answer in settings.items()
    ]
    about = (
        "Share of the held-out customers among the first 5, 10 and 20 % of the population, by what "
        "it is ranked by. Mean over seeds; ± is the standard error."
    )
    return Section("Customers reached", about, (), (header, *lines))


def _found_cells(name: str, setting: str, answer: Answer) -> tuple[str, ...]:
    return (
        name,
        setting,
        str(answer.components),
        ", ".join(map(str, answer.segments)),
        answer.jaccard.text(),
        answer.found_again.text(),
        f"{np.mean(answer.rand):.2f}",
        f"{min(answer.rand):.2f}",
        f"{answer.smallest:.2%}",
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.answer",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    names = ",".join(TABLES)
    add("--tables", default=names, metavar="TABLE,…", help=f"of {names}")
    add("--seeds", type=int, default=5, help="random states, at least 2")
    add("--only", action="append", metavar="SETTING", choices=list(SETTINGS), help="repeatable")
    add("--halvings", type=int, default=2, help="times that the rows are halved")
    add_options(parser, "answer")
    return parser


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Failed as failure:
        sys.exit(f"answer: {failure}")
