"""The job's own PDF, read back: what stands open on the page, for every reader."""

import re
from collections.abc import Iterator
from dataclasses import replace
from html import unescape
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from pypdf import PdfReader
from pypdf.generic import ArrayObject, DictionaryObject, IndirectObject

from segment_lib.report import RunFacts, write_report
from segment_lib.schema.language import Language

A4 = (595, 842)
FOOTER = 60
"""Points from the bottom of a page within which its footer stands."""


@pytest.fixture(scope="module")
def pdf(report: Path) -> PdfReader:
    return PdfReader(report.parent / "report.pdf")


def text_of(pdf: PdfReader) -> str:
    """All text in reading order, without the ends of its lines."""
    pages = " ".join(page.extract_text() for page in pdf.pages)
    return re.sub(r"\s+", " ", pages.replace("\u00ad", "").replace("-\n", "-"))


def elements(node: Any) -> Iterator[DictionaryObject]:
    """Yield the elements of a tree of tags, in their order."""
    node = node.get_object() if isinstance(node, IndirectObject) else node
    if isinstance(node, ArrayObject):
        for child in node:
            yield from elements(child)
    elif isinstance(node, DictionaryObject):
        if "/S" in node:
            yield node
        yield from elements(node.get("/K"))


def tags(pdf: PdfReader) -> list[DictionaryObject]:
    return list(elements(pdf.root_object["/StructTreeRoot"]))


def test_it_is_tagged_and_says_that_every_reader_can_use_it(pdf: PdfReader) -> None:
    assert pdf.root_object["/MarkInfo"]["/Marked"]
    assert pdf.root_object["/Lang"] == "en"
    assert pdf.metadata is not None
    assert pdf.metadata.title == "Which people buy: 891,221 people and 191,652 customers compared"
    assert "<pdfuaid:part>1</pdfuaid:part>" in pdf.root_object["/Metadata"].get_data().decode()
    kinds = {str(tag["/S"]) for tag in tags(pdf)}
    assert {"/H1", "/H2", "/H3", "/P", "/Table", "/TH", "/Figure"} <= kinds


def test_every_chart_on_it_has_the_alternative_of_the_page(pdf: PdfReader, report: Path) -> None:
    html = re.sub(r"<details(?! [^>]*open).*?</details>", "", report.read_text(), flags=re.DOTALL)
    labels = re.findall(r'role="img" aria-label="([^"]*)"', html)
    figures = [str(tag["/Alt"]) for tag in tags(pdf) if tag["/S"] == "/Figure"]
    assert figures == [unescape(label) for label in labels] != []


def test_it_begins_with_the_first_sentence_of_the_page(pdf: PdfReader, report: Path) -> None:
    headline = re.search("<h1>(.*?)</h1>", report.read_text())
    assert headline is not None
    assert text_of(pdf).startswith(unescape(re.sub("<[^>]+>", "", headline[1])))


def test_what_is_folded_on_the_page_is_not_on_it(pdf: PdfReader, report: Path) -> None:
    folded = "Every attribute as read"
    assert f"<summary>{folded}</summary>" in report.read_text()
    assert folded not in text_of(pdf)


def test_no_heading_on_it_stands_over_nothing(pdf: PdfReader) -> None:
    """All of the components and of the run sheet is folded on the page."""
    text = "\n".join(page.extract_text() for page in pdf.pages)
    assert "For the analyst" in text
    assert "How many segments" in text
    assert "Run sheet" not in text
    assert "What the components stand for" not in text


def test_it_is_short_and_light(pdf: PdfReader, report: Path) -> None:
    assert len(pdf.pages) <= 8
    assert {tuple(round(float(side)) for side in page.mediabox[2:]) for page in pdf.pages} == {A4}
    assert (report.parent / "report.pdf").stat().st_size < 2_000_000


def test_no_page_before_the_last_is_half_empty(pdf: PdfReader) -> None:
    for number, page in enumerate(pdf.pages[:-1], start=1):
        lowest: list[float] = []

        def note_height(text: str, cm: list[float], tm: list[float], *_: Any) -> None:
            height = cm[1] * tm[4] + cm[3] * tm[5] + cm[5]
            if text.strip() and height > FOOTER:
                lowest.append(height)  # noqa: B023

        page.extract_text(visitor_text=note_height)
        assert min(lowest) < A4[1] / 2, f"page {number}"


def test_it_tells_no_time(pdf: PdfReader) -> None:
    assert pdf.metadata is not None
    assert "/CreationDate" not in pdf.metadata
    assert "/ModDate" not in pdf.metadata


def test_it_is_in_the_language_of_the_page(facts: RunFacts, tmp_path: Path) -> None:
    write_report(replace(facts, language=Language("de")), tmp_path)
    pdf = PdfReader(tmp_path / "report.pdf")
    assert pdf.root_object["/Lang"] == "de"
    assert "Wie sicher das ist" in text_of(pdf)


@pytest.mark.parametrize("words", ["#panic[a] *b* $c$ \\d `e` <f>", "银行 🙂"])
def test_words_of_any_kind_stay_words(facts: RunFacts, tmp_path: Path, words: str) -> None:
    names = facts.names.with_columns(name=pl.lit(words))
    write_report(replace(facts, folder=words, names=names), tmp_path)
    pdf = PdfReader(tmp_path / "report.pdf")
    assert pdf.root_object["/MarkInfo"]["/Marked"]
    if words.isascii():
        assert words in text_of(pdf)
