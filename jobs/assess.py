"""Assess the attributes from the tallies: missing values, which are kept, and the plan."""

import polars as pl

from segment_lib.clean import Assessment, refuse_unseen, remarks
from segment_lib.encode import MAX_LEVELS, Plan, derive_plan, read_plan, with_redundant
from segment_lib.errors import ConfigError, DataError
from segment_lib.run.artifacts import ATTRIBUTES, PLAN, RAW, ROWS
from segment_lib.run.context import Context
from segment_lib.run.inputs import DICTIONARY, EDITABLE_PLAN, LABELS, MEANINGS, SCHEMA
from segment_lib.run.results import Assessed
from segment_lib.run.stage import Cost, Outcome, Scale
from segment_lib.schema import complete_levels
from segment_lib.schema.suppress_column import suspected_columns, suspected_remarks
from segment_lib.tasks.tallies import sum_of_tallies

from .command import run_alone


def run(context: Context) -> Outcome:
    """Assess the attributes and derive the plan, unless the analyst has edited one."""
    schema, meanings = context.source(SCHEMA), context.source(MEANINGS)
    dictionary = context.source(DICTIONARY)
    for gap in dictionary.gaps if dictionary else ():
        context.log(gap)
    delivery = Assessment(
        schema, context.by_extract(sum_of_tallies, RAW), complete_levels(meanings)
    )
    labels = context.source(LABELS)
    for remark in labels.remarks(delivery.held) if labels else ():
        context.log(str(remark))
    attributes = delivery.attributes(context.config.cleaning.max_missing_share)
    dropped = attributes.filter(~pl.col("kept")).select("attribute", "reason")
    without = kept_out(context) | dict(dropped.iter_rows())
    encode = context.config.encode
    derived = derive_plan(
        schema,
        without,
        delivery.counts,
        delivery.levels,
        day=encode.report_day or delivery.latest_day,
        min_level_share=encode.min_level_share,
    )
    if not derived.features:
        raise DataError(
            "Every attribute of the population is missing too often or the same in all rows: there "
            "is nothing to segment. Check the extract and cleaning.max_missing_share."
        )
    plan, text = plan_in_force(context, derived, derived.to_json(meanings))
    max_unseen_share = context.config.cleaning.max_unseen_share
    refuse_unseen(delivery, attributes, max_unseen_share=max_unseen_share, uncounted=plan.uncounted)
    noticed = remarks(
        delivery,
        everywhere=context.config.inputs.missing,
        min_cell=context.config.fairness.min_cell,
    )
    suppress_column = context.config.inputs.suppress_column
    if plan.transformed:
        noticed.append(plan.transformed)
    noticed += suspected_remarks(suspected_columns(attributes, suppress_column))
    context.write_frame(ATTRIBUTES, attributes)
    context.write_frame(ROWS, delivery.missing_rows(attributes.filter("kept")["attribute"]))
    context.write(PLAN, text.encode())
    message = message_of(context, attributes, plan)
    return Outcome(Assessed.declare(schema), delivery.rows, delivery.rows, message, noticed)


def plan_in_force(context: Context, derived: Plan, text: str) -> tuple[Plan, str]:
    """Return the edited plan, if there is one, else the derived one, which is noted."""
    on_disk = context.source(EDITABLE_PLAN)
    edited = on_disk.edited() or text
    on_disk.note_derived(text)
    if edited == text:
        return derived, text
    context.log(f"{PLAN.path} was edited and is kept; delete it to get the derived one")
    return read_plan(edited, context.source(SCHEMA), str(on_disk.path)), edited


def kept_out(context: Context) -> dict[str, str]:
    """Return the sensitive attributes that make no feature, with that reason.

    Raises
    ------
    ConfigError
        If no attribute to keep out is there: a name is wrong.
    """
    fairness, names = context.config.fairness, context.source(SCHEMA).names
    if not fairness.keep_out:
        return {}
    absent = [name for name in fairness.attributes if name not in names]
    if absent and len(absent) == len(fairness.attributes):
        raise ConfigError(
            f"fairness.keep_out: the feature summary has no {', '.join(absent)}. Set "
            "fairness.attributes to the attributes to keep out, or fairness.keep_out to false."
        )
    if absent:
        context.log(f"no {', '.join(absent)} in the feature summary to keep out")
    return dict.fromkeys(with_redundant(fairness.attributes), "sensitive")


def message_of(context: Context, attributes: pl.DataFrame, plan: Plan) -> str:
    """Return the line for the log: what is kept, dropped and not known to the dictionary."""
    dropped = attributes.filter(~pl.col("kept"))["attribute"].to_list()
    unseen = sum(attributes["unseen_rows"]) + sum(attributes["customers_unseen_rows"])
    without = f" (dropped {', '.join(dropped)})" if dropped else ""
    many = f" (none of {', '.join(plan.uncounted)}: more than {MAX_LEVELS} levels)"
    cells = f", {context.counted(unseen)} cells hold a code the dictionary lacks"
    return (
        f"{attributes.height - len(dropped)} of {attributes.height} attributes kept{without}, "
        f"{len(plan.features)} features planned{many if plan.uncounted else ''}"
        f"{cells if unseen else ''}"
    )


def cost(scale: Scale) -> Cost:
    """Estimate what assessing takes."""
    return Cost(scale.all_parts, 500 * scale.attributes)


if __name__ == "__main__":
    run_alone("assess")
