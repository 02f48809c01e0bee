"""Do the limits of an index hold what another extract of the same size says of the same people?

    python -m benchmarks.coverage --samples 20 --rows 50000

Samples are generated extracts of other seeds, so no row of one is in another. Each is a run of the
job; every segment of each run is held against all other runs: their model is applied to its
people, and each person counts with the index of the segment that the other run puts them in.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from benchmarks.agreement import Estimate
from benchmarks.machine import conditions
from benchmarks.ours import Delivery, Failed
from benchmarks.table import Claim, Section, write_results
from benchmarks.trials import Trials, add_options, generated, people, say, segments_of_people
from segment_lib.run.opened import OpenedRun
from segment_lib.terms import SET_ASIDE

_ROOT = Path(__file__).parent.parent

INDICES = {
    "clustered anew": ("index", "index_low", "index_high"),
    "clustered anew, all segments at once": ("index", "low", "high"),
    "as drawn": ("drawn_index", "drawn_low", "drawn_high"),
}
"""Columns of compare/segments.csv: an index and its limits."""
_OTHERS = "drawn_index"
"""What another run says of its own segments, by its own counts."""


@dataclass(frozen=True)
class Held:
    """Indices of the segments of all runs, held against what other runs say of their people.

    Arrays of shape (n_segments,), but `others`, (n_segments, n_others).
    """

    sample: np.ndarray
    index: np.ndarray
    low: np.ndarray
    high: np.ndarray
    others: np.ndarray

    def coverage(self) -> Estimate:
        """Share of the others' indices within the limits; the error is that over samples."""
        within = (self.low[:, None] <= self.others) & (self.others <= self.high[:, None])
        shares = [float(within[self.sample == one].mean()) for one in np.unique(self.sample)]
        return Estimate(float(within.mean()), Estimate.over(shares).error)

    def misses(self) -> tuple[float, float]:
        """Shares of the others' indices beyond the limits, towards 100 and away from it."""
        below = float((self.others < self.low[:, None])[self.index >= 100].sum())
        above = float((self.others > self.high[:, None])[self.index >= 100].sum())
        towards = below + float((self.others > self.high[:, None])[self.index < 100].sum())
        away = above + float((self.others < self.low[:, None])[self.index < 100].sum())
        return towards / self.others.size, away / self.others.size

    def distance(self) -> float:
        """Mean |log(index ÷ geometric mean of the others)|."""
        return float(np.abs(self._ratios()).mean())

    def bias(self) -> float:
        """Mean log(index ÷ mean of the others), counted as positive where it is away from 100."""
        side = np.sign(np.log(self._mean() / 100))
        return float((side * self._ratios()).mean())

    def _mean(self) -> np.ndarray:
        return np.asarray(np.exp(np.log(self.others).mean(axis=1)))

    def _ratios(self) -> np.ndarray:
        return np.asarray(np.log(self.index / self._mean()))


def main(arguments: Sequence[str] | None = None) -> int:
    given = list(sys.argv[1:] if arguments is None else arguments)
    options = _parser().parse_args(given)
    seeds = range(options.first, options.first + options.samples)
    runs = sample_runs(options.runs, seeds, options.rows, options.settings)
    measured_on = conditions(given, "benchmarks.coverage")
    rows = (
        f"{options.samples} samples of {options.rows:,} rows of generated extracts, seeds "
        f"{seeds[0]} to {seeds[-1]}"
    )
    held = hold_against_others(runs)
    page = write_results(
        options.out, f"{measured_on.slug}-coverage", measured_on, rows, [as_section(held)]
    )
    print(page.read_text())
    say(f"written to {page}")
    return 0


def sample_runs(
    folder: Path, seeds: Sequence[int], rows: int, settings: Sequence[str] = ()
) -> list[OpenedRun]:
    """Run the job on each sample, by the plan of the first, so that models apply to all."""
    runs, plan = [], None
    for seed in seeds:
        home = folder / f"{rows}-rows" / f"sample-{seed}"
        delivery = Delivery(_ROOT / "config/azdias.toml", home / "delivered", rows, seed)
        trials = Trials(generated(delivery), home, plan, tuple(settings))
        runs.append(trials.run("run", until="compare"))
        plan = plan or trials.plan_made
    return runs


def hold_against_others(runs: Sequence[OpenedRun]) -> dict[str, Held]:
    """Hold every index that the runs have against the other runs."""
    compared = [run.table("compare/segments.csv") for run in runs]
    compared = [table.filter(pl.col("segment") != SET_ASIDE) for table in compared]
    others = np.concatenate([_say_others(runs, compared, at) for at in range(len(runs))])
    sample = np.repeat(np.arange(len(runs)), [table.height for table in compared])
    table = pl.concat(compared)
    counted = (table[_OTHERS].to_numpy() > 0) & (others > 0).all(axis=1)
    held = {}
    for name, columns in INDICES.items():
        index, low, high = table.select(columns).to_numpy()[counted].T
        held[name] = Held(sample[counted], index, low, high, others[counted])
    return held


def index_of_people(
    segments: np.ndarray, others: np.ndarray, index: dict[int, float]
) -> dict[int, float]:
    """Return for each segment the mean over its people of the index that another run gives them.

    Parameters
    ----------
    segments : of the people in their own run, shape (n_people,)
    others : their segments in the other run, shape (n_people,)
    index : of the segments of the other run
    """
    given = np.array([index[segment] for segment in others.tolist()])
    means = pl.DataFrame({"segment": segments, "index": given}).group_by("segment").mean()
    return dict(means.iter_rows())


def as_section(held: dict[str, Held]) -> Section:
    """The table, and what was promised of the indices clustered anew."""
    lines = [
        (
            "index",
            "segments",
            "within the limits",
            "missed towards 100",
            "missed away from 100",
            "off by: mean abs log(index ÷ others)",
            "of that away from 100",
        )
    ]
    for name, one in held.items():
        coverage, (towards, away) = one.coverage(), one.misses()
        lines.append(
            (
                name,
                f"{len(one.index)}",
                f"{coverage.mean:.1%} ± {coverage.error:.1%}",
                f"{towards:.1%}",
                f"{away:.1%}",
                f"{one.distance():.3f}",
                f"{one.bias():+.3f}",
            )
        )
    about = (
        "Every segment of every run against every other run: is the index that the other run gives "
        "these people within the limits? ± is the standard error over samples."
    )
    claims = _claims(held["clustered anew"])
    return Section("Limits against other samples", about, (), tuple(lines), claims)


def _claims(held: Held) -> tuple[Claim, ...]:
    coverage, misses = held.coverage().mean, held.misses()
    return (
        Claim("others' index within the limits", coverage, 0.93, "at least", ""),
        Claim("others' index within the limits", coverage, 0.97, "at most", ""),
        Claim(
            "misses on one side over those on the other",
            max(misses) / max(min(misses), 1e-9),
            2,
            "at most",
        ),
        Claim("off by: mean abs log(index ÷ others)", held.distance(), 0.10, "at most", ""),
        Claim("mean log(index ÷ others), away from 100", abs(held.bias()), 0.05, "at most", ""),
    )


def _say_others(runs: Sequence[OpenedRun], compared: Sequence[pl.DataFrame], at: int) -> np.ndarray:
    """Index that each other run gives the people of each segment, (n_segments, n_others)."""
    rows, own = people(runs[at]), segments_of_people(runs[at])
    given = [
        index_of_people(
            own, run.model.predict(rows), dict(table.select("segment", _OTHERS).iter_rows())
        )
        for other, (run, table) in enumerate(zip(runs, compared, strict=True))
        if other != at
    ]
    say(f"  sample {at}: held against {len(given)} others")
    return np.array([[one[segment] for one in given] for segment in compared[at]["segment"]])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.coverage",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--samples", type=int, default=20, help="at least 2")
    add("--first", type=int, default=0, help="seed of the first sample; the others follow")
    add("--rows", type=int, default=50_000, help="of a population; customers in proportion")
    add_options(parser, "coverage")
    return parser


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Failed as failure:
        sys.exit(f"coverage: {failure}")
