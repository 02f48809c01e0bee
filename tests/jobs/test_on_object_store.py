"""The same job with inputs and run folder in an object store, a real S3 API on loopback."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from jobs import export
from jobs.parsers import parser_of
from segment_lib.run.integrity import faults
from segment_lib.run.manifest import Manifest
from segment_lib.storage.files import write_file
from segment_lib.storage.s3 import S3Path
from tests.clusters import cluster
from tests.conftest import ROOT, Completed, RunJob, hashes
from tests.objects import SECRET, at, bad_line, new_bucket
from tests.recipes import recipe

EXTRACTS = ("Udacity_AZDIAS_Subset.csv", "Udacity_CUSTOMERS_Subset.csv")
TABLES = ("AZDIAS_Feature_Summary.csv", "Data_Dictionary.md")


@pytest.fixture(scope="module")
def delivered(
    small_config: Path, store_port: int, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The small config, its four inputs in the object store."""
    text = small_config.read_text()
    with at(store_port):
        bucket = new_bucket()
        for name in (*EXTRACTS, *TABLES):
            write_file(bucket, f"in/{name}", (small_config.parent / name).read_bytes())
            text = text.replace(f'"{name}"', f'"{bucket}/in/{name}"')
    path = tmp_path_factory.mktemp("delivered") / "azdias.toml"
    path.write_text(text)
    return path


def killed_once(config: Path, root: S3Path, left: str, at_least: int) -> None:
    """A job in one thread, killed once so many objects of such a name are there."""
    command = [sys.executable, "-m", "jobs.run", str(config), "--run-dir", str(root)]
    job = subprocess.Popen(
        [*command, "--threads", "1"], cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    until = time.monotonic() + 60
    try:
        while sum(bool(re.search(left, str(path))) for path, _ in root.listed()) < at_least:
            assert job.poll() is None, "ended before it could be killed"
            assert time.monotonic() < until
            time.sleep(0.02)
    finally:
        job.send_signal(signal.SIGKILL)
        job.wait()


def said_in_a_line(done: Completed, code: int) -> str:
    """The one line in which a refused job says why, without a secret."""
    assert done.returncode == code, done.stderr
    assert SECRET not in done.stderr + done.stdout
    assert "Traceback" not in done.stderr
    return done.stderr.splitlines()[-1]


def test_a_job_killed_and_then_on_a_bad_line_writes_the_bytes_of_a_run_on_a_disk(
    delivered: Path, small_run: Path, bucket: S3Path, store_port: int, run_job: RunJob,
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    root = bucket / "runs" / small_run.name
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    killed_once(delivered, root, r"\.kept/features/", 3)
    with bad_line(store_port) as line, at(line.port):
        monkeypatch.setenv("TMPDIR", str(tmp_path))
        busy = [line.add("busy", method, "runs", times=1) for method in ("PUT", "GET")]
        cut = line.add("cut", "GET", r"features/.*parquet", times=2)
        done = run_job("jobs.run", delivered, "--run-dir", root)
    assert done.returncode == 0, done.stderr
    assert [fault.met for fault in (*busy, cut)] == [1, 1, 2]
    assert "ended early here: its lock is taken over" in done.stderr
    assert re.search(r"ingest +done before", done.stderr)
    assert re.search(r"encode +\d+ of 12 parts done before", done.stderr)
    assert f"report: {root}/report/index.html" in done.stdout
    assert hashes(root) == hashes(small_run)
    assert not (root / ".lock").exists()
    assert list(tmp_path.glob("segments-*")) == []
    listed = {
        file["path"]
        for stage in json.loads((root / "run.json").read_bytes())["stages"].values()
        for file in stage["files"]
    }
    assert {str(path.relative_to(root)) for path, _ in root.listed()} == {*listed, "run.json"}


@pytest.fixture(scope="module")
def in_store(small_run: Path, store_port: int) -> S3Path:
    """The small run of a disk, put in the object store file by file."""
    with at(store_port):
        root = new_bucket() / "run"
        for path in small_run.rglob("*"):
            if path.is_file():
                write_file(root, str(path.relative_to(small_run)), path.read_bytes())
    return root


def test_verify_finds_what_was_done_to_an_object(
    in_store: S3Path, store_port: int, run_job: RunJob
) -> None:
    with at(store_port):
        assert faults(Manifest(in_store)) == []
        path = in_store / "segments/customers/part-00001.parquet"
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        write_file(path.parent, path.name, bytes(content))
        write_file(in_store, "raw/stray.parquet", b"1")
        done = run_job("jobs.verify", in_store)
        assert "Run again with --from assign." in said_in_a_line(done, 6)
        assert f"{path}: not the bytes that were written; run assign again" in done.stderr
        assert f"{in_store}/raw/stray.parquet: listed by no stage" in done.stderr
        content[len(content) // 2] ^= 1
        write_file(path.parent, path.name, bytes(content))
        (in_store / "raw/stray.parquet").unlink()


def test_a_list_is_exported_as_from_a_disk(
    in_store: S3Path, small_run: Path, store_port: int, tmp_path: Path
) -> None:
    with at(store_port):
        for run, out in ((in_store, in_store / "export"), (small_run, tmp_path)):
            arguments = [run, "--depth", "0.2", "--out", out, "--no-progress"]
            export.export(parser_of("export").parse_args(list(map(str, arguments))))
        assert hashes(in_store / "export") == hashes(tmp_path)
        assert len(hashes(tmp_path)) == 3


def test_a_part_cut_short_on_its_way_publishes_nothing(
    in_store: S3Path, small_config: Path, store_port: int, run_job: RunJob
) -> None:
    # As if the run had been made by this command, whose extracts are on a disk.
    command = ["jobs.run", small_config, "--run-dir", in_store, "--from", "assign"]
    command += ["--until", "assign"]
    with at(store_port):
        before = (in_store / "run.json").read_bytes()
    with bad_line(store_port) as line, at(line.port):
        line.add("short", "GET", r"features/customers/.*parquet")
        message = said_in_a_line(run_job(*command), 6)
        assert "not the bytes that run.json lists" in message
        assert message.endswith("Run again with --from encode.")
    with at(store_port):
        assert (in_store / "run.json").read_bytes() == before


def test_a_folder_that_may_not_be_written_is_told_in_a_line(
    delivered: Path, bucket: S3Path, store_port: int, run_job: RunJob
) -> None:
    with bad_line(store_port) as line, at(line.port):
        line.add("denied", "PUT", ".*")
        done = run_job("jobs.run", delivered, "--run-dir", bucket / "run")
        assert "access is denied (AccessDenied)" in said_in_a_line(done, 4)
    assert list(bucket.rglob("*")) == []


def test_workers_of_a_cluster_write_the_bytes_that_threads_write(
    delivered: Path, small_config: Path, small_run: Path, bucket: S3Path, run_job: RunJob,
    tmp_path: Path,
) -> None:  # fmt: skip
    root = bucket / small_run.name
    until = ["--until", "fit"]
    customers = tmp_path / f"{EXTRACTS[1]}.gz"
    shutil.copy(small_config.parent / EXTRACTS[1], tmp_path / "plain.csv")
    subprocess.run(["gzip", "-k", tmp_path / "plain.csv"], check=True)
    write_file(bucket, customers.name, (tmp_path / "plain.csv.gz").read_bytes())
    packed = ["--set", f'inputs.customers="{bucket}/{customers.name}"']
    with cluster(tmp_path / "cluster", {"TMPDIR": str(tmp_path)}) as started:
        scheduler = started.scheduler()
        started.worker()
        started.worker()
        done = run_job(
            "jobs.run", delivered, "--run-dir", root, "--scheduler-file", scheduler, *until, *packed
        )
        assert done.returncode == 0, done.stderr
        assert SECRET not in started.logs + done.stderr
    stages = ("raw", "assess", "features", "model/projection.npz", "plan.json")
    wanted = {path: digest for path, digest in hashes(small_run).items() if path.startswith(stages)}
    assert hashes(root) == wanted
    assert list(tmp_path.glob("segments-*")) == []


def test_the_commands_of_the_documentation_run_the_job(small_config: Path, tmp_path: Path) -> None:
    (tmp_path / "delivered").mkdir()
    text = small_config.read_text()
    for name in (*EXTRACTS, *TABLES):
        shutil.copy(small_config.parent / name, tmp_path / "delivered")
        text = text.replace(f'"{name}"', f'"s3://segments/delivered/{name}"')
    (tmp_path / "my.toml").write_text(text)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    script = recipe("objects", "object-storage.md").replace("5000", port)
    script = script.replace("runs/first\n", "runs/first --until ingest\n", 1)
    tools = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
    }
    with (tmp_path / "log").open("w+") as log:
        ran = subprocess.Popen(
            ["bash", "-e", "-c", script],
            cwd=tmp_path, env=tools, stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
        try:
            code = ran.wait(timeout=120)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(ran.pid, signal.SIGKILL)
    output = (tmp_path / "log").read_text()
    assert code == 0, output
    assert re.search(r"\d+ files of 1 stage,.*as they were left", output)
