"""Numbers of segments to choose from, judged by the population clustered anew and by customers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from dask import delayed
from dask.delayed import Delayed

from segment_lib.compare import compare_segments, recluster_index
from segment_lib.model import (
    KMeans,
    Projection,
    Trial,
    Tried,
    choose_clusters,
    compare_clusterings,
    cross_tables,
    recluster_samples,
    trial_figures,
)
from segment_lib.run.artifacts import FEATURES, SENSITIVITY
from segment_lib.run.context import Context
from segment_lib.run.results import Encoded, Fitted
from segment_lib.tasks.holdout import count_part
from segment_lib.terms import DISSOLVED

BYTES_TO_PROJECT = 12
"""Bytes in memory per feature value while it is projected (measured)."""


@dataclass(frozen=True)
class Candidates:
    """Clusterings for each number of segments tried: the model's first, then those anew."""

    clusterings: Mapping[int, np.ndarray]
    """By number of clusters, shape (n_clusterings, n_clusters, n_components)."""
    counted: Mapping[int, Tried]
    """By number of clusters, what was counted of them."""
    people: Mapping[int, np.ndarray]
    """By number of clusters, rows of the population by cluster of the model."""
    eligible: Sequence[int]
    """The numbers to choose from; the others were not clustered anew."""

    def trials(self, clustering: int = 0) -> list[Trial]:
        """Return the figures of a clustering for each number to choose from."""
        return [self.counted[k].trials(self.people[k])[clustering] for k in self.eligible]

    def figures(self) -> dict[str, list[float]]:
        """Return the figures of the model's clustering for each number tried, by their names."""
        every = [tried.trials(self.people[k])[0] for k, tried in self.counted.items()]
        return trial_figures(every)

    def stability_table(self) -> pl.DataFrame:
        """Return the stability of each segment, a row per number of segments and segment."""
        return pl.concat(
            pl.DataFrame(
                {
                    "n_clusters": k,
                    "segment": range(k),
                    "population_rows": self.people[k],
                    "stability": (stability := self.counted[k].stability).mean(axis=0),
                    "least": stability.min(axis=0),
                    "dissolved": (stability <= DISSOLVED).mean(axis=0),
                    "reclusterings": len(stability),
                }
            )
            for k in self.eligible
        )

    def sensitivity_table(self, sample: Delayed, chosen: int) -> pl.DataFrame:
        """Return what each clustering anew would have said, a row each."""
        own = np.array(self.verdicts(chosen, 0))
        anew = range(1, len(self.clusterings[chosen]))
        numbers = [choose_clusters(self.trials(i))[0] for i in anew]
        others = [self.clusterings[k][i] for i, k in zip(anew, numbers, strict=True)]
        compared = compare_clusterings(sample, self.clusterings[chosen][0], others)
        rows = []
        for i, k, (table, agreement) in zip(anew, numbers, compared, strict=True):
            differ = own[:, None] != np.array(self.verdicts(k, i))
            gain = self.counted[k].trials(self.people[k])[i].gain.share
            rows.append((i, k, agreement, float(table[differ].sum() / table.sum()), gain))
        sensitivity = pl.DataFrame(rows, schema=list(SENSITIVITY.columns), orient="row")
        return sensitivity.with_columns(pl.col("gain").fill_nan(None))

    def verdicts(self, n_clusters: int, clustering: int) -> list[str]:
        """Return the verdict on each segment of a clustering, by the rows of the sample."""
        tried = self.counted[n_clusters]
        tables = np.delete(tried.tables[clustering], clustering, axis=0)
        customers = tried.customers.sum(axis=1)
        values = recluster_index(tables, np.delete(customers, clustering, axis=0))
        segments = compare_segments(
            dict(enumerate(tables[0].sum(axis=1).tolist())),
            dict(enumerate(customers[clustering].tolist())),
            reclustered=dict(enumerate(values.T)),
        )
        return segments["verdict"].to_list()


def judge(
    context: Context,
    projection: Projection,
    models: Sequence[KMeans],
    sample: Delayed,
    eligible: Sequence[int],
) -> Candidates:
    """Cluster the sample anew for the numbers to choose from, and count people and customers."""
    fitted = context.result(Fitted)
    reclustered = recluster_samples(
        sample,
        [model for model in models if model.n_clusters in eligible],
        variance_needed=fitted.variance_needed,
        random_state=context.config.model.random_state,
    )
    clusterings = {
        model.n_clusters: np.stack([model.cluster_centers_, *reclustered.get(model.n_clusters, ())])
        for model in models
    }
    customers = count_customers(context, projection, clusterings)
    tables = cross_tables(sample, clusterings)
    return Candidates(
        clusterings,
        {k: Tried(tables[k], customers[k], fitted.n_above_chance > 0) for k in clusterings},
        {model.n_clusters: model.sums_.counts for model in models},
        eligible,
    )


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
