"""The figures of the page: each a chart with the sentence that says what it shows."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import polars as pl
import vl_convert

from segment_lib.report import charts, data_charts, method_charts, theme
from segment_lib.report.answer import named
from segment_lib.report.facts import RunFacts
from segment_lib.report.mailing import reach
from segment_lib.report.segments import FOUND_AGAIN, UNCLEAR, VERDICTS, Segment
from segment_lib.report.words import decimals, many, percent, sentence
from segment_lib.terms import EXTRACTS


@dataclass(frozen=True)
class Figure:
    """A chart with the sentence that says what it shows."""

    name: str
    heading: str
    takeaway: str
    chart: theme.Drawing

    @cached_property
    def spec(self) -> dict[str, object]:
        """The Vega-Lite specification of the figure as a file, checked by its schema once."""
        spec: dict[str, object] = theme.shown(self.chart.to_dict())
        return spec | {"config": theme.CONFIG, "padding": 12}

    @cached_property
    def svg(self) -> str:
        """The figure as a file."""
        return vl_convert.vegalite_to_svg(self.spec | {"background": "white"})

    def png(self) -> bytes:
        return vl_convert.svg_to_png(self.svg, scale=2)

    def inline_svg(self) -> str:
        """The figure for the page before (and without) scripts, in the page's colours."""
        svg = vl_convert.vegalite_to_svg(self._bare_spec())
        svg = re.sub(r'\bid="|(?<=url\(#)', lambda found: f"{found[0]}{self.name}-", svg)
        return re.sub(r'"(#\w{6})"', _variable_in_quotes, svg)

    def inline_json(self) -> str:
        """The figure for vegaEmbed, as wide as its place; safe inside a script element."""
        spec = _recoloured(self._bare_spec() | {"width": "container"})
        spec["autosize"] = {"type": "fit-x", "contains": "padding"}
        spec["padding"] = {"left": 2, "top": 2, "bottom": 2, "right": 8}
        text = json.dumps(spec, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        return text.replace("&", r"\u0026").replace("<", r"\u003c").replace(">", r"\u003e")

    def _bare_spec(self) -> dict[str, object]:
        spec = self.spec | {"padding": 2}
        return {key: value for key, value in spec.items() if key not in ("title", "$schema")}


def figures(facts: RunFacts, found: Sequence[Segment]) -> Iterator[Figure]:
    """All figures of a run, in the order of the page."""
    yield Figure(
        "index",
        "How strongly customers come from each segment",
        _index_takeaway(found),
        charts.index(found),
    )
    yield Figure(
        "shares",
        "Population against customers",
        "Tick: share of the population; dot: share of customers. The number is the index; 100 is "
        "average.",
        charts.shares(found),
    )
    yield Figure(
        "gains",
        "Customers reached by depth of the mailing",
        reach(facts.gains, facts.n_micro) or "Customers reached by share of the population mailed.",
        charts.gains(facts.gains.filter(pl.col("population_rows") > 0), facts.depth),
    )
    for measure, (heading, meaning, _) in method_charts.SWEEP.items():
        yield Figure(
            f"sweep-{measure}",
            heading,
            _sweep_takeaway(facts.sweep, measure, meaning),
            method_charts.sweep(facts.sweep, measure, facts.stability, facts.min_cell),
        )
    yield Figure(
        "stability",
        "Stability of each segment",
        _stability_takeaway(found),
        method_charts.steadiness(found),
    )
    n_components = len(facts.explained_variance_ratio)
    yield Figure(
        "variance",
        "Variance explained",
        f"{many(n_components, 'component')} {'keeps' if n_components == 1 else 'keep'} "
        f"{percent(sum(facts.explained_variance_ratio))} of the variance of "
        f"{many(facts.n_features, 'feature')}. Bars: each component; line: running sum.",
        method_charts.variance(facts.explained_variance_ratio),
    )
    yield Figure(
        "missing",
        "Missing values by attribute",
        _missing_takeaway(facts.attributes),
        data_charts.missing(facts.attributes, _threshold(facts.settings)),
    )
    top = _reach(facts.rows)
    for extract in EXTRACTS:
        yield Figure(
            f"rows-{extract}",
            f"Rows of the {extract}",
            _rows_takeaway(facts, extract),
            data_charts.gaps(facts.rows, extract, facts.max_missing_per_row, top, facts.min_cell),
        )


# -- what they show, in words --------------------------------------------------------------------


def _index_takeaway(found: Sequence[Segment]) -> str:
    words = (*(word for _, word in VERDICTS.values()), UNCLEAR)
    parts = [
        f"{named(group)} {'is' if len(group) == 1 else 'are'} {word}"
        for word in words
        if (group := [segment for segment in found if segment.word == word])
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


def _stability_takeaway(found: Sequence[Segment]) -> str:
    known = [segment for segment in found if segment.stability is not None]
    again = [s for s in known if s.stability is not None and s.stability >= FOUND_AGAIN]
    return (
        f"{len(again)} of {many(len(known), 'segment')} found again. Mean Jaccard coefficient "
        "of a segment with its nearest in clusterings anew, over all rows: 1 is the same people, "
        "from 0.75 it is found again, from 0.6 in outline, up to 0.5 it has dissolved."
    )


def _missing_takeaway(attributes: pl.DataFrame) -> str:
    dropped = attributes.filter(~pl.col("kept")).height
    gaps = attributes.filter((pl.col("missing_share") > 0) | ~pl.col("kept")).height
    said = f"{many(dropped, 'attribute')} of {attributes.height} dropped"
    if gaps > data_charts.MOST:
        said += f"; the {data_charts.MOST} sparsest are drawn"
    if complete := attributes.height - gaps:
        said += f"; {complete} with nothing missing not drawn"
    return f"{said}. ✕: dropped."


def _rows_takeaway(facts: RunFacts, extract: str) -> str:
    table = facts.rows.filter(pl.col("extract") == extract)
    aside = table.filter(pl.col("n_missing") > facts.max_missing_per_row)
    rows, total = int(aside["rows"].sum()), max(int(table["rows"].sum()), 1)
    share = f"Under {facts.min_cell}" if rows < facts.min_cell else percent(rows / total)
    within = data_charts.is_within(facts.max_missing_per_row, _reach(facts.rows))
    beyond = "" if within else " That limit lies beyond what is drawn."
    return (
        f"{share} of the {extract} miss more than {facts.max_missing_per_row} of the kept "
        f"attributes and are set aside.{beyond}"
    )


def _reach(rows: pl.DataFrame) -> tuple[int, float]:
    """The largest number missing and the largest share of rows, for axes that compare."""
    shares = rows.select(pl.col("rows") / pl.col("rows").sum().over("extract")).to_series()
    largest = rows["n_missing"].max()
    tallest = shares.max()
    return (
        int(largest) if isinstance(largest, int) else 1,
        float(tallest) if isinstance(tallest, float) else 1.0,
    )


def _threshold(settings: Mapping[str, str]) -> float | None:
    """The largest missing share an attribute may have, if the settings say so."""
    for key, value in settings.items():
        if key.rpartition(".")[2] == "max_missing_share":
            try:
                return float(value)
            except ValueError:
                return None
    return None


# -- colours ---------------------------------------------------------------------------------------

_VARIABLES = {colour: f"var(--{name})" for name, colour in theme.PALETTE.items()}


def _variable_in_quotes(found: re.Match[str]) -> str:
    return f'"{_VARIABLES.get(found[1], found[1])}"'


def _recoloured(spec: dict[str, object]) -> dict[str, object]:
    """The spec with the palette's colours as CSS variables; data are left alone."""
    return {key: value if key == "datasets" else _swap(value) for key, value in spec.items()}


def _swap(value: object) -> object:
    if isinstance(value, dict):
        return {key: _swap(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_swap(item) for item in value]
    return _VARIABLES.get(value, value) if isinstance(value, str) else value
