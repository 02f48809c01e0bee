"""One job per run folder: the kernel's lock, and beside it a file that says who holds it.

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
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from segment_lib.errors import ConfigError, IntegrityError
from segment_lib.storage.files import read_regular, write_file
from segment_lib.storage.lease import lease_holder, lift_lease, only_job_of, refuse_holder
from segment_lib.storage.s3 import S3Path

LOCK = ".lock"
BEAT = 10.0
"""Seconds from heartbeat to heartbeat."""
STALE = 60.0
"""Seconds after which a heartbeat counts for nothing."""


@contextmanager
def only_job(folder: Path) -> Iterator[str | None]:
    """Within it no other job works in the folder. Gives what is to be said of one that died there.

    Raises
    ------
    ConfigError
        If another job is at work in the folder.
    ResourceError
        If the folder cannot be written.
    """
    if isinstance(folder, S3Path):
        with only_job_of(folder / LOCK, beat=BEAT, stale=STALE) as stale:
            yield stale
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        alone = _try_lock(descriptor, fcntl.LOCK_EX)
        if alone is False or (_is_fresh(folder) and (alone is None or not _is_here(folder))):
            raise _at_work(folder, certain=alone is False)
        stale = f"{_holder(folder)} ended early here: its lock is taken over" * _is_there(folder)
        me = {"host": socket.gethostname(), "pid": os.getpid(), "since": _now()}
        write_file(folder, LOCK, json.dumps(me).encode())
        stop = threading.Event()
        threading.Thread(target=_beat, args=(folder / LOCK, stop), daemon=True).start()
        try:
            yield stale or None
        finally:
            stop.set()
            with suppress(OSError):
                (folder / LOCK).unlink()
    finally:
        os.close(descriptor)


def refuse_job_at_work(folder: Path) -> None:
    """Raise a ConfigError if a job is at work in the folder, without a trace of having looked."""
    if isinstance(folder, S3Path):
        refuse_holder(folder / LOCK, stale=STALE)
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        alone = _try_lock(descriptor, fcntl.LOCK_SH)
        if alone is False or (_is_fresh(folder) and (alone is None or not _is_here(folder))):
            raise _at_work(folder, certain=alone is False)
    finally:
        os.close(descriptor)


def lift_lock(folder: Path, wait: float = 1.5 * BEAT) -> str | None:
    """Remove the lock of a job that is gone. Gives whose it was; None if there is none.

    Parameters
    ----------
    wait : seconds in which a job that is alive shows a heartbeat

    Raises
    ------
    ConfigError
        If the job is alive: by the kernel's lock, or by its heartbeat.
    """
    if isinstance(folder, S3Path):
        return lift_lease(folder / LOCK, wait=wait)
    if not _is_there(folder):
        return None
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        if _try_lock(descriptor, fcntl.LOCK_EX) is False:
            raise _at_work(folder, certain=True)
        holder, beat = _holder(folder), (folder / LOCK).stat().st_mtime_ns
        time.sleep(wait)
        if _is_there(folder) and (folder / LOCK).stat().st_mtime_ns != beat:
            raise _at_work(folder, certain=True)
        (folder / LOCK).unlink(missing_ok=True)
        return holder
    finally:
        os.close(descriptor)


def stale_lock(folder: Path) -> str | None:
    """Whose the lock in the folder is, which may be gone; None if there is none.

    Raises
    ------
    ConfigError
        If the job is at work here for certain.
    """
    if isinstance(folder, S3Path):
        return lease_holder(folder / LOCK)
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        if _try_lock(descriptor, fcntl.LOCK_SH) is False:
            raise _at_work(folder, certain=True)
        return _holder(folder) if _is_there(folder) else None
    finally:
        os.close(descriptor)


def _try_lock(descriptor: int, kind: int) -> bool | None:
    """True if the lock is ours, False if it is another's, None if this file system has none."""
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
    """The error for a folder of another job; `certain` if the kernel says so, and not its file."""
    lift = "" if certain else f" If that job is gone: python -m jobs.clean {folder} --lift-lock"
    return ConfigError(
        f"{folder}: another job is at work here: {_holder(folder)}. Wait for it, or choose another "
        f"--run-dir.{lift}"
    )


def _age(folder: Path) -> float | None:
    """Seconds since the heartbeat, less than 0 if it lies in the future; None without a lock."""
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
    return (
        f"process {who.get('pid')} on {who.get('host')} (since {who.get('since')}, last "
        f"heartbeat {beat})"
    )


def _who(folder: Path) -> dict[str, object]:
    with suppress(OSError, ValueError, RecursionError, IntegrityError):
        who = json.loads(read_regular(folder / LOCK))
        return who if isinstance(who, dict) else {}
    return {}


def _is_there(folder: Path) -> bool:
    return (folder / LOCK).exists()


def _is_fresh(folder: Path) -> bool:
    age = _age(folder)
    return age is not None and age < STALE


def _is_here(folder: Path) -> bool:
    return _who(folder).get("host") == socket.gethostname()


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
