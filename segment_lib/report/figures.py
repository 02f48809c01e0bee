"""Figures of the page: each a chart with a takeaway sentence."""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import polars as pl
import vl_convert
from altair.utils.schemapi import debug_mode

from segment_lib.report import charts, data_charts, method_charts, theme
from segment_lib.report.answer import listed_numbers
from segment_lib.report.facts import RunFacts
from segment_lib.report.formatting import sentence
from segment_lib.report.mailing import reach_sentence
from segment_lib.report.segments import NOT_SHOWN, UNCLEAR, WORDS, Segment
from segment_lib.report.svg import page_svg
from segment_lib.schema.language import N_, Language
from segment_lib.terms import EXTRACTS, FOUND_AGAIN

PAGE, PHONE = 760, 358
"""Pixels across that a chart of the page is drawn for."""
_DRAWN_AT_ONCE = 2
"""Figures; each takes an engine of some 70 MiB."""


@dataclass(frozen=True)
class Figure:
    """A chart with its heading and a takeaway sentence."""

    name: str
    heading: str
    takeaway: str
    chart: theme.Drawing
    language: Language

    def spec(self) -> dict[str, object]:
        """Vega-Lite specification of the figure as a file."""
        # Every chart is checked by the schema in tests: it takes as long as drawing.
        spec: dict[str, object] = theme.printable_spec(self.chart.to_dict(validate=False))
        locale = {"number": self.language.vega}
        return spec | {"config": theme.CONFIG | {"locale": locale}, "padding": 12}


@dataclass(frozen=True)
class DrawnFigure:
    """A figure as it is shown."""

    name: str
    heading: str
    takeaway: str
    svg: str
    """The figure as a file."""
    png: bytes
    """The same in dots."""
    drawings: Mapping[str, str]
    """SVG for the page, by where it is shown: on a phone, on what is wider, on all."""


def draw_figures(facts: RunFacts, segments: Sequence[Segment]) -> dict[str, DrawnFigure]:
    """Draw all figures of a run, by their names, in the order of the page."""
    # The engine draws outside Python: a figure is drawn while the next one is made.
    with ThreadPoolExecutor(_DRAWN_AT_ONCE) as pool, debug_mode(False):
        drawing = [
            pool.submit(_draw, figure, figure.spec()) for figure in all_figures(facts, segments)
        ]
        return {figure.name: figure for figure in (future.result() for future in drawing)}


def _draw(figure: Figure, spec: dict[str, object]) -> DrawnFigure:
    svg = vl_convert.vegalite_to_svg(spec | {"background": "white"})
    png = vl_convert.svg_to_png(svg, scale=2)
    inner = {key: value for key, value in spec.items() if key not in ("title", "$schema")}
    if inner.get("width") == theme.SMALL:
        drawings = {"everywhere": page_svg(inner, figure.name, PHONE)}
    else:
        drawings = {
            "wide": page_svg(inner, figure.name, PAGE),
            "phone": page_svg(inner, f"{figure.name}-phone", PHONE),
        }
    return DrawnFigure(figure.name, figure.heading, figure.takeaway, svg, png, drawings)


def all_figures(facts: RunFacts, segments: Sequence[Segment]) -> Iterator[Figure]:
    """Yield all figures of a run, in the order of the page."""
    language = facts.language
    _, figure = language.gettext, partial(Figure, language=language)
    yield figure(
        "index",
        _("How common customers are in each segment"),
        _index_takeaway(segments, language),
        charts.index_chart(segments, language),
    )
    yield figure(
        "shares",
        _("Population against customers"),
        _(
            "Tick: share of the population; dot: share of customers. The number is the index; 100 "
            "is average."
        ),
        charts.share_chart(segments, language),
    )
    yield figure(
        "gains",
        _("Customers among the best of the ranking"),
        reach_sentence(facts.gains, facts.n_micro, facts.ranking, language).striptags()
        or _("Share of the customers among the best of the population."),
        charts.gains_chart(
            facts.gains.filter(pl.col("population_rows") > 0), facts.depth, language
        ),
    )
    if facts.depth:
        yield figure(
            "profit",
            _("Profit by depth of the mailing"),
            _(
                "Expected profit at each depth. The band is the range that chance leaves; the "
                "dashed line is the depth that pays most."
            ),
            charts.profit_chart(facts.depths, facts.depth, language),
        )
    for measure, (heading, meaning, _form) in method_charts.SWEEP_MEASURES.items():
        yield figure(
            f"sweep-{measure}",
            _(heading),
            _sweep_takeaway(facts.sweep, measure, meaning, language),
            method_charts.sweep_chart(
                facts.sweep, measure, facts.stability, facts.min_cell, language
            ),
        )
    yield figure(
        "stability",
        _("Stability of each segment"),
        _stability_takeaway(segments, language),
        method_charts.stability_chart(segments, language),
    )
    yield figure(
        "variance",
        _("Variance explained"),
        _variance_takeaway(facts),
        method_charts.variance_chart(facts.explained_variance_ratio, language),
    )
    yield figure(
        "missing",
        _("Missing values by attribute"),
        _missing_takeaway(facts.attributes, language),
        data_charts.missing_chart(facts.attributes, _max_missing_share(facts.settings), language),
    )
    top = _axis_limits(facts.rows)
    headings = {
        "population": _("Rows of the population"),
        "customers": _("Rows of the customers"),
    }
    for extract in EXTRACTS:
        yield figure(
            f"rows-{extract}",
            headings[extract],
            _rows_takeaway(facts, extract),
            data_charts.rows_chart(
                facts.rows, extract, facts.max_missing_per_row, top, facts.min_cell, language
            ),
        )


# -- what they show, in words --------------------------------------------------------------------


def _index_takeaway(segments: Sequence[Segment], language: Language) -> str:
    words = (*WORDS.values(), NOT_SHOWN, UNCLEAR)
    parts = [
        language.ngettext(
            "segment {numbers} is {verdict}",
            "segments {numbers} are {verdict}",
            len(group),
            numbers=listed_numbers(group, language),
            verdict=language.gettext(word),
        )
        for word in words
        if (group := [s for s in segments if s.level == word and not s.is_set_aside])
    ]
    meaning = language.gettext(
        "The number is the index: 100 is average; at 200 customers are twice as common. The bar "
        "is the range in which the true value very likely lies."
    )
    return f"{sentence('; '.join(parts))} {meaning}"


def _sweep_takeaway(sweep: pl.DataFrame, measure: str, meaning: str, language: Language) -> str:
    _ = language.gettext
    chosen = sweep.filter("chosen").select("n_clusters", measure).rows()
    if not chosen:
        return _(meaning)
    k, value = chosen[0]
    if value is None:
        return _("Not measured. {meaning}", meaning=_(meaning))
    form = language.percent if measure == "gain" else language.figure
    return _(
        "{value} at the {k} segments chosen. {meaning}",
        value=form(value),
        k=k,
        meaning=_(meaning),
    )


def _stability_takeaway(segments: Sequence[Segment], language: Language) -> str:
    known = [segment for segment in segments if segment.stability is not None]
    stable = [s for s in known if s.stability is not None and s.stability >= FOUND_AGAIN]
    return language.ngettext(
        "{stable:count} of {n:count} segment found again. Mean Jaccard coefficient of a segment "
        "with its nearest in clusterings anew, over all rows: 1 is the same people, from 0.75 it "
        "is found again, from 0.6 in outline, up to 0.5 it has dissolved.",
        "{stable:count} of {n:count} segments found again. Mean Jaccard coefficient of a segment "
        "with its nearest in clusterings anew, over all rows: 1 is the same people, from 0.75 it "
        "is found again, from 0.6 in outline, up to 0.5 it has dissolved.",
        len(known),
        stable=len(stable),
    )


def _variance_takeaway(facts: RunFacts) -> str:
    kept, language = len(facts.explained_variance_ratio), facts.language
    sentences = [
        language.ngettext(
            "{n:count} component keeps {share:percent} of the variance of {features:count} "
            "features. Bars: each component; line: running sum.",
            "{n:count} components keep {share:percent} of the variance of {features:count} "
            "features. Bars: each component; line: running sum.",
            kept,
            share=sum(facts.explained_variance_ratio),
            features=facts.n_features,
        )
    ]
    if (above := facts.n_above_chance) < kept:
        stand_out = language.ngettext(
            "{n:count} of them stands out from chance.",
            "{n:count} of them stand out from chance.",
            above,
        )
        sentences.append(stand_out)
    return " ".join(sentences)


def _missing_takeaway(attributes: pl.DataFrame, language: Language) -> str:
    _ = language.gettext
    incomplete = attributes.filter((pl.col("missing_share") > 0) | ~pl.col("kept")).height
    sentences = [
        _(
            "{n:count} of {all:count} attributes dropped (✕).",
            n=attributes.filter(~pl.col("kept")).height,
            all=attributes.height,
        )
    ]
    if incomplete > data_charts.MAX_ATTRIBUTES:
        sentences.append(_("The {n:count} sparsest are drawn.", n=data_charts.MAX_ATTRIBUTES))
    if complete := attributes.height - incomplete:
        sentences.append(_("Not drawn: {n:count} with nothing missing.", n=complete))
    return " ".join(sentences)


def _rows_takeaway(facts: RunFacts, extract: str) -> str:
    _, language = facts.language.gettext, facts.language
    table = facts.rows.filter(pl.col("extract") == extract)
    aside = table.filter(pl.col("n_missing") > facts.max_missing_per_row)
    rows, total = int(aside["rows"].sum()), max(int(table["rows"].sum()), 1)
    share = (
        _("Under {n:count}", n=facts.min_cell)
        if rows < facts.min_cell
        else language.percent(rows / total)
    )
    texts = {
        "population": N_(
            "{share} of the population miss more than {limit:count} of the kept attributes and "
            "are set aside."
        ),
        "customers": N_(
            "{share} of the customers miss more than {limit:count} of the kept attributes and are "
            "set aside."
        ),
    }
    sentences = [_(texts[extract], share=share, limit=facts.max_missing_per_row)]
    if not data_charts.is_limit_shown(facts.max_missing_per_row, _axis_limits(facts.rows)):
        sentences.append(_("That limit lies beyond what is drawn."))
    return " ".join(sentences)


def _axis_limits(rows: pl.DataFrame) -> tuple[int, float]:
    """Ends of both axes, the same for both extracts: largest number missing, largest share."""
    shares = rows.select(pl.col("rows") / pl.col("rows").sum().over("extract")).to_series()
    largest = rows["n_missing"].max()
    tallest = shares.max()
    return (
        int(largest) if isinstance(largest, int) else 1,
        float(tallest) if isinstance(tallest, float) else 1.0,
    )


def _max_missing_share(settings: Mapping[str, str]) -> float | None:
    """Largest missing share that an attribute may have, or None if the settings lack it."""
    for key, value in settings.items():
        if key.rpartition(".")[2] == "max_missing_share":
            try:
                return float(value)
            except ValueError:
                return None
    return None
