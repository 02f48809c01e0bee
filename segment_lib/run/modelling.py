"""Model fitting and the choice of segments, shared by full runs and refits."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl
from dask import delayed
from dask.delayed import Delayed

from segment_lib.cluster.passes import Sweep, memory_needed
from segment_lib.cluster.spill import Scratch
from segment_lib.compare import compare_segments, recluster_index
from segment_lib.errors import DataError
from segment_lib.matrix import feature_array, row_array
from segment_lib.model import (
    IncrementalPCA,
    KMeans,
    Projection,
    StandardScaler,
    SweepCheckpoint,
    Trial,
    Tried,
    choose_clusters,
    compare_clusterings,
    cross_tables,
    quality_figures,
    recluster_samples,
    trial_figures,
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
from segment_lib.run.checkpoint import read_checkpoint, write_checkpoint
from segment_lib.run.context import Context
from segment_lib.run.record import MODEL_FORMAT, Work
from segment_lib.run.results import Encoded, Fitted, Swept
from segment_lib.run.stage import Cost, Outcome, Scale
from segment_lib.tasks.holdout import count_part
from segment_lib.terms import DISSOLVED

BYTES_TO_FIT = 16
"""Bytes in memory per feature value while moments are added up (measured)."""
BYTES_TO_PROJECT = 12
"""Bytes in memory per feature value while it is projected (measured)."""


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
    pca = IncrementalPCA(model.n_components, blocks=encoded.attributes)
    # The moments of the rows scaled follow from those that the scaler has: no second pass.
    pca.fit(scaler.transform(X), moments=scaler.scaled_moments())
    if not pca.all_explained_variance_ratio_.any():
        raise DataError("All rows of the population are alike: there is nothing to segment.")
    context.write_arrays(PROJECTION, Projection(scaler, pca).arrays())
    constant = tuple(f for f, flag in zip(features, scaler.constant_, strict=True) if flag)
    shared = pca.explained_variance_ratio_.sum()
    message = (
        f"{pca.n_components_} components hold {shared:.1%} of the variance of {len(features)} "
        f"features{f', {len(constant)} of which are constant' if constant else ''}"
    )
    result = Fitted(int(pca.n_components_), constant)
    return Outcome(result, len(X), len(X), message, work=Work(len(files)))


def cost_of_fit(scale: Scale) -> Cost:
    """Estimate what the fit takes."""
    return Cost(
        scale.parts["population"],
        8 * scale.features**2,
        bytes_per_row=BYTES_TO_FIT * scale.features,
    )


# --- segments -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class WarmStart:
    """Starting centres of a refit, and how its segments are numbered."""

    starts: np.ndarray
    """Centres in component space, shape (n_clusters, n_components), float32."""
    number: Callable[[np.ndarray], "Numbering"]
    """From fitted centres, of the same shape, to their numbers."""
    rule: str
    """Why there are so many segments, in words."""


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
    models = [KMeans(k, init=init, random_state=seed) for k in tried]
    sample = run_passes(context, projection, models)
    if warm is None:
        models = [model.by_size() for model in models]
    reclustered = recluster_samples(sample, models, random_state=seed)
    clusterings = {
        model.n_clusters: np.stack([model.cluster_centers_, *reclustered[model.n_clusters]])
        for model in models
    }
    counts = count_customers(context, projection, clusterings)
    tables = cross_tables(sample, clusterings)
    tried_with = {k: Tried(tables[k], counts[k]) for k in clusterings}
    judged = {m.n_clusters: tried_with[m.n_clusters].trials(m.sums_.counts) for m in models}
    trials = [judged[k][0] for k in tried]
    wanted = context.config.model.n_clusters
    if warm:
        chosen, rule = tried[0], warm.rule
    elif isinstance(wanted, int):
        chosen, rule = wanted, "as set in model.n_clusters"
    else:
        chosen, rule = choose_clusters(trials)
    model = models[tried.index(chosen)]
    numbering = Numbering(np.arange(chosen, dtype=np.int32), chosen)
    segments = stability_table(models, [tried_with[k].stability for k in tried])
    if warm:
        numbering = warm.number(model.cluster_centers_)
        segments = segments.with_columns(pl.Series("segment", numbering.ids.astype(np.int64)))
    table = (
        pl.DataFrame(quality_figures(models, sample))
        .with_columns(
            *(pl.Series(name, values) for name, values in trial_figures(trials).items()),
            (pl.col("n_clusters") == chosen).alias("chosen"),
        )
        .with_columns(pl.col("gain", "gain_error").fill_nan(None))
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
    context.write_arrays(RECLUSTERED, {"cluster_centers": reclustered[chosen]})
    context.write_table(
        SENSITIVITY, sensitivity_table(sample, clusterings, tried_with, judged, chosen, wanted)
    )
    context.write_table(SWEEP, table.select(SWEEP.columns))
    context.write_table(STABILITY, segments)
    result = Swept(chosen, rule, numbering.next_segment, numbering.matching)
    work = Work(len(context.files(FEATURES))) + numbering.work
    return Outcome(result, n_rows, n_rows, f"{chosen} segments, {rule}", work=work)


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
            f"taken up after {checkpoint.passes} passes, {stopped} of {len(tried)} at rest",
            stage=Swept.stage,
            passes_done_before=checkpoint.passes,
        )
    with context.progress(len(tried), "clusterings") as progress:
        left = len(tried)

        def on_pass(passes: int, running: int) -> None:
            nonlocal left
            progress.add(max(left - running, 0))
            left = min(left, running)

        sample, place = sweep.run_passes(
            models,
            checkpoint=checkpoint,
            keep=lambda checkpoint: write_checkpoint(context.staging_dir, checkpoint.arrays()),
            on_pass=on_pass,
        )
    context.log(f"scores of all rows kept {place}", scores=place)
    return sample


def stability_table(models: Sequence[KMeans], stability: Sequence[np.ndarray]) -> pl.DataFrame:
    """Return a row per number of segments and segment: its stability under resampling."""
    return pl.concat(
        pl.DataFrame(
            {
                "n_clusters": model.n_clusters,
                "segment": range(model.n_clusters),
                "population_rows": model.sums_.counts,
                "stability": resampled.mean(axis=0),
                "least": resampled.min(axis=0),
                "dissolved": (resampled <= DISSOLVED).mean(axis=0),
                "reclusterings": len(resampled),
            }
        )
        for model, resampled in zip(models, stability, strict=True)
    )


def sensitivity_table(
    sample: Delayed,
    clusterings: Mapping[int, np.ndarray],
    tried: Mapping[int, Tried],
    judged: Mapping[int, Sequence[Trial]],
    chosen: int,
    wanted: int | str,
) -> pl.DataFrame:
    """Return what each clustering anew would have said: a row each.

    Parameters
    ----------
    clusterings, tried, judged : by number of clusters, centres, counts and figures of the model's
        clustering and then of those anew
    chosen : the number of segments of the model
    wanted : the number that is asked for, or "auto"
    """
    trials = list(zip(*judged.values(), strict=True))[1:]
    numbers = [chosen if wanted == chosen else choose_clusters(each)[0] for each in trials]
    others = [clusterings[k][i] for i, k in enumerate(numbers, start=1)]
    compared = compare_clusterings(sample, clusterings[chosen][0], others)
    own = np.array(sample_verdicts(tried[chosen], 0))
    rows = []
    for i, (k, (table, agreement)) in enumerate(zip(numbers, compared, strict=True), start=1):
        differ = own[:, None] != np.array(sample_verdicts(tried[k], i))
        share, gain = float(table[differ].sum() / table.sum()), judged[k][i].gain.share
        rows.append((i, k, agreement, share, gain))
    columns = list(SENSITIVITY.columns)
    return pl.DataFrame(rows, schema=columns, orient="row").with_columns(
        pl.col("gain").cast(pl.Float64).fill_nan(None)
    )


def sample_verdicts(tried: Tried, clustering: int) -> list[str]:
    """Return the verdict on each segment of a clustering, by the rows of the sample."""
    tables = np.delete(tried.tables[clustering], clustering, axis=0)
    customers = tried.customers.sum(axis=1)
    values = recluster_index(tables, np.delete(customers, clustering, axis=0))
    segments = compare_segments(
        dict(enumerate(tables[0].sum(axis=1).tolist())),
        dict(enumerate(customers[clustering].tolist())),
        reclustered=dict(enumerate(values.T)),
    )
    return segments["verdict"].to_list()


def count_customers(
    context: Context, projection: Projection, clusterings: Mapping[int, np.ndarray]
) -> dict[int, np.ndarray]:
    """Count the customers by holdout split and segment of each clustering, part by part.

    Returns
    -------
    counts : by number of clusters, shape (n_clusterings, 3, n_clusters)
    """
    seed, features = context.config.model.random_state, context.result(Encoded).features
    files = [file for file in context.files(FEATURES, "customers") if file.rows]
    parts = context.compute(
        [
            delayed(count_part)(context.root, file, features, projection, clusterings, seed)
            for file in files
        ],
        bytes_per_row=BYTES_TO_PROJECT * len(features),
        rows=max((file.rows or 0 for file in files), default=0),
    )
    return {
        k: sum((part[k] for part in parts), np.zeros((len(centers), 3, k), dtype=np.int64))
        for k, centers in clusterings.items()
    }


def cost_of_sweep(scale: Scale) -> Cost:
    """Estimate what the sweep takes."""
    kept, beside = memory_needed(
        round(scale.rows["population"]), round(scale.components), scale.clusterings
    )
    return Cost(
        scale.parts["population"],
        8 * scale.features**2,
        bytes_per_row=BYTES_TO_PROJECT * scale.features,
        beside=beside,
        kept=kept,
    )
