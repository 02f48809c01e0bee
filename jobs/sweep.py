"""Fit KMeans for every number of segments in the sweep, measure, and choose by a written rule."""

from segment_lib.model import numbers_to_try
from segment_lib.run.artifacts import FEATURES, PROJECTION
from segment_lib.run.context import Context
from segment_lib.run.modelling import cost_of_sweep, sweep_and_choose
from segment_lib.run.reads import fields_of
from segment_lib.run.results import Encoded, Fitted
from segment_lib.run.stage import Outcome, Stage

from .command import run_alone


def run(context: Context) -> Outcome:
    """Cluster for each number of segments, and choose."""
    model, rows = context.config.model, context.result(Encoded).population
    return sweep_and_choose(context, numbers_to_try(model.sweep, model.n_clusters, rows))


STAGE = Stage(
    "sweep",
    run,
    reads=(
        *(FEATURES, PROJECTION, fields_of(Fitted, "n_above_chance", "variance_needed")),
        fields_of(Encoded, "features", "population"),
    ),
    settings=("model.n_clusters", "model.sweep", "model.random_state"),
    cost=cost_of_sweep,
)

if __name__ == "__main__":
    run_alone(STAGE.name)
