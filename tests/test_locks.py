"""The two locks: what a run installs, and what tests and checks install."""

import re
import tomllib

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.conftest import ROOT

RUN, DEVELOP = "requirements.lock", "requirements-dev.lock"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]


def _pins(lock: str) -> dict[str, str]:
    """The version of each package."""
    lines = (ROOT / lock).read_text().splitlines()
    return dict(re.findall(r"^([\w.-]+)==([\w.+]+)", "\n".join(lines), flags=re.MULTILINE))


@pytest.mark.parametrize("lock", [RUN, DEVELOP])
def test_a_lock_pins_each_package_by_hash_and_holds_no_address(lock: str) -> None:
    text = (ROOT / lock).read_text().replace("\\\n", " ")
    for line in text.splitlines():
        assert re.fullmatch(r"[a-z0-9.-]+==[\w.+]+ (\s+--hash=sha256:[0-9a-f]{64})+", line), line


def test_a_run_takes_at_most_sixty_packages_and_no_tool_of_tests() -> None:
    pins = _pins(RUN)
    assert len(pins) <= 60
    assert not {
        "hypothesis",
        "moto",
        "mypy",
        "pip-audit",
        "pytest",
        "ruff",
        "selenium",
        "uv",
    } & set(pins)


def test_who_develops_has_what_runs() -> None:
    assert _pins(RUN).items() <= _pins(DEVELOP).items()


@pytest.mark.parametrize(
    ("lock", "extras"), [(RUN, ["excel"]), (DEVELOP, ["excel", "delta", "sql", "onnx", "dev"])]
)
def test_a_lock_holds_what_the_project_asks_for(lock: str, extras: list[str]) -> None:
    pins = _pins(lock)
    asked = [*PROJECT["dependencies"], *(line for extra in extras for line in EXTRAS[extra])]
    for requirement in map(Requirement, asked):
        assert pins[canonicalize_name(requirement.name)] in requirement.specifier
