"""Fit scaling and principal components to the population, in one pass over its features."""

from segment_lib.run.modelling import cost_of_fit, fit_projection

from .command import run_alone

run, cost = fit_projection, cost_of_fit

if __name__ == "__main__":
    run_alone("fit")
