"""Real Dask clusters for tests: a scheduler and workers in processes of their own."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

ENVIRONMENT = {"POLARS_MAX_THREADS": "1"}


@dataclass
class Cluster:
    """A scheduler, its workers, and what they log."""

    home: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    running: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def scheduler_file(self) -> Path:
        return self.home / "scheduler.json"

    @property
    def logs(self) -> str:
        return "".join(log.read_text() for log in sorted(self.home.glob("*.log")))

    def start(
        self,
        kind: str,
        *options: str,
        environment: Mapping[str, str] | None = None,
        within: Sequence[str] = (),
    ) -> subprocess.Popen[bytes]:
        """Start `dask scheduler` or `dask worker`.

        Parameters
        ----------
        within : a command that runs the one after it, such as unshare
        """
        command = [
            *within, sys.executable, "-m", f"distributed.cli.dask_{kind}",
            "--scheduler-file", str(self.scheduler_file), "--no-dashboard", *options,
        ]  # fmt: skip
        with (self.home / f"{kind}-{len(self.running)}.log").open("wb") as log:
            process = subprocess.Popen(
                command,
                cwd=self.home,
                env={**os.environ, **ENVIRONMENT, **self.environment, **(environment or {})},
                stdout=subprocess.DEVNULL,
                stderr=log,
                start_new_session=True,
            )
        self.running.append(process)
        return process

    def scheduler(self, *options: str) -> Path:
        """Start a scheduler, by default on loopback, and give its file once it is there."""
        process = self.start("scheduler", "--port", "0", *(options or ("--host", "127.0.0.1")))
        for _ in range(600):
            if self.scheduler_file.exists():
                return self.scheduler_file
            if process.poll() is not None:
                break
            time.sleep(0.1)
        raise AssertionError(self.logs)

    def worker(
        self,
        *options: str,
        host: str = "127.0.0.1",
        environment: Mapping[str, str] | None = None,
        within: Sequence[str] = (),
    ) -> subprocess.Popen[bytes]:
        """Start a worker of one thread."""
        return self.start(
            "worker", "--host", host, "--nthreads", "1", "--no-nanny", *options,
            "--local-directory", str(self.home / "spill"),
            environment=environment, within=within,
        )  # fmt: skip

    def stop(self) -> None:
        # At once, with all their children: nothing of a test's cluster is worth saving.
        for process in self.running:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@contextmanager
def cluster(home: Path, environment: Mapping[str, str] | None = None) -> Iterator[Cluster]:
    """A cluster to be started piece by piece, gone in the end."""
    home.mkdir(exist_ok=True)
    running = Cluster(home, environment or {})
    try:
        yield running
    finally:
        running.stop()
