"""Rank people by micro-segments and by customer-likeness, and measure what a mail-out reaches."""

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl
from dask import delayed

from segment_lib.compare import index_interval
from segment_lib.config import Mailing
from segment_lib.mailing import gains
from segment_lib.mailing.depths import (
    PERCENTS,
    Costs,
    depths_table,
    mailing_depth,
    pieces_that_pay,
)
from segment_lib.mailing.likeness import (
    RankingChoice,
    calibration_table,
    choose_ranking,
    likeness_cells,
    likeness_gains,
)
from segment_lib.model import Likeness, MicroModel, Projection
from segment_lib.profile import weights_table
from segment_lib.run import artifacts
from segment_lib.run.artifacts import (
    ARRAYS,
    ASSIGNED,
    FEATURES,
    MICRO_MODEL,
    PROJECTION,
    RANKING,
    RAW,
)
from segment_lib.run.context import Context
from segment_lib.run.inputs import MEANINGS, PLAN_ON_DISK
from segment_lib.run.record import Work
from segment_lib.run.results import Encoded, Gained, Ingested
from segment_lib.run.stage import Cost, Outcome, Scale
from segment_lib.tasks.count import count_responses
from segment_lib.tasks.likeness import BYTES_KEPT, SAMPLE_SIZE, CasePart, learn_likeness
from segment_lib.tasks.micro import BYTES_PER_FEATURE, MicroPart, learn_micro_model, read_counts
from segment_lib.terms import EXTRACTS, SET_ASIDE

from .command import run_alone


def run(context: Context) -> Outcome:
    """Learn both rankings, score everybody, and count."""
    encoded, seed = context.result(Encoded), context.config.model.random_state
    is_applied = context.is_refresh and context.base.file(ARRAYS) == context.file(ARRAYS)
    model, learned = micro_model(context, encoded, is_applied)
    sources, asked = case_parts(context), write_response(context)
    ranker = likeness_model(context, encoded, sources, asked, is_applied)
    context.write_arrays(MICRO_MODEL, model.arrays())
    assigned = [file for _, (file,) in context.aligned(ASSIGNED)]
    parts = context.make_parts(
        [
            MicroPart(
                artifacts.MICRO_PARTS.beside(source.encoded.path),
                source,
                segments,
                encoded.features,
                model,
                ranker,
                seed,
            )
            for source, segments in zip(sources, assigned, strict=True)
        ],
        bytes_per_row=BYTES_PER_FEATURE * len(encoded.features),
        unit="parts",
    )
    counts = read_counts(context.staging_dir, parts)
    cells, reached = gains.micro_table(counts["counts"]), gains.gains_table(counts["counts"])
    context.write_table(artifacts.MICRO, cells)
    by_likeness = None
    if ranker is not None:
        by_likeness = write_likeness(context, ranker, counts)
        population = int(counts["counts"]["population_rows"].sum())
        reached = pl.concat([reached, likeness_gains(counts["unseen"], population)])
    context.write_table(artifacts.GAINS, reached)
    choice = choose(context, counts, reached)
    ranked = cells if choice.ranking == "micro" or by_likeness is None else by_likeness
    write_depths(context, counts, ranked, choice.ranking)
    rows = sum(file.rows or 0 for file in context.files(ASSIGNED))
    message = f"{gains.gains_sentence(reached, model.n_micro)}; ranked by {choice.words}"
    result = Gained(model.n_micro, seed, choice.ranking, choice.why, *aside_depths(ranked))
    return Outcome(result, rows, rows, message, work=learned)


def aside_depths(ranked: pl.DataFrame) -> tuple[float, float]:
    """Return the depths between which the rows set aside stand in a ranking."""
    aside = ranked.filter(segment=SET_ASIDE)
    if not aside.height:
        return 0.0, 0.0
    end, rows = aside["depth"][0], aside["population_rows"][0]
    return end - rows / ranked["population_rows"].sum(), end


def case_parts(context: Context) -> list[CasePart]:
    """Return the feature parts of both extracts, with the response where one is learned."""
    column, passthrough = context.config.inputs.response, context.result(Ingested).passthrough
    return [
        CasePart(extract, encoded, column, raw if column in passthrough[extract] else None)
        for extract, (encoded, raw) in context.aligned(FEATURES, RAW)
    ]


def micro_model(context: Context, encoded: Encoded, is_applied: bool) -> tuple[MicroModel, Work]:
    """Return the micro-segments: those of the base where its model is applied, else fitted ones."""
    read = len(context.files(FEATURES)) + len(context.files(FEATURES, "population"))
    projection = Projection.from_arrays(context.arrays(PROJECTION))
    if is_applied:
        return MicroModel.from_arrays(projection, context.base.arrays(MICRO_MODEL)), Work(0, read)
    with context.limited(BYTES_PER_FEATURE * len(encoded.features), largest_part(context)):
        model = learn_micro_model(
            context.root,
            {extract: context.files(FEATURES, extract) for extract in EXTRACTS},
            encoded.features,
            projection,
            n_rows=encoded.population,
            n_micro=context.config.model.n_micro,
            random_state=context.config.model.random_state,
        )
    return model, Work(read)


def likeness_model(
    context: Context, encoded: Encoded, parts: Sequence[CasePart], asked: int, is_applied: bool
) -> Likeness | None:
    """Return the likeness: that of the base where its model is applied, else a fitted one."""
    n_features = len(encoded.features)
    if is_applied and context.base.has(RANKING):
        return Likeness.from_arrays(context.base.arrays(RANKING), n_features)
    rows = {"population": encoded.population, "customers": encoded.customers}
    if asked:
        rows = dict.fromkeys(EXTRACTS, asked // 2)
    largest = largest_part(context)
    kept = round(BYTES_KEPT * n_features * sum(rows.values()))
    keep = context.budget.keeps(kept, BYTES_PER_FEATURE * n_features * largest)
    with context.limited(BYTES_PER_FEATURE * n_features, largest):
        return learn_likeness(
            context.root,
            parts,
            encoded.features,
            Projection.from_arrays(context.arrays(PROJECTION)).scaler,
            shares={name: min(1.0, SAMPLE_SIZE / max(n, 1)) for name, n in rows.items()},
            random_state=context.config.model.random_state,
            keep=keep,
        )


def largest_part(context: Context) -> int:
    """Return the rows of the largest part."""
    return max(file.rows or 0 for file in context.files(ASSIGNED))


def write_likeness(
    context: Context, ranker: Likeness, counts: Mapping[str, pl.DataFrame]
) -> pl.DataFrame:
    """Write likeness, its calibration and its weights; return its cells."""
    measured = counts.get("asked", counts["unseen"])
    cells = likeness_cells(counts["listed"], measured, context.config.model.n_micro)
    context.write_arrays(RANKING, ranker.arrays())
    context.write_table(artifacts.LIKENESS, cells)
    context.write_table(artifacts.CALIBRATION, calibration_table(measured, index_interval))
    weights = weights_table(
        ranker.weights.mean(axis=0, dtype=np.float64),
        Projection.from_arrays(context.arrays(PROJECTION)).scaler.var_ ** 0.5,
        context.source(PLAN_ON_DISK).plan.attributes,
        context.source(MEANINGS),
    )
    context.write_table(artifacts.WEIGHTS, weights)
    return cells


def choose(
    context: Context, counts: Mapping[str, pl.DataFrame], reached: pl.DataFrame
) -> RankingChoice:
    """Choose the ranking by what both reach: customers, or those who responded if that is known."""
    wanted = context.config.mailing.ranking
    if "asked" not in counts:
        return choose_ranking(wanted, reached, int(counts["counts"]["measured_rows"].sum()))
    people = counts["asked_micro"].rename({"controls": "population_rows", "cases": "measured_rows"})
    asked = int(people["population_rows"].sum())
    ranked = gains.micro_table(counts["counts"], ["ranking_rows"])["micro_segment"]
    reached = pl.concat(
        [
            gains.gains_in_order(people, "micro_segment", ranked, asked),
            likeness_gains(counts["asked"], asked),
        ]
    )
    return choose_ranking(wanted, reached, int(people["measured_rows"].sum()), by_response=True)


def write_depths(
    context: Context, counts: Mapping[str, pl.DataFrame], cells: pl.DataFrame, ranking: str
) -> None:
    """Write what each depth reaches by the ranking and, if costs are set, which earns most."""
    costs, everyone = costs_of(context.config.mailing), int(cells["population_rows"].sum())
    pays = {pieces_that_pay(cells, costs) / everyone} if costs else set()
    depths = sorted({*PERCENTS, *pays})
    if ranking == "logistic":
        reached = likeness_gains(counts["unseen"], everyone, depths)
    else:
        reached = gains.gains_table(counts["counts"], depths).filter(by="micro_segment")
    table = depths_table(cells, reached, costs)
    context.write_table(artifacts.DEPTHS, table)
    if costs:
        context.write_json(artifacts.DEPTH, mailing_depth(cells, table, costs))


def costs_of(mailing: Mailing) -> Costs | None:
    """Return the money of the mailing, if all of it is set."""
    money = (mailing.cost_per_piece, mailing.margin_per_order, mailing.base_response_rate)
    return None if None in money else Costs(*(amount or 0.0 for amount in money))


def write_response(context: Context) -> int:
    """Write responses by segment, if a response column is named; return how many were asked."""
    column = context.config.inputs.response
    if not column:
        return 0
    passthrough = context.result(Ingested).passthrough
    extracts = [extract for extract in EXTRACTS if column in passthrough[extract]]
    tasks = [
        delayed(count_responses)(context.root, raw, assigned, extract, column)
        for extract, (raw, assigned) in context.aligned(RAW, ASSIGNED, extracts=extracts)
    ]
    table = gains.response_table(pl.concat(context.compute(tasks)))
    context.write_table(artifacts.RESPONSE, table)
    return int(table["rows"].sum())


def cost(scale: Scale) -> Cost:
    """Estimate what both rankings take."""
    return Cost(
        2 * scale.all_parts + scale.parts["population"],
        6.3 * scale.all_rows + 226 * scale.features * scale.all_parts + 6e4,
        bytes_per_row=BYTES_PER_FEATURE * scale.features,
        kept=BYTES_KEPT * scale.features * scale.all_rows,
    )


if __name__ == "__main__":
    run_alone("gains")
