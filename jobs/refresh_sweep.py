"""The segments of a later delivery: those of the base, or refitted from its centres."""

from dataclasses import asdict, replace
from typing import Any

import numpy as np
from dask import delayed

from jobs import sweep  # Until what both share is in the library.
from jobs.legacy import in_new_form
from segment_lib.drift import match_segments
from segment_lib.model import FittedModel, Projection
from segment_lib.model.refit import Refit
from segment_lib.run.artifacts import (
    ARRAYS,
    FEATURES,
    MODEL,
    PLACED,
    PROJECTION,
    RESAMPLED,
    STABILITY,
    SWEEP,
)
from segment_lib.run.context import Context
from segment_lib.run.results import Drifted, Encoded, Swept
from segment_lib.run.stage import OfBase, Outcome, Stage, Work, fields_of
from segment_lib.tasks.matching import count_shared

_MODEL = (MODEL, ARRAYS, RESAMPLED, SWEEP, STABILITY)


def run(context: Context) -> Outcome:
    """Take the model of the base over, or refit it."""
    base = context.base.result(Swept)
    if context.result(Drifted).decision == "refit":
        warm = warm_start(context, base.next_segment)
        return in_new_form(
            "sweep", context, lambda job, work: sweep.find(job, work, [base.n_clusters], warm)
        )
    for artifact in _MODEL:
        context.take(artifact)
    rows = context.result(Encoded).population
    return Outcome(
        replace(base, matching=None),
        rows,
        rows,
        f"{base.n_clusters} segments, as in the base",
        work=Work(reused=len(context.files(FEATURES))),
    )


def warm_start(context: Context, next_segment: int) -> sweep.Warm:
    """Return the centres to start from, and how to number what becomes of them."""
    base = FittedModel.from_arrays(context.base.arrays(ARRAYS))
    refit = Refit(
        base,
        context.base.result(Encoded).features,
        Projection.from_arrays(context.arrays(PROJECTION)),
        context.result(Encoded).features,
    )

    def number(centers: np.ndarray) -> tuple[np.ndarray, dict[str, Any]]:
        match = match_segments(
            shared_rows(context, refit, centers),
            *refit.comparable(centers),
            tuple(base.segment_ids.tolist()),
            next_segment,
        )
        return np.array(match.ids, dtype=np.int32), {
            "next_segment": max(next_segment, max(match.ids) + 1),
            "matched": len(context.files(FEATURES, "population")),
            "matching": asdict(match),
        }

    rule = f"refitted from the {len(base.cluster_centers)} segments of the base"
    return sweep.Warm(refit.starts, number, rule)


def shared_rows(context: Context, refit: Refit, centers: np.ndarray) -> np.ndarray:
    """Return the rows of the population by segment of the base and of now, (n_base, n_now)."""
    tasks = [
        delayed(count_shared)(
            context.root,
            encoded,
            placed,
            refit.features,
            refit.projection,
            centers,
            refit.base.segment_ids,
        )
        for _, (encoded, placed) in context.aligned(FEATURES, PLACED, extracts=["population"])
        if encoded.rows
    ]
    largest = max(file.rows or 0 for file in context.files(FEATURES))
    per_row = sweep.BYTES_PER_FEATURE * len(refit.features)
    return np.asarray(sum(context.compute(tasks, bytes_per_row=per_row, rows=largest)))


STAGE = Stage(
    "sweep",
    run,
    reads=(
        *(FEATURES, PROJECTION, PLACED),
        *(fields_of(Encoded, "features", "population"), fields_of(Drifted, "decision")),
        *(OfBase(artifact) for artifact in _MODEL),
        *(OfBase(Swept), OfBase(fields_of(Encoded, "features"))),
    ),
    settings=("model.n_clusters", "model.sweep", "model.random_state"),
    cost=sweep.STAGE.cost,
)
