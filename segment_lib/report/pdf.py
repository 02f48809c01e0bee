"""The page as PDF, without a browser: what stands open on it, in its order.

What is folded, hidden or marked `no-print` on the page is left out. So a sentence, table or chart
that the page gains is in the PDF too.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from html.parser import HTMLParser
from importlib.resources import files
from typing import Any, Literal
from xml.etree.ElementTree import Element, TreeBuilder

import typst

Block = dict[str, Any]
"""A part of the document, as page.typ sets it: its kind, and what that kind needs."""

_VOID = {"br", "hr", "img", "input", "link", "meta"}
_SKIPPED = {"input", "nav", "script", "select", "svg"}
_BLOCKS = {"article", "details", "div", "dl", "figure", "ol", "p", "pre", "section", "table", "ul"}
_STYLES = {"b", "code", "small", "over", "under", "average"}
"""Elements and classes of text within a line that are set in their own way."""


def page_pdf(html: str, drawings: Mapping[str, str]) -> bytes:
    """PDF of the page, tagged for assistive technology (PDF/UA-1).

    Parameters
    ----------
    html : the page
    drawings : SVG of each figure by its name, in the page's colours
    """
    page = _tree(html)
    # The first rule of the style names the light colours.
    rule = html.partition("<style>")[2].partition("}")[0]
    colours = dict(re.findall(r"--([\w-]+): (#\w+);", rule))
    content = {
        "language": page.get("lang"),
        "title": next(page.iter("title")).text,
        "blocks": _without_empty_sections(list(_blocks(next(page.iter("main"))))),
        "drawings": {name: _to_set(svg, colours) for name, svg in drawings.items()},
        "colours": colours,
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


def _to_set(svg: str, colours: Mapping[str, str]) -> str:
    """Drawing in these colours, and in signs that the font of the text has."""
    svg = re.sub(r"var\(--(\w+)\)", lambda match: colours[match[1]], svg)
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


def _classes(element: Element) -> list[str]:
    return element.get("class", "").split()


def _is_left_out(element: Element) -> bool:
    return (
        element.tag in _SKIPPED
        or bool({"no-print", "unseen"}.intersection(_classes(element)))
        or (element.tag == "details" and "open" not in element.attrib)
        or "hidden" in element.attrib
        or element.get("aria-hidden") == "true"
    )


# -- the document --------------------------------------------------------------------------------


def _without_empty_sections(blocks: Sequence[Block]) -> list[Block]:
    """Leave out headings of sections of which all is folded on the page."""
    kept: list[Block] = []
    for block in reversed(blocks):
        following = kept[-1] if kept else {"kind": "heading", "level": 0}
        is_empty = following["kind"] == "heading" and following["level"] <= block.get("level", 0)
        if not (block["kind"] == "heading" and is_empty):
            kept.append(block)
    return kept[::-1]


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
                shown = [part for part in element if not _is_left_out(part)]
                terms, texts = (
                    [p for part in shown for p in part.iter(tag)] for tag in ("dt", "dd")
                )
                pairs = zip(terms, texts, strict=True)
                yield {"kind": "terms", "pairs": [(_runs(dt), _runs(dd)) for dt, dd in pairs]}
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
                yield from _parts(element)


def _parts(element: Element) -> list[Block]:
    """Blocks of an element, which is one of text if it holds no others."""
    if any(child.tag in _BLOCKS or re.match(r"h\d", child.tag) for child in element):
        return list(_blocks(element))
    runs = _runs(element)
    return [{"kind": "text", "tones": _classes(element), "text": runs}] if runs else []


def _figure(element: Element) -> Iterator[Block]:
    yield from (block for block in _blocks(element) if block["kind"] == "heading")
    yield {
        "kind": "chart",
        "name": element.get("id", "").removeprefix("figure-"),
        "alternative": next(filter(None, (part.get("aria-label") for part in element.iter()))),
        "caption": [run for caption in element.iter("figcaption") for run in _runs(caption)],
    }


def _table(element: Element) -> Block:
    headings, *rows = element.iter("tr")
    return {
        "kind": "table",
        "caption": [run for caption in element.iter("caption") for run in _runs(caption)],
        "headings": [_runs(cell) for cell in headings],
        "numbers": ["num" in _classes(cell) for cell in headings],
        "rows": [[{"tones": _classes(cell), "text": _runs(cell)} for cell in row] for row in rows],
    }


def _runs(element: Element) -> list[tuple[str, str]]:
    """Text of an element as runs of one style each; empty where nothing shows."""
    runs = [(style, text) for style, text in _texts(element, "") if text]
    return runs if any(text.strip() for _, text in runs) else []


def _texts(element: Element, style: str) -> Iterator[tuple[str, str]]:
    yield style, _squeezed(element.text)
    for child in element:
        if child.tag == "br":
            yield style, "\n"
        elif not _is_left_out(child):
            if "title" in _classes(child):
                yield style, "\n"
            own = _STYLES.intersection([child.tag, *_classes(child)])
            yield from _texts(child, min(own, default=style))
        yield style, _squeezed(child.tail)


def _squeezed(text: str | None) -> str:
    """Text with one space for any white space but hard spaces, as a browser shows it."""
    return re.sub(r"[ \t\r\n\f]+", " ", text or "")
