"""Fit KMeans for every number of segments in the sweep, measure, and choose by a written rule."""

from segment_lib.model import numbers_to_try
from segment_lib.run.context import Context
from segment_lib.run.modelling import cost_of_sweep, sweep_and_choose
from segment_lib.run.results import Encoded
from segment_lib.run.stage import Outcome

from .command import run_alone


def run(context: Context) -> Outcome:
    """Cluster for each number of segments, and choose."""
    model, rows = context.config.model, context.result(Encoded).population
    return sweep_and_choose(context, numbers_to_try(model.sweep, model.n_clusters, rows))


cost = cost_of_sweep

if __name__ == "__main__":
    run_alone("sweep")
