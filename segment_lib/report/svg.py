"""SVG of a chart as the page holds it: short, in the page's colours, its tooltips as titles.

A browser shows a title when its mark is pointed at, so the charts need no script.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any
from xml.etree import ElementTree

import vl_convert

from segment_lib.report.theme import PALETTE
from segment_lib.schema.language import NOTHING

_SVG = "http://www.w3.org/2000/svg"
_VARIABLES = {colour: f"var(--{name})" for name, colour in PALETTE.items()}
_UNSPOKEN = {
    *("aria-hidden", "aria-label", "aria-roledescription", "class", "font-family"),
    *("pointer-events", "role", "stroke-miterlimit", "version"),
}
"""Attributes that change nothing here: the page sets the type, the figure has the alternative."""
_DEFAULTS = {
    **dict.fromkeys(("opacity", "fill-opacity", "stroke-opacity", "stroke-width"), "1"),
    **dict.fromkeys(("x1", "y1", "x2", "y2"), "0"),
    "transform": "translate(0,0)",
    "text-anchor": "start",
    "font-size": "12px",
}
"""Values that an element has without saying so; the page sets the size of the type."""
_MEASURES = {"d", "height", "transform", "width", "x", "x1", "x2", "y", "y1", "y2"}
"""Attributes in pixels, of which a tenth is enough."""


def page_svg(spec: Mapping[str, Any], name: str, width: int) -> str:
    """SVG of a Vega-Lite specification, all of it `width` pixels wide; ids begin with `name`."""
    fitted = _with_titles(spec) | {
        "width": width,
        "autosize": {"type": "fit-x", "contains": "padding"},
        "padding": {"left": 14, "top": 2, "bottom": 2, "right": 16},
    }
    text = vl_convert.vegalite_to_svg(fitted)
    text = re.sub(r'\bid="|(?<=url\(#)', lambda match: f"{match[0]}{name}-", text)
    root = ElementTree.fromstring(text)
    _shorten(root)
    ElementTree.register_namespace("", _SVG)
    return ElementTree.tostring(root, encoding="unicode").replace(" />", "/>")


# -- tooltips ------------------------------------------------------------------------------------


def _with_titles(spec: Any) -> Any:
    """Specification in which each mark but text is described by the lines of its tooltip."""
    if isinstance(spec, list):
        return [_with_titles(item) for item in spec]
    if not isinstance(spec, dict):
        return spec
    walked = {
        key: value if key == "datasets" else _with_titles(value) for key, value in spec.items()
    }
    if isinstance(mark := spec.get("mark"), dict):
        tips = spec.get("encoding", {}).get("tooltip", [])
        is_described = mark["type"] != "text" and isinstance(tips, list) and tips
        described = {"aria": True, "description": {"expr": _lines(tips)}}
        walked["mark"] = mark | (described if is_described else {"aria": False})
    if "config" in spec:
        silent = {"aria": False}
        walked["config"] |= {"aria": True}
        for part in ("axis", "legend", "title"):
            walked["config"][part] = walked["config"].get(part, {}) | silent
    return walked


def _lines(tips: list[dict[str, str]]) -> str:
    """Vega expression for the text of a tooltip: a line per field, without those that are empty."""
    return " + '\\n' + ".join(f"'{tip['title']}: ' + {_value(tip)}" for tip in tips)


def _value(tip: Mapping[str, str]) -> str:
    value = f"datum['{tip['field']}']"
    shown = f"format({value}, '{tip['format']}')" if "format" in tip else value
    return f"(isValid({value}) ? {shown} : '{NOTHING}')"


# -- shortening ----------------------------------------------------------------------------------


def _shorten(element: ElementTree.Element) -> None:
    """Shorten an element in place: nothing in it that does not show."""
    if title := element.attrib.pop("aria-label", ""):
        element.insert(0, ElementTree.Element(f"{{{_SVG}}}title"))
        element[0].text = title
    element.attrib.update({key: _short(key, value) for key, value in _spoken(element)})
    for key in set(element.attrib) - {key for key, _ in _spoken(element)}:
        del element.attrib[key]
    kept = []
    for child in element:
        shows = _shows(child)
        if not shows:
            continue
        _shorten(child)
        is_group = child.tag == f"{{{_SVG}}}g"
        if is_group and not len(child):
            continue
        kept += list(child) if is_group and not child.attrib else [child]
    element[:] = kept


def _spoken(element: ElementTree.Element) -> Iterator[tuple[str, str]]:
    for key, value in element.attrib.items():
        if key not in _UNSPOKEN and _DEFAULTS.get(key) != value:
            yield key, value


def _shows(element: ElementTree.Element) -> bool:
    is_frame = element.get("class") in ("background", "foreground")
    is_bare = not {"fill", "stroke"} & set(element.attrib)
    return element.get("display") != "none" and not (is_frame and is_bare)


def _short(key: str, value: str) -> str:
    if key in _MEASURES:
        return re.sub(
            r"-?\d+\.\d+", lambda match: f"{float(match[0]):.1f}".removesuffix(".0"), value
        )
    return _VARIABLES.get(value, value)
