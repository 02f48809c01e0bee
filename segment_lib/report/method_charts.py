"""Charts of the method: every number of segments tried, stability, and components."""

from collections.abc import Sequence
from itertools import accumulate

import altair as alt
import polars as pl

from segment_lib.report.segments import Segment
from segment_lib.report.theme import (
    NARROW,
    PALETTE,
    SMALL,
    WIDTH,
    Drawing,
    Row,
    inline,
    outlined,
    tip,
)
from segment_lib.schema.language import N_, Language
from segment_lib.terms import DISSOLVED, FOUND_AGAIN, STABLE

MAX_POINTS = 40
"""The most components at which the running sum is drawn with points."""

SWEEP_MEASURES = {
    "gain": (
        N_("Held-out gain"),
        N_(
            "Customers with a segment that the best 20% of the people with one hold, by customers "
            "who had no part in the ranking; band: two standard errors."
        ),
        "~%",
    ),
    "stability": (
        N_("Stability"),
        N_(
            "How much of each segment is found again on other samples, 0 to 1: line for the mean "
            "over people, a dot per segment."
        ),
        "~g",
    ),
    "inertia": (
        N_("Inertia"),
        N_("Sum of squared distances to the centres; falls as segments are added."),
        "~s",
    ),
    "silhouette": (
        N_("Silhouette"),
        N_("How far apart segments are, −1 to 1; higher is better."),
        "~g",
    ),
}
SWEEP_TITLES = {
    "gain": N_("Held-out gain by number of segments"),
    "stability": N_("Stability by number of segments"),
    "inertia": N_("Inertia by number of segments"),
    "silhouette": N_("Silhouette by number of segments"),
}


def sweep_chart(
    sweep: pl.DataFrame, measure: str, stability: pl.DataFrame, min_cell: int, language: Language
) -> Drawing:
    """Chart of one measure over the number of segments, the chosen one marked."""
    _ = language.gettext
    eligible, ineligible = _("may be chosen"), _("unstable or too small")
    heading, _meaning, form = SWEEP_MEASURES[measure]
    known = sweep.filter(pl.col(measure).cast(pl.Float64).is_finite()).sort("n_clusters")
    rows = [
        {
            "k": row["n_clusters"],
            "value": row[measure],
            "low": row["gain"] - 2 * (row["gain_error"] or 0.0) if measure == "gain" else None,
            "high": row["gain"] + 2 * (row["gain_error"] or 0.0) if measure == "gain" else None,
            "chosen": "chosen" if row["chosen"] else "",
            "fate": eligible if row["stable"] and row["large"] else ineligible,
        }
        for row in known.iter_rows(named=True)
    ]
    tooltip = [
        tip("k", _("Segments")),
        tip("value", _(heading), ".1%" if measure == "gain" else ".4~g"),
        tip("fate", _("By the rule")),
    ]
    ks = [int(row["k"]) for row in rows] or [2]
    x = alt.X("k", type="quantitative", title=_("Number of segments")).scale(
        domain=[min(ks) - 0.5, max(ks) + 0.5], nice=False
    )
    x = x.axis(grid=False, tickMinStep=1, format="d")
    y = alt.Y("value", type="quantitative", title=None).scale(zero=measure == "stability")
    y = y.axis(format=form, tickCount=5)
    bare = alt.Chart(inline(rows)).encode(x=x, tooltip=tooltip)
    base = bare.encode(y=y)
    chosen = base.transform_filter("datum.chosen === 'chosen'")
    layers: list[alt.Chart] = [
        bare.transform_filter("datum.chosen === 'chosen'").mark_rule(
            color=PALETTE["grid"], strokeWidth=8
        )
    ]
    if measure == "gain":
        band = base.mark_area(color=PALETTE["muted"], opacity=0.25)
        layers.append(band.encode(y=alt.Y("low", type="quantitative"), y2="high:Q"))
    if measure == "stability":
        layers.append(_each_segment(stability, min_cell, language).encode(x=x, y=y))
    layers += [
        base.mark_line(color=PALETTE["muted"], strokeWidth=2),
        base.mark_point(stroke=PALETTE["muted"], size=34, opacity=1).encode(
            fill=alt.condition(
                alt.datum.fate == eligible,
                alt.value(PALETTE["muted"]),
                alt.value(PALETTE["paper"]),
            )
        ),
        chosen.mark_point(color=PALETTE["over"], filled=True, size=110, opacity=1),
        chosen.mark_text(dy=-14, fontWeight="bold").encode(text="k:N"),
    ]
    title = alt.Title(
        _(SWEEP_TITLES[measure]), subtitle=_("hollow: unstable or too small to be chosen")
    )
    return alt.layer(*layers).properties(width=SMALL, height=190, title=title)


def _each_segment(stability: pl.DataFrame, min_cell: int, language: Language) -> alt.Chart:
    _ = language.gettext
    rows = [
        {"k": k, "value": round(value, 4), "who": _("Segment {number}", number=segment)}
        for k, segment, people, value in stability.select(
            "n_clusters", "segment", "population_rows", "stability"
        ).iter_rows()
        if people >= min_cell
    ]
    tooltip = [
        tip("k", _("Segments")),
        tip("who", _("Of them")),
        tip("value", _("Stability"), ".2f"),
    ]
    drawn: alt.Chart = alt.Chart(inline(rows)).mark_point(
        color=PALETTE["bar"], filled=True, size=14, opacity=0.9
    )
    return drawn.encode(tooltip=tooltip)


BOUNDS = (DISSOLVED, STABLE, FOUND_AGAIN)


def stability_chart(segments: Sequence[Segment], language: Language) -> Drawing:
    """Chart of the stability of each segment, with the bounds of its labels."""
    _ = language.gettext
    rows: list[Row] = [
        {
            "name": segment.name,
            "full": segment.full_name,
            "stability": round(segment.stability, 4),
            "number": language.decimals(segment.stability, 2),
            "label": f"{language.decimals(segment.stability, 2)} {segment.stability_label}",
            "verdict": segment.stability_label,
        }
        for segment in sorted(segments, key=lambda s: (-(s.stability or 0.0), s.number))
        if segment.stability is not None
    ]
    y = alt.Y("name", type="nominal", sort=[str(row["name"]) for row in rows], title=None).axis(
        labelColor=PALETTE["ink"], labelFontSize=13, grid=False
    )
    x = alt.X("stability", type="quantitative", title=_("Overlap with its nearest, clustered anew"))
    x = x.scale(domain=[0, 1]).axis(values=[0, *BOUNDS, 1], format=".2~f")
    base = alt.Chart(inline(rows)).encode(
        y=y, x=x, tooltip=[tip("full", _("Segment")), tip("stability", _("Stability"), ".2f")]
    )
    bounds = alt.Chart(inline([{"at": at} for at in BOUNDS])).encode(
        x=alt.X("at", type="quantitative")
    )
    chart = alt.layer(
        base.mark_bar(height=alt.RelativeBandSize(0.5), color=PALETTE["bar"]),
        bounds.mark_rule(color=PALETTE["ink"], strokeDash=[3, 3]),
        *(
            text.encode(text="fitting:N")
            for text in outlined(
                base.transform_calculate(fitting=f"width < {NARROW} ? datum.number : datum.label"),
                6,
            )
        ),
    )
    title = alt.Title(
        _("Stability of each segment"),
        subtitle=_("up to 0.5 dissolved, from 0.6 found again in outline, from 0.75 found again"),
    )
    return chart.properties(width=WIDTH, height=26 * max(len(rows), 1), title=title)


def variance_chart(ratios: Sequence[float], language: Language) -> Drawing:
    """Chart of the variance of each component kept as bars, with the running sum as a line."""
    _ = language.gettext
    rows = [
        {
            "component": number,
            "from": number - 0.42,
            "to": number + 0.42,
            "share": round(ratio, 5),
            "sum": round(total, 5),
        }
        for number, (ratio, total) in enumerate(
            zip(ratios, accumulate(ratios), strict=True), start=1
        )
    ]
    tooltip = [
        tip("component", _("Component")),
        tip("share", _("Share of variance"), ".2%"),
        tip("sum", _("Together with those before"), ".1%"),
    ]
    x = alt.X("from", type="quantitative", title=_("Component")).scale(
        domain=[0.5, len(rows) + 0.5], nice=False
    )
    x = x.axis(grid=False, tickMinStep=1, format="d")
    y = alt.Y("sum", type="quantitative", title=_("Share of variance")).axis(format="~%")
    base = alt.Chart(inline(rows)).encode(tooltip=tooltip)
    bars = base.mark_rect(color=PALETTE["over"]).encode(
        x=x, x2="to:Q", y=alt.Y("share", type="quantitative"), y2=alt.datum(0)
    )
    line = base.mark_line(
        color=PALETTE["ink"], strokeWidth=2, point=len(rows) <= MAX_POINTS
    ).encode(x=alt.X("component", type="quantitative"), y=y.scale(domain=[0, 1]))
    last = alt.Chart(
        inline([{**row, "label": language.percent(float(row["sum"]))} for row in rows[-1:]])
    )
    end = last.mark_text(align="right", dy=-10, fontWeight="bold").encode(
        x=alt.X("component", type="quantitative"),
        y=alt.Y("sum", type="quantitative"),
        text="label:N",
    )
    title = alt.Title(
        _("Variance explained by the components"),
        subtitle=_("bars: each one; line: running sum"),
    )
    return alt.layer(bars, line, end).properties(width=WIDTH, height=260, title=title)
