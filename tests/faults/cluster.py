"""A real Dask cluster under TLS on loopback: processes that can be killed and started again."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import trustme


class TlsCluster:
    """A scheduler and workers, which have segment_lib but not jobs, in processes of their own."""

    def __init__(self, folder: Path, n_workers: int = 2) -> None:
        self._folder = folder
        self._n_workers = n_workers
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._started = 0
        authority, identity = trustme.CA(), folder / "identity.pem"
        issued = authority.issue_cert("localhost", "127.0.0.1")
        authority.cert_pem.write_to_path(folder / "authority.pem")
        issued.private_key_and_cert_chain_pem.write_to_path(identity)
        identity.chmod(0o600)
        tls = {"CA_FILE": folder / "authority.pem"}
        for role in ("CLIENT", "SCHEDULER", "WORKER"):
            tls |= {f"{role}__CERT": identity, f"{role}__KEY": identity}
        self.environment = os.environ | {
            "DASK_DISTRIBUTED__COMM__REQUIRE_ENCRYPTION": "True",
            **{f"DASK_DISTRIBUTED__COMM__TLS__{key}": str(path) for key, path in tls.items()},
        }
        """What a client needs to be let in."""

    @property
    def scheduler_file(self) -> Path:
        return self._folder / f"scheduler-{self._started}.json"

    def start(self) -> None:
        """A new scheduler with new workers."""
        self.stop()
        self._started += 1
        self._spawn("scheduler", "--protocol", "tls", "--port", "0", "--scheduler-file",
                    str(self.scheduler_file))  # fmt: skip
        for _ in range(600):
            if self.scheduler_file.exists():
                break
            time.sleep(0.05)
        self.repair()

    def repair(self) -> None:
        """New workers in the place of dead ones, and all anew if the scheduler is dead."""
        if self._processes["scheduler"].poll() is not None:
            self.start()
            return
        for i in range(self._n_workers):
            name = f"worker-{i}"
            if name not in self._processes or self._processes[name].poll() is not None:
                self._spawn(
                    name, "--scheduler-file", str(self.scheduler_file), "--nthreads", "1",
                    "--no-nanny", "--local-directory", str(self._folder / name),
                )  # fmt: skip

    def kill(self, name: str) -> None:
        """The end of a process, at once."""
        self._processes[name].send_signal(signal.SIGKILL)
        self._processes[name].wait()

    def stop(self) -> None:
        for process in self._processes.values():
            process.kill()
        for process in self._processes.values():
            process.wait()
        self._processes.clear()

    def logs(self) -> str:
        """All that scheduler and workers have said so far."""
        return "".join(path.read_text() for path in sorted(self._folder.glob("*.log")))

    def _spawn(self, name: str, *arguments: str) -> None:
        module = f"distributed.cli.dask_{name.partition('-')[0]}"
        command = [sys.executable, "-m", module, "--host", "127.0.0.1", "--no-dashboard"]
        with (self._folder / f"{name}.log").open("ab") as log:
            self._processes[name] = subprocess.Popen(
                [*command, *arguments], cwd=self._folder, env=self.environment, stderr=log,
                stdout=log,
            )  # fmt: skip
