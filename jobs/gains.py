"""Learn micro-segments, and count how many customers a mail-out to the best of them reaches."""

import polars as pl
from dask import delayed

from jobs.command import run_alone
from segment_lib.mailing import gains
from segment_lib.model import MicroModel, Projection
from segment_lib.run import artifacts
from segment_lib.run.artifacts import ARRAYS, ASSIGNED, FEATURES, MICRO_MODEL, PROJECTION, RAW
from segment_lib.run.context import Context
from segment_lib.run.reads import OfBase, fields_of
from segment_lib.run.record import Work
from segment_lib.run.results import Encoded, Gained, Ingested
from segment_lib.run.stage import Cost, Outcome, Scale, Stage
from segment_lib.tasks.count import count_responses
from segment_lib.tasks.micro import BYTES_PER_FEATURE, MicroPart, learn_micro_model, read_counts
from segment_lib.terms import EXTRACTS


def run(context: Context) -> Outcome:
    """Learn micro-segments, assign everybody to them, and count."""
    encoded = context.result(Encoded)
    model, learned = micro_model(context, encoded)
    context.write_arrays(MICRO_MODEL, model.arrays())
    seed, path_of = context.config.model.random_state, artifacts.MICRO_PARTS.beside
    parts = context.make_parts(
        [
            MicroPart(path_of(part.path), part, assigned, extract, encoded.features, model, seed)
            for extract, (part, assigned) in context.aligned(FEATURES, ASSIGNED)
        ],
        bytes_per_row=BYTES_PER_FEATURE * len(encoded.features),
        unit="parts",
    )
    counts = gains.add_counts([read_counts(context.staging_dir, file) for file in parts])
    cells, reached = gains.micro_table(counts), gains.gains_table(counts)
    context.write_table(artifacts.MICRO, cells)
    context.write_table(artifacts.GAINS, reached)
    write_depth(context, cells)
    write_response(context)
    rows = sum(file.rows or 0 for file in context.files(ASSIGNED))
    message = gains.gains_sentence(reached, model.n_micro)
    return Outcome(Gained(model.n_micro, seed), rows, rows, message, work=learned)


def micro_model(context: Context, encoded: Encoded) -> tuple[MicroModel, Work]:
    """Return the micro-segments: those of the base where its model is applied, else fitted ones."""
    read = len(context.files(FEATURES)) + len(context.files(FEATURES, "population"))
    if context.is_refresh and context.base.file(ARRAYS) == context.file(ARRAYS):
        projection = Projection.from_arrays(context.arrays(PROJECTION))
        return MicroModel.from_arrays(projection, context.base.arrays(MICRO_MODEL)), Work(0, read)
    largest = max(file.rows or 0 for file in context.files(ASSIGNED))
    with context.limited(BYTES_PER_FEATURE * len(encoded.features), largest):
        model = learn_micro_model(
            context.root,
            {extract: context.files(FEATURES, extract) for extract in EXTRACTS},
            encoded.features,
            Projection.from_arrays(context.arrays(PROJECTION)),
            n_rows=encoded.population,
            n_micro=context.config.model.n_micro,
            random_state=context.config.model.random_state,
        )
    return model, Work(read)


def write_depth(context: Context, cells: pl.DataFrame) -> None:
    """Write how deep to mail, if costs are set."""
    mailing = context.config.mailing
    costs = (mailing.cost_per_piece, mailing.margin_per_order, mailing.base_response_rate)
    if all(cost is not None for cost in costs):
        context.write_json(
            artifacts.DEPTH, gains.mailing_depth(cells, *(cost or 0.0 for cost in costs))
        )


def write_response(context: Context) -> None:
    """Write responses by segment, if a response column is named."""
    column = context.config.inputs.response
    if not column:
        return
    passthrough = context.result(Ingested).passthrough
    extracts = [extract for extract in EXTRACTS if column in passthrough[extract]]
    tasks = [
        delayed(count_responses)(context.root, raw, assigned, extract, column)
        for extract, (raw, assigned) in context.aligned(RAW, ASSIGNED, extracts=extracts)
    ]
    context.write_table(artifacts.RESPONSE, gains.response_table(pl.concat(context.compute(tasks))))


def cost(scale: Scale) -> Cost:
    """Estimate what micro-segments take."""
    return Cost(
        scale.all_parts,
        scale.rows["population"] * 2.2,
        bytes_per_row=BYTES_PER_FEATURE * scale.features,
    )


STAGE = Stage(
    "gains",
    run,
    reads=(
        *(RAW, FEATURES, PROJECTION, ARRAYS, ASSIGNED, OfBase(ARRAYS), OfBase(MICRO_MODEL)),
        *(fields_of(Ingested, "passthrough"), fields_of(Encoded, "features", "population")),
    ),
    settings=("model.n_micro", "model.random_state", "mailing", "inputs.response"),
    cost=cost,
)

if __name__ == "__main__":
    run_alone(STAGE.name)
