"""Fit scaling and principal components to the population, in one pass over its features."""

from segment_lib.run.artifacts import FEATURES
from segment_lib.run.modelling import cost_of_fit, fit_projection
from segment_lib.run.reads import fields_of
from segment_lib.run.results import Encoded
from segment_lib.run.stage import Stage

from .command import run_alone

STAGE = Stage(
    "fit",
    fit_projection,
    reads=(FEATURES, fields_of(Encoded, "features", "attributes")),
    settings=("model.scaling", "model.n_components", "model.min_components"),
    cost=cost_of_fit,
)

if __name__ == "__main__":
    run_alone(STAGE.name)
