"""The same job on a real Dask cluster: a scheduler and workers in processes of their own."""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import RunJob, hashes


@pytest.fixture
def scheduler_file(tmp_path: Path) -> Iterator[Path]:
    """A scheduler and two workers on loopback, which have segment_lib but not jobs."""
    told = tmp_path / "scheduler.json"
    dask = [sys.executable, "-m", "distributed.cli"]
    commands = [
        [*dask[:2], "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0",
         "--no-dashboard", "--scheduler-file", str(told)],
        *[
            [*dask[:2], "distributed.cli.dask_worker", "--scheduler-file", str(told),
             "--host", "127.0.0.1", "--nthreads", "1", "--no-nanny", "--no-dashboard"]
        ] * 2,
    ]  # fmt: skip
    running = [
        subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.DEVNULL) for command in commands
    ]
    try:
        yield told
    finally:
        for process in running[::-1]:
            process.terminate()
        for process in running:
            process.wait(timeout=30)


def test_two_workers_write_the_bytes_that_threads_write(
    census_config: Path, scheduler_file: Path, run_job: RunJob, tmp_path: Path
) -> None:
    wanted = ["--set", "run.rows_per_part=5_000", "--set", "model.sweep=[3, 4]"]
    here, there = tmp_path / "here" / "census", tmp_path / "there" / "census"
    done = run_job("jobs.run", census_config, "--run-dir", here, *wanted)
    assert done.returncode == 0, done.stderr
    for _ in range(100):
        if scheduler_file.exists():
            break
        time.sleep(0.1)
    done = run_job(
        "jobs.run", census_config, "--run-dir", there, *wanted, "--scheduler-file", scheduler_file
    )
    assert done.returncode == 0, done.stderr
    assert hashes(there) == hashes(here)


def test_no_scheduler_ends_with_code_5(
    census_config: Path, run_job: RunJob, tmp_path: Path
) -> None:
    done = run_job(
        "jobs.run", census_config, "--run-dir", tmp_path / "run", "--scheduler", "tcp://127.0.0.1:9"
    )
    assert done.returncode == 5
    (line,) = done.stderr.splitlines()
    assert "127.0.0.1:9" in line
