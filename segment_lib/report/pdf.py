"""The page as PDF, without a browser: what stands open on it, in its order.

What is folded, hidden or marked `no-print` on the page is left out. So a sentence, table or chart
that the page gains is in the PDF too.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from html.parser import HTMLParser
from importlib.resources import files
from typing import Any, Literal
from xml.etree.ElementTree import Element, TreeBuilder

import typst

from segment_lib.report.theme import PALETTE

Block = dict[str, Any]
"""A part of the document, as page.typ sets it: its kind, and what that kind needs."""

_VOID = {"br", "hr", "img", "input", "link", "meta"}
_SKIPPED = {"button", "nav", "script", "select", "input", "svg"}
_BLOCKS = {"article", "details", "div", "dl", "figure", "ol", "p", "pre", "section", "table", "ul"}
_INLINE = {"b": "strong", "strong": "strong", "code": "code"}


def page_pdf(html: str, drawings: Mapping[str, str]) -> bytes:
    """PDF of the page, tagged for assistive technology (PDF/UA-1).

    Parameters
    ----------
    html : the page
    drawings : SVG of each figure by its name, in the page's colours
    """
    page = _tree(html)
    content = {
        "language": page.get("lang"),
        "title": next(page.iter("title")).text,
        "blocks": list(_blocks(next(page.iter("main")))),
        "drawings": {name: _to_set(svg) for name, svg in drawings.items()},
        "colours": PALETTE,
    }
    try:
        return _set(content, "ua-1")
    except typst.TypstError as fault:
        # The fonts hold Latin, Greek and Cyrillic; other letters are boxes, which PDF/UA forbids.
        if "could not be displayed" not in str(fault):
            raise
        return _set(content, "1.7")


def _set(content: Mapping[str, Any], standard: Literal["ua-1", "1.7"]) -> bytes:
    pdf = typst.compile(
        files("segment_lib.report").joinpath("page.typ").read_bytes(),
        format="pdf",
        sys_inputs={"content": json.dumps(content, ensure_ascii=False)},
        ignore_system_fonts=True,  # they differ from machine to machine
        pdf_standards=standard,
    )
    assert isinstance(pdf, bytes)
    return pdf


def _to_set(svg: str) -> str:
    """Drawing in the light colours and in signs that the font of the text has."""
    svg = re.sub(r"var\(--(\w+)\)", lambda match: PALETTE[match[1]], svg)
    return svg.replace("✕", "×")


# -- the page, read ------------------------------------------------------------------------------


class _Reader(HTMLParser):
    """Builds the tree of a page whose elements are all closed but those that hold nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.builder = TreeBuilder()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.builder.start(tag, {key: value or "" for key, value in attrs})
        if tag in _VOID:
            self.builder.end(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.builder.start(tag, {key: value or "" for key, value in attrs})
        self.builder.end(tag)

    def handle_endtag(self, tag: str) -> None:
        self.builder.end(tag)

    def handle_data(self, data: str) -> None:
        self.builder.data(data)


def _tree(html: str) -> Element:
    reader = _Reader()
    reader.feed(html.partition("<!doctype html>")[2].strip())
    return reader.builder.close()


def _is_left_out(element: Element) -> bool:
    classes = element.get("class", "").split()
    return (
        element.tag in _SKIPPED
        or {"no-print", "unseen"} & set(classes) != set()
        or (element.tag == "details" and "open" not in element.attrib)
        or "hidden" in element.attrib
        or element.get("aria-hidden") == "true"
    )


# -- the document --------------------------------------------------------------------------------


def _blocks(elements: Iterable[Element]) -> Iterator[Block]:
    """Yield the blocks of elements, in their order."""
    for element in elements:
        if _is_left_out(element):
            continue
        match element.tag:
            case "h1" | "h2" | "h3" | "h4":
                yield {"kind": "heading", "level": int(element.tag[1]), "text": _runs(element)}
            case "figure":
                yield from _figure(element)
            case "table":
                yield _table(element)
            case "ul" | "ol":
                items = [_parts(item) for item in element if not _is_left_out(item)]
                yield {"kind": "list", "items": items}
            case "dl":
                pairs = [_runs(part) for part in element]
                yield {"kind": "terms", "pairs": list(zip(pairs[::2], pairs[1::2], strict=True))}
            case _ if "data-columns" in element.attrib:
                parts = [part for each in element if (part := list(_blocks([each])))]
                yield {
                    "kind": "columns",
                    "number": int(element.attrib["data-columns"]),
                    "parts": parts,
                }
            case _ if element.get("role") == "note":
                yield {"kind": "box", "blocks": _parts(element)}
            case _:
                yield from _parts(element, element.get("class", ""))


def _parts(element: Element, tone: str = "") -> list[Block]:
    """Blocks of an element, which is one of text if it holds no others."""
    if any(child.tag in _BLOCKS or re.match(r"h\d", child.tag) for child in element):
        return list(_blocks(element))
    runs = _runs(element)
    return [{"kind": "text", "tone": tone, "text": runs}] if runs else []


def _figure(element: Element) -> Iterator[Block]:
    chart = next(part for part in element.iter("div") if part.get("role") == "img")
    name = element.get("id", "").removeprefix("figure-")
    caption = next(element.iter("figcaption"))
    yield from (block for block in _blocks(element) if block["kind"] == "heading")
    yield {
        "kind": "chart",
        "name": name,
        "alternative": chart.get("aria-label"),
        "caption": _runs(caption),
    }


def _table(element: Element) -> Block:
    headings = [cell for row in next(element.iter("thead")) for cell in row]
    return {
        "kind": "table",
        "caption": _runs(next(element.iter("caption"))),
        "headings": [_runs(cell, buttons=True) for cell in headings],
        "numbers": ["num" in cell.get("class", "").split() for cell in headings],
        "rows": [[_runs(cell) for cell in row] for row in next(element.iter("tbody"))],
    }


def _runs(element: Element, *, buttons: bool = False) -> list[tuple[str, str]]:
    """Text of an element as runs of one style each, white space as a browser shows it."""
    runs: list[tuple[str, str]] = []
    for style, text in _texts(element, "", buttons):
        if runs and runs[-1][0] == style:
            runs[-1] = style, runs[-1][1] + text
        else:
            runs.append((style, text))
    return _trimmed([(style, re.sub(r"[ \t\n]+", " ", text)) for style, text in runs])


def _texts(element: Element, style: str, buttons: bool) -> Iterator[tuple[str, str]]:
    yield style, element.text or ""
    for child in element:
        if not _is_left_out(child) or (buttons and child.tag == "button"):
            yield from _texts(child, _INLINE.get(child.tag, style), buttons)
            if child.tag == "br":
                yield style, "\v"
        yield style, child.tail or ""


def _trimmed(runs: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Runs without white space at the ends, nor those that hold nothing."""
    text = "".join(text for _, text in runs)
    if not text.strip():
        return []
    runs = [(style, text) for style, text in runs if text]
    runs[0] = runs[0][0], runs[0][1].lstrip()
    runs[-1] = runs[-1][0], runs[-1][1].rstrip()
    return [(style, text.replace("\v", "\n")) for style, text in runs if text]
