"""The commands the README shows are run, in a copy of the project."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.conftest import ROOT

SKIPPED = shutil.ignore_patterns(
    ".git", "data", "runs", ".*_cache", "__pycache__", "*.egg-info", ".hypothesis", ".venv"
)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project that shares the environment."""
    folder = tmp_path_factory.mktemp("copy") / "project"
    shutil.copytree(ROOT, folder, ignore=SKIPPED)
    if (ROOT / ".venv").is_dir():
        (folder / ".venv").symlink_to(ROOT / ".venv")
    return folder


def _commands() -> list[str]:
    blocks = re.findall(r"```sh\n(.*?)```", (ROOT / "README.md").read_text(), flags=re.DOTALL)
    lines = [line.split("#")[0].strip() for block in blocks for line in block.splitlines()]
    return [line for line in lines if line]


def test_the_readme_shows_the_two_commands() -> None:
    assert {"make run", "make test"} <= set(_commands())


@pytest.mark.parametrize("command", [c for c in _commands() if c.startswith("make")])
def test_make_knows_every_target_the_readme_names(command: str) -> None:
    done = subprocess.run(
        [*command.split(), "--dry-run"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_make_run_gives_the_answer_and_then_has_nothing_to_do(project: Path) -> None:
    """Ten thousand rows instead of 891,221; all else is the default job."""
    if not (project / ".venv").exists():
        pytest.skip("no .venv beside the project: run by make test, which makes one")
    command = ["make", "run", "ROWS=10000", "CUSTOMERS=4000"]
    first = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
    assert first.returncode == 0, first.stderr
    assert "index" in first.stdout
    assert "far above" in first.stdout
    page = Path(re.findall(r"report: (.+)", first.stdout)[0])
    assert page == project / "runs/azdias/report/index.html"
    assert page.is_file()
    again = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
    assert again.returncode == 0, again.stderr
    assert again.stderr.count("done before") == 9
