"""What the wheel installs, and what its commands say where the generator is not at hand."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

from tests.conftest import ROOT


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The content of the wheel, built from a copy so that nothing is left beside the code."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    for package in ("segment_lib", "jobs", "extracts"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / package, source / package, ignore=ignored)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    command = [sys.executable, "-m", "pip", "wheel", ".", "--no-deps", "--no-build-isolation"]
    subprocess.run(
        [*command, "--no-index", "--wheel-dir", str(folder)], cwd=source, check=True, timeout=300
    )
    (wheel,) = folder.glob("*.whl")
    ZipFile(wheel).extractall(folder / "installed")
    return folder / "installed"


def test_the_wheel_installs_the_library_and_the_jobs_alone(installed: Path) -> None:
    names = {path.name for path in installed.iterdir() if not path.name.endswith(".dist-info")}
    assert names == {"segment_lib", "jobs"}


def test_the_wheel_installs_one_command(installed: Path) -> None:
    (points,) = installed.glob("*.dist-info/entry_points.txt")
    lines = points.read_text().splitlines()
    assert lines == ["[console_scripts]", "segments = jobs.segments:main"]


def test_the_wheel_holds_every_file_of_its_packages(installed: Path) -> None:
    for package in ("segment_lib", "jobs"):
        here = {path.relative_to(ROOT) for path in (ROOT / package).rglob("*.*")}
        shipped = {path.relative_to(installed) for path in (installed / package).rglob("*.*")}
        assert shipped == {path for path in here if "__pycache__" not in path.parts}


@pytest.mark.parametrize("command", ["make_extracts", "make_years"])
def test_without_the_repository_the_generator_is_named_in_one_line(
    installed: Path, command: str
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", f"jobs.{command}", "--out", "made"],
        cwd=installed,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr == (
        "error: extracts is not part of the wheel. Run the command in a checkout.\n"
    )
    assert not (installed / "made").exists()
