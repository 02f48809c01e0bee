"""The tables of the pages are those that the code declares, and their links lead somewhere."""

import re
from pathlib import Path

import pytest

from docs.tables import PAGES, sentences, with_tables
from segment_lib.config.sections import SECTIONS
from segment_lib.schema.values import keys
from tests.conftest import ROOT

LINKED = [
    *sorted((ROOT / "docs").rglob("*.md")),
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md")),
]
LINK = re.compile(r"\]\((?!https?:)([^)#\s]*)#?([^)\s]*)\)")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_tables_of_a_page_are_those_that_make_docs_writes(page):
    text = page.read_text(encoding="utf-8")
    assert text.count("<!-- end -->") == 1
    assert with_tables(text) == text


@pytest.mark.parametrize("section", SECTIONS.values(), ids=SECTIONS)
def test_every_key_has_a_sentence(section):
    assert keys(section).keys() <= sentences(section).keys()


def anchors(page: Path) -> set[str]:
    """The names that headings of a page have in links: GitHub's rule."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in headings}


@pytest.mark.parametrize("page", LINKED, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_of_a_page_leads_to_a_file_and_a_heading(page):
    for path, anchor in LINK.findall(page.read_text(encoding="utf-8")):
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), path
        assert not anchor or anchor in anchors(target), f"{path}#{anchor}"
