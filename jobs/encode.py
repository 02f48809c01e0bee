"""Encode known codes as features by the plan; rows too incomplete are set aside and counted."""

from segment_lib.errors import DataError
from segment_lib.run.artifacts import ATTRIBUTES, FEATURES, RAW
from segment_lib.run.context import Context
from segment_lib.run.inputs import PLAN_ON_DISK, SCHEMA
from segment_lib.run.results import Encoded
from segment_lib.run.stage import Cost, Outcome, Scale
from segment_lib.tasks.encode import BYTES_PER_CELL, EncodePart, attributes_missing
from segment_lib.terms import EXTRACTS

from .command import run_alone


def run(context: Context) -> Outcome:
    """Encode each part."""
    schema, on_disk = context.source(SCHEMA), context.source(PLAN_ON_DISK)
    plan = on_disk.plan
    kept = tuple(context.frame(ATTRIBUTES).filter("kept")["attribute"])
    most_missing = attributes_missing(context.config.cleaning.max_missing_per_row, len(kept))
    if most_missing >= len(kept):
        context.log(
            f"no row can lack more than {most_missing} of {len(kept)} attributes: none is set "
            "aside. Set cleaning.max_missing_per_row to fewer, or to a share such as 0.3"
        )
    raw = context.files(RAW)
    encoded = context.make_parts(
        [
            EncodePart(FEATURES.beside(part.path), part, schema, plan, kept, most_missing)
            for part in raw
        ],
        bytes_per_row=BYTES_PER_CELL * (len(schema) + len(plan.features)),
    )
    result = Encoded(
        features=plan.features,
        attributes=tuple(plan.attributes[feature] for feature in plan.features),
        redundant=tuple(sorted(plan.redundant)),
        max_missing_per_row=most_missing,
        plan=on_disk.sha256,
        population=FEATURES.rows(encoded, "population"),
        customers=FEATURES.rows(encoded, "customers"),
    )
    if not result.population:
        raise DataError(
            f"Every row of the population lacks more than {most_missing} attributes. "
            "Raise cleaning.max_missing_per_row."
        )
    delivered = {extract: RAW.rows(raw, extract) for extract in EXTRACTS}
    rows_in, rows_out = sum(delivered.values()), result.population + result.customers
    few = context.few_set_aside(delivered, vars(result))
    return Outcome(
        result,
        rows_in,
        rows_out,
        f"{len(plan.features)} features; {'some' if few else f'{rows_in - rows_out:,}'} rows set "
        f"aside, lacking more than {most_missing} of {len(kept)} attributes",
    )


def cost(scale: Scale) -> Cost:
    """Estimate what encoding takes."""
    return Cost(
        scale.all_parts,
        scale.features * (0.29 * scale.all_rows + 430 * scale.all_parts),
        bytes_per_row=BYTES_PER_CELL * (scale.attributes + scale.features),
    )


if __name__ == "__main__":
    run_alone("encode")
