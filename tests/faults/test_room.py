"""No room, or no leave, to write: exit code 4, one line, nothing half, and the rerun goes on."""

import ctypes
import os
import resource
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from segment_lib.run.integrity import faults
from segment_lib.run.manifest import Manifest
from tests.conftest import ROOT, Completed, hashes

PR_CAPBSET_DROP, CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH = 24, 1, 2
"""Of Linux (prctl.h, capability.h)."""
LIMITS = [3, 20, 110, 400] if os.environ.get("FAULTS") == "all" else [110]
"""KiB; each hits another stage, the last one the report."""


def start(
    config: Path, run: Path, before: Callable[[], None] | None = None, *more: str
) -> Completed:
    command = [sys.executable, "-m", "jobs.run", str(config), "--run-dir", str(run), *more]
    return subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False, preexec_fn=before
    )


def files_up_to(size: int) -> Callable[[], None]:
    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    return limit


def told_in_one_line(done: Completed) -> None:
    assert done.returncode == 4, done.stderr
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("error")]
    assert "--run-dir" in line
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("kib", LIMITS)
def test_files_that_may_not_grow_end_the_job_cleanly_and_it_goes_on(
    small_config: Path, small_run: Path, tmp_path: Path, kib: int
) -> None:
    run = tmp_path / "run"
    told_in_one_line(start(small_config, run, files_up_to(kib * 1024), "--threads", "1"))
    assert faults(Manifest(run)) == []
    assert not (run / ".lock").exists()
    done = start(small_config, run)
    assert done.returncode == 0, done.stderr
    assert hashes(run) == hashes(small_run)


@contextmanager
def tmpfs(disk: Path, size: str) -> Iterator[Path]:
    """A file system of some size, where one may be made."""
    disk.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size},mode=0700", "tmpfs", str(disk)],
        capture_output=True,
        check=False,
    )
    if made.returncode:
        pytest.skip("only root may mount a small file system; RLIMIT_FSIZE is tried all the same")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system on which a job has room, and 3 MiB once `filled` is on it."""
    with tmpfs(tmp_path / "disk", "24m") as disk:
        yield disk


def fill(disk: Path, run: Path) -> None:
    """Leave 3 MiB once the job has begun to write: others use the disk too."""
    while not run.exists():
        time.sleep(0.01)
    with (disk / "filled").open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, 21 << 20)


def test_a_disk_that_fills_up_ends_the_job_cleanly_and_it_goes_on(
    small_config: Path, small_run: Path, small_disk: Path, tmp_path: Path
) -> None:
    run = small_disk / "run"
    begun = run / "raw"
    filling = threading.Thread(target=fill, args=(small_disk, begun), daemon=True)
    filling.start()
    told_in_one_line(start(small_config, run))
    assert faults(Manifest(run)) == []
    shutil.move(run, tmp_path / "run")
    done = start(small_config, tmp_path / "run")
    assert done.returncode == 0, done.stderr
    assert "done before" in done.stderr
    assert hashes(tmp_path / "run") == hashes(small_run)


def without_privilege() -> None:
    """Root may write anywhere: a test of what may not be written gives that up before it begins."""
    if os.getuid() == 0:
        library = ctypes.CDLL(None, use_errno=True)
        for capability in (CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH):
            if library.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0):
                raise OSError(ctypes.get_errno(), "prctl")


@pytest.mark.parametrize("there", [True, False])
def test_a_folder_that_may_not_be_written_is_told(
    small_config: Path, tmp_path: Path, there: bool
) -> None:
    """The run folder itself, or the one it would be made in."""
    folder = tmp_path / "read-only"
    folder.mkdir(mode=0o555)
    run = folder if there else folder / "run"
    told_in_one_line(start(small_config, run, without_privilege))
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "mode"),
    [
        ("Udacity_AZDIAS_Subset.csv", 0o200),
        ("AZDIAS_Feature_Summary.csv", 0o200),
        ("Data_Dictionary.md", 0o200),
        ("", 0o600),
    ],
)
def test_an_input_that_may_not_be_read_is_named(
    small_config: Path, tmp_path: Path, name: str, mode: int
) -> None:
    """A file, or the folder of them all: bad input, and not a matter of room."""
    inputs = tmp_path / "inputs"
    inputs.mkdir()
    config_text = small_config.read_text()
    for file in (*small_config.parent.glob("*.csv"), *small_config.parent.glob("*.md")):
        shutil.copy(file, inputs)
        config_text = config_text.replace(f'"{file.name}"', f'"inputs/{file.name}"')
    (tmp_path / "job.toml").write_text(config_text)
    (inputs / name).chmod(mode)
    done = start(tmp_path / "job.toml", tmp_path / "run", without_privilege)
    inputs.chmod(0o700)
    assert done.returncode == 3, done.stderr
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("error")]
    assert line.startswith(f"error: {inputs / name}")
    assert "read" in line
    assert "Traceback" not in done.stderr
    assert "--run-dir" not in line


def test_a_suppression_file_that_may_not_be_read_is_named(small_run: Path, tmp_path: Path) -> None:
    (tmp_path / "robinson.txt").write_text("1\n")
    (tmp_path / "robinson.txt").chmod(0o200)
    command = [
        sys.executable, "-m", "jobs.export", small_run, "--depth", "0.2",
        "--suppress", tmp_path / "robinson.txt", "--out", tmp_path / "out",
    ]  # fmt: skip
    done = subprocess.run(
        list(map(str, command)), cwd=ROOT, capture_output=True, text=True, check=False,
        preexec_fn=without_privilege,
    )  # fmt: skip
    assert done.returncode == 3, done.stderr
    assert f"{tmp_path / 'robinson.txt'}: cannot be read" in done.stderr
