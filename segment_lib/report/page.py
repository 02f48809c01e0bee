"""From the tables of a run to one page that opens anywhere, and its figures as files."""

import re
from base64 import b64encode
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path

import jinja2
import polars as pl
import vl_convert

from segment_lib.report import answer, mailing, method_charts, tables, theme, words
from segment_lib.report.facts import RunFacts
from segment_lib.report.figures import Figure, figures
from segment_lib.report.segments import Segment, segments
from segment_lib.schema.wording import printable
from segment_lib.terms import SET_ASIDE

COMPONENTS = 6
"""The components whose loadings are shown; the reading is given of all."""
TRAITS, MORE_TRAITS = 5, 12


def write_report(facts: RunFacts, folder: Path) -> tuple[Path, ...]:
    """Write index.html and figures/*.svg|png into folder (which exists and is empty).

    The same facts give the same bytes. Returns the paths written.
    """
    with ThreadPoolExecutor(1) as pool:
        # To bundle the scripts takes as long as to draw the figures, and needs no interpreter lock.
        vega = pool.submit(_vega)
        found = segments(facts.segments, facts.names, facts.traits, facts.min_cell)
        drawn = {figure.name: figure for figure in figures(facts, found)}
        (folder / "figures").mkdir()
        written = []
        for name, figure in drawn.items():
            written.append(_write(folder / "figures" / f"{name}.svg", figure.svg.encode()))
            written.append(_write(folder / "figures" / f"{name}.png", figure.png()))
        page = _page(facts, found, drawn, vega.result())
    return (_write(folder / "index.html", page.encode()), *written)


def _page(
    facts: RunFacts, found: tuple[Segment, ...], drawn: Mapping[str, Figure], vega: str
) -> str:
    said, backing = answer.headline(found)
    chosen = facts.sweep.filter("chosen")["n_clusters"].to_list()
    clustered = facts.segments.filter(facts.segments["segment"] != SET_ASIDE)
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("segment_lib", "report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_printable,
    )
    style = environment.get_template("style.css.jinja").render(font=theme.FONT)
    scripts = (vega, environment.get_template("script.js.jinja").render())
    return environment.get_template("page.html.jinja").render(
        facts=facts,
        figures=drawn,
        sweep_figures=[drawn[f"sweep-{measure}"] for measure in method_charts.SWEEP],
        answer=said,
        backing=backing,
        reach=mailing.reach(facts.gains, facts.n_micro),
        nothing_stands_out=answer.nothing_stands_out(found),
        order=mailing.order(facts.gains, facts.n_micro, clustered.height),
        warnings=answer.warnings(found, facts.sweep, facts.suspicious),
        association=answer.association(
            facts.tests, whole=not any(segment.is_hidden for segment in found)
        ),
        pays=mailing.depth_sentences(facts.depth) if facts.depth else (),
        others=answer.at_other_numbers(facts.sweep),
        chosen=chosen[0] if chosen else None,
        segments=found,
        index=tables.index_table(found),
        gains=tables.gains_table(facts.gains.filter(pl.col("population_rows") > 0)),
        response=(
            None
            if facts.response is None
            else tables.response_table(facts.response, facts.min_cell)
        ),
        stability=tables.stability_table(
            facts.stability, chosen[0] if chosen else 0, found, facts.min_cell
        ),
        tried=tables.tried(
            facts.sweep, int(clustered["population_rows"].sum()), found, facts.min_cell
        ),
        stages=tables.stages(facts.stages, found),
        fairness=tables.fairness_tables(
            facts.fairness, {segment.number: segment.title for segment in found}
        ),
        uneven=answer.unevenness(facts.fairness, facts.min_segment_rows),
        components=tables.components(facts.components, facts.loadings, shown=COMPONENTS),
        tables=tables,
        words=words,
        style=style,
        scripts=scripts,
        policy=_policy(style, scripts),
        n_traits=TRAITS,
        n_more=MORE_TRAITS,
        few=lambda rows: f"under {facts.min_cell}" if rows is None else words.count(rows),
        numbered=facts.components.cast({"component": pl.String}),
    )


def _policy(style: str, scripts: Sequence[str]) -> str:
    """The content security policy: the style and the scripts of the page by hash, no request."""
    allowed = " ".join(_allowed(script) for script in scripts)
    return (
        f"default-src 'none'; script-src {allowed}; style-src {_allowed(style)}; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _allowed(content: str) -> str:
    return f"'sha256-{b64encode(sha256(content.encode()).digest()).decode()}'"


def _printable(value: object) -> object:
    """Words as they may be shown; what is set already, and what is no text, as it is."""
    return printable(value) if type(value) is str else value


def _vega() -> str:
    """Vega, Vega-Lite and vegaEmbed as one script, from the installed package.

    The addresses it would offer for schema, editor and manual are cut: the page names no site.
    """
    bundle = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;")
    bundle = re.sub(r"https?://(?!www\.w3\.org/)[\w./#-]*", "", bundle)
    # A browser hashes what it has read, and that has no other line ends.
    return bundle.replace("\r\n", "\n").replace("\r", "\n").replace("</script", r"<\/script")


def _write(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path
