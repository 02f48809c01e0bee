"""What the documentation tells readers to run, for tests that run it."""

import re

from tests.conftest import ROOT


def recipe(name: str) -> str:
    """The block of docs/cluster.md that is marked so."""
    text = (ROOT / "docs" / "cluster.md").read_text()
    (found,) = re.findall(rf"^```\w+ {name}\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    return found
