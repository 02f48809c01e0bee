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

from segment_lib.errors import ConfigError
from segment_lib.lease import only_job_of, refuse_holder
from segment_lib.s3 import S3Path
from segment_lib.store import write_file

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
            raise _at_work(folder)
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
            raise _at_work(folder)
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


def _at_work(folder: Path) -> ConfigError:
    return ConfigError(
        f"{folder}: another job is at work here: {_holder(folder)}. Wait for it, or choose another "
        "--run-dir."
    )


def _holder(folder: Path) -> str:
    told = _told(folder)
    if not told:
        return "one that does not say who it is"
    age = time.time() - (folder / LOCK).stat().st_mtime if _is_there(folder) else 0
    return (
        f"process {told.get('pid')} on {told.get('host')} (since {told.get('since')}, last "
        f"heartbeat {max(age, 0):.0f} s ago)"
    )


def _told(folder: Path) -> dict[str, object]:
    with suppress(OSError, ValueError):
        told = json.loads((folder / LOCK).read_bytes())
        return told if isinstance(told, dict) else {}
    return {}


def _is_there(folder: Path) -> bool:
    return (folder / LOCK).exists()


def _is_fresh(folder: Path) -> bool:
    with suppress(OSError):
        return time.time() - (folder / LOCK).stat().st_mtime < STALE
    return False


def _is_here(folder: Path) -> bool:
    return _told(folder).get("host") == socket.gethostname()


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
