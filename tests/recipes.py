"""What the documentation tells readers to run, for tests that run it."""

import re

from tests.conftest import ROOT


def recipe(name: str, page: str = "cluster.md") -> str:
    """The block of a page of the documentation that is marked so."""
    text = (ROOT / "docs" / page).read_text()
    (recipe_text,) = re.findall(rf"^```\w+ {name}\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    return recipe_text
