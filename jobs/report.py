"""Write the run as one page that opens with no network, as PDF, and its figures as files."""

from typing import TYPE_CHECKING

import polars as pl

from segment_lib.profile import label_weights
from segment_lib.run import artifacts
from segment_lib.run.artifacts import (
    ARRAYS,
    ATTRIBUTES,
    CALIBRATION,
    DEPTH,
    DRIFT,
    RESPONSE,
    SEGMENTS,
    WEIGHTS,
)
from segment_lib.run.context import Context
from segment_lib.run.inputs import MEANINGS
from segment_lib.run.results import (
    Compared,
    Drifted,
    Encoded,
    Fitted,
    Gained,
    Ingested,
    Reported,
    Swept,
)
from segment_lib.run.run_sheet import RUN_SHEET
from segment_lib.run.stage import Cost, Outcome, Scale
from segment_lib.schema.language import Language
from segment_lib.schema.translated import meanings_in

from .command import run_alone

if TYPE_CHECKING:
    from segment_lib.report import DriftSection

WHOLE = {"index.html": artifacts.PAGE, "report.pdf": artifacts.PDF}
"""Files of the report that are no figures."""
BESIDE_ROWS = 200 * 2**20
"""Bytes in memory for the engine that draws the figures (measured)."""


def run(context: Context) -> Outcome:
    """Draw the figures and write the page."""
    # What draws takes 30 MiB and a quarter of a second to load, which other stages go without.
    from segment_lib.report import RunFacts, first_sentence, write_report

    language = Language(context.config.report.language)
    arrays, attributes = context.arrays(ARRAYS), context.frame(ATTRIBUTES)
    encoded, meanings = context.result(Encoded), meanings_in(language, context.source(MEANINGS))
    gained = context.result(Gained)
    tests, sheet = context.json(artifacts.TESTS), context.source(RUN_SHEET)
    fairness = context.config.fairness
    unspoken = () if fairness.describe else fairness.attributes
    telling = set(attributes.filter("kept")["attribute"]) - {*encoded.redundant, *unspoken}
    facts = RunFacts(
        folder=sheet.folder,
        attributes=attributes,
        rows=context.frame(artifacts.ROWS),
        max_missing_per_row=encoded.max_missing_per_row,
        sweep=context.table(artifacts.SWEEP),
        rule=language.say(context.result(Swept).rule),
        stability=context.table(artifacts.STABILITY),
        sensitivity=context.table(artifacts.SENSITIVITY),
        explained_variance_ratio=arrays["explained_variance_ratio"][
            : len(arrays["components"])
        ].tolist(),
        n_above_chance=context.result(Fitted).n_above_chance,
        n_features=len(encoded.features),
        constant_features=context.result(Fitted).constant_features,
        components=context.table(artifacts.COMPONENTS),
        loadings=context.table(artifacts.LOADINGS),
        segments=context.table(SEGMENTS),
        names=context.table(artifacts.NAMES),
        traits=context.table(artifacts.TRAITS).filter(pl.col("attribute").is_in(telling)),
        groups=context.table(artifacts.GROUPS),
        group_traits=context.table(artifacts.GROUP_TRAITS).filter(
            pl.col("attribute").is_in(telling)
        ),
        tests={name: tests[name] for name in ("all_segments", "without_set_aside")},
        suspicious=list(map(language.say, context.result(Compared).suspicious)),
        fairness=context.table(artifacts.FAIRNESS),
        gains=context.table(artifacts.GAINS),
        depths=context.table(artifacts.DEPTHS),
        n_micro=gained.n_micro,
        ranking=gained.ranking,
        why=language.say(gained.why),
        aside=(gained.aside_from, gained.aside_to),
        calibration=context.table(CALIBRATION) if context.has(CALIBRATION) else None,
        weights=(
            label_weights(context.table(WEIGHTS), meanings, language)
            if context.has(WEIGHTS)
            else None
        ),
        depth=context.json(DEPTH) if context.has(DEPTH) else None,
        response=context.table(RESPONSE) if context.has(RESPONSE) else None,
        remarks=list(map(language.say, sheet.remarks)),
        stages=sheet.stages,
        inputs=sheet.inputs,
        settings=sheet.settings,
        versions=sheet.versions,
        min_cell=fairness.min_cell,
        min_segment_rows=context.config.compare.min_segment_rows,
        drift=drift(context, language) if context.is_refresh else None,
        language=language,
    )
    folder = context.local(context.staging_dir) / "page"
    folder.mkdir(mode=0o700)
    for path in write_report(facts, folder):
        name = path.relative_to(folder).as_posix()
        artifact = WHOLE.get(name) or artifacts.FIGURES.named(name)
        context.write(artifact, path.read_bytes())
    delivered = context.result(Ingested)
    rows = delivered.population + delivered.customers
    return Outcome(Reported(first_sentence(facts)), rows, rows, f"{len(context.written)} files")


def drift(context: Context, language: Language) -> "DriftSection":
    """Return the findings of a refresh, for the page."""
    from segment_lib.report import drift_section

    drifted, say = context.result(Drifted), language.say
    words = {
        "reason": say(drifted.reason),
        "findings": list(map(say, drifted.findings)),
        "changes": list(map(say, drifted.changed)),
    }
    return drift_section(
        context.json(artifacts.SUMMARY) | words,
        context.frame(DRIFT),
        context.table(artifacts.SEGMENT_CHANGES),
        {"base": context.base.table(SEGMENTS), "new": context.table(SEGMENTS)},
        min_cell=context.config.fairness.min_cell,
        language=language,
    )


def cost(scale: Scale) -> Cost:
    """Estimate what drawing takes."""
    return Cost(
        1,
        1.7e6 + 7e3 * min(scale.attributes, 100) + 6e4 * scale.clusterings,
        beside=BESIDE_ROWS,
    )


if __name__ == "__main__":
    run_alone("report")
