"""One job per run folder: the kernel's lock, and a file that says whose it is."""

import fcntl
import json
import os
import socket
import time
from pathlib import Path

import pytest

from segment_lib.errors import ConfigError, ResourceError
from segment_lib.storage import lock as lock_module
from segment_lib.storage.lock import LOCK, STALE, FileLock


def left_by(folder: Path, host: str, age: float) -> None:
    (folder / LOCK).write_text(json.dumps({"host": host, "pid": 77, "since": "yesterday"}))
    then = time.time() - age
    os.utime(folder / LOCK, (then, then))


def test_the_lock_says_who_holds_it_and_goes_when_it_is_left(tmp_path):
    with FileLock(tmp_path).hold() as stale:
        holder = json.loads((tmp_path / LOCK).read_text())
        assert (holder["host"], holder["pid"]) == (socket.gethostname(), os.getpid())
        assert (tmp_path / LOCK).stat().st_mode & 0o777 == 0o600
    assert stale is None
    assert list(tmp_path.iterdir()) == []


def test_a_second_job_is_told_whose_the_folder_is(tmp_path):
    with (
        FileLock(tmp_path).hold(),
        pytest.raises(ConfigError, match=f"process {os.getpid()} on {socket.gethostname()}"),
        FileLock(tmp_path).hold(),
    ):
        pass


def test_after_a_refusal_the_folder_still_belongs_to_the_first(tmp_path):
    with FileLock(tmp_path).hold():
        with pytest.raises(ConfigError), FileLock(tmp_path).hold():
            pass
        assert (tmp_path / LOCK).exists()


def test_the_lock_of_a_process_of_this_host_that_died_is_taken_over(tmp_path):
    left_by(tmp_path, socket.gethostname(), age=1)
    with FileLock(tmp_path).hold() as stale:
        assert stale is not None
        assert "process 77" in stale


def test_a_fresh_heartbeat_of_another_host_is_believed(tmp_path):
    left_by(tmp_path, "elsewhere", age=STALE / 2)
    with pytest.raises(ConfigError, match="process 77 on elsewhere"), FileLock(tmp_path).hold():
        pass
    with pytest.raises(ConfigError, match="process 77 on elsewhere"):
        FileLock(tmp_path).refuse_holder()


def test_an_old_heartbeat_of_another_host_is_not(tmp_path):
    left_by(tmp_path, "elsewhere", age=STALE + 1)
    with FileLock(tmp_path).hold() as stale:
        assert stale is not None
        assert "elsewhere" in stale


def test_where_the_kernel_has_no_lock_the_heartbeat_alone_counts(tmp_path, monkeypatch):
    def none(*_: object) -> None:
        raise OSError("not supported")

    monkeypatch.setattr(fcntl, "flock", none)
    left_by(tmp_path, socket.gethostname(), age=1)
    with pytest.raises(ConfigError), FileLock(tmp_path).hold():
        pass
    left_by(tmp_path, socket.gethostname(), age=STALE + 1)
    with FileLock(tmp_path).hold() as stale:
        assert stale is not None


def test_a_job_at_work_keeps_its_heartbeat_fresh(tmp_path, monkeypatch):
    monkeypatch.setattr(lock_module, "BEAT", 0.01)
    with FileLock(tmp_path).hold():
        os.utime(tmp_path / LOCK, (0, 0))
        for _ in range(500):
            if (tmp_path / LOCK).stat().st_mtime > 1:
                break
            time.sleep(0.01)
        assert time.time() - (tmp_path / LOCK).stat().st_mtime < STALE


@pytest.mark.parametrize("text", ["", "{", "[]", "3"])
def test_a_lock_that_was_cut_off_is_taken_over(tmp_path, text):
    (tmp_path / LOCK).write_text(text)
    os.utime(tmp_path / LOCK, (0, 0))
    with FileLock(tmp_path).hold() as stale:
        assert stale is not None


def test_looking_leaves_no_trace(tmp_path):
    FileLock(tmp_path).refuse_holder()
    assert list(tmp_path.iterdir()) == []
    with FileLock(tmp_path).hold(), pytest.raises(ConfigError, match="at work"):
        FileLock(tmp_path).refuse_holder()


def test_a_folder_that_cannot_be_written_is_a_matter_of_resources(tmp_path):
    # A folder in the place of the lock cannot be replaced by a file, whoever asks.
    (tmp_path / LOCK).mkdir()
    (tmp_path / LOCK / "x").write_text("")
    os.utime(tmp_path / LOCK, (0, 0))
    with pytest.raises(ResourceError), FileLock(tmp_path).hold():
        pass
