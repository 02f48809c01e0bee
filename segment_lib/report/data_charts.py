"""Charts of what was read: missing values by attribute, and by row."""

import altair as alt
import polars as pl

from segment_lib.report.data_tables import reason_in
from segment_lib.report.theme import NARROW, PALETTE, SMALL, WIDTH, Drawing, inline, tip
from segment_lib.schema.language import Language

MAX_ATTRIBUTES = 40
"""The most attributes that the chart of missing values shows."""


def missing_chart(attributes: pl.DataFrame, threshold: float | None, language: Language) -> Drawing:
    """Chart of the missing share per attribute: empty cells, then those coded as unknown."""
    _ = language.gettext
    empty, coded = _("empty cells"), _("coded as unknown")
    table = (
        attributes.with_columns(reason_in(language))
        .filter((pl.col("missing_share") > 0) | ~pl.col("kept"))
        .sort("kept", "missing_share", "attribute", descending=[False, True, False])
        .head(MAX_ATTRIBUTES)
        .sort("missing_share", "attribute", descending=[True, False])
    )
    parts_of = table.select("missing_share", "missing_before", "missing").rows()
    records = [
        {
            "attribute": row["attribute"],
            "empty": round(_empty_share(*parts), 4),
            "all": round(row["missing_share"] or 0.0, 4),
            "customers": language.percent(row["customers_missing_share"]),
            "used": _("kept") if row["kept"] else row["reason"] or _("dropped"),
            "mark": "" if row["kept"] else _("✕ dropped"),
        }
        for row, parts in zip(table.iter_rows(named=True), parts_of, strict=True)
    ]
    bars_of = [
        {**record, "part": part, "from": low, "to": high}
        for record in records
        for part, low, high in (
            (empty, 0.0, record["empty"]),
            (coded, record["empty"], record["all"]),
        )
    ]
    tooltip = [
        tip("attribute", _("Attribute")),
        tip("empty", _("Empty cells"), ".1%"),
        tip("all", _("Missing with codes"), ".1%"),
        tip("customers", _("… of customers")),
        tip("used", _("Used")),
    ]
    y = alt.Y("attribute", type="nominal", title=None)
    y = y.sort([record["attribute"] for record in records]).axis(grid=False)
    x = alt.X("from", type="quantitative", title=_("Share of the population missing"))
    x = x.axis(format="~%", tickCount=5).scale(domain=[0, 1])
    colour = (
        alt.Color("part", type="nominal")
        .scale(domain=[empty, coded], range=[PALETTE["bar"], PALETTE["muted"]])
        .legend(columns=1)
    )
    bars = (
        alt.Chart(inline(bars_of))
        .mark_bar(height=alt.RelativeBandSize(0.72))
        .encode(x=x, x2="to:Q", y=y, color=colour, tooltip=tooltip)
    )
    marks = (
        alt.Chart(inline(records))
        .mark_text(align="left", dx=6, color=PALETTE["under"])
        .transform_calculate(fitting=f"width < {NARROW} ? slice(datum.mark, 0, 1) : datum.mark")
        .encode(x=alt.X("all", type="quantitative"), y=y, text="fitting:N", tooltip=tooltip)
    )
    layers: list[alt.Chart] = [bars, marks]
    if threshold is not None:
        rule = alt.Chart(inline([{"at": threshold}])).encode(x=alt.X("at", type="quantitative"))
        layers.append(rule.mark_rule(color=PALETTE["under"], strokeDash=[4, 3]))
    title = alt.Title(
        _("Missing values by attribute"),
        subtitle=_("dashed: the most that is allowed") if threshold is not None else "",
    )
    return alt.layer(*layers).properties(width=WIDTH, height=18 * max(len(records), 1), title=title)


def rows_chart(
    histogram: pl.DataFrame,
    extract: str,
    max_missing: int,
    axes: tuple[int, float],
    min_cell: int,
    language: Language,
) -> Drawing:
    """Chart of the rows of an extract by the number of attributes they miss; `axes` end there."""
    _ = language.gettext
    clustered, set_aside = _("clustered"), _("set aside")
    table = histogram.filter(pl.col("extract") == extract).sort("n_missing")
    total = max(int(table["rows"].sum()), 1)
    rows = [
        {
            "missing": n,
            "from": n - 0.45,
            "to": n + 0.45,
            "share": round(count / total, 4),
            "fate": set_aside if n > max_missing else clustered,
        }
        for n, count in table.select("n_missing", "rows").iter_rows()
        if count >= min_cell
    ]
    tooltip = [
        tip("missing", _("Attributes missing")),
        tip("share", _("Share of rows"), ".1%"),
        tip("fate", _("Fate")),
    ]
    x = alt.X("from", type="quantitative", title=_("Attributes missing in the row")).scale(
        domain=[-0.5, axes[0] + 0.5], nice=False
    )
    y = alt.Y("share", type="quantitative", title=None).scale(domain=[0, axes[1]])
    bars = (
        alt.Chart(inline(rows))
        .mark_rect()
        .encode(
            x=x.axis(grid=False, format="d", tickMinStep=1),
            x2="to:Q",
            y=y.axis(format="~%", tickCount=5),
            y2=alt.datum(0),
            color=alt.Color("fate", type="nominal", legend=None).scale(
                domain=[clustered, set_aside], range=[PALETTE["bar"], PALETTE["under"]]
            ),
            tooltip=tooltip,
        )
    )
    layers: list[alt.Chart] = [bars]
    if is_limit_shown(max_missing, axes):
        mark = [{"edge": max_missing + 0.5, "share": axes[1] * 0.94, "label": _("set aside →")}]
        rule = alt.Chart(inline(mark)).encode(x=alt.X("edge", type="quantitative"))
        # Right of the line, but where the plot ends soon after it.
        ends = max_missing > 0.7 * axes[0]
        layers += [
            rule.mark_rule(color=PALETTE["under"], strokeDash=[4, 3]),
            rule.mark_text(
                align="right" if ends else "left", dx=-6 if ends else 6, color=PALETTE["under"]
            ).encode(y=alt.Y("share", type="quantitative"), text="label:N"),
        ]
    chart = alt.layer(*layers)
    titles = {
        "population": _("Rows of the population by number of missing attributes"),
        "customers": _("Rows of the customers by number of missing attributes"),
    }
    return chart.properties(width=SMALL, height=200, title=alt.Title(titles[extract]))


def is_limit_shown(max_missing: int, axes: tuple[int, float]) -> bool:
    """Whether the limit of missing values lies on the axis; beyond, its line would stretch it."""
    return max_missing < axes[0]


def _empty_share(missing_share: float | None, n_empty: int | None, n_missing: int | None) -> float:
    """Part of the missing share that is empty cells; the rest is coded as unknown."""
    return (missing_share or 0.0) * min((n_empty or 0) / n_missing, 1.0) if n_missing else 0.0
