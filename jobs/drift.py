"""Compare a delivery with the base: rows assigned by the base's model, counts side by side.

Attributes are compared from the tallies in the footers of raw parts, segments and distances from
those of segment parts: no row is read that was read before.
"""

from typing import cast

import polars as pl

from segment_lib.drift import (
    Policy,
    decide,
    distance_table,
    findings,
    refuse_other_features,
    segment_drift,
)
from segment_lib.model import FittedModel
from segment_lib.run.artifacts import (
    ARRAYS,
    ASSIGNED,
    ATTRIBUTES,
    DRIFT,
    FEATURES,
    PLACED,
    RAW,
    SHARES,
)
from segment_lib.run.context import Context
from segment_lib.run.inputs import BASE_FILLS, BASE_NAME, BASE_SCHEMA, CHANGES, PLAN_ON_DISK, SCHEMA
from segment_lib.run.results import Drifted, Encoded
from segment_lib.run.stage import Cost, Outcome, Scale
from segment_lib.storage.files import StoredFile
from segment_lib.tasks.assign import BYTES_PER_FEATURE, AssignPart, assignment_counts
from segment_lib.tasks.drift import attribute_table
from segment_lib.tasks.tallies import sum_of_tallies
from segment_lib.terms import SET_ASIDE


def run(context: Context) -> Outcome:
    """Assign the rows, compare, and decide whether the model is applied or refitted."""
    base = context.base
    features, base_features = (r.result(Encoded).features for r in (context, base))
    changed = sorted(set(base_features) ^ set(features))
    policy, min_cell = cast(Policy, context.config.refresh.policy), context.config.fairness.min_cell
    refuse_other_features(policy, changed)
    parts = place(context, base_features, features)
    rows = sum(file.rows or 0 for file in parts)
    placed = [file for file in parts if file.path.startswith(PLACED.of("population"))]
    before = assignment_counts(base.root, base.files(ASSIGNED, "population"))
    after = assignment_counts(context.staging_dir, placed)
    attributes = attribute_table(
        context.by_extract(sum_of_tallies, RAW, base),
        context.by_extract(sum_of_tallies, RAW),
        context.source(BASE_SCHEMA),
        context.source(SCHEMA),
        context.source(CHANGES).absent,
    )
    segments = segment_drift(before.rows, after.rows)
    distances = distance_table(before, after, SET_ASIDE)
    assessed = context.frame(ATTRIBUTES).filter("kept")["attribute"]
    kept = attributes.filter(pl.col("attribute").is_in(assessed.implode()))
    sentences = findings(kept, segments, distances, min_cell)
    used = context.source(PLAN_ON_DISK).plan.used
    decision, reason = decide(policy, kept, used, distances, changed)
    for sentence in sentences:
        context.log(str(sentence))
    context.write_frame(DRIFT, attributes)
    context.write_frame(SHARES, segments)
    result = Drifted(
        base=context.source(BASE_NAME),
        decision=decision,
        reason=reason,
        findings=tuple(sentences),
        changes=tuple(change.facts() for change in context.source(CHANGES).listed),
        changed=tuple(change.sentence for change in context.source(CHANGES).listed),
        distances=distances,
    )
    return Outcome(result, rows, rows, f"{decision}: {reason}")


def place(
    context: Context, base_features: tuple[str, ...], features: tuple[str, ...]
) -> list[StoredFile]:
    """Return the parts with the segments of all rows by the model of the base."""
    model = FittedModel.from_arrays(context.base.arrays(ARRAYS))
    fills = {
        name: value for name, value in context.source(BASE_FILLS).items() if name not in features
    }
    return context.make_parts(
        [
            AssignPart(PLACED.beside(encoded.path), encoded, rows, model, base_features, fills)
            for encoded, rows in context.numbered(FEATURES)
        ],
        bytes_per_row=BYTES_PER_FEATURE * len(base_features),
        extra=True,
    )


def cost(scale: Scale) -> Cost:
    """Estimate what assigning takes."""
    return Cost(
        scale.all_parts, scale.all_rows * 4.5, bytes_per_row=BYTES_PER_FEATURE * scale.features
    )
