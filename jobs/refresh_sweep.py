"""Reuse the segments of the base for a later delivery, or refit them from its centres."""

from dataclasses import asdict, replace

import numpy as np
from dask import delayed

from segment_lib.drift import match_segments
from segment_lib.model import FittedModel, Projection
from segment_lib.model.refit import Refit
from segment_lib.run.artifacts import ARRAYS, FEATURES, MODEL_FILES, PLACED, PROJECTION
from segment_lib.run.candidates import BYTES_TO_PROJECT
from segment_lib.run.context import Context
from segment_lib.run.modelling import (
    REFITTED,
    Numbering,
    WarmStart,
    cost_of_sweep,
    sweep_and_choose,
)
from segment_lib.run.record import Work
from segment_lib.run.results import Drifted, Encoded, Swept
from segment_lib.run.stage import Outcome
from segment_lib.schema.language import sentence
from segment_lib.tasks.matching import count_shared


def run(context: Context) -> Outcome:
    """Reuse the model of the base, or refit it."""
    base = context.base.result(Swept)
    if context.result(Drifted).decision == "refit":
        return sweep_and_choose(context, [base.n_clusters], warm_start(context, base.next_segment))
    for artifact in MODEL_FILES:
        context.take(artifact)
    rows = context.result(Encoded).population
    return Outcome(
        replace(base, matching=None),
        rows,
        rows,
        f"{base.n_clusters} segments, as in the base",
        work=Work(reused=len(context.files(FEATURES))),
    )


def warm_start(context: Context, next_segment: int) -> WarmStart:
    """Return the centres to start from, and how the resulting segments are numbered."""
    base = FittedModel.from_arrays(context.base.arrays(ARRAYS))
    refit = Refit(
        base,
        context.base.result(Encoded).features,
        Projection.from_arrays(context.arrays(PROJECTION)),
        context.result(Encoded).features,
    )

    def number(centers: np.ndarray) -> Numbering:
        match = match_segments(
            shared_rows(context, refit, centers),
            *refit.comparable(centers),
            tuple(base.segment_ids.tolist()),
            next_segment,
        )
        return Numbering(
            np.array(match.ids, dtype=np.int32),
            max(next_segment, max(match.ids) + 1),
            asdict(match),
            Work(extra=len(context.files(FEATURES, "population"))),
        )

    return WarmStart(refit.starts, number, sentence(REFITTED, n=len(base.segment_ids)))


def shared_rows(context: Context, refit: Refit, centers: np.ndarray) -> np.ndarray:
    """Return the rows of the population by segment of the base and of now, (n_base, n_now)."""
    ids, features, projection = refit.base.segment_ids, refit.features, refit.projection
    tasks = [
        delayed(count_shared)(context.root, encoded, placed, features, projection, centers, ids)
        for _, (encoded, placed) in context.aligned(FEATURES, PLACED, extracts=["population"])
        if encoded.rows
    ]
    largest = max(file.rows or 0 for file in context.files(FEATURES))
    per_row = BYTES_TO_PROJECT * len(features)
    return np.asarray(sum(context.compute(tasks, bytes_per_row=per_row, rows=largest)))


cost = cost_of_sweep
