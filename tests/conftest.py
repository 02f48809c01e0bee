"""What several tests share: real rows where they are to be had, and the job as a user runs it."""

import importlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256
from pathlib import Path

import pytest

from segment_lib.storage.files import files_below
from segment_lib.storage.s3 import S3Path
from tests.canary import CANARY, planted
from tests.objects import at, new_bucket, object_store

ROOT = Path(__file__).parent.parent
Completed = subprocess.CompletedProcess[str]
RunJob = Callable[..., Completed]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Iterator[pytest.TestReport]:
    """Fail a test during which a log line or a printed one quotes what is planted in cells."""
    report: pytest.TestReport = yield
    if any(CANARY in text for _, text in report.sections):
        report.outcome, report.longrepr = "failed", "a line quotes a cell"
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print how many kinds of input were tried, and how the estimators compare with dask-ml's."""
    from tests.estimators import FIGURES
    from tests.kinds import KINDS

    for title, lines in (("kinds of input", KINDS.lines()), ("estimators", FIGURES.lines())):
        if lines:
            terminalreporter.section(title)
            for line in lines:
                terminalreporter.write_line(line)


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real rows named in REAL_DATA."""
    folder = os.environ.get("REAL_DATA")
    if not folder:
        pytest.skip("REAL_DATA is not set: it names the folder of real census rows")
    return Path(folder)


@pytest.fixture(scope="session")
def run_job() -> RunJob:
    """The job in a process of its own, from a folder that is not the project's."""

    def run(module: str, *arguments: object, cwd: Path = ROOT) -> Completed:
        command: Sequence[str] = [sys.executable, "-m", module, *map(str, arguments)]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        done = subprocess.run(
            command, cwd=cwd, env=environment,
            capture_output=True, text=True, timeout=600, check=False,
        )  # fmt: skip
        assert CANARY not in done.stdout + done.stderr, f"a line of {module} quotes a cell"
        return done

    return run


@pytest.fixture(scope="session")
def census_config(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project's config for the census rows, where it finds them; a shorter sweep."""
    home = tmp_path_factory.mktemp("census")
    (home / "data").symlink_to(real_data)
    (home / "config").mkdir()
    path = home / "config" / "census.toml"
    shipped = (ROOT / "config" / "census.toml").read_text()
    path.write_text(shipped + "\n[model]\nsweep = [2, 6]\n")
    return path


def write_delivery(run_job: RunJob, folder: Path, *options: object, more: str) -> Path:
    """A config beside extracts generated as told, in which the canary sits; `more` goes into it."""
    made = run_job("jobs.make_extracts", *options, "--out", folder)
    assert made.returncode == 0, made.stderr
    for name in ("Udacity_AZDIAS_Subset.csv", "Udacity_CUSTOMERS_Subset.csv"):
        (folder / name).write_text(planted((folder / name).read_text()))
    path = folder / "azdias.toml"
    path.write_text(
        '[inputs]\npopulation = "Udacity_AZDIAS_Subset.csv"\n'
        'customers = "Udacity_CUSTOMERS_Subset.csv"\n'
        'feature_summary = "AZDIAS_Feature_Summary.csv"\n' + more
    )
    return path


@pytest.fixture(scope="session")
def small_config(run_job: RunJob, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A config beside small generated extracts, in a few parts; a short sweep."""
    return write_delivery(
        run_job, tmp_path_factory.mktemp("small"),
        "--rows", 8_000, "--customers", 4_000, "--seed", 5,
        more='data_dictionary = "Data_Dictionary.md"\n'
        "[model]\nsweep = [3, 6]\n[run]\nrows_per_part = 1_000\n",
    )  # fmt: skip


@pytest.fixture(scope="session")
def small_run(small_config: Path, run_job: RunJob) -> Path:
    """The finished run of it; copy it before changing anything."""
    folder = small_config.parent / "run"
    done = run_job("jobs.run", small_config, "--run-dir", folder)
    assert done.returncode == 0, done.stderr
    return folder


SMALL = ("--set", "run.rows_per_part=5_000", "--set", "model.sweep=[3,4]")
"""Many parts and few numbers of segments."""


@pytest.fixture(scope="session")
def census_run(
    census_config: Path, run_job: RunJob, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A SMALL run of census rows on this machine's threads."""
    run = tmp_path_factory.mktemp("threads") / "census"
    done = run_job("jobs.run", census_config, "--run-dir", run, *SMALL)
    assert done.returncode == 0, done.stderr
    return run


@pytest.fixture(scope="session")
def on_threads(census_run: Path) -> dict[str, str]:
    """The files of that run by sha256."""
    return hashes(census_run)


def hashes(run: Path) -> dict[str, str]:
    """sha256 of every file of a run but run.json and the page, which tell the time."""
    return {
        str(path.relative_to(run)): sha256(path.read_bytes()).hexdigest()
        for path in sorted(files_below(run))
        if path.name not in ("run.json", "index.html")
    }


@pytest.fixture(scope="session")
def store_port() -> Iterator[int]:
    """The port on loopback of an object store."""
    with object_store() as port:
        yield port


@pytest.fixture
def bucket(store_port: int) -> Iterator[S3Path]:
    """An empty bucket of the object store, which the environment tells of."""
    with at(store_port):
        yield new_bucket()


@pytest.fixture
def call(capfd: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, list[str]]]:
    """A command in this process: its exit code and the lines it said on standard error.

    One that does not end within a minute fails the test.
    """

    def too_long(*_: object) -> None:
        raise AssertionError("the command hangs")

    def run(command: str, *arguments: object) -> tuple[int, list[str]]:
        module = importlib.import_module(f"jobs.{command}")
        capfd.readouterr()
        before = signal.signal(signal.SIGALRM, too_long)
        signal.alarm(60)
        try:
            with pytest.raises(SystemExit) as left:
                module.main([str(argument) for argument in arguments])
        finally:
            signal.alarm(0)
            signal.signal(signal.SIGALRM, before)
        code = left.value.code
        assert isinstance(code, int)
        return code, capfd.readouterr().err.splitlines()

    return run
