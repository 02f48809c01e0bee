"""Runs of the job that are compared: one plan for all, and the model of each on the others' people.

A run that is there is not made again: remove its folder after a change of the code.
"""

import argparse
import io
import json
import os
import sys
import time
from contextlib import redirect_stderr
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from benchmarks import ours
from benchmarks.ours import Delivery, Failed
from jobs.run import main
from segment_lib.hashing import in_first_half
from segment_lib.run.opened import OpenedRun, open_run
from segment_lib.terms import EXTRACTS, SET_ASIDE

_ROOT = Path(__file__).parent.parent
_PLAN = "plan.json"
_SETTINGS = ("compare.allow_suspicious=true",)


@dataclass(frozen=True)
class Table:
    """Two extracts as text, and what the job must be told of them."""

    population: pl.DataFrame
    customers: pl.DataFrame
    feature_summary: str
    """As CSV with semicolons."""
    more: str = ""
    """Further lines of the config."""

    def half(self, seed: int, *, first: bool) -> "Table":
        """About half of the rows of each extract; the first half and the second share no row."""
        population, customers = (
            extract.filter(pl.Series(in_first_half(np.arange(len(extract)), seed) == first))
            for extract in (self.population, self.customers)
        )
        return Table(population, customers, self.feature_summary, self.more)

    def write(self, folder: Path) -> Path:
        """Write the extracts, the feature summary and a config; return the path of the config."""
        folder.mkdir(parents=True, exist_ok=True)
        for name, extract in zip(EXTRACTS, (self.population, self.customers), strict=True):
            extract.write_csv(folder / f"{name}.csv", separator=";")
        (folder / "feature_summary.csv").write_text(self.feature_summary)
        config = folder / "job.toml"
        config.write_text(
            '[inputs]\npopulation = "population.csv"\ncustomers = "customers.csv"\n'
            'feature_summary = "feature_summary.csv"\nseparator = ";"\n' + self.more
        )
        return config


def generated(delivery: Delivery) -> Table:
    """Return the generated extracts of a size, made where they are absent."""
    delivery.make()
    summary, dictionary = (delivery.path(name) for name in ("feature_summary", "data_dictionary"))
    population, customers = (
        pl.read_csv(delivery.path(name), separator=";", infer_schema=False) for name in EXTRACTS
    )
    more = f'data_dictionary = "{dictionary}"\n'
    return Table(population, customers, summary.read_text(), more)


@dataclass(frozen=True)
class Trials:
    """Runs of one table with other settings, which share all that comes before the model."""

    table: Table
    folder: Path
    plan: Path | None = None
    """The plan of other trials to follow, so that models of either apply to both."""
    settings: tuple[str, ...] = ()
    """`key=value` each, of all runs."""

    def run(self, name: str, *settings: str, until: str = "gains") -> OpenedRun:
        """Run the job with these settings, `key=value` each, up to a stage."""
        base, run = self._encoded(), self.folder / name
        if not _is_done(run, until):
            if not _is_done(run, "encode"):
                ours.branch(base, run)
            self._job(run, until, *settings)
        return open_run(str(run))

    @property
    def plan_made(self) -> Path:
        """The plan that these trials follow."""
        return self._encoded() / _PLAN

    def _encoded(self) -> Path:
        """Return the run that all others branch off from, made where it is absent."""
        base = self.folder / "encoded"
        if not _is_done(base, "encode"):
            self.table.write(self.folder / "extracts")
            ours.fresh(base)
            if self.plan is not None:
                self._job(base, "assess")
                (base / _PLAN).unlink()
                (base / _PLAN).write_bytes(self.plan.read_bytes())
            self._job(base, "encode")
        return base

    def _job(self, run: Path, until: str, *settings: str) -> None:
        """Call the command in this process: its start takes longer than a small table."""
        given = (*_SETTINGS, *self.settings, *settings)
        options = [word for setting in given for word in ("--set", setting)]
        config = str(self.folder / "extracts" / "job.toml")
        began, lines = time.monotonic(), io.StringIO()
        try:
            with redirect_stderr(lines):
                main([config, "--run-dir", str(run), "--until", until, "--no-progress", *options])
        except SystemExit as ended:
            if ended.code:
                last = lines.getvalue().strip().splitlines()[-1:]
                raise Failed(f"{run}: exit code {ended.code}: {' '.join(last)}") from None
        say(f"  {os.path.relpath(run)}: up to {until} in {time.monotonic() - began:.0f} s")


def add_options(parser: argparse.ArgumentParser, runs: str) -> None:
    """Add the options of every program that compares runs."""
    add = parser.add_argument
    add("--runs", type=Path, default=_ROOT / "runs" / runs, help="where runs are kept")
    add("--out", type=Path, default=_ROOT / "benchmarks/results", help="folder of the results")
    add(
        "--set",
        dest="settings",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="a key of the config of all runs, as in --set model.sweep=[2,12]; may be repeated",
    )


def people(run: OpenedRun) -> np.ndarray:
    """Return the features of the people of a run that have a segment, (n_people, n_features)."""
    features = run.table("features", "population").select(run.features)
    return features.to_numpy().astype(np.float32)


def segments_of_people(run: OpenedRun) -> np.ndarray:
    """Return the segment of each person of a run that has one, shape (n_people,)."""
    assigned = run.table("segments", "population")["segment"].to_numpy()
    return np.asarray(assigned[assigned != SET_ASIDE])


def say(line: str) -> None:
    """Print a line of progress."""
    print(line, file=sys.stderr, flush=True)


def _is_done(run: Path, stage: str) -> bool:
    record = run / "run.json"
    return record.exists() and stage in json.loads(record.read_text())["stages"]
