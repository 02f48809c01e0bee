"""Chart of the index of each segment over the runs of one line of refreshes."""

from collections.abc import Mapping

import altair as alt
import polars as pl
import vl_convert

from segment_lib.report.theme import CONFIG, PALETTE, inline, printable_spec
from segment_lib.schema.language import Language
from segment_lib.terms import SET_ASIDE, VERDICTS

_HEIGHT = 360
_STEP = 110
"""Pixels between runs."""
_LABEL = 14
"""The fewest pixels between labels."""


def trend_chart(history: pl.DataFrame, line: str, language: Language) -> Mapping[str, object]:
    """Vega-Lite specification of the chart.

    Parameters
    ----------
    history : run, order (from 0), segment, name, index, verdict; a row per run and segment
    line : name of the first run of the line
    """
    _ = language.gettext
    rows = history.filter(pl.col("index") > 0).with_columns(
        pl.when(pl.col("segment") == SET_ASIDE)
        .then(pl.lit(_("set aside")))
        .otherwise(pl.col("segment").cast(pl.String))
        .alias("label")
    )
    runs = history.sort("order")["run"].unique(maintain_order=True).to_list()
    base = alt.Chart(inline(rows.to_dicts())).encode(
        x=alt.X("run", type="nominal", sort=runs, title=None).axis(labelAngle=0, grid=False),
        y=alt.Y("index", type="quantitative", title=_("Index (100: average)"))
        .scale(type="log", nice=False, padding=12)
        .axis(values=[1, 3, 10, 30, 100, 300, 1000]),
        color=alt.Color("verdict", type="nominal", legend=None).scale(
            domain=[*VERDICTS], range=[PALETTE[name] for name in VERDICTS]
        ),
        detail=alt.Detail("segment", type="nominal"),
        order=alt.Order("order", type="quantitative"),
    )
    average = (
        alt.Chart(inline([{"index": 100}]))
        .mark_rule(color=PALETTE["muted"], strokeDash=[4, 4])
        .encode(y=alt.Y("index", type="quantitative"))
    )
    lines = base.mark_line(color=PALETTE["bar"], strokeWidth=1.5).encode(
        color=alt.value(PALETTE["bar"])
    )
    last = rows.filter(pl.col("order") == len(runs) - 1).sort("index")
    label_rows = last.with_columns(
        pl.Series("index", _spread_labels(last["index"].to_list()), dtype=pl.Float64)
    )
    labels = base.mark_text(align="left", dx=9).encode(text=alt.Text("label", type="nominal"))
    labels = labels.properties(data=inline(label_rows.to_dicts()))
    title = alt.Title(
        _("Index by segment since {line}", line=line),
        subtitle=_("One line per segment; log scale"),
    )
    chart = alt.layer(average, lines, base.mark_point(filled=True, size=55, opacity=1), labels)
    sized = chart.properties(width=max(_STEP * len(runs), 2 * _STEP), height=_HEIGHT, title=title)
    spec: dict[str, object] = printable_spec(sized.to_dict())
    return spec | {"config": CONFIG, "padding": 16, "background": "white"}


def trend_svg(history: pl.DataFrame, line: str, language: Language) -> str:
    """SVG of the chart."""
    return vl_convert.vegalite_to_svg(dict(trend_chart(history, line, language)))


def _spread_labels(indexes: list[float]) -> list[float]:
    """Positions of the labels of rising indexes, far enough apart to be read."""
    gap = (indexes[-1] / indexes[0]) ** (_LABEL / _HEIGHT) if indexes else 1.0
    positions: list[float] = []
    for index in indexes:
        positions.append(max(index, positions[-1] * gap) if positions else index)
    return positions
