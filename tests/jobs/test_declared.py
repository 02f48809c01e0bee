"""What runs again when something changes: the stages that read it, and no other."""

import json
from pathlib import Path

import polars as pl
import pytest

from jobs.refresh import main as refresh
from jobs.run import main as run
from tests.jobs.test_schema_changes import deliver


def done(main, *options: object) -> None:
    with pytest.raises(SystemExit) as left:
        main([str(option) for option in options])
    assert left.value.code == 0


def skipped(lines: str) -> set[str]:
    return {line.split()[0] for line in lines.splitlines() if "done before, nothing" in line}


def test_the_reason_on_the_page_is_that_of_the_last_refresh(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = deliver(tmp_path / "data")
    base, folder = tmp_path / "base", tmp_path / "run"
    done(run, path, "--run-dir", base, "--until", "gains")
    command = (path, "--base", base, "--run-dir", folder)
    done(refresh, *command)
    summary, page = folder / "refresh/summary.json", folder / "report/index.html"
    untouched = "no attribute the model uses has drifted"
    assert json.loads(summary.read_text())["reason"].startswith(untouched)
    assert untouched in page.read_text()
    capfd.readouterr()
    done(refresh, *command, "--set", "refresh.policy=apply")
    assert json.loads(summary.read_text())["reason"] == "as set in refresh.policy"
    assert untouched not in page.read_text()
    assert "as set in refresh.policy" in page.read_text()
    # The decision is as before, and they read nothing else of it.
    assert skipped(capfd.readouterr().err) >= {"fit", "sweep", "assign", "compare", "gains"}


def test_a_customer_who_is_set_aside_is_assigned_and_nothing_is_fitted_again(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = deliver(tmp_path / "data")
    command = (path, "--run-dir", tmp_path / "run", "--set", "run.rows_per_part=400")
    done(run, *command, "--until", "assign")
    customers = tmp_path / "data/customers.csv"
    before = customers.read_text()
    customers.write_text(f"{before};;;;1\n")
    capfd.readouterr()
    done(run, *command, "--until", "assign")
    assigned = pl.read_parquet(tmp_path / "run/segments/customers/part-00000.parquet")
    assert assigned.height == len(before.splitlines())
    assert assigned["segment"][-1] == -1
    # The sweep counts the customers that have a segment.
    assert skipped(capfd.readouterr().err) == {"fit", "sweep"}
