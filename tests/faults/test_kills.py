"""A few kills on a real cluster under TLS; `make test-faults` is the long form."""

from pathlib import Path

import pytest

from tests.canary import CANARY
from tests.conftest import ROOT, RunJob
from tests.faults.cluster import TlsCluster
from tests.faults.kills import Harness


def test_runs_under_fire_end_with_the_same_bytes(
    small_config: Path, small_run: Path, tmp_path: Path
) -> None:
    outcome = Harness(small_config, small_run, tmp_path, seed=11).run(4)
    assert outcome.wrong == []
    assert outcome.differing == []
    assert (len(outcome.kills), outcome.completed) == (4, 1)


def test_workers_do_not_log_what_cells_hold(
    tmp_path: Path, run_job: RunJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cluster").mkdir()
    cluster = TlsCluster(tmp_path / "cluster")
    for key, value in cluster.environment.items():
        monkeypatch.setenv(key, value)
    for name in ("population", "customers"):
        rows = [f"{20 + i % 50};{'ab'[i % 2]}" for i in range(300)]
        rows[150] = f"{CANARY};{CANARY}"
        (tmp_path / f"{name}.csv").write_text("\n".join(["age;kind", *rows]) + "\n")
    (tmp_path / "summary.csv").write_text(
        "attribute;information_level;type;missing_or_unknown\n"
        "age;person;numeric;[]\nkind;person;categorical;[]\n"
    )
    (tmp_path / "job.toml").write_text(
        '[inputs]\npopulation = "population.csv"\ncustomers = "customers.csv"\n'
        'feature_summary = "summary.csv"\n[run]\nrows_per_part = 100\n'
    )
    try:
        cluster.start()
        done = run_job(
            "jobs.run", tmp_path / "job.toml", "--run-dir", tmp_path / "run",
            "--scheduler-file", cluster.scheduler_file, cwd=ROOT,
        )  # fmt: skip
    finally:
        cluster.stop()
    assert done.returncode == 3, done.stderr
    assert "line 152, column age" in done.stderr
    logs = cluster.logs()
    assert "Compute Failed" in logs
    assert CANARY not in logs + done.stderr
