"""The same job on a real Dask cluster: a scheduler and workers in processes of their own."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.clusters import cluster
from tests.conftest import ROOT, SMALL, RunJob, hashes
from tests.recipes import recipe
from tests.relay import Relay


def test_two_workers_write_the_bytes_that_threads_write(
    census_config: Path, run_job: RunJob, on_threads: dict[str, str], tmp_path: Path
) -> None:
    there = tmp_path / "census"
    with cluster(tmp_path / "cluster") as started:
        at = started.scheduler()
        started.worker()
        started.worker()
        done = run_job(
            "jobs.run", census_config, "--run-dir", there, *SMALL, "--scheduler-file", at
        )
    assert done.returncode == 0, done.stderr
    assert hashes(there) == on_threads


def test_no_scheduler_ends_with_code_5(
    census_config: Path, run_job: RunJob, tmp_path: Path
) -> None:
    done = run_job(
        "jobs.run", census_config, "--run-dir", tmp_path / "run", "--scheduler", "tcp://127.0.0.1:9"
    )
    assert done.returncode == 5
    (line,) = done.stderr.splitlines()
    assert "127.0.0.1:9" in line


def test_a_cluster_without_workers_ends_with_code_5_and_is_not_waited_for_long(
    census_config: Path, run_job: RunJob, tmp_path: Path
) -> None:
    with cluster(tmp_path / "cluster") as started:
        at = started.scheduler()
        began = time.monotonic()
        done = run_job(
            "jobs.run", census_config, "--run-dir", tmp_path / "run", "--scheduler-file", at
        )
    assert done.returncode == 5
    assert time.monotonic() - began < 120
    (line,) = done.stderr.splitlines()
    assert "no workers" in line


def test_the_scheduler_of_the_environment_is_used_unless_threads_are_asked_for(
    census_config: Path, run_job: RunJob, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DASK_SCHEDULER_ADDRESS", "tcp://192.0.2.1:8786")
    job = ["jobs.run", census_config, "--run-dir", tmp_path / "run", "--until", "ingest"]
    done = run_job(*job)
    assert (done.returncode, "tcp://192.0.2.1:8786" in done.stderr) == (5, True), done.stderr
    assert run_job(*job, "--threads", 1).returncode == 0


@pytest.mark.parametrize(
    ("scheduler", "options"),
    [
        ("tls://10.0.0.5:8786", "--scheduler tls://10.0.0.5:8786"),
        ("scheduler.json", "--scheduler-file scheduler.json"),
    ],
)
def test_make_submit_names_the_scheduler(scheduler: str, options: str) -> None:
    command = ["make", "submit", f"SCHEDULER={scheduler}", "CONFIG=my.toml", "--dry-run"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert f'python -m jobs.run "my.toml" {options}' in done.stdout


def test_make_submit_without_a_scheduler_says_what_to_name() -> None:
    done = subprocess.run(
        ["make", "submit", "SCHEDULER="], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "SCHEDULER=tls://" in done.stdout


def told_apart(config: Path, folder: Path, rows: int) -> Path:
    """The config for so many people, a quarter as many customers, and a column that names them."""
    (folder / "config").mkdir(parents=True)
    for name, most in (("population", rows), ("customers", rows // 4)):
        extract = (config.parent.parent / f"data/adult/adult_{name}.csv").read_text()
        header, *lines = extract.splitlines(keepends=True)
        named = [f"canary-{i};{line}" for i, line in enumerate(lines[:most])]
        (folder / f"{name}.csv").write_text("".join([f"person;{header}", *named]))
    text = config.read_text().replace(
        "../data/adult/adult_feature", f"{config.parent.parent}/data/adult/adult_feature"
    )
    text = text.replace("../data/adult/adult_", "../").replace(
        "[inputs]", '[inputs]\nid_column = "person"'
    )
    path = folder / "config" / "census.toml"
    path.write_text(text)
    return path


def through_the_scheduler(config: Path, rows: int, run_job: RunJob, home: Path) -> tuple[int, int]:
    """Bytes between the scheduler and everybody else in a job of three parts, and names in them."""
    relay = Relay(b"canary-")
    with cluster(home / "cluster") as started:
        at = started.scheduler()
        (port,) = re.findall(r'"tcp://127\.0\.0\.1:(\d+)"', at.read_text())
        at.write_text(at.read_text().replace(f"tcp://127.0.0.1:{port}", relay.address))
        relay.hand_on_to(int(port))
        started.worker()
        started.worker()
        done = run_job(
            "jobs.run", told_apart(config, home, rows), "--run-dir", home / "run",
            "--scheduler-file", started.scheduler_file, "--set", f"run.rows_per_part={rows // 2}",
            "--set", "model.n_clusters=4", "--set", "model.sweep=[4, 4]",
            "--set", "model.n_micro=30",
        )  # fmt: skip
    relay.close()
    assert done.returncode == 0, done.stderr
    return relay.bytes, relay.hits


def test_no_row_passes_through_the_scheduler_or_the_client(
    census_config: Path, run_job: RunJob, tmp_path: Path
) -> None:
    few, many = 8_000, 32_000
    names, passed = {}, {}
    for rows in (few, many):
        home = tmp_path / str(rows)
        home.mkdir()
        passed[rows], names[rows] = through_the_scheduler(census_config, rows, run_job, home)
    assert names == {few: 0, many: 0}
    # Four times the rows in as many parts: not even two numbers for each row more, and the sums of
    # five more passes of the likeness at most: for each half a square of the features.
    features = json.loads((tmp_path / str(few) / "run/model/model.json").read_text())["n_features"]
    assert passed[many] - passed[few] < 8 * (many - few) + 5 * 2 * 8 * features**2
    assert 5 * 2 * 8 * features**2 < features * (many - few) / 2


def test_the_commands_of_the_documentation_start_a_tls_cluster_and_run_the_job(
    census_config: Path, on_threads: dict[str, str], tmp_path: Path
) -> None:
    there = tmp_path / "census"
    script = recipe("tls").replace(
        "my.toml", f"{census_config} --run-dir {there} {' '.join(SMALL)}"
    )
    script = script.replace("8786", "0").replace("/tmp/segments-$USER", str(tmp_path / "spill"))
    home = tmp_path / "home"
    home.mkdir()
    tools = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
    }
    with (home / "log").open("w+") as log:
        ran = subprocess.Popen(
            ["bash", "-e", "-c", script],
            cwd=home, env=tools, stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
        try:
            code = ran.wait(timeout=300)
        finally:
            os.killpg(ran.pid, signal.SIGKILL)
    output = (home / "log").read_text()
    assert code == 0, output
    assert re.search(r"Scheduler at: +tls://(?!127)", output), output
    assert hashes(there) == on_threads
