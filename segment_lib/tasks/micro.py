"""Micro-segments of a part, and the sums from which they are fitted."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import dask
import numpy as np
import polars as pl
from dask import delayed

from segment_lib.errors import IntegrityError
from segment_lib.hashing import hashed_share, in_first_half, row_hash
from segment_lib.mailing.gains import COUNTS
from segment_lib.matrix import as_block
from segment_lib.model import MicroClusters, MicroModel, Projection
from segment_lib.model.micro import SAMPLE_SIZE
from segment_lib.model.quality import ClusterSums
from segment_lib.storage.files import StoredFile, read_metadata, read_part
from segment_lib.storage.location import Location
from segment_lib.tasks.part import PartRows, PartTask
from segment_lib.terms import SET_ASIDE

BYTES_PER_FEATURE = 16
"""Bytes in memory per feature value while a part is assigned (measured)."""
_COUNTS = "counts"
_KEYS = ("segment", "micro_segment")


@dataclass(frozen=True)
class MicroPart(PartTask):
    """Micro-segments of the rows of a part; counts by segment and micro-segment in the footer."""

    encoded: StoredFile
    assigned: StoredFile
    extract: str
    features: Sequence[str]
    model: MicroModel
    random_state: int
    """Of the half of the customers that ranks."""

    def make(self, root: Location) -> PartRows:
        """Return row and micro_segment."""
        encoded = read_part(root, self.encoded, columns=["row", *self.features])
        labels = self.model.predict(as_block(encoded, self.features))
        assigned = encoded.select("row").with_columns(
            pl.Series("micro_segment", labels, dtype=pl.Int32)
        )
        rows = read_part(root, self.assigned, columns=["row", "segment"])
        rows = rows.join(assigned, on="row", how="left", maintain_order="left")
        known = rows["micro_segment"].is_not_null()
        if known.sum() != encoded.height or (known != (rows["segment"] != SET_ASIDE)).any():
            raise IntegrityError(
                f"{self.assigned.path}: not the rows of {self.encoded.path}. Run assign again."
            )
        rows = rows.with_columns(pl.col("micro_segment").fill_null(SET_ASIDE))
        counts = json.dumps(self._counts(rows).to_dict(as_series=False))
        return PartRows(rows.select("row", "micro_segment"), {_COUNTS: counts})

    def _counts(self, rows: pl.DataFrame) -> pl.DataFrame:
        if self.extract == "population":
            return _grouped(rows, population_rows=pl.len())
        ranks = pl.Series("ranks", in_first_half(rows["row"].to_numpy(), self.random_state))
        return _grouped(
            rows.with_columns(ranks),
            ranking_rows=pl.col("ranks").sum(),
            measured_rows=(~pl.col("ranks")).sum(),
        )


def read_counts(root: Location, file: StoredFile) -> pl.DataFrame:
    """Return the counts in the footer of a part."""
    return pl.DataFrame(json.loads(read_metadata(root, file)[_COUNTS]), schema=COUNTS)


def _grouped(rows: pl.DataFrame, **counts: pl.Expr) -> pl.DataFrame:
    table = rows.group_by(_KEYS).agg(**counts).sort(_KEYS)
    absent = [pl.lit(0).alias(name) for name in COUNTS if name not in table.columns]
    return table.with_columns(absent).select(pl.col(name).cast(k) for name, k in COUNTS.items())


def learn_micro_model(
    root: Location,
    files: Mapping[str, Sequence[StoredFile]],
    features: Sequence[str],
    projection: Projection,
    *,
    n_rows: int,
    n_micro: int,
    random_state: int,
) -> MicroModel:
    """Learn micro-segments from the population and the ranking half of the customers.

    Parameters
    ----------
    files : the feature parts of each extract; their rows stay where Dask works on them
    n_rows : rows of the population
    """
    parts = [
        delayed(sample_part)(root, file, features, SAMPLE_SIZE / n_rows, random_state)
        for file in files["population"]
    ]
    sample = delayed(join_sample)(parts, random_state).persist()
    clusters = delayed(MicroClusters.fit)(
        projection, sample, n_micro=n_micro, random_state=random_state
    ).compute()
    sums = {}
    for extract, half in (("population", None), ("customers", random_state)):
        first, *others = dask.compute(
            *(
                delayed(sums_by_cluster)(root, file, features, clusters, half)
                for file in files[extract]
            )
        )
        sums[extract] = sum(others, start=first)
    fitting = delayed(MicroModel.fit)(clusters, sample, sums["population"], sums["customers"])
    model: MicroModel = fitting.compute()
    return model


def sample_part(
    root: Location, encoded: StoredFile, features: Sequence[str], share: float, random_state: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return numbers and features of the rows of a part that are in the sample."""
    rows = read_part(root, encoded, columns=["row", *features])
    chosen = rows.filter(hashed_share(rows["row"].to_numpy(), random_state, share))
    return chosen["row"].to_numpy(), as_block(chosen, features)


def join_sample(parts: Sequence[tuple[np.ndarray, np.ndarray]], random_state: int) -> np.ndarray:
    """Join the features of the sample from its parts, in an order that no part decides."""
    rows, blocks = zip(*parts, strict=True)
    order = np.argsort(row_hash(np.concatenate(rows), random_state))
    return np.asarray(np.concatenate(blocks)[order])


def sums_by_cluster(
    root: Location,
    encoded: StoredFile,
    features: Sequence[str],
    clusters: MicroClusters,
    half: int | None,
) -> ClusterSums:
    """Return sums by cluster of a part; only of the ranking half if its seed is given."""
    rows = read_part(root, encoded, columns=["row", *features])
    if half is not None:
        rows = rows.filter(in_first_half(rows["row"].to_numpy(), half))
    return clusters.tally(as_block(rows, features))
