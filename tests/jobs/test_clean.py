"""What is left over in a run folder is told, and removed when asked for."""

import json
import os
import shutil
import socket
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from segment_lib.errors import ConfigError
from segment_lib.run.checkpoint import finish_part
from segment_lib.run.manifest import Manifest
from segment_lib.run.record import StageRecord
from segment_lib.storage import lock as lock_module
from segment_lib.storage.disk import Disk
from segment_lib.storage.files import write_file
from segment_lib.storage.lock import LOCK, FileLock
from segment_lib.storage.s3 import S3Path
from segment_lib.storage.scratch import private_folder
from segment_lib.storage.stores import store_of
from tests.run.test_checkpoint import ROWS

Call = Callable[..., tuple[int, list[str]]]


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run with all that jobs may leave, and files of somebody else."""
    root = tmp_path / "run"
    manifest = Manifest(root)
    with manifest.lock():
        work = manifest.folder.begin("ingest", "mark")
        files = (write_file(work, "raw/a", b"1"),)
        manifest.publish("ingest", work, StageRecord("mark", files), ())
        finish_part(manifest.folder.begin("encode", "mark"), "features/a", ROWS)
    write_file(root, f"export/.export-{'0' * 32}/run-00000.arrow", b"1" * 2_000_000)
    write_file(root, f".run.json.{'0' * 32}", b"{")
    for name in ("raw/mine.txt", ".work/mine.txt", "mine.txt", "export/mine.csv"):
        write_file(root, name, b"mine")
    return root


SCRATCH = (".work/encode-", "export/.export-", ".run.json.")
MINE = (".work/mine.txt", "export/mine.csv", "mine.txt")


def below(run: Path) -> list[str]:
    return sorted(str(path.relative_to(run)) for path in run.rglob("*") if path.is_file())


def test_what_is_left_over_is_told_and_stays(run: Path, call: Call) -> None:
    before = below(run)
    code, lines = call("clean", run)
    assert code == 0
    for name in (*SCRATCH, "raw/mine.txt"):
        assert any(f"{run}/{name}" in line for line in lines), name
    for name in MINE:
        assert not any(f"{run}/{name}" in line for line in lines), name
    (size,) = [line.split()[1] for line in lines if ".export-" in line]
    assert size == "1.9"
    assert any("--remove removes it" in line for line in lines)
    assert any("--remove-unlisted removes it" in line for line in lines)
    assert below(run) == before


def test_scratch_goes_when_it_is_told_to(run: Path, call: Call) -> None:
    assert call("clean", run, "--remove")[0] == 0
    assert below(run) == sorted([*MINE, "raw/a", "raw/mine.txt", "run.json"])
    code, lines = call("clean", run)
    assert (code, lines[0]) == (0, "scratch   none")


def test_unlisted_files_go_when_it_is_told_to_and_no_others(run: Path, call: Call) -> None:
    assert call("clean", run, "--remove", "--remove-unlisted")[0] == 0
    assert below(run) == sorted([*MINE, "raw/a", "run.json"])
    assert Manifest(run).is_done("ingest", "mark")


def test_private_folders_of_this_machine_are_told_and_go(
    run: Path, call: Call, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    mine, other = private_folder(run), private_folder(tmp_path / "other")
    assert any(str(mine) in line for line in call("clean", run)[1])
    assert call("clean", run, "--remove")[0] == 0
    assert (mine.exists(), other.exists()) == (False, True)


def test_what_is_being_published_is_no_scratch(run: Path, call: Call) -> None:
    manifest = Manifest(run)
    work = manifest.folder.begin("encode", "mark")
    files = (write_file(work, "features/b", b"2"),)
    record = StageRecord("mark", files)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Disk, "move", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            manifest.publish("encode", work, record, ())
    code, lines = call("clean", run, "--remove")
    assert (code, "encode was being published" in lines[0]) == (0, True)
    with Manifest(run).lock():
        pass
    assert Manifest(run).is_done("encode", "mark")
    assert (run / "features/b").read_bytes() == b"2"


@pytest.mark.parametrize("folder", ["none", "empty", "file"])
def test_what_is_no_run_is_told(tmp_path: Path, call: Call, folder: str) -> None:
    if folder == "empty":
        (tmp_path / folder).mkdir()
    if folder == "file":
        (tmp_path / folder).touch()
    code, lines = call("clean", tmp_path / folder)
    assert code == (0 if folder == "empty" else 2)
    assert len(lines) == (2 if folder == "empty" else 1)


# Locks


def left_by(run: Path, host: str, ahead: float) -> None:
    (run / LOCK).write_text(json.dumps({"host": host, "pid": 77, "since": "yesterday"}))
    then = time.time() + ahead
    os.utime(run / LOCK, (then, then))


@pytest.mark.parametrize(("ahead", "words"), [(3600, "ahead of the clock"), (-5, "5 s ago")])
def test_a_lock_that_refuses_a_job_is_explained_with_the_way_to_lift_it(
    run: Path, call: Call, monkeypatch: pytest.MonkeyPatch, ahead: float, words: str
) -> None:
    left_by(run, "gone", ahead)
    with pytest.raises(ConfigError) as raised, Manifest(run).lock():
        pass
    assert words in str(raised.value)
    assert f"segments clean {run} --lift-lock" in str(raised.value)
    code, lines = call("clean", run)
    assert (code, "process 77 on gone" in lines[0]) == (0, True)
    lift = FileLock.lift
    monkeypatch.setattr(FileLock, "lift", lambda lock: lift(lock, wait=0.1))
    code, lines = call("clean", run, "--lift-lock")
    assert (code, "is lifted" in lines[0]) == (0, True)
    with Manifest(run).lock() as stale:
        assert stale is None


def test_the_lock_of_a_job_that_is_alive_is_not_lifted(
    run: Path, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    with FileLock(run).hold():
        code, lines = call("clean", run, "--lift-lock")
        assert (code, "at work" in lines[0], "--lift-lock" in lines[0]) == (2, True, False)
        assert (run / LOCK).exists()
        assert call("clean", run, "--remove")[0] == 2
    # Where the kernel passes no lock on, its heartbeat tells.
    left_by(run, socket.gethostname(), 0)
    monkeypatch.setattr(lock_module.time, "sleep", lambda _: os.utime(run / LOCK))
    with pytest.raises(ConfigError, match="at work"):
        FileLock(run).lift()


def test_a_staging_folder_in_a_bucket_is_listed_with_its_size_and_removed(
    bucket: S3Path, call: Call
) -> None:
    root = bucket / "run"
    manifest = Manifest(root)
    staging_dir = manifest.folder.begin("ingest", "mark")
    file = write_file(staging_dir, "raw/a", b"1")
    manifest.publish("ingest", staging_dir, StageRecord("mark", (file,)), ())
    left = manifest.folder.begin("encode", "mark")
    for name in ("features/a", "features/b"):
        write_file(left, name, bytes(2**19))
    write_file(root, ".work/mine", b"1")
    code, lines = call("clean", root, "--remove")
    assert (code, lines[0].split()) == (0, ["scratch", "1.0", "MiB", str(left)])
    names = sorted(str(path.relative_to(root)) for path in root.rglob("*"))
    assert names == [".work/mine", "raw/a", "run.json"]


def test_a_lock_in_a_bucket_is_lifted(bucket: S3Path) -> None:
    root = bucket / "run"
    lock = store_of(root).lock(root)
    write_file(root, LOCK, json.dumps({"host": "gone", "pid": 77, "machine": "another"}).encode())
    with pytest.raises(ConfigError, match="--lift-lock"), lock.hold():
        pass
    assert "process 77 on gone" in str(lock.lift(wait=0))
    with lock.hold() as stale:
        assert stale is None
    assert lock.lift(wait=0) is None


def test_a_run_with_nothing_left_over_has_nothing_to_tell(
    small_run: Path, tmp_path: Path, call: Call
) -> None:
    run = shutil.copytree(small_run, tmp_path / "run")
    assert call("clean", run) == (0, ["scratch   none", "unlisted  none"])
