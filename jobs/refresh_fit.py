"""Reuse the scaling and components of the base for a later delivery, or fit them again."""

from segment_lib.run.artifacts import FEATURES, PROJECTION
from segment_lib.run.context import Context
from segment_lib.run.modelling import cost_of_fit, fit_projection
from segment_lib.run.record import Work
from segment_lib.run.results import Drifted, Encoded, Fitted
from segment_lib.run.stage import Outcome


def run(context: Context) -> Outcome:
    """Reuse the projection of the base, or fit one."""
    if context.result(Drifted).decision == "refit":
        return fit_projection(context)
    context.take(PROJECTION)
    rows = context.result(Encoded).population
    work = Work(reused=len(context.files(FEATURES, "population")))
    return Outcome(context.base.result(Fitted), rows, rows, "as in the base", work=work)


cost = cost_of_fit
