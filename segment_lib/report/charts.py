"""Charts of the answer: index with its limits, shares, and gains."""

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate
from textwrap import shorten
from typing import Any

import altair as alt
import polars as pl

from segment_lib.report.segments import Segment
from segment_lib.report.theme import (
    NARROW,
    PALETTE,
    VERDICT_COLOURS,
    WIDTH,
    Drawing,
    Row,
    inline,
    outlined,
    tip,
)
from segment_lib.schema.language import ENGLISH, N_, Language

TICK, DOT = "M-0.16,-1H0.16V1H-0.16Z", "circle"
MAX_TITLE, MAX_SHORT_TITLE = 100, 40
"""Characters of a name that fit on the page, and on a phone."""
_PHRASE = re.compile(r"(?:“[^”]*”|„[^“]*“|,(?! )|[^,])+")
INDEX_TICKS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000]
NEAR_AVERAGE = [40, 60, 80, 90, 100, 110, 125, 150, 200, 250]
VERDICT_COLOUR = alt.Color("verdict_key", type="nominal", legend=None).scale(
    domain=list(VERDICT_COLOURS), range=list(VERDICT_COLOURS.values())
)
LINES = {
    # by: name, colour, dashes
    "logistic": (N_("by customer-likeness"), PALETTE["ink"], [1, 0]),
    "micro_segment": (N_("by micro-segments"), PALETTE["over"], [9, 2]),
    "segment": (N_("by segments"), PALETTE["under"], [7, 3]),
    "none": (N_("no selection"), PALETTE["muted"], [2, 3]),
}


def index_chart(segments: Sequence[Segment], language: Language = ENGLISH) -> Drawing:
    """Chart of the index of each segment with its limits, by falling index, on a log scale."""
    _ = language.gettext
    rows = [_index_row(segment, language) for segment in _drawn(segments)]
    ends = [row[key] for row in rows for key in ("low", "index", "high")]
    known = [float(end) for end in ends if isinstance(end, int | float) and end > 0]
    domain = [min([*known, 80.0]) / 1.15, max([*known, 125.0]) * 1.15]
    ticks = [tick for tick in INDEX_TICKS if domain[0] <= tick <= domain[1]]
    if len(ticks) < 3:
        ticks = [tick for tick in NEAR_AVERAGE if domain[0] <= tick <= domain[1]]
    y = (
        alt.Y("name", type="nominal", sort=[str(row["name"]) for row in rows], title=None)
        .scale(paddingInner=0, paddingOuter=0)
        .axis(None)
    )
    scale = alt.Scale(type="log", domain=domain, nice=False)
    x = alt.X("index", type="quantitative", title=_("Index: 100 is average, scale by ratio")).scale(
        scale
    )
    x = x.axis(values=ticks, format=",d")
    base = alt.Chart(inline(rows)).encode(
        y=y,
        tooltip=[
            tip("full", _("Segment")),
            tip("verdict", _("Verdict")),
            tip("index_text", _("Index")),
            tip("limits_text", _("Range of the true value")),
            tip("stability_text", _("Stability")),
        ],
    )
    named = base.transform_calculate(fitting=f"width < {NARROW} ? datum.brief : datum.title")
    average = alt.Chart(inline([{"at": 100}])).encode(x=alt.X("at", type="quantitative"))
    chart = alt.layer(
        average.mark_rule(color=PALETTE["muted"], strokeDash=[3, 3]),
        # Lines of the scale end above and below a name: one through it is hard to read.
        base.mark_bar(height=18, yOffset=-9, color=PALETTE["paper"]).encode(
            x=alt.value(0), x2=alt.value("width")
        ),
        base.transform_filter("isValid(datum.low)")
        .mark_rule(strokeWidth=3, opacity=0.55, yOffset=8)
        .encode(x=alt.X("low", type="quantitative"), x2="high:Q", color=VERDICT_COLOUR),
        base.transform_filter("datum.index > 0")
        .mark_point(size=110, filled=True, opacity=1, yOffset=8)
        .encode(x=x, color=VERDICT_COLOUR),
        *(
            text.encode(x=alt.X("far", type="quantitative"), text="label:N", color=VERDICT_COLOUR)
            for text in outlined(base.transform_filter("isValid(datum.far)"), 10, 9, bold=True)
        ),
        *(
            text.encode(x=alt.value(0), text="label:N", color=VERDICT_COLOUR)
            for text in outlined(base.transform_filter("!isValid(datum.far)"), 0, 9, bold=True)
        ),
        base.mark_text(align="left", dy=-9, fontWeight="bold").encode(
            x=alt.value(0), text="name:N"
        ),
        named.mark_text(align="left", dx=88, dy=-9, color=PALETTE["muted"]).encode(
            x=alt.value(0), text="fitting:N"
        ),
    )
    title = alt.Title(
        _("How common customers are in each segment"),
        subtitle=_("▲ above, ▼ below, ● about average; bar: the range of the true value"),
    )
    return chart.properties(width=WIDTH, height=42 * max(len(rows), 1), title=title)


def share_chart(segments: Sequence[Segment], language: Language = ENGLISH) -> Drawing:
    """Dumbbell chart: a tick for the share of the population, a dot for that of customers."""
    _ = language.gettext
    rows = [_share_row(segment, language) for segment in _drawn(segments)]
    names = [str(row["name"]) for row in rows]
    tooltip = [
        tip("full", _("Segment")),
        tip("verdict", _("Verdict")),
        tip("population_text", _("Share of population")),
        tip("customers_text", _("Share of customers")),
        tip("index_text", _("Index")),
    ]
    y = alt.Y("name", type="nominal", sort=names, title=None).axis(
        labelColor=PALETTE["ink"], labelFontSize=13, grid=False
    )
    x = alt.X(
        "share", type="quantitative", title=_("Share of the population, and of customers")
    ).axis(format="~%", tickCount=6)
    who = (_("population"), _("customers"))
    shape = alt.Shape("who", type="nominal").scale(domain=list(who), range=[TICK, DOT])
    base = alt.Chart(inline(rows)).encode(y=y, tooltip=tooltip)
    links = (
        base.transform_filter("isValid(datum.population) && isValid(datum.customers)")
        .mark_rule(strokeWidth=3, opacity=0.55)
        .encode(x=alt.X("population", type="quantitative"), x2="customers:Q", color=VERDICT_COLOUR)
    )
    ends = alt.Chart(inline([end for row in rows for end in _share_points(row, *who)])).encode(
        x=x, y=y, shape=shape, tooltip=tooltip
    )
    ticks = ends.transform_filter(f"datum.who === '{who[0]}'").mark_point(
        size=170, filled=True, opacity=1, color=PALETTE["muted"]
    )
    dots = ends.transform_filter(f"datum.who === '{who[1]}'").mark_point(
        size=95, filled=True, opacity=1
    )
    labels = [
        text.encode(x=alt.X("far", type="quantitative"), text="label:N", color=VERDICT_COLOUR)
        for text in outlined(base, 12, bold=True)
    ]
    title = alt.Title(
        _("Where customers come from: shares of population and customers by segment"),
        subtitle=_("▲ above, ▼ below, ● about average, with the index (100 is average)"),
    )
    chart = alt.layer(links, ticks, dots.encode(color=VERDICT_COLOUR), *labels)
    return chart.properties(width=WIDTH, height=26 * max(len(rows), 1), title=title)


def gains_chart(
    table: pl.DataFrame, depth: Mapping[str, Any] | None, language: Language
) -> Drawing:
    """Chart of the held-out customers reached by depth, with intervals, against no selection."""
    _ = language.gettext
    rows: list[Row] = []
    for by in ("logistic", "micro_segment", "segment"):
        part = table.filter(pl.col("by") == by).drop_nulls("customers_reached").sort("depth")
        if part.is_empty():
            continue
        rows.append({"by": _(LINES[by][0]), "depth": 0.0, "reached": 0.0, "low": 0.0, "high": 0.0})
        reached = pl.col("customers_reached").alias("reached")
        points = part.select("depth", reached, "low", "high", "lift").with_columns(
            pl.col("reached", "low", "high").round(5), pl.col("lift").round(3)
        )
        rows += [{"by": _(LINES[by][0]), **point} for point in points.iter_rows(named=True)]
    rows += [{"by": _(LINES["none"][0]), "depth": d, "reached": d} for d in (0.0, 1.0)]
    texts, colours, dashes = zip(*LINES.values(), strict=True)
    names = [_(text) for text in texts]
    x = _depth_axis(language)
    y = alt.Y("reached", type="quantitative", title=_("Share of all customers"))
    y = y.axis(format="~%", tickCount=6).scale(domain=[0, 1])
    columns = alt.ExprRef(f"width < {NARROW} ? 1 : 2")
    legend = alt.Legend(symbolType="stroke", symbolOpacity=1, symbolSize=500, columns=columns)
    colour = alt.Color("by", type="nominal").scale(domain=names, range=colours).legend(legend)
    dash = alt.StrokeDash("by", type="nominal").scale(domain=names, range=dashes).legend(legend)
    base = alt.Chart(inline(rows)).encode(x=x)
    drawn = base.transform_filter("datum.depth > 0 && isValid(datum.lift)")
    layers: list[alt.Chart] = []
    if depth is not None:
        mark = {
            key: round(depth[key], 4) for key in ("depth_low", "recommended_depth", "depth_high")
        }
        label = _("pays to {depth:percent_tenths}", depth=mark["recommended_depth"])
        at = alt.Chart(inline([mark | {"label": label}]))
        layers += [
            at.mark_rect(color=PALETTE["grid"]).encode(
                x=alt.X("depth_low", type="quantitative"), x2="depth_high:Q"
            ),
            at.mark_rule(color=PALETTE["ink"], strokeDash=[3, 3]).encode(
                x=alt.X("recommended_depth", type="quantitative")
            ),
            at.mark_text(align="left", dx=6, fontWeight="bold").encode(
                x=alt.X("recommended_depth", type="quantitative"),
                y=alt.datum(0.04),
                text="label:N",
            ),
        ]
    layers += [
        base.transform_filter("isValid(datum.low)")
        .mark_area(opacity=0.25)
        .encode(y=alt.Y("low", type="quantitative"), y2="high:Q", color=colour),
        base.mark_line(strokeWidth=2).encode(y=y, color=colour, strokeDash=dash),
        drawn.mark_point(filled=True, size=42, opacity=1).encode(
            y=y,
            color=colour,
            tooltip=[
                tip("by", _("Ranked")),
                tip("depth", _("Mailed"), ".0%"),
                tip("reached", _("Of all customers"), ".1%"),
                tip("low", _("At least"), ".1%"),
                tip("high", _("At most"), ".1%"),
                tip("lift", _("Lift"), ".2f"),
            ],
        ),
    ]
    title = alt.Title(
        _("Customers among the best of the ranking"),
        subtitle=_("customers who had no part in the ranking; band: 95 % interval"),
    )
    return alt.layer(*layers).properties(width=WIDTH, height=340, title=title)


def profit_chart(depths: pl.DataFrame, depth: Mapping[str, Any], language: Language) -> Drawing:
    """Chart of the expected profit by depth with its limits, the depth that pays most marked."""
    _ = language.gettext
    names = ("profit", "profit_low", "profit_high")
    rows = depths.select("depth", pl.col(*names).round(2)).rows(named=True)
    x = _depth_axis(language)
    y = alt.Y("profit", type="quantitative", title=_("Profit")).axis(format="~s", tickCount=6)
    best = {key: depth[key] for key in ("recommended_depth", "expected_profit")}
    base, at = alt.Chart(inline(rows)).encode(x=x), alt.Chart(inline([best]))
    at = at.encode(x=alt.X("recommended_depth", type="quantitative"))
    tooltip = [
        tip("depth", _("Mailed"), ".1%"),
        tip("profit", _("Profit"), ",.0f"),
        tip("profit_low", _("At least"), ",.0f"),
        tip("profit_high", _("At most"), ",.0f"),
    ]
    chart = alt.layer(
        alt.Chart(inline([{"at": 0}]))
        .mark_rule(color=PALETTE["muted"])
        .encode(y=alt.Y("at", type="quantitative")),
        base.transform_filter("isValid(datum.profit_low)")
        .mark_area(opacity=0.25, color=PALETTE["over"])
        .encode(y=alt.Y("profit_low", type="quantitative"), y2="profit_high:Q"),
        base.mark_line(strokeWidth=2, color=PALETTE["over"]).encode(y=y),
        base.mark_point(size=60, opacity=0).encode(y=y, tooltip=tooltip),
        at.mark_rule(color=PALETTE["ink"], strokeDash=[3, 3]),
        at.mark_point(filled=True, size=80, opacity=1, color=PALETTE["ink"]).encode(
            y=alt.Y("expected_profit", type="quantitative")
        ),
    )
    title = alt.Title(_("Profit by depth of the mailing"), subtitle=_("band: what chance leaves"))
    return chart.properties(width=WIDTH, height=340, title=title)


def _depth_axis(language: Language) -> alt.X:
    """Axis of the depth of the mailing, from nobody to everybody."""
    title = language.gettext("Share of the population mailed, best first")
    axis = alt.X("depth", type="quantitative", title=title).axis(format="~%", tickCount=6)
    return axis.scale(domain=[0, 1], nice=False)


def _drawn(segments: Sequence[Segment]) -> list[Segment]:
    """Segments that hold people; the rows set aside are none, and their index has another base."""
    return [s for s in segments if s.population_share != 0 and not s.is_set_aside]


def _index_row(segment: Segment, language: Language) -> Row:
    low, high = segment.limits if segment.limits else (None, None)
    positive = segment.index if segment.index and segment.index > 0 else None
    far = max(positive or 0.0, high or 0.0)
    return _shown(segment, language) | {
        "title": _short_title(segment.title, MAX_TITLE),
        "brief": _short_title(segment.title, MAX_SHORT_TITLE),
        "index": None if positive is None else round(positive, 1),
        "low": None if low is None or low <= 0 else round(low, 1),
        "high": None if high is None or not low or low <= 0 else round(high, 1),
        "far": round(far, 1) if far > 0 else None,
        "limits_text": language.index_range(*segment.limits)
        if segment.limits
        else language.gettext("unknown"),
        "stability_text": segment.stability_label,
    }


def _shown(segment: Segment, language: Language) -> dict[str, object]:
    """Names and words of a segment that every chart of segments shows."""
    return {
        "name": segment.name,
        "full": segment.full_name,
        "label": _label(segment, language),
        "verdict": f"{segment.verdict_symbol} {segment.verdict_word}",
        "verdict_key": segment.verdict,
        "index_text": language.short_number(segment.index),
    }


def _label(segment: Segment, language: Language) -> str:
    """Label with the index; without one words alone, as a symbol would look like a mark."""
    if segment.index is not None:
        return f"{segment.verdict_symbol} {language.short_number(segment.index)}"
    return segment.verdict_word if segment.is_suppressed else language.gettext("no index")


def _short_title(title: str, most: int) -> str:
    """First phrases of a name, as many as fit; a comma between quotes parts none."""
    phrases = [phrase.strip() for phrase in _PHRASE.findall(title)]
    ends = list(accumulate((len(phrase) + 2 for phrase in phrases), initial=-2))
    fitting = phrases[: sum(end <= most for end in ends[1:])]
    return ", ".join(fitting) or shorten(title, most, placeholder=" …")


def _share_row(segment: Segment, language: Language) -> Row:
    ours, theirs = segment.population_share, segment.customer_share
    population = None if ours is None else round(ours, 3)
    customers = None if theirs is None else round(theirs, 3)
    return _shown(segment, language) | {
        "population": population,
        "customers": customers,
        "far": max(population or 0.0, customers or 0.0),
        "population_text": language.percent(segment.population_share),
        "customers_text": language.percent(segment.customer_share),
    }


def _share_points(row: Row, population: str, customers: str) -> Iterable[Row]:
    if row["population"] is not None:
        yield {**row, "who": population, "share": row["population"]}
    if row["customers"] is not None:
        yield {**row, "who": customers, "share": row["customers"]}
