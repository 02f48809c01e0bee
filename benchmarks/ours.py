"""Our side of the benchmarks: the job as a user starts it, and the figures of its run.json."""

import csv
import json
import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.measure import Measured, measure
from benchmarks.table import Repeat

ROWS, CUSTOMERS = 891_221, 191_652
"""Rows of the real delivery."""

_FILES = {
    "population": "Udacity_AZDIAS_Subset.csv",
    "customers": "Udacity_CUSTOMERS_Subset.csv",
    "feature_summary": "AZDIAS_Feature_Summary.csv",
    "data_dictionary": "Data_Dictionary.md",
}


@dataclass(frozen=True)
class Delivery:
    """Two extracts of a size, in the real proportion, made where they are absent."""

    config: Path
    folder: Path
    rows: int
    seed: int = 0

    @property
    def customers(self) -> int:
        return round(self.rows * CUSTOMERS / ROWS)

    @property
    def settings(self) -> list[str]:
        """Options that make the config read these extracts, and scale features as peers do."""
        values = {f"inputs.{key}": f'"{self.path(key)}"' for key in _FILES}
        values |= {"model.scaling": '"feature"', "model.n_components": "0.85"}
        return [word for key, value in values.items() for word in ("--set", f"{key}={value}")]

    def path(self, key: str) -> Path:
        """Return the file that is named in this key of `[inputs]`."""
        return (self.folder / _FILES[key]).absolute()

    @property
    def truth(self) -> Path:
        """The planted segment of each row of the population."""
        return self.folder / "population_truth.parquet"

    def make(self) -> None:
        if self.path("customers").exists():
            return
        sizes = ["--rows", str(self.rows), "--customers", str(self.customers)]
        drawn = ["--seed", str(self.seed), "--truth"]
        succeed(measure(python("jobs.make_extracts", *sizes, *drawn, "--out", str(self.folder))))

    def job(self, run: Path, *options: str) -> Measured:
        """Run the job on these extracts, as a command."""
        arguments = [str(self.config), "--run-dir", str(run), "--no-progress", *self.settings]
        return succeed(measure(python("jobs.run", *arguments, *options)))


class Failed(Exception):
    """Raised where a command ends with an error."""


def python(module: str, *arguments: str) -> list[str]:
    return [sys.executable, "-m", module, *arguments]


def succeed(measured: Measured) -> Measured:
    """Return the measured command if it went well.

    Raises
    ------
    Failed
        With the last line of its stderr.
    """
    if measured.exit_code != 0:
        lines = [line for line in measured.stderr.splitlines() if line.strip()] or ["no word"]
        raise Failed(f"exit code {measured.exit_code}: {lines[-1][:200]}")
    return measured


def stages(run: Path) -> dict[str, dict[str, Any]]:
    """Entries of run.json by stage."""
    entries: dict[str, dict[str, Any]] = json.loads((run / "run.json").read_text())["stages"]
    return entries


def as_repeat(measured: Measured, run: Path, only: tuple[str, ...] = ()) -> Repeat:
    """Repeat of ours; with `only`, the seconds are those of these stages, start-up left out."""
    seconds = {name: stage["seconds"] for name, stage in stages(run).items()}
    if only:
        seconds = {name: seconds[name] for name in only}
    return Repeat(
        seconds=sum(seconds.values()) if only else measured.seconds,
        cpu_seconds=measured.cpu_seconds,
        peak_mib=measured.peak_mib,
        others_cpu_seconds=measured.others_cpu_seconds,
        detail=seconds,
    )


def inertias(run: Path) -> dict[int, float]:
    """Inertia by number of clusters, from the sweep."""
    with (run / "model" / "sweep.csv").open() as file:
        return {int(row["n_clusters"]): float(row["inertia"]) for row in csv.DictReader(file)}


def model(run: Path) -> dict[str, Any]:
    entries: dict[str, Any] = json.loads((run / "model" / "model.json").read_text())
    return entries


def fresh(run: Path) -> Path:
    """Empty the folder of a run."""
    shutil.rmtree(run, ignore_errors=True)
    return run


def branch(base: Path, run: Path) -> Path:
    """Copy a run, to go on with. Files are linked: a run replaces them, never rewrites them."""
    shutil.copytree(base, fresh(run), copy_function=os.link)
    return run
