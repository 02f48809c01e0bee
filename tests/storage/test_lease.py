import json
import subprocess
import sys
import time
from typing import Any

import pytest

from segment_lib.errors import ConfigError
from segment_lib.storage import lease
from segment_lib.storage.lease import Lease
from segment_lib.storage.location import Lock
from segment_lib.storage.s3 import S3Path
from segment_lib.storage.stores import store_of
from tests.objects import at, bad_line


@pytest.fixture
def lock(bucket: S3Path) -> S3Path:
    return bucket / "run" / ".lock"


def lock_of(root: S3Path) -> Lock:
    return store_of(root).lock(root)


def content_of(lock: S3Path) -> dict[str, Any]:
    return dict(json.loads(lock.read_bytes()))


def left_by(lock: S3Path, **holder: object) -> None:
    """A lock that another job left."""
    lock.put(json.dumps({"host": "far", "pid": 1, "since": "then", **holder}).encode())


def test_a_second_job_is_refused_and_told_who_holds_the_run_folder(lock: S3Path) -> None:
    with lock_of(lock.parent).hold() as stale:
        assert stale is None
        with pytest.raises(ConfigError, match=f"process {content_of(lock)['pid']} on"):
            lock_of(lock.parent).hold().__enter__()
        with pytest.raises(ConfigError, match="another job is at work"):
            lock_of(lock.parent).refuse_holder()
    assert not lock.exists()
    lock_of(lock.parent).refuse_holder()


def test_the_lock_of_a_process_that_is_gone_is_taken_over_at_once(lock: S3Path) -> None:
    code = (
        "import os, sys\n"
        "from segment_lib.storage.stores import as_location, store_of\n"
        "root = as_location(sys.argv[1])\n"
        "held = store_of(root).lock(root).hold(); held.__enter__(); os._exit(9)"
    )
    subprocess.run([sys.executable, "-c", code, str(lock.parent)], check=False)
    left = content_of(lock)
    with lock_of(lock.parent).hold() as stale:
        assert stale is not None
        assert f"process {left['pid']} on" in stale
        assert "ended early here: its lock is taken over" in stale
        assert content_of(lock)["job"] != left["job"]


def test_the_lock_of_another_machine_counts_until_its_heartbeat_is_stale(lock: S3Path) -> None:
    left_by(lock, machine="another")
    with pytest.raises(ConfigError, match="process 1 on far"):
        Lease(lock, beat=10, stale=60).hold().__enter__()
    with Lease(lock, beat=10, stale=0).hold() as stale:
        assert stale is not None
        assert stale.startswith("process 1 on far (since then, last heartbeat")


def test_of_two_jobs_that_find_a_stale_lock_one_takes_it(
    lock: S3Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left_by(lock, machine="another")
    content = lease._look(lock)
    with Lease(lock, beat=10, stale=0).hold():
        mine = content_of(lock)
        monkeypatch.setattr(lease, "_look", lambda _: content)
        with pytest.raises(ConfigError, match="another job is at work"):
            Lease(lock, beat=10, stale=0).hold().__enter__()
        assert content_of(lock) == mine


def test_heartbeats_go_on_while_the_job_does(lock: S3Path) -> None:
    with Lease(lock, beat=0.05, stale=60).hold():
        until = time.monotonic() + 10
        while content_of(lock).get("beats", 0) < 2 and time.monotonic() < until:
            time.sleep(0.05)
        assert content_of(lock)["beats"] >= 2
    assert not lock.exists()


def test_heartbeats_go_on_after_one_whose_answer_was_lost(lock: S3Path, store_port: int) -> None:
    with bad_line(store_port) as line, at(line.port), Lease(lock, beat=0.05, stale=60).hold():
        lost = line.add("lost", "PUT", r"/\.lock$", times=3)
        until = time.monotonic() + 30
        while lost.met < 3 and time.monotonic() < until:
            time.sleep(0.05)
        before = content_of(lock)["beats"]
        while content_of(lock)["beats"] < before + 3 and time.monotonic() < until:
            time.sleep(0.05)
        assert content_of(lock)["beats"] >= before + 3
    assert not lock.exists()


def test_a_lock_whose_last_answer_was_lost_is_given_up(lock: S3Path, store_port: int) -> None:
    with bad_line(store_port) as line, at(line.port):
        with Lease(lock, beat=0.2, stale=60).hold():
            lost = line.add("lost", "PUT", r"/\.lock$")
            until = time.monotonic() + 30
            while lost.met < 3 and time.monotonic() < until:
                time.sleep(0.05)
        line.faults.clear()
        assert not lock.exists()


def test_a_lock_that_was_taken_over_is_left_to_its_new_holder(lock: S3Path) -> None:
    with Lease(lock, beat=0.05, stale=60).hold():
        left_by(lock, machine="another")
        time.sleep(0.3)
    assert content_of(lock)["host"] == "far"
    Lease(lock, stale=0).refuse_holder()
