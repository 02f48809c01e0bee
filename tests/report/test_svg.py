"""What the page's charts are made of: marks, their words, and nothing that does not show."""

import re
from typing import Any

import pytest

from segment_lib.report.svg import page_svg

ROWS = [{"name": "<b>A</b>", "share": 0.25}, {"name": "B", "share": None}]
TOOLTIP = [
    {"field": "name", "type": "nominal", "title": "Segment"},
    {"field": "share", "type": "quantitative", "title": "Share", "format": ".0%"},
]


def spec(**encoding: Any) -> dict[str, Any]:
    y = {"field": "name", "type": "nominal"}
    marks = [
        {"mark": {"type": "point", "color": "#0b6e8a"}, "encoding": {"y": y, **encoding}},
        {"mark": {"type": "text"}, "encoding": {"y": y, "text": {"field": "name"}, **encoding}},
    ]
    return {"config": {"aria": False}, "data": {"values": ROWS}, "layer": marks, "height": 90}


def test_each_mark_but_text_has_its_tooltip_as_title() -> None:
    svg = page_svg(spec(tooltip=TOOLTIP), "a", 300)
    assert re.findall("<title>(.*?)</title>", svg, re.DOTALL) == [
        "Segment: &lt;b&gt;A&lt;/b&gt;\nShare: 25%",
        "Segment: B\nShare: –",
    ]


def test_without_a_tooltip_nothing_is_said() -> None:
    assert "<title>" not in page_svg(spec(), "a", 300)


@pytest.mark.parametrize("width", [300, 700])
def test_the_drawing_is_as_wide_as_asked(width: int) -> None:
    assert f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}"' in page_svg(
        spec(), "a", width
    )


def test_colours_of_the_palette_become_those_of_the_page() -> None:
    svg = page_svg(spec(), "a", 300)
    assert 'stroke="var(--over)"' in svg
    assert "#0b6e8a" not in svg


def test_what_does_not_show_is_left_out() -> None:
    svg = page_svg(spec(tooltip=TOOLTIP), "a", 300)
    assert not re.search(r"\b(class|role|aria-\w+|font-family)=", svg)
    assert "<g/>" not in svg
