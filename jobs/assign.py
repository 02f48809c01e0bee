"""Assign every row of both extracts to a segment by the fitted model."""

from segment_lib.model import FittedModel
from segment_lib.run.artifacts import ARRAYS, ASSIGNED, FEATURES
from segment_lib.run.context import Context
from segment_lib.run.results import Assigned, Encoded
from segment_lib.run.stage import Cost, Outcome, Scale
from segment_lib.tasks.assign import BYTES_PER_FEATURE, AssignPart

from .command import run_alone


def run(context: Context) -> Outcome:
    """Assign each part."""
    features = context.result(Encoded).features
    model = FittedModel.from_arrays(context.arrays(ARRAYS))
    assigned = context.make_parts(
        [
            AssignPart(ASSIGNED.beside(encoded.path), encoded, rows, model, features)
            for encoded, rows in context.numbered(FEATURES)
        ],
        bytes_per_row=BYTES_PER_FEATURE * len(features),
    )
    rows = sum(file.rows or 0 for file in assigned)
    return Outcome(Assigned(), rows, rows, f"{rows:,} rows have a segment")


def cost(scale: Scale) -> Cost:
    """Estimate what assigning takes."""
    return Cost(
        scale.all_parts,
        4.5 * scale.all_rows + 4_500 * scale.all_parts,
        bytes_per_row=BYTES_PER_FEATURE * scale.features,
    )


if __name__ == "__main__":
    run_alone("assign")
