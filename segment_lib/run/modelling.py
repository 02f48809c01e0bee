"""Model fitting and the choice of segments, shared by full runs and refits."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl
from dask.delayed import Delayed

from segment_lib.cluster.passes import Sweep, memory_needed
from segment_lib.cluster.spill import Scratch
from segment_lib.errors import DataError
from segment_lib.matrix import feature_array, row_array
from segment_lib.model import (
    MIN_SHARE,
    IncrementalPCA,
    KMeans,
    Projection,
    StandardScaler,
    SweepCheckpoint,
    choose_clusters,
    numbers_to_choose,
    quality_figures,
)
from segment_lib.run.artifacts import (
    ARRAYS,
    FEATURES,
    MODEL,
    PROJECTION,
    RECLUSTERED,
    SENSITIVITY,
    STABILITY,
    SWEEP,
)
from segment_lib.run.candidates import BYTES_TO_PROJECT, judge
from segment_lib.run.checkpoint import read_checkpoint, write_checkpoint
from segment_lib.run.context import Context
from segment_lib.run.record import MODEL_FORMAT, Work
from segment_lib.run.results import Encoded, Fitted, Swept
from segment_lib.run.stage import Cost, Outcome, Scale
from segment_lib.schema.language import N_, Sentence, sentence
from segment_lib.schema.wording import counted

BYTES_TO_FIT = 16
"""Bytes in memory per feature value while moments are added up (measured)."""


# --- scaling and components -----------------------------------------------------------------------


def fit_projection(context: Context) -> Outcome:
    """Fit the scaler and the components."""
    encoded, files = context.result(Encoded), context.files(FEATURES, "population")
    features, model = encoded.features, context.config.model
    X = feature_array(context.root, files, features)
    if len(X) < 2:
        raise DataError("The population has a single row to learn from. Deliver more rows.")
    with context.limited(BYTES_TO_FIT * len(features), max(X.chunks[0])):
        scaler = StandardScaler(
            blocks=encoded.attributes if model.scaling == "attribute" else None
        ).fit(X)
    pca = IncrementalPCA(
        model.n_components, blocks=encoded.attributes, min_components=model.min_components
    )
    # The moments of the rows scaled follow from those that the scaler has: no second pass.
    pca.fit(scaler.transform(X), moments=scaler.scaled_moments())
    if not pca.all_explained_variance_ratio_.any():
        raise DataError("All rows of the population are alike: there is nothing to segment.")
    context.write_arrays(PROJECTION, Projection(scaler, pca).arrays())
    constant = tuple(f for f, flag in zip(features, scaler.constant_, strict=True) if flag)
    shared = pca.explained_variance_ratio_.sum()
    message = (
        f"{counted(pca.n_components_, 'component')} with {shared:.1%} of the variance of "
        f"{len(features)} features"
        f"{f', {len(constant)} of which are constant' if constant else ''}"
    )
    needed = tuple(pca.variance_needed_.tolist())
    above = pca.n_above_chance_
    if above < pca.n_components_:
        message += f"; {above} of them stand out from chance"
    result = Fitted(pca.n_components_, constant, above, needed)
    return Outcome(result, len(X), len(X), message, work=Work(len(files)))


def cost_of_fit(scale: Scale) -> Cost:
    """Estimate what the fit takes."""
    return Cost(
        scale.parts["population"],
        8 * scale.features * scale.components,
        bytes_per_row=BYTES_TO_FIT * scale.features,
    )


# --- segments -------------------------------------------------------------------------------------

AS_SET = N_("As set in model.n_clusters.")
REFITTED = N_("Refitted from the {n:count} segments of the base.")


@dataclass(frozen=True)
class WarmStart:
    """Starting centres of a refit, and how its segments are numbered."""

    starts: np.ndarray
    """Centres in component space, shape (n_clusters, n_components), float32."""
    number: Callable[[np.ndarray], "Numbering"]
    """From fitted centres, of the same shape, to their numbers."""
    rule: Sentence
    """Why there are so many segments."""


@dataclass(frozen=True)
class Numbering:
    """Numbers of the segments."""

    ids: np.ndarray
    """Shape (n_clusters,), int32."""
    next_segment: int
    """The least number that no segment has had."""
    matching: dict[str, Any] | None = None
    """Which segment is which of the base."""
    work: Work = field(default_factory=Work)
    """Parts gone over to find out."""


def sweep_and_choose(
    context: Context, tried: Sequence[int], warm: WarmStart | None = None
) -> Outcome:
    """Cluster for each number of segments, from starts found on a sample or from those given."""
    projection = Projection.from_arrays(context.arrays(PROJECTION))
    seed = context.config.model.random_state
    init: Any = warm.starts if warm else "k-means++"
    models = [KMeans(k, init=init, random_state=seed, min_share=MIN_SHARE) for k in tried]
    sample = run_passes(context, projection, models)
    if warm is None:
        models = [model.by_size() for model in models]
    wanted = context.config.model.n_clusters
    eligible = list(tried) if warm else numbers_to_choose(tried, wanted)
    judged = judge(context, projection, models, sample, eligible)
    if warm:
        chosen, rule = tried[0], warm.rule
    elif isinstance(wanted, int):
        chosen, rule = wanted, sentence(AS_SET)
    else:
        chosen, rule = choose_clusters(judged.trials())
    model = models[tried.index(chosen)]
    numbering = Numbering(np.arange(chosen, dtype=np.int32), chosen)
    segments = judged.stability_table()
    if warm:
        numbering = warm.number(model.cluster_centers_)
        segments = segments.with_columns(pl.Series("segment", numbering.ids.astype(np.int64)))
    table = pl.DataFrame(quality_figures(models, sample) | judged.figures()).with_columns(
        (pl.col("n_clusters") == chosen).alias("chosen"),
        pl.col("stability", "found_again", "gain", "gain_error").fill_nan(None),
    )
    features, n_rows = context.result(Encoded).features, int(model.sums_.counts.sum())
    fitted = {**projection.arrays(), "cluster_centers": model.cluster_centers_}
    if numbering.ids.tolist() != list(range(chosen)):
        fitted["segment_ids"] = numbering.ids
    description = {
        "format_version": MODEL_FORMAT,
        "features": features,
        "n_features": len(features),
        "n_components": projection.pca.n_components_,
        "n_clusters": chosen,
        "inertia": model.inertia_,
        "rows": n_rows,
    }
    context.write_json(MODEL, description)
    context.write_arrays(ARRAYS, fitted)
    context.write_arrays(RECLUSTERED, {"cluster_centers": judged.clusterings[chosen][1:]})
    context.write_table(SENSITIVITY, judged.sensitivity_table(sample, chosen))
    context.write_table(SWEEP, table.select(SWEEP.columns))
    context.write_table(STABILITY, segments)
    result = Swept(chosen, rule, numbering.next_segment, numbering.matching)
    work = Work(len(context.files(FEATURES))) + numbering.work
    return Outcome(result, n_rows, n_rows, f"{chosen} segments. {rule}", work=work)


def run_passes(context: Context, projection: Projection, models: Sequence[KMeans]) -> Delayed:
    """Fit the models to the population, resuming from a checkpoint if there is one.

    Returns
    -------
    sample : rows of the population
    """
    features, files = context.result(Encoded).features, context.files(FEATURES, "population")
    Z = projection.transform(feature_array(context.root, files, features))
    sweep = Sweep(
        Z,
        row_array(context.root, files),
        BYTES_TO_PROJECT * len(features) * max(Z.chunks[0]),
        context.budget,
        context.workers,
        Scratch(context.scratch(), "scratch"),
    )
    tried = [model.n_clusters for model in models]
    arrays = read_checkpoint(context.staging_dir) or {}
    checkpoint = SweepCheckpoint.from_arrays(arrays, tried, Z.shape[1])
    if checkpoint is not None:
        stopped = sum(state.stopped for state in checkpoint.states.values())
        context.log(
            f"taken up after pass {checkpoint.passes}, {stopped} of {len(tried)} at rest",
            stage=Swept.stage,
            passes_done_before=checkpoint.passes,
        )
    with context.progress(len(tried), "clusterings") as progress:
        left = len(tried)

        def on_pass(passes: int, running: int) -> None:
            nonlocal left
            note = f"pass {passes}, {passes * len(Z):,} rows read"
            progress.add(max(left - running, 0), note)
            left = min(left, running)

        sample, place = sweep.run_passes(
            models,
            checkpoint=checkpoint,
            keep=lambda checkpoint: write_checkpoint(context.staging_dir, checkpoint.arrays()),
            on_pass=on_pass,
        )
    context.log(f"scores of all rows kept {place}", scores=place)
    return sample


def cost_of_sweep(scale: Scale) -> Cost:
    """Estimate what the sweep takes."""
    kept, beside = memory_needed(
        round(scale.rows["population"]), round(scale.components), scale.clusterings
    )
    return Cost(
        scale.all_parts,
        8 * scale.features * scale.components,
        bytes_per_row=BYTES_TO_PROJECT * scale.features,
        beside=beside,
        kept=kept,
    )
