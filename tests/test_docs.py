"""The tables of the pages are those that the code declares."""

import pytest

from docs.tables import PAGES, sentences, with_tables
from segment_lib.config.sections import SECTIONS
from segment_lib.schema.values import keys


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_tables_of_a_page_are_those_that_make_docs_writes(page):
    text = page.read_text(encoding="utf-8")
    assert text.count("<!-- end -->") == 1
    assert with_tables(text) == text


@pytest.mark.parametrize("section", SECTIONS.values(), ids=SECTIONS)
def test_every_key_has_a_sentence(section):
    assert keys(section).keys() <= sentences(section).keys()
