"""The job on a real Slurm of one node, by the script of the documentation."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT, SMALL, hashes
from tests.recipes import recipe

DAEMONS = ("munged", "slurmctld", "slurmd")
CONFIG = """\
ClusterName=one
SlurmctldHost={node}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
SlurmUser=root
AuthInfo=socket={home}/munge.socket
ProctrackType=proctrack/pgid
TaskPlugin=task/none
SlurmctldPidFile={home}/slurmctld.pid
SlurmdPidFile={home}/slurmd.pid
SlurmdSpoolDir={home}/spool
StateSaveLocation={home}/state
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
MailProg=/bin/true
NodeName={node} NodeAddr=127.0.0.1 CPUs={cpus} RealMemory=9000 State=UNKNOWN
PartitionName=main Nodes={node} Default=YES MaxTime=INFINITE State=UP
"""
"""By slurm.conf(5): no accounting, no cgroups, one node under made-up ports."""


def free_ports(n: int) -> list[int]:
    servers = [socket.create_server(("127.0.0.1", 0)) for _ in range(n)]
    ports = [server.getsockname()[1] for server in servers]
    for server in servers:
        server.close()
    return ports


@pytest.fixture
def slurm(tmp_path: Path) -> Iterator[dict[str, str]]:
    """The environment in which Slurm's commands find the one that runs here."""
    absent = [
        name for name in DAEMONS if not shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin")
    ]
    if absent or os.geteuid():
        pytest.skip("Slurm runs as root from Debian's packages slurm-wlm and munge")
    home = tmp_path / "slurm"
    for folder in (home, home / "spool", home / "state"):
        folder.mkdir()
    (home / "munge.key").write_bytes(os.urandom(1024))
    (home / "munge.key").chmod(0o400)
    settings = CONFIG.format(
        node=socket.gethostname().split(".")[0], ports=free_ports(2), home=home, cpus=os.cpu_count()
    )
    (home / "slurm.conf").write_text(settings)
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}:/usr/sbin",
        "SLURM_CONF": str(home / "slurm.conf"),
    }
    munge = [
        "munged", "--foreground", "--force", f"--socket={home}/munge.socket",
        *[f"--{what}-file={home}/munge.{what}" for what in ("key", "log", "pid", "seed")],
    ]  # fmt: skip
    running = []
    with (home / "log").open("wb") as log:
        try:
            for command in (munge, ["slurmctld", "-D", "-c"], ["slurmd", "-D"]):
                daemon = subprocess.Popen(
                    command, env=environment, stdout=log, stderr=log, start_new_session=True
                )
                running.append(daemon)
            for _ in range(300):
                state = subprocess.run(
                    ["sinfo", "--noheader", "--format=%t"],
                    env=environment, capture_output=True, text=True, check=False,
                ).stdout.strip()  # fmt: skip
                if state == "idle":
                    break
                time.sleep(0.2)
            else:
                raise AssertionError((home / "log").read_text())
            yield environment
        finally:
            # Jobs are no children of ours: they go by Slurm, the daemons with theirs at once.
            subprocess.run(["scancel", "--user=root"], env=environment, check=False)
            for _ in range(50):
                if not subprocess.check_output(["squeue", "--noheader"], env=environment):
                    break
                time.sleep(0.2)
            for process in running:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def test_jobs_of_slurm_are_workers_and_write_the_bytes_that_threads_write(
    slurm: dict[str, str], census_config: Path, on_threads: dict[str, str], tmp_path: Path
) -> None:
    there = tmp_path / "census"
    home = tmp_path / "home"
    home.mkdir()
    (home / "slurm.py").write_text(
        recipe("slurm").replace('"/tmp/segments"', repr(str(tmp_path / "spill")))
    )
    certificates = recipe("tls").partition("dask scheduler")[0]
    command = f"{certificates}\npython slurm.py {census_config} --run-dir {there} {' '.join(SMALL)}"
    done = subprocess.run(
        ["bash", "-e", "-c", command],
        cwd=home, env={**slurm, "PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    logs = "".join(log.read_text() for log in home.glob("slurm-*.out"))
    assert done.returncode == 0, done.stderr + logs
    assert logs.count("Registered to:") == 2
    assert "tls://" in logs
    assert hashes(there) == on_threads
