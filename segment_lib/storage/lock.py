"""Lock of a run folder on a disk: the kernel's lock, and a file that names the holder.

The kernel's lock goes when its holder dies, but not every shared file system passes it on between
machines. So the file counts too while its heartbeat is fresh: its time of change, kept up to date.
In an object store there is no kernel: see `lease`.
"""

import fcntl
import json
import os
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from segment_lib.errors import ConfigError, IntegrityError
from segment_lib.storage.local import open_regular, write_whole
from segment_lib.storage.location import Location

LOCK = ".lock"
BEAT = 10.0
"""Seconds from heartbeat to heartbeat."""
STALE = 60.0
"""Seconds after which a heartbeat counts for nothing."""
LIFT_WAIT = 1.5 * BEAT
"""Seconds in which a job that is alive shows a heartbeat."""


@dataclass(frozen=True)
class FileLock:
    """The `Lock` of a run folder on a disk."""

    folder: Path

    @contextmanager
    def hold(self) -> Iterator[str | None]:
        folder = self.folder
        with _opened(folder) as descriptor:
            _refuse_other(folder, _try_lock(descriptor, fcntl.LOCK_EX))
            stale = f"{_holder(folder)} ended early here: its lock is taken over"
            stale *= (folder / LOCK).exists()
            write_whole(folder / LOCK, json.dumps(this_process()).encode(), durable=False)
            stop = threading.Event()
            threading.Thread(target=_beat, args=(folder / LOCK, stop), daemon=True).start()
            try:
                yield stale or None
            finally:
                stop.set()
                with suppress(OSError):
                    (folder / LOCK).unlink()

    def refuse_holder(self) -> None:
        with _opened(self.folder) as descriptor:
            _refuse_other(self.folder, _try_lock(descriptor, fcntl.LOCK_SH))

    def holder(self) -> str | None:
        with _opened(self.folder) as descriptor:
            if _try_lock(descriptor, fcntl.LOCK_SH) is False:
                raise _at_work(self.folder, certain=True)
            return _holder(self.folder) if (self.folder / LOCK).exists() else None

    def lift(self, wait: float = LIFT_WAIT) -> str | None:
        lock = self.folder / LOCK
        if not lock.exists():
            return None
        with _opened(self.folder) as descriptor:
            if _try_lock(descriptor, fcntl.LOCK_EX) is False:
                raise _at_work(self.folder, certain=True)
            holder, beat = _holder(self.folder), lock.stat().st_mtime_ns
            time.sleep(wait)
            if lock.exists() and lock.stat().st_mtime_ns != beat:
                raise _at_work(self.folder, certain=True)
            lock.unlink(missing_ok=True)
            return holder


@contextmanager
def _opened(folder: Path) -> Iterator[int]:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _refuse_other(folder: Path, alone: bool | None) -> None:
    """Raise a ConfigError if another job holds the kernel's lock, or has a fresh heartbeat."""
    is_here = _who(folder).get("host") == socket.gethostname()
    if alone is False or (_is_fresh(folder) and (alone is None or not is_here)):
        raise _at_work(folder, certain=alone is False)


def _try_lock(descriptor: int, kind: int) -> bool | None:
    """Return True if the lock is ours, False if another's, None if the file system has none."""
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True


def _beat(lock: Path, stop: threading.Event) -> None:
    while not stop.wait(BEAT):
        with suppress(OSError):
            os.utime(lock)


def _at_work(folder: Path, *, certain: bool) -> ConfigError:
    """Return the error for a folder in use; `certain` if the kernel, not only the file, says so."""
    return at_work(folder, _holder(folder), can_be_lifted=not certain)


def _age(folder: Path) -> float | None:
    """Return the seconds since the heartbeat, below 0 if in the future; None without a lock."""
    with suppress(OSError):
        return time.time() - (folder / LOCK).stat().st_mtime
    return None


def _holder(folder: Path) -> str:
    who, age = _who(folder), _age(folder)
    if not who:
        return "one that does not say who it is"
    if age is not None and age < -BEAT:
        beat = f"{-age:.0f} s ahead of the clock here: clocks differ"
    else:
        beat = f"{max(age or 0, 0):.0f} s ago"
    return named_holder(who, beat)


def _who(folder: Path) -> dict[str, Any]:
    with suppress(OSError, IntegrityError), open_regular(folder / LOCK) as file:
        return lock_fields(file.read())
    return {}


def _is_fresh(folder: Path) -> bool:
    age = _age(folder)
    return age is not None and age < STALE


# --- what locks of every store say ----------------------------------------------------------------


def this_process() -> dict[str, Any]:
    """Return what a lock says of the process that holds it."""
    since = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    return {"host": socket.gethostname(), "pid": os.getpid(), "since": since}


def lock_fields(content: bytes) -> dict[str, Any]:
    """Return what the content of a lock says; empty if it is none."""
    with suppress(ValueError, RecursionError):
        fields = json.loads(content)
        return fields if isinstance(fields, dict) else {}
    return {}


def named_holder(fields: Mapping[str, Any], beat: str) -> str:
    """Return the holder of a lock in words; `beat` says when its last heartbeat was."""
    return (
        f"process {fields.get('pid')} on {fields.get('host')} (since {fields.get('since')}, last "
        f"heartbeat {beat})"
    )


def at_work(folder: Location, holder: str, *, can_be_lifted: bool = True) -> ConfigError:
    """Return the error for a folder in use."""
    lift = f" If that job is gone: segments clean {folder} --lift-lock" * can_be_lifted
    return ConfigError(
        f"{folder}: another job is at work here: {holder}. Wait for it, or choose another "
        f"--run-dir.{lift}"
    )
