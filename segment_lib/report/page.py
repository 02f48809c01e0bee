"""Writing of the page as one file that needs no network, and of its figures as files."""

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from hashlib import sha256
from pathlib import Path

import jinja2
import polars as pl
from markupsafe import Markup

from segment_lib.report import (
    advice,
    answer,
    data_tables,
    formatting,
    index_tables,
    mailing,
    method_charts,
    tables,
    theme,
)
from segment_lib.report.components import components
from segment_lib.report.depths import DepthPlan
from segment_lib.report.facts import RunFacts
from segment_lib.report.figures import DrawnFigure, draw_figures
from segment_lib.report.glossary import anchor, glossary
from segment_lib.report.groups import build_groups
from segment_lib.report.heatmap import heat_map
from segment_lib.report.pdf import page_pdf
from segment_lib.report.portraits import portrait
from segment_lib.report.segments import Segment, build_segments
from segment_lib.schema.language import Language
from segment_lib.schema.wording import printable
from segment_lib.storage.tables import PEOPLE
from segment_lib.terms import SET_ASIDE

COMPONENTS = 6
"""Components whose loadings are shown; the reading is shown for all."""
TRAITS = 8
"""Traits of a segment in the list below its portrait, at most."""
MAX_REMARK = 300
"""Characters of a remark that stands open; longer ones, such as lists of attributes, are folded."""


def write_report(facts: RunFacts, folder: Path) -> tuple[Path, ...]:
    """Write index.html, report.pdf and figures/*.svg|png into folder, which exists and is empty.

    The same facts give the same bytes. Returns the paths written.
    """
    segments = _segments(facts)
    drawn = draw_figures(facts, segments)
    (folder / "figures").mkdir()
    written = []
    for name, figure in drawn.items():
        written.append(_write(folder / "figures" / f"{name}.svg", figure.svg.encode()))
        written.append(_write(folder / "figures" / f"{name}.png", figure.png))
    page = _page(facts, segments, drawn)
    drawings = {name: next(iter(figure.drawings.values())) for name, figure in drawn.items()}
    return (
        _write(folder / "index.html", page.encode()),
        _write(folder / "report.pdf", page_pdf(page, drawings)),
        *written,
    )


def first_sentence(facts: RunFacts) -> str:
    """First sentence of the page as text."""
    return first_screen(facts, _segments(facts)).first.striptags()


def first_screen(facts: RunFacts, segments: tuple[Segment, ...]) -> advice.Advice:
    """The advice that the page begins with."""
    if facts.depth:
        by_customers = facts.response is None
        break_even = (
            advice.break_even_of_segments(facts.segments, facts.depth) if by_customers else None
        )
        reached = facts.depth["customers_reached"]
        return advice.advise(
            segments, facts.depth, break_even, facts.aside, reached, facts.language
        )
    reached = mailing.reached_share(facts.gains, facts.ranking)
    by_size = advice.advise(segments, None, None, facts.aside, reached, facts.language)
    reach = mailing.reach_sentence(facts.gains, facts.n_micro, facts.ranking, facts.language)
    by_segments = mailing.segment_reach_sentence(
        facts.gains, facts.ranking, facts.language, with_set_aside=facts.aside[1] > 0
    )
    both = Markup(" ").join(filter(None, (reach, by_segments)))
    return replace(by_size, leave_out=(both, *by_size.leave_out) if both else by_size.leave_out)


def _segments(facts: RunFacts) -> tuple[Segment, ...]:
    return build_segments(facts.segments, facts.names, facts.traits, facts.min_cell, facts.language)


def _page(facts: RunFacts, segments: tuple[Segment, ...], drawn: Mapping[str, DrawnFigure]) -> str:
    language = facts.language
    chosen = facts.sweep.filter("chosen")["n_clusters"].to_list()
    groups = build_groups(facts.groups, facts.group_traits, segments, facts.min_cell, language)
    clustered = facts.segments.filter(facts.segments["segment"] != SET_ASIDE)
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("segment_lib", "report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_printable,
        extensions=["jinja2.ext.i18n"],
    )
    environment.policies["ext.i18n.trimmed"] = True
    environment.install_gettext_callables(  # type: ignore[attr-defined]
        language.gettext, language.ngettext, newstyle=False
    )
    environment.globals |= {"glossary": glossary(language), "anchor": anchor}
    environment.globals["csv_form"] = PEOPLE[language.code]
    style = environment.get_template("style.css.jinja").render(font=theme.FONT)
    script = environment.get_template("script.js.jinja").render(
        palette=theme.PALETTE, font=theme.FONT
    )
    return environment.get_template("page.html.jinja").render(
        facts=facts,
        title=answer.title(facts.segments, language),
        bases=answer.base_sentence(segments, facts.settings, language),
        figures=drawn,
        sweep_figures=[drawn[f"sweep-{measure}"] for measure in method_charts.SWEEP_MEASURES],
        advice=first_screen(facts, segments),
        plan=DepthPlan(facts.depths, facts.depth, language),
        groups=groups,
        grouped=len(groups) < clustered.height,
        n_segments=clustered.height,
        heat=heat_map(segments, language),
        portrait=portrait,
        order=mailing.ranking_sentences(
            facts.gains, facts.n_micro, clustered.height, facts.ranking, facts.why, language
        ),
        calibration=(
            None
            if facts.calibration is None
            else tables.calibration_table(facts.calibration, facts.min_cell, language)
        ),
        weights=() if facts.weights is None else mailing.weight_sentences(facts.weights, language),
        warnings=answer.warnings(segments, facts.sweep, facts.suspicious, language),
        association=answer.association_sentences(
            facts.tests,
            language,
            with_statistic=not any(segment.is_suppressed for segment in segments),
        ),
        pays=mailing.depth_sentences(facts.depth, language) if facts.depth else (),
        others=answer.sweep_sentences(facts.sweep, language),
        choice=answer.choice_sentence(facts.sweep, language),
        certainty=mailing.certainty_sentence(facts.gains, facts.ranking, language),
        sensitivity=answer.sensitivity_sentence(facts.sensitivity, language),
        chosen=chosen[0] if chosen else None,
        segments=segments,
        index=index_tables.index_table(segments, language),
        limits=index_tables.limits_table(segments, language),
        gains=tables.gains_table(
            facts.gains.filter(pl.col("population_rows") > 0), facts.ranking, language
        ),
        response=(
            None
            if facts.response is None
            else tables.response_table(facts.response, facts.min_cell, language)
        ),
        stability=tables.stability_table(
            facts.stability, chosen[0] if chosen else 0, segments, facts.min_cell, language
        ),
        tried=tables.sweep_rows(
            facts.sweep,
            int(clustered["population_rows"].sum()),
            segments,
            facts.min_cell,
            language,
        ),
        stages=data_tables.stage_rows(facts.stages, segments),
        fairness=tables.fairness_tables(
            facts.fairness, {segment.number: segment.title for segment in segments}, language
        ),
        uneven=answer.fairness_sentences(facts.fairness, facts.min_segment_rows, language),
        components=components(facts.components, facts.loadings, language, shown=COMPONENTS),
        remarks=[remark for remark in facts.remarks if len(remark) <= MAX_REMARK],
        long_remarks=[remark for remark in facts.remarks if len(remark) > MAX_REMARK],
        tables=tables,
        data_tables=data_tables,
        formatting=formatting,
        language=language,
        style=style,
        script=script,
        policy=_content_security_policy(style, script),
        n_traits=TRAITS,
        inputs=data_tables.input_rows(facts.inputs, language),
        few=partial(_count_or_few, min_cell=facts.min_cell, language=language),
        numbered=facts.components.cast({"component": pl.String}),
    )


def _count_or_few(rows: float | None, *, min_cell: int, language: Language) -> str:
    """Count, or what it is below where it is suppressed."""
    if rows is None:
        return language.gettext("under {n:count}", n=min_cell)
    return language.count(rows)


def _content_security_policy(style: str, script: str) -> str:
    """Content security policy: allows the style and the script by hash, and no request."""
    return (
        f"default-src 'none'; script-src {_source_hash(script)}; style-src {_source_hash(style)}; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )


def _source_hash(content: str) -> str:
    return f"'sha256-{b64encode(sha256(content.encode()).digest()).decode()}'"


def _printable(value: object) -> object:
    """Text with unprintable characters spelled out; markup and other types stay as they are."""
    return printable(value) if type(value) is str else value


def _write(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path
