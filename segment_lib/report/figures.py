"""Figures of the page: each a chart with a takeaway sentence."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import polars as pl
import vl_convert

from segment_lib.report import charts, data_charts, method_charts, theme
from segment_lib.report.answer import list_segments
from segment_lib.report.facts import RunFacts
from segment_lib.report.formatting import decimals, percent, plural, sentence
from segment_lib.report.mailing import reach_sentence
from segment_lib.report.segments import UNCLEAR, VERDICTS, Segment
from segment_lib.report.svg import page_svg
from segment_lib.terms import EXTRACTS, FOUND_AGAIN

PAGE, PHONE = 760, 358
"""Pixels across that a chart of the page is drawn for."""


@dataclass(frozen=True)
class Figure:
    """A chart with its heading and a takeaway sentence."""

    name: str
    heading: str
    takeaway: str
    chart: theme.Drawing

    @cached_property
    def spec(self) -> dict[str, object]:
        """Vega-Lite specification of the figure as a file, checked by its schema once."""
        spec: dict[str, object] = theme.printable_spec(self.chart.to_dict())
        return spec | {"config": theme.CONFIG, "padding": 12}

    @cached_property
    def svg(self) -> str:
        """SVG of the figure as a file."""
        return vl_convert.vegalite_to_svg(self.spec | {"background": "white"})

    def png(self) -> bytes:
        return vl_convert.svg_to_png(self.svg, scale=2)

    @cached_property
    def drawings(self) -> dict[str, str]:
        """SVG for the page, by where it is shown: on a phone, on what is wider, on all."""
        spec = {key: value for key, value in self.spec.items() if key not in ("title", "$schema")}
        if spec.get("width") == theme.SMALL:
            return {"everywhere": page_svg(spec, self.name, PHONE)}
        return {
            "wide": page_svg(spec, self.name, PAGE),
            "phone": page_svg(spec, f"{self.name}-phone", PHONE),
        }


def all_figures(facts: RunFacts, segments: Sequence[Segment]) -> Iterator[Figure]:
    """Yield all figures of a run, in the order of the page."""
    yield Figure(
        "index",
        "How strongly customers come from each segment",
        _index_takeaway(segments),
        charts.index_chart(segments),
    )
    yield Figure(
        "shares",
        "Population against customers",
        "Tick: share of the population; dot: share of customers. The number is the index; 100 is "
        "average.",
        charts.share_chart(segments),
    )
    yield Figure(
        "gains",
        "Customers reached by depth of the mailing",
        reach_sentence(facts.gains, facts.n_micro, facts.ranking)
        or "Customers reached by share of the population mailed.",
        charts.gains_chart(facts.gains.filter(pl.col("population_rows") > 0), facts.depth),
    )
    for measure, (heading, meaning, _) in method_charts.SWEEP_MEASURES.items():
        yield Figure(
            f"sweep-{measure}",
            heading,
            _sweep_takeaway(facts.sweep, measure, meaning),
            method_charts.sweep_chart(facts.sweep, measure, facts.stability, facts.min_cell),
        )
    yield Figure(
        "stability",
        "Stability of each segment",
        _stability_takeaway(segments),
        method_charts.stability_chart(segments),
    )
    n_components = len(facts.explained_variance_ratio)
    yield Figure(
        "variance",
        "Variance explained",
        f"{plural(n_components, 'component')} {'keeps' if n_components == 1 else 'keep'} "
        f"{percent(sum(facts.explained_variance_ratio))} of the variance of "
        f"{plural(facts.n_features, 'feature')}. Bars: each component; line: running sum.",
        method_charts.variance_chart(facts.explained_variance_ratio),
    )
    yield Figure(
        "missing",
        "Missing values by attribute",
        _missing_takeaway(facts.attributes),
        data_charts.missing_chart(facts.attributes, _max_missing_share(facts.settings)),
    )
    top = _axis_limits(facts.rows)
    for extract in EXTRACTS:
        yield Figure(
            f"rows-{extract}",
            f"Rows of the {extract}",
            _rows_takeaway(facts, extract),
            data_charts.rows_chart(
                facts.rows, extract, facts.max_missing_per_row, top, facts.min_cell
            ),
        )


# -- what they show, in words --------------------------------------------------------------------


def _index_takeaway(segments: Sequence[Segment]) -> str:
    words = (*(word for _, word in VERDICTS.values()), UNCLEAR)
    parts = [
        f"{list_segments(group)} {'is' if len(group) == 1 else 'are'} {word}"
        for word in words
        if (group := [segment for segment in segments if segment.verdict_word == word])
    ]
    return (
        f"{sentence('; '.join(parts))} The number is the index: 200 is twice as many customers as "
        "the size suggests, 100 as many. The bar: how far it may be off, all doubts counted."
    )


def _sweep_takeaway(sweep: pl.DataFrame, measure: str, meaning: str) -> str:
    chosen = sweep.filter("chosen").select("n_clusters", measure).rows()
    if not chosen:
        return sentence(meaning)
    k, value = chosen[0]
    if value is None:
        return f"Not measured. {sentence(meaning)}"
    form = percent if measure == "gain" else decimals
    return f"{form(value)} at the {k} segments chosen. {sentence(meaning)}"


def _stability_takeaway(segments: Sequence[Segment]) -> str:
    known = [segment for segment in segments if segment.stability is not None]
    stable = [s for s in known if s.stability is not None and s.stability >= FOUND_AGAIN]
    return (
        f"{len(stable)} of {plural(len(known), 'segment')} found again. Mean Jaccard coefficient "
        "of a segment with its nearest in clusterings anew, over all rows: 1 is the same people, "
        "from 0.75 it is found again, from 0.6 in outline, up to 0.5 it has dissolved."
    )


def _missing_takeaway(attributes: pl.DataFrame) -> str:
    dropped = attributes.filter(~pl.col("kept")).height
    incomplete = attributes.filter((pl.col("missing_share") > 0) | ~pl.col("kept")).height
    text = f"{plural(dropped, 'attribute')} of {attributes.height} dropped"
    if incomplete > data_charts.MAX_ATTRIBUTES:
        text += f"; the {data_charts.MAX_ATTRIBUTES} sparsest are drawn"
    if complete := attributes.height - incomplete:
        text += f"; {complete} with nothing missing not drawn"
    return f"{text}. ✕: dropped."


def _rows_takeaway(facts: RunFacts, extract: str) -> str:
    table = facts.rows.filter(pl.col("extract") == extract)
    aside = table.filter(pl.col("n_missing") > facts.max_missing_per_row)
    rows, total = int(aside["rows"].sum()), max(int(table["rows"].sum()), 1)
    share = f"Under {facts.min_cell}" if rows < facts.min_cell else percent(rows / total)
    within = data_charts.is_limit_shown(facts.max_missing_per_row, _axis_limits(facts.rows))
    beyond = "" if within else " That limit lies beyond what is drawn."
    return (
        f"{share} of the {extract} miss more than {facts.max_missing_per_row} of the kept "
        f"attributes and are set aside.{beyond}"
    )


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
