"""Every file that a run writes is an artifact, and holds what the artifact declares."""

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from segment_lib.run.artifacts import ARTIFACTS, DRAFTED, DRAFTED_CONFIG, PROPOSED_PLAN
from segment_lib.storage.files import files_below
from tests.conftest import RunJob, write_delivery

MORE = """response = "RESPONSE"
[model]
sweep = [3, 4]
n_micro = 20
[mailing]
cost_per_piece = 0.9
margin_per_order = 30.0
base_response_rate = 0.02
[run]
rows_per_part = 2_000
"""


@pytest.fixture(scope="module")
def runs(run_job: RunJob, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A run that leaves all that a run can leave, and a refresh of it."""
    folder = tmp_path_factory.mktemp("artifacts")
    config = write_delivery(
        run_job, folder, "--rows", 4_000, "--customers", 2_000, "--seed", 3, more=MORE
    )
    customers = folder / "Udacity_CUSTOMERS_Subset.csv"
    rows = pl.read_csv(customers, separator=";", infer_schema=False)
    rows.with_columns(RESPONSE=pl.int_range(pl.len()) % 2).write_csv(customers, separator=";")
    base, refreshed = folder / "base", folder / "refreshed"
    for command in (
        ("jobs.run", config, "--run-dir", base),
        ("jobs.refresh", config, "--base", base, "--run-dir", refreshed),
    ):
        done = run_job(*command)
        assert done.returncode == 0, done.stderr
    return base, refreshed


def contents(path: Path) -> tuple[str, ...]:
    """Columns of a table, arrays of an archive, keys of a JSON file."""
    match path.suffix:
        case ".parquet":
            return tuple(pl.read_parquet_schema(path))
        case ".csv":
            return tuple(pl.read_csv(path, n_rows=0).columns)
        case ".npz":
            with np.load(path) as arrays:
                return tuple(arrays)
        case ".json":
            return tuple(json.loads(path.read_text()))
    return ()


def test_every_file_of_a_run_holds_what_its_artifact_declares(runs: tuple[Path, Path]) -> None:
    left = set()
    for run in runs:
        stages = json.loads((run / "run.json").read_text())["stages"]
        for path in sorted(files_below(run)):
            name = str(path.relative_to(run))
            if name == "run.json":
                continue
            [artifact] = [artifact for artifact in ARTIFACTS if artifact.holds(name)]
            assert name in [file["path"] for file in stages[artifact.stage]["files"]]
            if artifact.columns[-1:] == ("…",):
                assert contents(path)[: len(artifact.columns) - 1] == artifact.columns[:-1]
            elif artifact.columns:
                assert contents(path) == artifact.columns, name
            left.add(artifact)
    # Those of types are in runs without a feature summary alone: see test_undeclared.
    assert set(ARTIFACTS) - left == {PROPOSED_PLAN, DRAFTED, DRAFTED_CONFIG}
