"""Faults by the dozen: ``make test-faults``. The summary line says what came of it."""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.conftest import ROOT
from tests.faults.kills import Harness, Outcome


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        outcome = _kill(Path(folder), options.kills, options.seed)
    for line in (*outcome.wrong, *outcome.differing):
        print(line, file=sys.stderr)
    print(f"{outcome.summary()} ({time.monotonic() - began:.0f} s)")
    sys.exit(bool(outcome.wrong or outcome.differing or len(outcome.kills) < options.kills))


def _kill(folder: Path, kills: int, seed: int) -> Outcome:
    made = ("jobs.make_extracts", "--rows", 6_000, "--customers", 3_000, "--out", folder)
    _job(*made)
    config = folder / "azdias.toml"
    config.write_text(
        '[inputs]\npopulation = "Udacity_AZDIAS_Subset.csv"\n'
        'customers = "Udacity_CUSTOMERS_Subset.csv"\n'
        'feature_summary = "AZDIAS_Feature_Summary.csv"\n'
        "[model]\nsweep = [3, 6]\n[run]\nrows_per_part = 500\n"
    )
    _job("jobs.run", config, "--run-dir", folder / "undisturbed" / "run")
    return Harness(config, folder / "undisturbed" / "run", folder, seed).run(kills)


def _job(module: str, *arguments: object) -> None:
    command = [sys.executable, "-m", module, *map(str, arguments)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)


if __name__ == "__main__":
    main()
