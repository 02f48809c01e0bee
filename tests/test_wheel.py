"""What the wheel installs, and what its commands say where the generator is not at hand."""

import ast
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from segment_lib.cluster.versions import code_below
from tests.conftest import ROOT, hashes

SOURCE = {"segment_lib": "segment_lib", "jobs": "segment_lib/jobs"}
"""Where the packages of a checkout are in the wheel."""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel as pip installs it, built from a copy so that nothing is left beside the code."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    for package in (*SOURCE, "extracts"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / package, source / package, ignore=ignored)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    pip = [sys.executable, "-m", "pip"]
    offline = ["--no-deps", "--no-index"]
    subprocess.run(
        [*pip, "wheel", ".", "--no-build-isolation", *offline, "--wheel-dir", str(folder)],
        cwd=source, check=True, timeout=300,
    )  # fmt: skip
    (wheel,) = folder.glob("*.whl")
    target = folder / "installed"
    subprocess.run(
        [*pip, "install", "--no-compile", *offline, "--target", str(target), str(wheel)],
        check=True, timeout=300,
    )  # fmt: skip
    return target


@pytest.fixture
def call(installed: Path, tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """A command line in an empty folder, where what the wheel installs comes first."""

    def call(*command: object) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            list(map(str, command)),
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(installed), "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
            check=False,
        )

    return call


def test_the_wheel_installs_one_package_and_one_command(installed: Path) -> None:
    names = {path.name for path in installed.iterdir() if not path.name.endswith(".dist-info")}
    assert names == {"segment_lib", "bin"}
    assert [path.name for path in (installed / "bin").iterdir()] == ["segments"]


def test_the_wheel_holds_every_file_of_its_packages(installed: Path) -> None:
    here = {
        Path(there) / path.relative_to(ROOT / package)
        for package, there in SOURCE.items()
        for path in (ROOT / package).rglob("*.*")
    }
    shipped = {path.relative_to(installed) for path in (installed / "segment_lib").rglob("*.*")}
    assert shipped == {path for path in here if "__pycache__" not in path.parts}


def test_the_installed_command_writes_the_run_that_a_checkout_writes(
    installed: Path, call, small_config: Path, small_run: Path, tmp_path: Path
) -> None:
    done = call(installed / "bin/segments", "run", small_config, "--run-dir", "run")
    assert done.returncode == 0, done.stderr
    assert hashes(tmp_path / "run") == hashes(small_run)
    stages, others = (
        json.loads((run / "run.json").read_text())["stages"]
        for run in (tmp_path / "run", small_run)
    )
    assert {name: stage["fingerprint"] for name, stage in stages.items()} == {
        name: stage["fingerprint"] for name, stage in others.items()
    }
    done = call(installed / "bin/segments", "export", "run", "--depth", "0.2")
    assert done.returncode == 0, done.stderr


def test_a_stage_alone_is_a_module_of_the_one_package(call, small_config: Path) -> None:
    done = call(sys.executable, "-m", "segment_lib.jobs.ingest", small_config, "--run-dir", "run")
    assert done.returncode == 0, done.stderr
    helped = call(sys.executable, "-m", "segment_lib.jobs.ingest", "--help").stdout
    assert helped.startswith("usage: python -m segment_lib.jobs.ingest ")


def test_code_has_the_hash_that_it_has_in_a_checkout(installed: Path, call) -> None:
    script = """
import segment_lib.jobs.run
from segment_lib.cluster.versions import code_of
print(segment_lib.jobs.__file__, code_of("segment_lib"), code_of("segment_lib.jobs"))
"""
    where, *codes = call(sys.executable, "-c", script).stdout.split()
    assert Path(where) == installed / "segment_lib/jobs/__init__.py"
    assert codes == [code_below(ROOT / package) for package in SOURCE]


def test_nothing_here_looks_for_a_package_named_jobs() -> None:
    for package in SOURCE:
        for path in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                match node:
                    case ast.Import(names=names):
                        modules = [alias.name for alias in names]
                    case ast.ImportFrom(module=str(module), level=0):
                        modules = [module]
                    case ast.Constant(str(text)) if text.startswith("jobs."):
                        modules = [text]
                    case _:
                        continue
                assert "jobs" not in {name.partition(".")[0] for name in modules}, path


@pytest.mark.parametrize("command", ["make_extracts", "make_years"])
def test_without_the_repository_the_generator_is_named_in_one_line(
    call, command: str, tmp_path: Path
) -> None:
    done = call(sys.executable, "-m", f"segment_lib.jobs.{command}", "--out", "made")
    assert done.returncode == 2
    assert done.stderr == (
        "error: extracts is not part of the wheel. Run the command in a checkout.\n"
    )
    assert not (tmp_path / "made").exists()
