"""Does another `random_state` give the same answer on the same rows?

    python -m benchmarks.seeds --seeds 8 --rows 100000

The planted segments are those that the generated extracts are made from.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np
import polars as pl
from sklearn.metrics import adjusted_rand_score

from benchmarks.agreement import pairwise_difference, pairwise_rand
from benchmarks.machine import conditions
from benchmarks.ours import Delivery, Failed
from benchmarks.table import Claim, Section, write_results
from benchmarks.trials import Trials, add_options, generated, say
from segment_lib.run.opened import OpenedRun
from segment_lib.terms import SET_ASIDE

_ROOT = Path(__file__).parent.parent


@dataclass(frozen=True)
class SeedsOutcome:
    """What runs of the same rows with other seeds say of the same people."""

    segments: tuple[int, ...]
    """Number of segments of each seed."""
    rand: tuple[float, ...]
    """Adjusted Rand index of each pair of seeds."""
    verdicts_differ: tuple[float, ...]
    """Share of the people with a segment whose verdict differs, of each pair of seeds."""
    planted: tuple[float, ...]
    """Adjusted Rand index of each seed with the planted segments."""


def main(arguments: Sequence[str] | None = None) -> int:
    given = list(sys.argv[1:] if arguments is None else arguments)
    options = _parser().parse_args(given)
    home = options.runs / f"{options.rows}-rows"
    delivery = Delivery(_ROOT / "config/azdias.toml", home / "delivered", options.rows)
    trials = Trials(generated(delivery), home, settings=tuple(options.settings))
    runs = [
        trials.run(f"seed-{seed}", f"model.random_state={seed}", until="compare")
        for seed in range(options.seeds)
    ]
    outcome = compare_seeds(runs, pl.read_parquet(delivery.truth))
    measured_on = conditions(given, "benchmarks.seeds")
    rows = f"{options.seeds} seeds on {delivery.rows:,} + {delivery.customers:,} generated rows"
    page = write_results(
        options.out, f"{measured_on.slug}-seeds", measured_on, rows, [as_section(outcome)]
    )
    print(page.read_text())
    say(f"written to {page}")
    return 0


def compare_seeds(runs: Sequence[OpenedRun], truth: pl.DataFrame) -> SeedsOutcome:
    """Compare runs of the same rows, pair by pair and with the planted segments.

    Parameters
    ----------
    truth : `row` and its planted `segment`
    """
    assigned = [placed_with_verdict(run) for run in runs]
    segments = [table["segment"].to_numpy() for table in assigned]
    planted = [
        table.join(truth.filter(pl.col("segment") != SET_ASIDE), on="row", suffix="_planted")
        for table in assigned
    ]
    return SeedsOutcome(
        tuple(len(np.unique(one)) for one in segments),
        tuple(pairwise_rand(segments)),
        tuple(pairwise_difference([table["verdict"].to_numpy() for table in assigned])),
        tuple(
            float(adjusted_rand_score(one["segment_planted"], one["segment"])) for one in planted
        ),
    )


def placed_with_verdict(run: OpenedRun) -> pl.DataFrame:
    """Return `row`, `segment` and its `verdict`, for everybody of the population with a segment."""
    verdicts = run.table("compare/segments.csv").select(pl.col("segment").cast(pl.Int32), "verdict")
    placed = run.table("segments", "population").filter(pl.col("segment") != SET_ASIDE)
    return placed.join(verdicts, on="segment", maintain_order="left").select(
        "row", "segment", "verdict"
    )


def as_section(outcome: SeedsOutcome) -> Section:
    """The figures, and what was promised of them."""
    lines = (
        ("seed", "segments", "adjusted Rand index with the planted segments"),
        *(
            (str(seed), str(segments), f"{planted:.2f}")
            for seed, (segments, planted) in enumerate(
                zip(outcome.segments, outcome.planted, strict=True)
            )
        ),
    )
    about = (
        f"Pairs of seeds agree by an adjusted Rand index of {median(outcome.rand):.2f} in the "
        f"median, from {min(outcome.rand):.2f} to {max(outcome.rand):.2f}. The verdict differs for "
        f"{median(outcome.verdicts_differ):.1%} of the people in the median pair, for "
        f"{max(outcome.verdicts_differ):.1%} at most."
    )
    spread = max(outcome.segments) - min(outcome.segments)
    differ, planted = median(outcome.verdicts_differ), median(outcome.planted)
    claims = (
        Claim("numbers of segments, most less least", spread, 2, "at most", ""),
        Claim("adjusted Rand index, median pair", median(outcome.rand), 0.9, "at least", ""),
        Claim("people whose verdict differs, median pair", differ, 0.05, "at most", ""),
        Claim("adjusted Rand index with the planted segments", planted, 0.65, "at least", ""),
    )
    return Section("The same rows, other seeds", about, (), lines, claims)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.seeds",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--seeds", type=int, default=8, help="at least 2")
    add("--rows", type=int, default=100_000, help="of the population; customers in proportion")
    add_options(parser, "seeds")
    return parser


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Failed as failure:
        sys.exit(f"seeds: {failure}")
