"""One function per chart: a table in, an Altair chart out, all in one restrained theme.

Colours are those of PALETTE. Figures keep them; the page swaps each for a CSS variable of the
same name, so that charts follow the reader's light or dark scheme.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate

import altair as alt
import polars as pl

from segment_lib.report.tables import Segment, percent, whole

PALETTE = {
    "ink": "#1c2126",
    "muted": "#57616b",
    "grid": "#e4e7ea",
    "bar": "#8794a0",
    "over": "#0b6e8a",
    "under": "#b4470e",
    "average": "#6a747e",
}
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"
WIDTH = 720
SMALL = 330
MOST = 40
"""The most attributes the chart of missing values shows."""

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

TICK, DOT = "M-0.16,-1H0.16V1H-0.16Z", "circle"
POPULATION, CUSTOMERS = "population", "customers"


def shares(segments: Sequence[Segment], min_cell: int) -> Drawing:
    """Dumbbells: a tick for the share of the population, a dot for that of customers."""
    rows = [_dumbbell(segment, min_cell) for segment in segments if segment.population_share]
    names = [str(row["name"]) for row in rows]
    tooltip = [
        _tip("name", "Segment"),
        _tip("verdict", "Verdict"),
        _tip("population_text", "Share of population"),
        _tip("customers_text", "Share of customers"),
        _tip("index_text", "Index"),
    ]
    y = alt.Y("name", type="nominal", sort=names, title=None).axis(
        labelColor=PALETTE["ink"], labelFontSize=13, grid=False
    )
    x = alt.X("share", type="quantitative", title="Share of the population, and of customers").axis(
        format="~%", tickCount=6
    )
    colour = alt.Color("verdict_key", type="nominal", legend=None).scale(
        domain=list(VERDICT_COLOURS), range=list(VERDICT_COLOURS.values())
    )
    shape = alt.Shape("who", type="nominal").scale(
        domain=[POPULATION, CUSTOMERS], range=[TICK, DOT]
    )
    base = alt.Chart(_values(rows)).encode(y=y, tooltip=tooltip)
    links = base.mark_rule(strokeWidth=3, opacity=0.55).encode(
        x=alt.X("population", type="quantitative"), x2="customers:Q", color=colour
    )
    ends = alt.Chart(_values([end for row in rows for end in _ends(row)])).encode(
        x=x, y=y, shape=shape, tooltip=tooltip
    )
    ticks = ends.transform_filter(f"datum.who === '{POPULATION}'").mark_point(
        size=170, filled=True, opacity=1, color=PALETTE["muted"]
    )
    dots = ends.transform_filter(f"datum.who === '{CUSTOMERS}'").mark_point(
        size=95, filled=True, opacity=1
    )
    labels = base.mark_text(align="left", dx=12, fontWeight="bold").encode(
        x=alt.X("far", type="quantitative"), text=alt.Text("label", type="nominal"), color=colour
    )
    title = alt.Title(
        "Where customers come from: shares of population and customers by segment",
        subtitle="▲ over-, ▼ under-represented, ● about average, with the index (100 is average)",
    )
    chart = alt.layer(links, ticks, dots.encode(color=colour), labels)
    return chart.properties(width=WIDTH, height=26 * max(len(rows), 1), title=title)


VERDICT_COLOURS = {key: PALETTE[key] for key in ("over", "under", "average")}


def variance(ratios: Sequence[float], n_components: int) -> Drawing:
    """Variance of every component as bars, its running sum as a line, the kept ones marked."""
    rows = [
        {
            "component": number,
            "from": number - 0.42,
            "to": number + 0.42,
            "share": round(ratio, 5),
            "sum": round(total, 5),
            "kept": "kept" if number <= n_components else "left out",
        }
        for number, (ratio, total) in enumerate(
            zip(ratios, accumulate(ratios), strict=True), start=1
        )
    ]
    tooltip = [
        _tip("component", "Component"),
        _tip("share", "Share of variance", ".2%"),
        _tip("sum", "Together with those before", ".1%"),
        _tip("kept", "Used"),
    ]
    edge = n_components + 0.5
    x = alt.X("from", type="quantitative", title="Component").scale(
        domain=[0.5, len(rows) + 0.5], nice=False
    )
    x = x.axis(grid=False, tickMinStep=1, format="d")
    y = alt.Y("sum", type="quantitative", title="Share of variance").axis(format="~%")
    base = alt.Chart(_values(rows)).encode(tooltip=tooltip)
    bars = base.mark_rect().encode(
        x=x,
        x2="to:Q",
        y=alt.Y("share", type="quantitative"),
        y2=alt.datum(0),
        color=alt.Color("kept", type="nominal", legend=None).scale(
            domain=["kept", "left out"], range=[PALETTE["over"], PALETTE["bar"]]
        ),
    )
    line = base.mark_line(color=PALETTE["ink"], strokeWidth=2, point=len(rows) <= MOST).encode(
        x=alt.X("component", type="quantitative"), y=y.scale(domain=[0, 1])
    )
    right = n_components > len(rows) / 2
    label = f"{n_components} kept: {percent(sum(ratios[:n_components]))}"
    mark = [{"edge": edge, "sum": 0.04, "label": label}]
    rule = alt.Chart(_values(mark)).encode(x=alt.X("edge", type="quantitative"))
    chart = alt.layer(
        bars,
        line,
        rule.mark_rule(color=PALETTE["ink"], strokeDash=[3, 3]),
        rule.mark_text(
            align="right" if right else "left", dx=-8 if right else 8, fontWeight="bold"
        ).encode(y=alt.Y("sum", type="quantitative"), text="label:N"),
    )
    title = alt.Title(
        "Variance explained by the components", subtitle="bars: each one; line: running sum"
    )
    return chart.properties(width=WIDTH, height=260, title=title)


SWEEP = {
    "inertia": (
        "Inertia",
        "sum of squared distances to the centres; falls as segments are added",
        "~s",
    ),
    "silhouette": ("Silhouette", "how far apart segments are, −1 to 1; higher is better", "~g"),
    "stability": ("Stability", "agreement of repeated clusterings, 0 to 1; higher is better", "~g"),
    "smallest_share": ("Smallest segment", "share of the population in the smallest segment", "~%"),
}


def sweep(table: pl.DataFrame, measure: str) -> Drawing:
    """One measure over the number of segments, the chosen one marked."""
    heading, subtitle, form = SWEEP[measure]
    known = table.filter(pl.col(measure).cast(pl.Float64).is_finite()).sort("n_clusters")
    rows = [
        {"k": k, "value": value, "chosen": "chosen" if chosen else ""}
        for k, value, chosen in known.select("n_clusters", measure, "chosen").iter_rows()
    ]
    tooltip = [_tip("k", "Segments"), _tip("value", heading, ".4~g")]
    ks = [row["k"] for row in rows] or [2]
    x = alt.X("k", type="quantitative", title="Number of segments").scale(
        domain=[min(ks) - 0.5, max(ks) + 0.5], nice=False
    )
    x = x.axis(grid=False, tickMinStep=1, format="d")
    y = alt.Y("value", type="quantitative", title=None).scale(zero=measure == "smallest_share")
    bare = alt.Chart(_values(rows)).encode(x=x, tooltip=tooltip)
    base = bare.encode(y=y.axis(format=form, tickCount=5))
    chosen = base.transform_filter("datum.chosen === 'chosen'")
    chart = alt.layer(
        bare.transform_filter("datum.chosen === 'chosen'").mark_rule(
            color=PALETTE["grid"], strokeWidth=8
        ),
        base.mark_line(color=PALETTE["muted"], strokeWidth=2),
        base.mark_point(color=PALETTE["muted"], filled=True, size=30, opacity=1),
        chosen.mark_point(color=PALETTE["over"], filled=True, size=110, opacity=1),
        chosen.mark_text(dy=-14, fontWeight="bold").encode(text="k:N"),
    )
    title = alt.Title(f"{heading} by number of segments", subtitle=subtitle)
    return chart.properties(width=SMALL, height=170, title=title)


def missing(attributes: pl.DataFrame, threshold: float | None) -> Drawing:
    """Missing share per attribute: empty cells, and those coded as unknown on top."""
    table = (
        attributes.filter((pl.col("missing_share") > 0) | ~pl.col("kept"))
        .sort("kept", "missing_share", "attribute", descending=[False, True, False])
        .head(MOST)
        .sort("missing_share", "attribute", descending=[True, False])
    )
    parts_of = table.select("missing_share", "missing_before", "missing").rows()
    records = [
        {
            "attribute": row["attribute"],
            "empty": round(_empty_share(*parts), 4),
            "all": round(row["missing_share"] or 0.0, 4),
            "customers": percent(row["customers_missing_share"]),
            "used": "kept" if row["kept"] else f"dropped: {row['reason'] or 'no reason given'}",
            "mark": "" if row["kept"] else "✕ dropped",
        }
        for row, parts in zip(table.iter_rows(named=True), parts_of, strict=True)
    ]
    bars_of = [
        {**record, "part": part, "from": low, "to": high}
        for record in records
        for part, low, high in (
            ("empty cells", 0.0, record["empty"]),
            ("coded as unknown", record["empty"], record["all"]),
        )
    ]
    tooltip = [
        _tip("attribute", "Attribute"),
        _tip("empty", "Empty cells", ".1%"),
        _tip("all", "Missing with codes", ".1%"),
        _tip("customers", "… of customers"),
        _tip("used", "Used"),
    ]
    y = alt.Y("attribute", type="nominal", title=None)
    y = y.sort([record["attribute"] for record in records]).axis(grid=False)
    x = alt.X("from", type="quantitative", title="Share of the population missing")
    x = x.axis(format="~%", tickCount=5).scale(domain=[0, 1])
    colour = alt.Color("part", type="nominal").scale(
        domain=["empty cells", "coded as unknown"], range=[PALETTE["bar"], PALETTE["muted"]]
    )
    bars = (
        alt.Chart(_values(bars_of))
        .mark_bar(height=alt.RelativeBandSize(0.72))
        .encode(x=x, x2="to:Q", y=y, color=colour, tooltip=tooltip)
    )
    marks = (
        alt.Chart(_values(records))
        .mark_text(align="left", dx=6, color=PALETTE["under"])
        .encode(x=alt.X("all", type="quantitative"), y=y, text="mark:N", tooltip=tooltip)
    )
    layers: list[alt.Chart] = [bars, marks]
    if threshold is not None:
        rule = alt.Chart(_values([{"at": threshold}])).encode(x=alt.X("at", type="quantitative"))
        layers.append(rule.mark_rule(color=PALETTE["under"], strokeDash=[4, 3]))
    title = alt.Title(
        "Missing values by attribute",
        subtitle="dashed: the most that is allowed" if threshold is not None else "",
    )
    return alt.layer(*layers).properties(width=WIDTH, height=18 * max(len(records), 1), title=title)


def gaps(
    histogram: pl.DataFrame, extract: str, max_missing: int, top: tuple[int, float], min_cell: int
) -> Drawing:
    """Rows of one extract by the number of attributes they miss; top is the reach of both axes."""
    table = histogram.filter(pl.col("extract") == extract).sort("n_missing")
    total = max(int(table["rows"].sum()), 1)
    rows = [
        {
            "missing": n,
            "from": n - 0.45,
            "to": n + 0.45,
            "share": round(count / total, 4),
            "fate": "set aside" if n > max_missing else "clustered",
        }
        for n, count in table.select("n_missing", "rows").iter_rows()
        if count >= min_cell
    ]
    tooltip = [
        _tip("missing", "Attributes missing"),
        _tip("share", "Share of rows", ".1%"),
        _tip("fate", "Fate"),
    ]
    x = alt.X("from", type="quantitative", title="Attributes missing in the row").scale(
        domain=[-0.5, top[0] + 0.5], nice=False
    )
    y = alt.Y("share", type="quantitative", title=None).scale(domain=[0, top[1]])
    bars = (
        alt.Chart(_values(rows))
        .mark_rect()
        .encode(
            x=x.axis(grid=False, format="d", tickMinStep=1),
            x2="to:Q",
            y=y.axis(format="~%", tickCount=5),
            y2=alt.datum(0),
            color=alt.Color("fate", type="nominal", legend=None).scale(
                domain=["clustered", "set aside"], range=[PALETTE["bar"], PALETTE["under"]]
            ),
            tooltip=tooltip,
        )
    )
    mark = [{"edge": max_missing + 0.5, "share": top[1] * 0.94, "label": "set aside →"}]
    rule = alt.Chart(_values(mark)).encode(x=alt.X("edge", type="quantitative"))
    chart = alt.layer(
        bars,
        rule.mark_rule(color=PALETTE["under"], strokeDash=[4, 3]),
        rule.mark_text(align="left", dx=6, color=PALETTE["under"]).encode(
            y=alt.Y("share", type="quantitative"), text="label:N"
        ),
    )
    title = alt.Title(f"Rows of the {extract} by number of missing attributes")
    return chart.properties(width=SMALL, height=200, title=title)


def _dumbbell(segment: Segment, min_cell: int) -> Row:
    population = round(segment.population_share or 0.0, 3)
    customers = None if segment.customer_share is None else round(segment.customer_share, 3)
    unknown = f"under {min_cell}" if customers is None else "no index"
    return {
        "name": segment.name,
        "population": population,
        "customers": customers,
        "far": max(population, customers or 0.0),
        "label": f"{segment.symbol} {unknown if segment.index is None else whole(segment.index)}",
        "verdict": f"{segment.symbol} {segment.word}",
        "verdict_key": segment.verdict,
        "population_text": percent(segment.population_share),
        "customers_text": percent(segment.customer_share),
        "index_text": whole(segment.index),
    }


def _ends(row: Row) -> Iterable[Row]:
    yield {**row, "who": POPULATION, "share": row["population"]}
    if row["customers"] is not None:
        yield {**row, "who": CUSTOMERS, "share": row["customers"]}


def _empty_share(missing_share: float | None, empty: int | None, missing: int | None) -> float:
    """The part of a missing share that is empty cells, the rest being coded as unknown."""
    return (missing_share or 0.0) * min((empty or 0) / missing, 1.0) if missing else 0.0


def _tip(field: str, title: str, form: str = "") -> alt.Tooltip:
    if form:
        return alt.Tooltip(field, type="quantitative", title=title, format=form)
    return alt.Tooltip(field, type="nominal", title=title)


def _values(rows: Iterable[Row]) -> alt.InlineData:
    return alt.InlineData(values=[dict(row) for row in rows])
