"""Assess a later delivery; attributes kept and plan are those of the base."""

from segment_lib.clean import Assessment, as_in_base, refuse_unseen, remarks
from segment_lib.encode import propose_plan, read_plan
from segment_lib.run.artifacts import ATTRIBUTES, PLAN, PROPOSED_PLAN, RAW, ROWS
from segment_lib.run.context import Context
from segment_lib.run.inputs import CHANGES, MEANINGS, PLAN_IN_FORCE, SCHEMA
from segment_lib.run.results import Assessed
from segment_lib.run.stage import Cost, Outcome, Scale
from segment_lib.schema import complete_levels
from segment_lib.tasks.tallies import sum_of_tallies


def run(context: Context) -> Outcome:
    """Assess the attributes, and propose rules for what the base has never seen."""
    schema, meanings = context.source(SCHEMA), context.source(MEANINGS)
    changes, text = context.source(CHANGES), context.source(PLAN_IN_FORCE)
    delivery = Assessment(
        schema, context.by_extract(sum_of_tallies, RAW), complete_levels(meanings)
    )
    attributes = as_in_base(
        delivery.attributes(max_missing_share=1.0), context.base.frame(ATTRIBUTES), changes.absent
    )
    plan = read_plan(text, schema, PLAN.path)
    max_unseen_share = context.config.cleaning.max_unseen_share
    refuse_unseen(delivery, attributes, max_unseen_share=max_unseen_share, uncounted=plan.uncounted)
    noticed = remarks(
        delivery,
        everywhere=context.config.inputs.missing,
        min_cell=context.config.fairness.min_cell,
    )
    kept = attributes.filter("kept")["attribute"]
    context.write_frame(ATTRIBUTES, attributes)
    context.write_frame(ROWS, delivery.missing_rows(kept))
    context.write(PLAN, text.encode())
    encode = context.config.encode
    proposed = propose_plan(
        plan,
        schema,
        delivery.counts,
        delivery.levels,
        changes.new,
        day=encode.report_day or delivery.latest_day,
        min_level_share=encode.min_level_share,
    )
    # What was proposed when a delivery was refused is listed nowhere.
    (context.root / PROPOSED_PLAN.path).unlink(missing_ok=True)
    message = f"{len(kept)} attributes kept, as in the base, {len(plan.features)} features"
    if proposed != plan:
        context.write(PROPOSED_PLAN, proposed.to_json(meanings).encode())
        message += f"; {PROPOSED_PLAN.path} has rules for what is new"
    return Outcome(Assessed.declare(schema), delivery.rows, delivery.rows, message, noticed)


def cost(scale: Scale) -> Cost:
    """Estimate what assessing takes."""
    return Cost(scale.all_parts, 500 * scale.attributes)
