"""Lease of a run folder in an object store: an object with a heartbeat that names the holder.

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
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from segment_lib.errors import JobError
from segment_lib.storage.location import Changed
from segment_lib.storage.lock import (
    BEAT,
    LIFT_WAIT,
    STALE,
    at_work,
    lock_fields,
    named_holder,
    this_process,
)
from segment_lib.storage.objects import ObjectPath


@dataclass(frozen=True)
class Lease:
    """The `Lock` of a run folder in a bucket."""

    lock: ObjectPath
    beat: float = BEAT
    stale: float = STALE

    @contextmanager
    def hold(self) -> Iterator[str | None]:
        before = _look(self.lock)
        if before is not None and before.counts(self.stale):
            raise at_work(self.lock.parent, before.holder)
        me = this_process() | {
            "machine": _machine(),
            "began": psutil.Process().create_time(),
            "job": uuid.uuid4().hex,
        }
        try:
            version = self.lock.put_if(_as_bytes(me), before.version if before else None)
        except Changed:
            now = _look(self.lock)
            holder = now.holder if now else "one that has just begun"
            raise at_work(self.lock.parent, holder) from None
        held = _Held(self.lock, me, version)
        stop = threading.Event()
        beating = threading.Thread(target=held.beat, args=(stop, self.beat), daemon=True)
        beating.start()
        try:
            yield f"{before.holder} ended early here: its lock is taken over" if before else None
        finally:
            stop.set()
            beating.join(timeout=self.beat)
            held.give_up()

    def refuse_holder(self) -> None:
        lease = _look(self.lock)
        if lease is not None and lease.counts(self.stale):
            raise at_work(self.lock.parent, lease.holder)

    def holder(self) -> str | None:
        lease = _look(self.lock)
        return lease.holder if lease else None

    def lift(self, wait: float = LIFT_WAIT) -> str | None:
        before = _look(self.lock)
        if before is None:
            return None
        time.sleep(wait)
        now = _look(self.lock)
        if now is not None and now.version != before.version:
            raise at_work(self.lock.parent, now.holder)
        self.lock.unlink()
        return before.holder


@dataclass(frozen=True)
class _Content:
    """Content of the lock in the store."""

    fields: dict[str, Any]
    version: str
    age: float
    """Seconds since its heartbeat, by the store's clock."""

    def counts(self, stale: float) -> bool:
        """Return True unless the heartbeat is too old, or its process on this machine is gone."""
        if self.age >= stale:
            return False
        if self.fields.get("machine") != _machine():
            return True
        with suppress(psutil.Error, KeyError, TypeError, ValueError):
            process = psutil.Process(int(self.fields["pid"]))
            return bool(process.create_time() == self.fields["began"])
        return False

    @property
    def holder(self) -> str:
        return named_holder(self.fields, f"{max(self.age, 0):.0f} s ago")


@dataclass
class _Held:
    """Lock held by this job."""

    lock: ObjectPath
    fields: dict[str, Any]
    version: str

    def beat(self, stop: threading.Event, every: float) -> None:
        """Renew the heartbeat for as long as the lock is ours."""
        beats = 0
        while not stop.wait(every):
            beats += 1
            content = _as_bytes({**self.fields, "beats": beats})
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
        """Check whose the lock is: a heartbeat with a lost answer has given it another version."""
        content, self.version = self.lock.read()
        return bool(lock_fields(content).get("job") == self.fields["job"])


def _look(lock: ObjectPath) -> _Content | None:
    try:
        age = lock.head().age
        content, version = lock.read()
    except FileNotFoundError:
        return None
    return _Content(lock_fields(content), version, age)


def _as_bytes(fields: dict[str, Any]) -> bytes:
    return json.dumps(fields).encode()


def _machine() -> str:
    """Identifier of this machine or container."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot} {os.readlink('/proc/self/ns/pid')}"
    except OSError:
        return f"{socket.gethostname()} {psutil.boot_time():.0f}"
