"""The one command: what it says, what it hands over to, and how little it loads for help."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from segment_lib.config import load_config
from tests.conftest import ROOT

HEAVY = {"polars", "dask", "numpy", "pyarrow", "sklearn", "altair", "numba"}
COMMANDS = ("draft", "run", "refresh", "export", "response", "verify", "history", "clean", "demo")


def segments(
    *arguments: object, cwd: Path = ROOT, python: tuple[str, ...] = (), **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run the command as the wheel's script does."""
    script = "import sys; sys.argv[0] = 'segments'; from jobs.segments import main; main()"
    return subprocess.run(
        [sys.executable, *python, "-c", script, *map(str, arguments)],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_alone_it_says_what_to_do_first() -> None:
    done = segments()
    assert done.returncode == 0
    assert "segments draft everybody.csv customers.csv" in done.stdout
    assert len(done.stdout.splitlines()) <= 24


def test_help_lists_every_command_and_the_way_to_completion() -> None:
    shown = segments("--help").stdout
    assert all(f"\n    {name} " in shown for name in COMMANDS)
    assert "register-python-argcomplete segments" in shown


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_loads_no_library_and_teaches_by_examples(command: str) -> None:
    done = segments(*filter(None, [command]), "--help", python=("-X", "importtime"))
    assert done.returncode == 0, done.stderr
    loaded = {
        line.rpartition("|")[2].strip().partition(".")[0] for line in done.stderr.splitlines()
    }
    assert "argparse" in loaded
    assert not loaded & HEAVY
    assert f"\n  segments {command or 'draft'}" in done.stdout.replace("    segments", "  segments")
    assert "python -m jobs" not in done.stdout


def test_the_version_is_that_of_the_library() -> None:
    from segment_lib import __version__

    assert segments("--version").stdout == f"segments {__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["rum"], "invalid choice: 'rum'"),
        (["run"], "the following arguments are required: config"),
        (["run", "a.toml", "--until", "fot"], "fot is none of ingest, assess"),
        (["export", "runs/a", "--depth", "2"], "a share above 0 and up to 1"),
    ],
)
def test_slips_are_told_in_a_line_with_code_2(arguments: list[str], words: str) -> None:
    done = segments(*arguments)
    assert done.returncode == 2
    assert words in done.stderr.splitlines()[-1]


def test_it_hands_over_with_arguments_and_exit_code(tmp_path: Path) -> None:
    done = segments("verify", tmp_path)
    assert (done.returncode, done.stderr) == (
        2,
        f"error: {tmp_path}: no run.json. Name the folder of a run.\n",
    )


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("segments ex", ["export "]),
        ("segments export --de", ["--depth "]),
        ("segments v", ["verify "]),
    ],
)
def test_tab_completes_commands_and_options(typed: str, offered: list[str], tmp_path: Path) -> None:
    answer = tmp_path / "answer"
    done = segments(
        _ARGCOMPLETE="1",
        _ARGCOMPLETE_STDOUT_FILENAME=str(answer),
        _ARGCOMPLETE_IFS="\n",
        COMP_LINE=typed,
        COMP_POINT=str(len(typed)),
    )
    assert done.returncode == 0, done.stderr
    assert answer.read_text().split("\n") == offered


def test_the_default_config_is_copied_and_can_be_read(tmp_path: Path) -> None:
    done = segments("demo", "--config", "-o", "mine", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("next:    segments run mine/azdias.toml\n")
    config = load_config(tmp_path / "mine/azdias.toml")
    assert config.inputs.population == str(tmp_path / "mine/data/azdias/Udacity_AZDIAS_Subset.csv")
    assert segments("demo", "--config", "-o", "mine", cwd=tmp_path).returncode == 2


def test_the_demo_is_ready_to_run(tmp_path: Path) -> None:
    assert segments("demo", "--rows", "500", cwd=tmp_path).returncode == 0
    done = segments("run", "demo/azdias.toml", "--dry-run", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
