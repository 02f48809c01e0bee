"""From the tables of a run to one page that opens anywhere, and its figures as files."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import jinja2
import polars as pl
import vl_convert

from segment_lib.report import charts, tables
from segment_lib.report.drift import DriftSection
from segment_lib.report.tables import Segment, listing, percent, times, whole


@dataclass(frozen=True)
class RunFacts:
    """Everything the page shows, as the run's own tables."""

    title: str
    attributes: pl.DataFrame
    """attribute, information_level, type, n_levels, missing, missing_share, kept, reason,
    missing_before (empty cells), customers_missing, customers_missing_share,
    customers_missing_before, unseen_rows, customers_unseen_rows"""
    rows: pl.DataFrame
    """extract ("population" or "customers"), n_missing, rows: kept attributes missing per row."""
    max_missing_per_row: int
    """Rows missing more of the kept attributes than this are set aside."""
    sweep: pl.DataFrame
    """n_clusters, inertia, calinski_harabasz, davies_bouldin, silhouette, stability,
    smallest_share, n_iter, chosen"""
    rule: str
    """The sentence that says how n_clusters was chosen."""
    explained_variance_ratio: Sequence[float]
    """Of all components there are, falling; the first n_components are kept."""
    n_components: int
    n_features: int
    loadings: pl.DataFrame
    """component (from 1), feature, loading"""
    segments: pl.DataFrame
    """segment (-1: set aside), population_rows, population_share, customer_rows, customer_share,
    index, low, high, verdict ("over", "under" or "average")"""
    profile: pl.DataFrame
    """segment, attribute, level, label, meaning, direction, population_rows, segment_share,
    population_share, index, effect (Cohen's h; positive: more of it than in the population)"""
    stages: pl.DataFrame
    """stage, rows_in, rows_out, files, bytes; times and memory stand in run.json alone, so that the
    page of the same run is the same to the byte"""
    inputs: pl.DataFrame
    """input, path, bytes, rows"""
    settings: Mapping[str, str]
    versions: Mapping[str, str]
    min_cell: int = 10
    """Counts of people below this are not shown."""
    drift: DriftSection | None = None
    """What a refresh found; None for a run of its own."""


@dataclass(frozen=True)
class Figure:
    """A chart with the sentence that says what it shows."""

    name: str
    heading: str
    takeaway: str
    chart: charts.Drawing
    gutter: int = 4
    """Room at the right, in pixels, for labels that stand beside the last mark."""

    def spec(self) -> dict[str, object]:
        """The Vega-Lite specification of the figure as a file."""
        return self.chart.to_dict() | {"config": charts.CONFIG, "padding": 12}

    def svg(self) -> str:
        return vl_convert.vegalite_to_svg(self.spec() | {"background": "white"})

    def png(self) -> bytes:
        return vl_convert.vegalite_to_png(self.spec() | {"background": "white"}, scale=2)

    def inline_svg(self) -> str:
        """The figure for the page before (and without) scripts, in the page's colours."""
        svg = vl_convert.vegalite_to_svg(self._bare_spec())
        svg = re.sub(r'\bid="|(?<=url\(#)', lambda found: f"{found[0]}{self.name}-", svg)
        return re.sub(r'"(#\w{6})"', _variable_in_quotes, svg)

    def inline_json(self) -> str:
        """The figure for vegaEmbed, as wide as its place; safe inside a script element."""
        spec = _recoloured(self._bare_spec() | {"width": "container"})
        spec["autosize"] = {"type": "fit-x", "contains": "padding"}
        spec["padding"] = {"left": 2, "top": 2, "bottom": 2, "right": self.gutter}
        text = json.dumps(spec, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        return text.replace("&", r"\u0026").replace("<", r"\u003c").replace(">", r"\u003e")

    def _bare_spec(self) -> dict[str, object]:
        spec = self.spec() | {"padding": 2}
        return {key: value for key, value in spec.items() if key not in ("title", "$schema")}


def write_report(facts: RunFacts, folder: Path) -> tuple[Path, ...]:
    """Write index.html and figures/*.svg|png into folder (which exists and is empty).

    The same facts give the same bytes. Returns the paths written.
    """
    figures = {figure.name: figure for figure in _figures(facts)}
    written = [_write(folder / "index.html", _page(facts, figures).encode())]
    (folder / "figures").mkdir()
    for name, figure in figures.items():
        written.append(_write(folder / "figures" / f"{name}.svg", figure.svg().encode()))
        written.append(_write(folder / "figures" / f"{name}.png", figure.png()))
    return tuple(written)


def headline(found: Sequence[Segment]) -> tuple[str, tuple[str, ...]]:
    """The answer in one sentence, and the sentences that back it."""
    over = [s for s in found if s.verdict == "over" and s.index and not s.is_set_aside]
    under = [s for s in reversed(found) if s.verdict == "under" and not s.is_set_aside]
    backing = []
    if over:
        best = over[0]
        answer = (
            f"Customers are {times(best.index or 0)} as likely as the population at large "
            f"to be in segment {best.number}."
        )
        if known := [trait.words for trait in best.traits if trait.more][:3]:
            backing.append(f"Segment {best.number} stands out by {listing(known)}.")
        backing.append(f"{_holding(over)} Mail there first{_but_leave_out(under)}.")
    elif under:
        answer = (
            "No segment holds more customers than its size suggests; "
            f"{_named(under)} {'holds' if len(under) == 1 else 'hold'} fewer."
        )
        backing.append(f"{_holding(under)} Leave them out and mail the rest.")
    else:
        answer = "Customers are spread over the segments as the population is."
        backing.append(
            "No segment is over- or under-represented, so these segments give no reason to "
            "mail one before another."
        )
    backing.extend(_set_aside_sentence(segment) for segment in found if segment.is_set_aside)
    return answer, tuple(backing)


def _figures(facts: RunFacts) -> Iterator[Figure]:
    found = tables.segments(facts.segments, facts.profile, facts.min_cell)
    yield Figure(
        "shares",
        "Where customers come from",
        _shares_takeaway(found),
        charts.shares(found, facts.min_cell),
        gutter=60,
    )
    kept = sum(facts.explained_variance_ratio[: facts.n_components])
    yield Figure(
        "variance",
        "Variance explained",
        f"{_many(facts.n_components, 'component')} of {len(facts.explained_variance_ratio)} "
        f"{'keeps' if facts.n_components == 1 else 'keep'} {percent(kept)} of the variance of "
        f"{_many(facts.n_features, 'feature')}. Bars: each component; line: running sum.",
        charts.variance(facts.explained_variance_ratio, facts.n_components),
    )
    for measure, (heading, meaning, _) in charts.SWEEP.items():
        takeaway = _sweep_takeaway(facts.sweep, measure, meaning)
        yield Figure(f"sweep-{measure}", heading, takeaway, charts.sweep(facts.sweep, measure))
    yield Figure(
        "missing",
        "Missing values by attribute",
        _missing_takeaway(facts.attributes),
        charts.missing(facts.attributes, _threshold(facts.settings)),
        gutter=72,
    )
    reach = _reach(facts.rows)
    for extract in ("population", "customers"):
        yield Figure(
            f"rows-{extract}",
            f"Rows of the {extract}",
            _rows_takeaway(facts, extract),
            charts.gaps(facts.rows, extract, facts.max_missing_per_row, reach, facts.min_cell),
        )


def _page(facts: RunFacts, figures: Mapping[str, Figure]) -> str:
    found = tables.segments(facts.segments, facts.profile, facts.min_cell)
    answer, backing = headline(found)
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("segment_lib", "report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("page.html.jinja").render(
        facts=facts,
        figures=figures,
        sweep_figures=[figures[f"sweep-{measure}"] for measure in charts.SWEEP],
        answer=answer,
        backing=backing,
        segments=found,
        index=tables.index_table(found),
        components=tables.components(facts.loadings, facts.profile, shown=3, top=5),
        tables=tables,
        font=charts.FONT,
        few=lambda rows: tables.count(rows, facts.min_cell) if rows else "0",
        vega=_vega(),
    )


def _vega() -> str:
    """Vega, Vega-Lite and vegaEmbed as one script, from the installed package.

    The addresses it would offer for schema, editor and manual are cut: the page names no site.
    """
    bundle = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;")
    bundle = re.sub(r"https?://(?!www\.w3\.org/)[\w./#-]*", "", bundle)
    return bundle.replace("</script", r"<\/script")


# -- sentences -----------------------------------------------------------------------------------


def _named(found: Sequence[Segment], most: int = 5) -> str:
    most = len(found) if len(found) <= most + 2 else most
    numbers = [str(segment.number) for segment in found[:most]]
    if len(found) > most:
        numbers.append(f"{len(found) - most} more")
    return f"{'segment' if len(found) == 1 else 'segments'} {listing(numbers)}"


def _holding(found: Sequence[Segment]) -> str:
    customers = sum(segment.customer_share or 0.0 for segment in found)
    people = sum(segment.population_share or 0.0 for segment in found)
    verb = "holds" if len(found) == 1 else "together hold"
    return _sentence(
        f"{_named(found)} {verb} {percent(customers)} of customers "
        f"in {percent(people)} of the population"
    )


def _but_leave_out(under: Sequence[Segment]) -> str:
    return f"; leave out {_named(under)}" if under else ""


def _set_aside_sentence(aside: Segment) -> str:
    shares = (
        f"{percent(aside.population_share)} of the population and "
        f"{percent(aside.customer_share)} of customers"
    )
    index = "" if aside.index is None else f" (index {whole(aside.index)})"
    return f"Rows too incomplete to place were set aside: {shares}{index}."


def _shares_takeaway(found: Sequence[Segment]) -> str:
    said = {verdict: [s for s in found if s.verdict == verdict] for verdict in tables.VERDICTS}
    parts = [
        f"{_all_named(group)} {'is' if len(group) == 1 else 'are'} {word}"
        for verdict, (_, word) in tables.VERDICTS.items()
        if (group := said[verdict])
    ]
    return f"{_sentence('; '.join(parts))} The number is the index; 100 is average."


def _all_named(found: Sequence[Segment]) -> str:
    placed = [segment for segment in found if not segment.is_set_aside]
    names = [_named(placed, most=len(placed))] if placed else []
    if len(placed) < len(found):
        names.append("the rows set aside")
    return " with ".join(names)


def _sweep_takeaway(sweep: pl.DataFrame, measure: str, meaning: str) -> str:
    chosen = sweep.filter("chosen").select("n_clusters", measure).rows()
    if not chosen:
        return _sentence(meaning)
    k, value = chosen[0]
    form = percent if measure == "smallest_share" else tables.decimals
    return f"{form(value)} at the {k} segments chosen. {_sentence(meaning)}"


def _missing_takeaway(attributes: pl.DataFrame) -> str:
    dropped = attributes.filter(~pl.col("kept")).height
    gaps = attributes.filter((pl.col("missing_share") > 0) | ~pl.col("kept")).height
    said = f"{_many(dropped, 'attribute')} of {attributes.height} dropped"
    if gaps > charts.MOST:
        said += f"; the {charts.MOST} sparsest are drawn"
    if complete := attributes.height - gaps:
        said += f"; {complete} with nothing missing not drawn"
    return f"{said}."


def _rows_takeaway(facts: RunFacts, extract: str) -> str:
    table = facts.rows.filter(pl.col("extract") == extract)
    aside = table.filter(pl.col("n_missing") > facts.max_missing_per_row)
    share = percent(int(aside["rows"].sum()) / max(int(table["rows"].sum()), 1))
    return (
        f"{share} of the {extract} miss more than {facts.max_missing_per_row} of the kept "
        "attributes and are set aside."
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


def _sentence(words: str) -> str:
    return f"{words[:1].upper()}{words[1:]}."


def _many(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


# -- colours and files ---------------------------------------------------------------------------

_VARIABLES = {colour: f"var(--{name})" for name, colour in charts.PALETTE.items()}


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


def _write(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path
