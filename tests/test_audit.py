"""What `make audit` says of what pip-audit found, or could not ask."""

import json
import runpy
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

CLEAN = {"name": "a", "version": "1", "vulns": []}
FAULTY = {"name": "b", "version": "2", "vulns": [{"id": "PYSEC-1", "fix_versions": ["3"]}]}
UNKNOWN = {"name": "c", "skip_reason": "not found"}


def answering(folder: Path, answer: str) -> list[str]:
    """A command in the place of pip-audit, which asks the network."""
    (folder / "answer.py").write_text(f"print({answer!r})")
    return [sys.executable, str(folder / "answer.py")]


@pytest.mark.parametrize(
    ("packages", "code", "message"),
    [
        ([CLEAN], 0, "0 of 1 packages have known vulnerabilities; 0 could not"),
        ([CLEAN, FAULTY], 1, "b 2: PYSEC-1, fixed in 3"),
        ([CLEAN, UNKNOWN], 0, "0 of 1 packages have known vulnerabilities; 1 could not"),
        ([UNKNOWN, UNKNOWN], 2, "nothing was audited"),
        (None, 2, "nothing was audited"),
    ],
)
def test_the_audit_says_what_is_known(tmp_path, capsys, packages, code, message):
    answer = "no network" if packages is None else json.dumps({"dependencies": packages})
    audit = runpy.run_path(str(ROOT / ".ci" / "audit"))["audit"]
    assert audit("requirements-dev.lock", answering(tmp_path, answer)) == code
    assert message in capsys.readouterr().out
