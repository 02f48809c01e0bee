"""Measurement of a command: wall time, CPU time and memory of all its processes together.

Memory is resident memory summed over the processes, looked at every 50 ms. It counts pages that two
of them share twice: of what is measured here only Spark has more than one process, a small Python
beside its JVM, which share nothing but system libraries. (PSS would not, but reading it walks all
pages of a process: far too dear twenty times a second.)
"""

import os
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import psutil

_KIB_PER_MIB = 1024
_PATIENCE = 15.0
"""Seconds for which processes may outlive the one that was started."""


@dataclass(frozen=True)
class Measured:
    """Figures of a command that has ended."""

    command: tuple[str, ...]
    exit_code: int
    """Negative: the signal that ended it."""
    seconds: float
    """From start to end of the process started."""
    cpu_seconds: float
    """User and system time of all processes, those already gone included."""
    peak_mib: float
    """Largest resident memory of all processes at one moment."""
    processes: int
    """Most processes seen at one moment."""
    others_cpu_seconds: float
    """CPU time of all else on the machine meanwhile: what it was disturbed by."""
    stdout: str
    stderr: str


def measure(
    command: Sequence[str],
    *,
    timeout: float = 7200.0,
    every: float = 0.05,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
) -> Measured:
    """Run a command to its end, in a session of its own: all processes of the session count.

    Parameters
    ----------
    timeout : seconds after which all its processes are killed
    every : seconds between two looks
    env : variables set for it beside those of this process
    """
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        busy, began = _busy_seconds(), time.monotonic()
        started = subprocess.Popen(
            command,
            stdout=out,
            stderr=err,
            cwd=cwd,
            env={**os.environ, **(env or {})},
            start_new_session=True,
        )
        session = _Session(started.pid)
        ended = threading.Event()
        watch = threading.Thread(target=_watch, args=(session, ended, every, timeout))
        watch.start()
        # The kernel's own account: the process and all descendants that were waited for.
        _, status, usage = os.wait4(started.pid, 0)
        seconds, busy = time.monotonic() - began, _busy_seconds() - busy
        started.returncode = os.waitstatus_to_exitcode(status)
        ended.set()
        watch.join()
        _outlive(session, every)
        cpu_seconds = max(usage.ru_utime + usage.ru_stime, session.cpu_seconds)
        return Measured(
            command=tuple(command),
            exit_code=started.returncode,
            seconds=round(seconds, 3),
            cpu_seconds=round(cpu_seconds, 3),
            peak_mib=round(session.peak_kib / _KIB_PER_MIB, 1),
            processes=session.most,
            others_cpu_seconds=round(max(busy - cpu_seconds, 0.0), 3),
            stdout=_text(out),
            stderr=_text(err),
        )


@dataclass
class _Session:
    """The processes of a session, as seen so far. Parents that end take nobody out of it."""

    leader: int
    peak_kib: int = 0
    most: int = 0
    cpu: dict[int, float] = field(default_factory=dict)
    """Process to its own CPU seconds when last seen."""

    @property
    def cpu_seconds(self) -> float:
        return sum(self.cpu.values())

    def members(self) -> list[int]:
        return [pid for pid in psutil.pids() if _session_of(pid) == self.leader]

    def look(self) -> None:
        resident = 0
        members = self.members()
        for pid in members:
            try:
                now, highest = _resident_kib(pid)
                times = psutil.Process(pid).cpu_times()
            except (OSError, psutil.Error):
                continue
            resident += now
            # A process alone is known to its peak even between two looks.
            self.peak_kib = max(self.peak_kib, highest)
            self.cpu[pid] = times.user + times.system
        self.peak_kib = max(self.peak_kib, resident)
        self.most = max(self.most, len(members))

    def kill(self) -> None:
        for pid in self.members():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue


def _watch(session: _Session, ended: threading.Event, every: float, timeout: float) -> None:
    until = time.monotonic() + timeout
    session.look()
    while not ended.wait(every):
        session.look()
        if time.monotonic() > until:
            session.kill()


def _outlive(session: _Session, every: float) -> None:
    """Wait for processes that outlive their leader, then end them: the next to run runs alone."""
    until = time.monotonic() + _PATIENCE
    while session.members() and time.monotonic() < until:
        session.look()
        time.sleep(every)
    session.kill()


def _session_of(pid: int) -> int | None:
    try:
        return os.getsid(pid)
    except OSError:
        return None


def _busy_seconds() -> float:
    """CPU seconds of the whole machine since it started; guests are counted as users already."""
    times = psutil.cpu_times()
    return float(times.user + times.nice + times.system + times.irq + times.softirq)


def _resident_kib(pid: int) -> tuple[int, int]:
    """Resident memory of a process now, and at its highest since it began to run its program."""
    sizes = {"VmRSS": 0, "VmHWM": 0}
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        name, _, value = line.partition(":")
        if name in sizes:
            sizes[name] = int(value.split()[0])
    return sizes["VmRSS"], sizes["VmHWM"]


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode(errors="replace")
