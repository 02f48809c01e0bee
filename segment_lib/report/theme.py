"""Theme of all charts: colours, type and sizes.

Colours are those of PALETTE. Figures keep them; the page swaps each for a CSS variable of the
same name, so that charts follow the reader's light or dark scheme.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import altair as alt

from segment_lib.schema.wording import printable
from segment_lib.terms import VERDICTS

PALETTE = {
    "paper": "#ffffff",
    "ink": "#1c2126",
    "muted": "#57616b",
    "grid": "#e4e7ea",
    "bar": "#8794a0",
    "over": "#0b6e8a",
    "under": "#b4470e",
    "average": "#6a747e",
}
VERDICT_COLOURS = {key: PALETTE[key] for key in VERDICTS} | {"hidden": PALETTE["average"]}
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"
WIDTH = 720
SMALL = 330
NARROW = 520
"""Width of a plot, in pixels, below which labels are shorter."""

Drawing = alt.LayerChart | alt.FacetChart  # what Altair's methods on layers say they return
Row = Mapping[str, object]

CONFIG = {
    "aria": False,  # the figure carries the text alternative; marks would repeat it a hundredfold
    "background": None,
    "font": FONT,
    "view": {"stroke": None},
    "axis": {
        "domain": False,
        "ticks": False,
        "gridColor": PALETTE["grid"],
        "labelColor": PALETTE["muted"],
        "labelFontSize": 12,
        "labelPadding": 8,
        "titleColor": PALETTE["muted"],
        "titleFontSize": 12,
        "titleFontWeight": "normal",
        "titlePadding": 10,
    },
    "axisX": {"labelOverlap": "greedy", "labelSeparation": 8},
    "axisY": {"labelLimit": 190},
    "legend": {
        "labelColor": PALETTE["ink"],
        "labelFontSize": 12,
        "orient": "top",
        "direction": "horizontal",
        "title": None,
        "offset": 6,
        "columnPadding": 18,
    },
    "title": {
        "anchor": "start",
        "color": PALETTE["ink"],
        "subtitleColor": PALETTE["muted"],
        "fontSize": 15,
        "subtitleFontSize": 12,
        "subtitlePadding": 6,
        "offset": 14,
    },
    "text": {"color": PALETTE["ink"], "fontSize": 12},
}


def tip(field: str, title: str, form: str = "") -> alt.Tooltip:
    """Field of a tooltip."""
    if form:
        return alt.Tooltip(field, type="quantitative", title=title, format=form)
    return alt.Tooltip(field, type="nominal", title=title)


def outlined(
    chart: alt.Chart, dx: int, dy: int = 0, *, bold: bool = False, color: str = PALETTE["ink"]
) -> tuple[alt.Chart, alt.Chart]:
    """Text right of its mark, with an outline in the colour of the paper that keeps lines off."""
    text = alt.MarkDef(
        "text", align="left", dx=dx, dy=dy, fontWeight="bold" if bold else "normal", color=color
    )
    outline = text.copy()
    outline.stroke, outline.strokeWidth, outline.strokeJoin = PALETTE["paper"], 5, "round"
    under, over = chart.copy(), chart.copy()
    under.mark, over.mark = outline, text
    return under, over


def printable_spec(spec: Any) -> Any:
    """Specification with the unprintable characters of its text spelled out."""
    match spec:
        case dict():
            return {printable_spec(key): printable_spec(value) for key, value in spec.items()}
        case list():
            return [printable_spec(value) for value in spec]
        case str():
            return printable(spec)
    return spec


def inline(rows: Iterable[Row]) -> alt.InlineData:
    """Inline data of a chart, from rows."""
    return alt.InlineData(values=[dict(row) for row in rows])
