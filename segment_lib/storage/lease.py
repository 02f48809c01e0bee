"""One job per run folder of an object store: an object that says who holds it.

It is made only where there is none, and each heartbeat only where it still is the one before. So
a lock is never held by two, unless a job that was taken for dead goes on: then run.json, written
on the same terms, lets but one of them publish.
"""

import json
import os
import socket
import threading
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import psutil

from segment_lib.errors import ConfigError, JobError
from segment_lib.storage.s3 import Changed, S3Path


@dataclass(frozen=True)
class _Found:
    """The lock as it is in the store."""

    told: dict[str, Any]
    version: str
    age: float
    """Seconds since its heartbeat, both by the store's clock."""

    def counts(self, stale: float) -> bool:
        """True unless the heartbeat is too old, or its process on this machine is gone."""
        if self.age >= stale:
            return False
        if self.told.get("machine") != _machine():
            return True
        with suppress(psutil.Error, KeyError, TypeError, ValueError):
            return bool(psutil.Process(int(self.told["pid"])).create_time() == self.told["began"])
        return False

    @property
    def holder(self) -> str:
        return (
            f"process {self.told.get('pid')} on {self.told.get('host')} (since "
            f"{self.told.get('since')}, last heartbeat {max(self.age, 0):.0f} s ago)"
        )


@contextmanager
def only_job_of(lock: S3Path, *, beat: float, stale: float) -> Iterator[str | None]:
    """Within it the object is held. Gives what is to be said of a holder that died.

    Parameters
    ----------
    beat, stale : seconds between heartbeats, and after which one counts for nothing

    Raises
    ------
    ConfigError
        If another job is at work.
    """
    before = _look(lock)
    if before is not None and before.counts(stale):
        raise _at_work(lock, before.holder)
    me = {
        "host": socket.gethostname(),
        "pid": os.getpid(),
        "since": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "machine": _machine(),
        "began": psutil.Process().create_time(),
        "job": uuid.uuid4().hex,
    }
    try:
        held = _Held(lock, me, lock.put_if(_as_bytes(me), before.version if before else None))
    except Changed:
        now = _look(lock)
        raise _at_work(lock, now.holder if now else "one that has just begun") from None
    stop = threading.Event()
    beating = threading.Thread(target=held.beat, args=(stop, beat), daemon=True)
    beating.start()
    try:
        yield f"{before.holder} ended early here: its lock is taken over" if before else None
    finally:
        stop.set()
        beating.join(timeout=beat)
        held.give_up()


def refuse_holder(lock: S3Path, *, stale: float) -> None:
    """Raise a ConfigError if a job holds the lock."""
    found = _look(lock)
    if found is not None and found.counts(stale):
        raise _at_work(lock, found.holder)


def lease_holder(lock: S3Path) -> str | None:
    """Whose the lock is; None if there is none."""
    found = _look(lock)
    return found.holder if found else None


def lift_lease(lock: S3Path, *, wait: float) -> str | None:
    """Remove the lock of a job that is gone. Gives whose it was; None if there is none.

    Raises
    ------
    ConfigError
        If it shows a heartbeat within `wait` seconds.
    """
    before = _look(lock)
    if before is None:
        return None
    time.sleep(wait)
    now = _look(lock)
    if now is not None and now.version != before.version:
        raise _at_work(lock, now.holder)
    lock.unlink()
    return before.holder


@dataclass
class _Held:
    """The lock of this job."""

    lock: S3Path
    told: dict[str, Any]
    version: str

    def beat(self, stop: threading.Event, every: float) -> None:
        """Write it anew now and then, for as long as it is ours."""
        beats = 0
        while not stop.wait(every):
            beats += 1
            content = _as_bytes({**self.told, "beats": beats})
            with suppress(JobError, OSError):
                try:
                    self.version = self.lock.put_if(content, self.version)
                except Changed:
                    if not self._is_ours():
                        return

    def give_up(self) -> None:
        with suppress(JobError, OSError):
            if self._is_ours():
                self.lock.unlink()

    def _is_ours(self) -> bool:
        """Read the lock back: a heartbeat whose answer was lost has given it another version."""
        content, self.version = self.lock.read_version()
        return bool(_as_told(content).get("job") == self.told["job"])


def _look(lock: S3Path) -> _Found | None:
    try:
        head = lock.head()
        content, version = lock.read_version()
    except FileNotFoundError:
        return None
    age = (_now(head["ResponseMetadata"]["HTTPHeaders"]) - head["LastModified"]).total_seconds()
    return _Found(_as_told(content), version, age)


def _now(headers: Mapping[str, str]) -> datetime:
    """The time by the store's clock; by that of this machine if the store does not tell."""
    try:
        told = parsedate_to_datetime(headers["date"])
    except (KeyError, ValueError):
        return datetime.now(UTC)
    return told if told.tzinfo else told.replace(tzinfo=UTC)


def _at_work(lock: S3Path, holder: str) -> ConfigError:
    return ConfigError(
        f"{lock.parent}: another job is at work here: {holder}. Wait for it, or choose another "
        f"--run-dir. If that job is gone: python -m jobs.clean {lock.parent} --lift-lock"
    )


def _as_bytes(told: dict[str, Any]) -> bytes:
    return json.dumps(told).encode()


def _as_told(content: bytes) -> dict[str, Any]:
    try:
        told = json.loads(content)
    except ValueError:
        told = {}
    return told if isinstance(told, dict) else {}


def _machine() -> str:
    """What tells the processes of this machine, or container, from those of others."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot} {os.readlink('/proc/self/ns/pid')}"
    except OSError:
        return f"{socket.gethostname()} {psutil.boot_time():.0f}"
