"""How commands end: by a signal, without a reader, a stream or addresses enough."""

import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from jobs.command import exit_code
from segment_lib.errors import IntegrityError, JobError
from segment_lib.run import progress
from segment_lib.run.progress import start_logging
from segment_lib.schema.wording import printable
from tests.conftest import ROOT

SIGNALS = {signal.SIGTERM: 143, signal.SIGHUP: 129, signal.SIGINT: 130}


def start(*command: object, before: Callable[[], None] | None = None) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", *map(str, command)],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=before,
    )  # fmt: skip


def wait_for(holds: Callable[[], object], seconds: float = 60) -> None:
    until = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < until, "waited for too long"
        time.sleep(0.02)


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_ends_a_job_in_one_line_and_lifts_its_lock(
    small_config: Path, tmp_path: Path, number: signal.Signals
) -> None:
    run = tmp_path / "run"
    job = start("jobs.run", small_config, "--run-dir", run, "--no-progress")
    wait_for(lambda: list(run.glob(".work/encode-*")) or job.poll() is not None)
    job.send_signal(number)
    _, output = job.communicate(timeout=60)
    assert job.returncode == SIGNALS[number]
    assert [line for line in output.splitlines() if "stopped" in line] == output.splitlines()[-1:]
    assert "Traceback" not in output
    assert not (run / ".lock").exists()
    assert set(json.loads((run / "run.json").read_bytes())["stages"]) == {"ingest", "assess"}
    assert not list(run.rglob(".*.????????????????????????????????"))


def test_a_signal_that_is_told_as_another_error_ends_the_job_all_the_same() -> None:
    """As Polars does with a signal that comes while it reads for us."""

    def read() -> None:
        try:
            os.kill(os.getpid(), signal.SIGTERM)
        except KeyboardInterrupt:
            raise IntegrityError("a part that cannot be read") from None

    assert exit_code(read) == 143


def test_under_nohup_a_hang_up_ends_nothing() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        assert exit_code(lambda: os.kill(os.getpid(), signal.SIGHUP)) == 0
    finally:
        signal.signal(signal.SIGHUP, before)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_killed_make_extracts_leaves_no_process_behind(
    tmp_path: Path, number: signal.Signals
) -> None:
    job = start("jobs.make_extracts", "--rows", 2_000_000, "--out", tmp_path)
    started = psutil.Process(job.pid)
    try:
        # Two that draw, and the one that Python starts beside them.
        wait_for(lambda: len(started.children(recursive=True)) >= 3)
        wait_for(lambda: list(tmp_path.glob(".Udacity*")))
        below = started.children(recursive=True)
        job.send_signal(number)
        job.communicate(timeout=60)
    finally:
        job.kill()
    assert job.returncode == (143 if number == signal.SIGTERM else -number)
    _, alive = psutil.wait_procs(below, timeout=30)
    assert alive == []
    assert (list(tmp_path.glob(".Udacity*")) == []) == (number == signal.SIGTERM)


def test_nobody_reads_what_is_printed(small_run: Path, small_config: Path) -> None:
    for command in ("jobs.verify --help", f"jobs.history {small_run.parent}",
                    f"jobs.run {small_config} --run-dir {small_run} --dry-run"):  # fmt: skip
        reader, writer = os.pipe()
        os.close(reader)
        done = subprocess.run(
            [sys.executable, "-m", *command.split()], cwd=ROOT, stdout=writer,
            stderr=subprocess.PIPE, text=True, check=False,
        )  # fmt: skip
        os.close(writer)
        assert done.returncode in (0, 120 if "--help" in command else 0), done.stderr
        assert "Traceback" not in done.stderr


@pytest.mark.parametrize("closed", [(1,), (2,), (1, 2), (0, 1, 2)])
def test_a_stream_that_is_closed_gets_nothing_and_nothing_gets_into_its_place(
    small_run: Path, tmp_path: Path, closed: tuple[int, ...]
) -> None:
    """A file opened next would have the number of the stream, and what is said would get in it."""

    def close() -> None:
        for number in closed:
            os.close(number)

    command = [sys.executable, "-m", "jobs.export", small_run, "--depth", "0.1", "--out", tmp_path]
    done = subprocess.run(list(map(str, command)), cwd=ROOT, preexec_fn=close, check=False)
    assert done.returncode == 0
    summary = json.loads((tmp_path / "targets.json").read_bytes())
    assert summary["listed"] == len((tmp_path / "targets.csv").read_bytes().splitlines()) - 1
    assert not (small_run / ".lock").exists()


@pytest.mark.parametrize(("gib", "what"), [(2, "jobs.verify"), (8, "jobs.run")])
def test_too_few_addresses_are_told_at_the_start(
    small_config: Path, small_run: Path, tmp_path: Path, gib: int, what: str
) -> None:
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (gib << 30, gib << 30))

    run = tmp_path / "run"
    arguments = (small_config, "--run-dir", run) if what == "jobs.run" else (small_run,)
    job = start(what, *arguments, before=limit)
    _, output = job.communicate(timeout=60)
    assert job.returncode == 4, output
    (line,) = output.splitlines()
    assert f"limited to {gib}.0 GiB (ulimit -v)" in line
    assert "ulimit -v unlimited" in line


# What is said of errors


def raising(error: BaseException) -> Callable[[], None]:
    def act() -> None:
        raise error

    return act


class PanicException(BaseException):
    """Named as what Polars raises."""


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (FileNotFoundError(2, "", "/x/a.csv"), 3, "/x/a.csv: gone"),
        (OSError(36, "", "/x/" + "y" * 5000), 2, "File name too long"),
        (OSError(28, ""), 4, "No space left"),
        (OSError(5, "", "/x"), 4, "Input/output error"),
        (OSError(24, "", "/x"), 4, "Too many open files"),
        (MemoryError("secret"), 4, "Out of memory"),
        (PanicException("secret"), 3, "Polars cannot cope"),
        (BrokenPipeError(), 0, ""),
        (JobError("a\nb\x1b[2Jc\u202ed"), 1, r"a\nb\x1b[2Jc\u202ed"),
    ],
)
def test_what_a_user_can_cause_is_told_in_a_line(
    error: BaseException, code: int, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    start_logging("text")
    assert exit_code(raising(error)) == code
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == (code != 0)
    assert words in "".join(lines)
    assert "secret" not in "".join(lines)
    assert len("".join(lines)) < 500


def test_a_bug_shows_where_it_is_and_none_of_its_words(capsys: pytest.CaptureFixture[str]) -> None:
    start_logging("text")
    assert exit_code(raising(KeyError("secret"))) == 1
    output = capsys.readouterr().err
    assert output.startswith("Traceback")
    assert "secret" not in output


def test_lines_of_json_hold_no_marks_that_turn_them_around(
    capsys: pytest.CaptureFixture[str],
) -> None:
    start_logging("json")
    progress.log("größer\u202e\x1b\n", name="\u2066")
    line = capsys.readouterr().err
    assert line[:-1].isprintable()
    assert json.loads(line)["message"] == "größer\u202e\x1b\n"


@pytest.mark.parametrize(
    ("text", "shown"),
    [("größer – 5 %", "größer – 5 %"), ("a\nb", r"a\nb"), ("\x1b[31m", r"\x1b[31m"),
     ("\u202efdp", r"\u202efdp"), ("\ud800", r"\ud800"), ("\u200b", r"\u200b"), ("", "")],
)  # fmt: skip
def test_what_does_not_show_is_spelled_out(text: str, shown: str) -> None:
    assert printable(text) == shown
