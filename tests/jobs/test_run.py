"""The job as a user meets it, on generated extracts: answers, reruns, options, refusals."""

import json
import os
import random
import resource
import shutil
import signal
import socket
import stat
import subprocess
import sys
import time
from hashlib import sha256
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from segment_lib.cluster.memory import BASE
from segment_lib.cluster.passes import memory_needed
from segment_lib.run.checkpoint import read_checkpoint
from segment_lib.run.manifest import Manifest
from tests.conftest import ROOT, RunJob, hashes, write_delivery

N, M = 30_000, 12_000
HEAVY = {"altair", "dask_ml", "distributed", "numba", "scipy", "sklearn"}


@pytest.fixture(scope="module")
def config(run_job: RunJob, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_delivery(
        run_job, tmp_path_factory.mktemp("extracts"),
        "--rows", N, "--customers", M, "--seed", 1, "--truth",
        more="[model]\nsweep = [10, 12]\n[run]\nrows_per_part = 10_000\n",
    )  # fmt: skip


@pytest.fixture(scope="module")
def run(config: Path, run_job: RunJob) -> Path:
    folder = config.parent / "run"
    done = run_job("jobs.run", config, "--run-dir", folder)
    assert done.returncode == 0, done.stderr
    assert str(folder / "report/index.html") in done.stdout
    return folder


def _segments(run: Path, name: str) -> pl.DataFrame:
    parts = sorted((run / "segments" / name).glob("*.parquet"))
    return pl.concat([pl.read_parquet(part) for part in parts])


def test_the_run_folder_has_the_names_of_the_contract(run: Path) -> None:
    assert sorted(path.name for path in run.iterdir()) == [
        "assess", "compare", "features", "gains", "model", "plan.json", "raw", "report", "run.json",
        "segments",
    ]  # fmt: skip
    assert pl.read_csv(run / "compare/segments.csv").columns == [
        "segment", "population_rows", "population_share", "customer_rows", "customer_share",
        "index", "index_low", "index_high", "verdict", "low", "high", "drawn_index", "drawn_low",
        "drawn_high", "stability", "found_again", "small",
    ]  # fmt: skip
    assert pl.read_csv(run / "model/sweep.csv").columns == [
        "n_clusters", "inertia", "calinski_harabasz", "davies_bouldin", "silhouette", "stability",
        "smallest_share", "n_iter", "chosen", "simplified_silhouette", "converged",
        "restarts_agree", "found_again", "gain", "gain_error", "stable", "large",
    ]  # fmt: skip
    assert pl.read_csv(run / "model/sensitivity.csv").columns == [
        "clustering", "n_clusters", "agreement", "verdict_differs", "gain",
    ]  # fmt: skip


def test_run_json_lists_every_file_with_its_sha256(run: Path) -> None:
    record = json.loads((run / "run.json").read_text())
    listed = {
        file["path"]: file["sha256"]
        for stage in record["stages"].values()
        for file in stage["files"]
    }
    page = (run / "report/index.html").read_bytes()
    assert listed == hashes(run) | {"report/index.html": sha256(page).hexdigest()}
    assert list(record["stages"]) == [
        "ingest", "assess", "encode", "fit", "sweep", "assign", "compare", "gains",
        "report",
    ]  # fmt: skip


def test_nobody_else_can_read_a_run(run: Path) -> None:
    modes = {stat.S_IMODE(path.stat().st_mode) for path in run.rglob("*") if path.is_file()}
    folders = {
        stat.S_IMODE(path.stat().st_mode) for path in [run, *run.rglob("*")] if path.is_dir()
    }
    assert modes == {0o600}
    assert folders == {0o700}


def test_totals_are_the_rows_delivered(run: Path) -> None:
    segments = pl.read_csv(run / "compare/segments.csv")
    assert segments["population_rows"].sum() == N
    assert segments["customer_rows"].sum() == M
    assert {"over", "under"} <= set(segments["verdict"])
    assert -1 in segments["segment"].to_list()


def test_features_are_complete_and_the_same_for_customers(run: Path) -> None:
    parts = [
        pl.read_parquet(next((run / "features" / n).glob("*"))) for n in ("population", "customers")
    ]
    assert parts[0].schema == parts[1].schema
    assert sum(part.null_count().sum_horizontal()[0] for part in parts) == 0
    assert "GEBAEUDETYP=7" in parts[0].columns


def test_segments_planted_as_over_represented_come_out_on_top(run: Path, config: Path) -> None:
    """Each found segment is named by the planted one most of its people have."""
    truth = {
        name: pl.read_parquet(config.parent / f"{name}_truth.parquet")
        for name in ("population", "customers")
    }
    rows_of = {
        name: _segments(run, name).join(truth[name], on="row", suffix="_planted") for name in truth
    }
    clustered = {name: rows.filter(pl.col("segment") >= 0) for name, rows in rows_of.items()}
    shares = {
        name: dict(rows.group_by("segment_planted").agg(pl.len() / rows.height).iter_rows())
        for name, rows in clustered.items()
    }
    planted = {
        s: shares["customers"].get(s, 0) / share for s, share in shares["population"].items()
    }
    expected = (
        clustered["population"]
        .group_by("segment")
        .agg(pl.col("segment_planted").replace_strict(planted).mean().alias("planted"))
    )
    segments = pl.read_csv(run / "compare/segments.csv").join(expected, on="segment")
    order = segments.select("index", "planted").to_numpy()
    assert np.corrcoef(order.T)[0, 1] > 0.9
    best = segments.sort("index", descending=True).row(0, named=True)
    assert best["planted"] == segments["planted"].max()
    assert best["verdict"] == "over"


def test_editing_the_plan_reruns_encode_and_what_follows(
    run: Path, config: Path, run_job: RunJob
) -> None:
    before = json.loads((run / "run.json").read_text())["stages"]
    text = (run / "plan.json").read_bytes()
    plan = json.loads(text)
    plan["attributes"]["ANREDE_KZ"] = {"rule": "drop", "reason": "not to be used"}
    (run / "plan.json").write_text(json.dumps(plan))
    done = run_job("jobs.run", config, "--run-dir", run, "--until", "compare")
    assert done.returncode == 0, done.stderr
    after = json.loads((run / "run.json").read_text())["stages"]
    assert [s for s in ("ingest", "assess") if before[s] != after[s]] == []
    assert "ANREDE_KZ=2" not in json.loads((run / "model/model.json").read_text())["features"]
    assert [line.split()[0] for line in done.stderr.splitlines() if "done before" in line] == [
        "ingest", "assess",
    ]  # fmt: skip
    (run / "plan.json").write_bytes(text)
    assert run_job("jobs.run", config, "--run-dir", run).returncode == 0
    again = json.loads((run / "run.json").read_text())["stages"]
    assert again["compare"]["files"] == before["compare"]["files"]


def test_a_faulty_plan_is_refused_with_all_its_faults(
    run: Path, config: Path, run_job: RunJob
) -> None:
    text = (run / "plan.json").read_bytes()
    plan = json.loads(text)
    plan["attributes"]["ANREDE_KZ"] = {"rule": "binray"}
    plan["attributes"]["NOBODY"] = {"rule": "drop"}
    (run / "plan.json").write_text(json.dumps(plan))
    done = run_job("jobs.run", config, "--run-dir", run)
    (run / "plan.json").write_bytes(text)
    assert done.returncode == 2
    assert "ANREDE_KZ" in done.stderr
    assert "NOBODY" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_dry_run_says_what_would_run_and_does_nothing(
    config: Path, run_job: RunJob, tmp_path: Path
) -> None:
    done = run_job("jobs.run", config, "--run-dir", tmp_path / "run", "--dry-run")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert len(lines) == 10
    assert all("will run" in line and "MiB" in line for line in lines[1:])
    assert not (tmp_path / "run").exists()


def test_a_dry_run_of_a_finished_run_has_nothing_to_do(
    run: Path, config: Path, run_job: RunJob
) -> None:
    done = run_job("jobs.run", config, "--run-dir", run, "--dry-run")
    assert all("is done" in line for line in done.stdout.splitlines()[1:])
    done = run_job("jobs.run", config, "--run-dir", run, "--dry-run", "--from", "assign")
    lines = {line.split()[0]: line for line in done.stdout.splitlines()[1:]}
    assert list(lines) == ["assign", "compare", "gains", "report"]
    assert all("will run" in line for line in lines.values())


def test_a_job_with_nothing_to_do_loads_no_library_that_computes(run: Path, config: Path) -> None:
    done = subprocess.run(
        [sys.executable, *("-X", "importtime", "-m", "jobs.run", config, "--run-dir", run)],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stderr.count("done before, nothing changed") == 9
    loaded = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "polars" in loaded
    assert not {name.partition(".")[0] for name in loaded} & HEAVY
    assert "dask.array" not in loaded


def test_a_dry_run_tells_the_stages_asked_for(run: Path, config: Path, run_job: RunJob) -> None:
    done = run_job("jobs.run", config, "--run-dir", run, "--dry-run", "--until", "encode")
    assert [line.split()[0] for line in done.stdout.splitlines()[1:]] == [
        "ingest", "assess", "encode",
    ]  # fmt: skip
    done = run_job(
        "jobs.run", config, "--run-dir", run, "--dry-run", "--from", "fit", "--until", "encode"
    )
    assert done.returncode == 2
    assert "comes before" in done.stderr


def test_a_stage_is_its_own_job(run: Path, config: Path, run_job: RunJob) -> None:
    before = hashes(run)
    done = run_job("jobs.compare", config, "--run-dir", run)
    assert done.returncode == 0, done.stderr
    assert [line.split()[0] for line in done.stderr.splitlines()] == ["compare"]
    assert hashes(run) == before


def test_a_stage_without_what_it_reads_is_refused(
    config: Path, run_job: RunJob, tmp_path: Path
) -> None:
    done = run_job("jobs.run", config, "--run-dir", tmp_path / "run", "--from", "sweep")
    assert done.returncode == 2
    assert "encode is not done" in done.stderr


def test_a_budget_too_small_is_refused_with_what_would_do(
    config: Path, run_job: RunJob, tmp_path: Path
) -> None:
    done = run_job("jobs.run", config, "--run-dir", tmp_path / "run", "--memory", "64MiB")
    assert done.returncode == 4
    (line,) = done.stderr.splitlines()
    assert "64 MiB" in line
    assert "--memory" in line


def test_scores_that_do_not_fit_lie_in_files_and_give_the_same_answer(
    run: Path, config: Path, run_job: RunJob, tmp_path: Path
) -> None:
    by_memory = {}
    beside_rows = memory_needed(N, 100, 3)[1]
    small = f"{(BASE + beside_rows) // 2**20 + 8}MiB"
    for memory in (small, "4GiB"):
        folder = tmp_path / memory / "run"
        done = run_job(
            "jobs.run", config, "--run-dir", folder, "--until", "assign", "--memory", memory,
            "--set", "run.rows_per_part=2_000", "--set", "model.n_components=100",
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        (line,) = [line for line in done.stderr.splitlines() if "scores of all rows kept" in line]
        by_memory[memory] = line.rpartition(" kept ")[2], hashes(folder)
        assert "took more than the budget" not in done.stderr
    assert by_memory[small][0] == "in scratch files"
    assert by_memory["4GiB"][0] == "in memory"
    assert by_memory[small][1] == by_memory["4GiB"][1]


def test_json_lines_tell_each_stage(config: Path, run_job: RunJob, tmp_path: Path) -> None:
    done = run_job(
        "jobs.run", config, "--run-dir", tmp_path / "run", "--until", "assess",
        "--log-format", "json",
    )  # fmt: skip
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    finished = [line for line in lines if "rows_in" in line]
    assert [line["stage"] for line in finished] == ["ingest", "assess"]
    assert finished[0]["rows_in"] == N + M


def test_a_damaged_part_ends_with_code_6(config: Path, run_job: RunJob, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    assert run_job("jobs.run", config, "--run-dir", folder, "--until", "assess").returncode == 0
    part = folder / "raw/population/part-00001.parquet"
    content = bytearray(part.read_bytes())
    content[len(content) // 2] ^= 1
    part.write_bytes(content)
    done = run_job("jobs.run", config, "--run-dir", folder, "--until", "encode")
    assert done.returncode == 6
    (line,) = [line for line in done.stderr.splitlines() if "error" in line]
    assert "raw/population/part-00001" in line
    assert "--from ingest" in line
    again = ("jobs.run", config, "--run-dir", folder, "--until", "encode", "--from", "ingest")
    assert run_job(*again).returncode == 0
    assert run_job("jobs.verify", folder).returncode == 0


def test_a_run_killed_at_any_moment_goes_on_to_the_same_bytes(
    run: Path, config: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    command = [sys.executable, "-m", "jobs.run", str(config), "--run-dir", str(folder)]
    moments = random.Random(7)
    for _ in range(4):
        job = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL)
        time.sleep(3 + 4 * moments.random())
        job.send_signal(signal.SIGKILL)
        job.wait()
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    there, here = hashes(folder), hashes(run)
    assert there == here
    assert not (folder / ".work").exists()


@pytest.mark.parametrize("stage", ["ingest", "encode", "assign"])
def test_a_run_taken_up_again_redoes_no_finished_part(
    run: Path, config: Path, tmp_path: Path, stage: str
) -> None:
    folder = shutil.copytree(run, tmp_path / "run")
    command = [
        sys.executable, "-m", "jobs.run", str(config), "--run-dir", str(folder),
        "--from", stage, "--until", stage, "--threads", "1", "--log-format", "json",
    ]  # fmt: skip
    job = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL)
    while job.poll() is None and len(_notes(folder, stage)) < 2:
        time.sleep(0.001)
    job.send_signal(signal.SIGKILL)
    job.wait()
    finished = {_noted(path): path.stat() for path in _notes(folder, stage)}
    assert len(finished) >= 2
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    assert [n for line in lines if (n := line.get("parts_done_before"))] == [len(finished)]
    for name, noted in finished.items():
        assert (folder / name).stat().st_mtime_ns <= noted.st_mtime_ns
    there, here = hashes(folder), hashes(run)
    assert there == {path: here[path] for path in there}


def test_the_sweep_goes_on_after_the_last_pass(run: Path, config: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(run, tmp_path / "run")
    command = [
        sys.executable, "-m", "jobs.run", str(config), "--run-dir", str(folder),
        "--from", "sweep", "--until", "sweep", "--log-format", "json",
    ]  # fmt: skip
    job = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL)
    while job.poll() is None and not _passes(folder):
        time.sleep(0.001)
    job.send_signal(signal.SIGKILL)
    job.wait()
    passes = _passes(folder)
    assert passes
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    assert [n for line in lines if (n := line.get("passes_done_before"))] == [passes]
    there, here = hashes(folder), hashes(run)
    assert there == {path: here[path] for path in there}


def _notes(folder: Path, stage: str) -> list[Path]:
    return list(folder.glob(f".work/{stage}-*/.kept/**/*.json"))


def _noted(note: Path) -> str:
    """The part that a note is of."""
    kept = next(parent for parent in note.parents if parent.name == ".kept")
    return str(note.relative_to(kept)).removesuffix(".json")


def _passes(folder: Path) -> int:
    checkpoints = [read_checkpoint(work) for work in folder.glob(".work/sweep-*")]
    return max((int(arrays["progress"][:, 1].max()) for arrays in checkpoints if arrays), default=0)


def test_two_jobs_do_not_work_in_one_run_folder(
    config: Path, run_job: RunJob, tmp_path: Path
) -> None:
    with Manifest(tmp_path / "run").lock():
        done = run_job("jobs.run", config, "--run-dir", tmp_path / "run")
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert f"another job is at work here: process {os.getpid()} on {socket.gethostname()}" in line


def test_the_lock_of_a_job_that_was_killed_is_explained_and_taken_over(
    config: Path, run_job: RunJob, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    command = [sys.executable, "-m", "jobs.run", str(config), "--run-dir", str(folder)]
    job = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL)
    while job.poll() is None and not (folder / ".lock").exists():
        time.sleep(0.01)
    job.send_signal(signal.SIGKILL)
    job.wait()
    done = run_job("jobs.run", config, "--run-dir", folder, "--until", "assess")
    assert done.returncode == 0, done.stderr
    assert f"process {job.pid} on {socket.gethostname()}" in done.stderr.splitlines()[0]
    assert "taken over" in done.stderr.splitlines()[0]
    assert not (folder / ".lock").exists()


def test_a_full_disk_ends_with_code_4_and_nothing_half_written(
    config: Path, tmp_path: Path
) -> None:
    """Files may not grow beyond 300 KiB: the first raw part cannot be written."""
    folder = tmp_path / "run"
    command = [sys.executable, "-m", "jobs.run", str(config), "--run-dir", str(folder)]

    def no_room() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (300 * 1024, 300 * 1024))

    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False, preexec_fn=no_room
    )
    assert done.returncode == 4, done.stderr
    *progress, line = done.stderr.splitlines()
    assert all(reported.startswith("ingest") for reported in progress)
    assert "/raw/" in line
    assert list(folder.iterdir()) == []
    again = subprocess.run(
        [*command, "--until", "ingest"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert again.returncode == 0, again.stderr
