"""Micro-segments and likeness of a part, and the sums from which they are fitted."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import dask
import numpy as np
import polars as pl
from dask import delayed

from segment_lib.errors import IntegrityError
from segment_lib.hashing import hashed_share, in_first_half, row_hash
from segment_lib.mailing.gains import COUNTS, add_counts
from segment_lib.mailing.likeness import LISTED, UNSEEN, likeness_of_bins
from segment_lib.matrix import as_block
from segment_lib.model import Likeness, MicroClusters, MicroModel, Projection
from segment_lib.model.micro import SAMPLE_SIZE
from segment_lib.model.quality import ClusterSums
from segment_lib.storage.files import StoredFile, read_metadata, read_part
from segment_lib.storage.location import Location
from segment_lib.tasks.likeness import CasePart
from segment_lib.tasks.part import PartRows, PartTask
from segment_lib.terms import SET_ASIDE

BYTES_PER_FEATURE = 16
"""Bytes in memory per feature value while a part is assigned (measured)."""
ASKED = {"micro_segment": pl.Int32, "controls": pl.Int64, "cases": pl.Int64}
"""Those asked and those who responded, of the measured half, by micro-segment."""
_TABLES: Mapping[str, Mapping[str, type[pl.DataType]]] = {
    "counts": COUNTS,
    "listed": LISTED,
    "unseen": UNSEEN,
    "asked": UNSEEN,
    "asked_micro": ASKED,
}


@dataclass(frozen=True)
class MicroPart(PartTask):
    """Micro-segment and likeness of the rows of a part; counts by both in the footer."""

    source: CasePart
    assigned: StoredFile
    features: Sequence[str]
    model: MicroModel
    likeness: Likeness | None
    """None where there are too few customers to fit one."""
    random_state: int
    """Of the half of the customers that ranks."""

    def make(self, root: Location) -> PartRows:
        """Return row, micro_segment and likeness."""
        encoded = read_part(root, self.source.encoded, columns=["row", *self.features])
        block = as_block(encoded, self.features)
        first = in_first_half(encoded["row"].to_numpy(), self.random_state)
        bins = self.likeness.bins(block, first) if self.likeness else ([None] * len(block),) * 2
        scored = pl.DataFrame(
            {
                "row": encoded["row"],
                "micro_segment": self.model.predict(block),
                "listed": bins[0],
                "unseen": bins[1],
            },
            schema_overrides=dict.fromkeys(("micro_segment", "listed", "unseen"), pl.Int32),
        )
        rows = read_part(root, self.assigned, columns=["row", "segment"])
        rows = rows.join(scored, on="row", how="left", maintain_order="left")
        known = rows["micro_segment"].is_not_null()
        if known.sum() != encoded.height or (known != (rows["segment"] != SET_ASIDE)).any():
            raise IntegrityError(
                f"{self.assigned.path}: not the rows of {self.source.encoded.path}. Run assign "
                "again."
            )
        numbers = rows["row"].to_numpy()
        rows = rows.with_columns(
            pl.col("micro_segment").fill_null(SET_ASIDE),
            pl.Series("in_first_half", in_first_half(numbers, self.random_state)),
        )
        likeness = likeness_of_bins(pl.col("listed")).cast(pl.Float32).alias("likeness")
        counts = {
            name: json.dumps(t.to_dict(as_series=False)) for name, t in self._counts(root, rows)
        }
        return PartRows(rows.select("row", "micro_segment", likeness), counts)

    def _counts(self, root: Location, rows: pl.DataFrame) -> Iterator[tuple[str, pl.DataFrame]]:
        """Yield the tables of counts by name, those of the response where there is one."""
        population = self.source.extract == "population"
        first, none = pl.col("in_first_half"), pl.lit(0)
        sums = {
            "population_rows": pl.len() if population else none,
            "ranking_rows": none if population else first.sum(),
            "measured_rows": none if population else (~first).sum(),
        }
        yield "counts", _grouped(rows, COUNTS, **sums)
        if self.likeness is None:
            return
        if population:
            listed = rows.with_columns(bin="listed")
            yield "listed", _grouped(listed, LISTED, population_rows=pl.len())
        rows = rows.with_columns(bin="unseen")
        for name, source in (("unseen", self.source.of_customers), ("asked", self.source)):
            cases, controls = source.roles(root, rows["row"].to_numpy())
            roles = rows.with_columns(cases=pl.Series(cases), controls=pl.Series(controls))
            sums = {name: pl.col(name).sum() for name in ("controls", "cases")}
            yield name, _grouped(roles, UNSEEN, **sums)
            if not self.source.response:
                return
        yield "asked_micro", _grouped(roles.filter(~first), ASKED, **sums)


def read_counts(root: Location, files: Sequence[StoredFile]) -> dict[str, pl.DataFrame]:
    """Return the counts in the footers of parts, added up, by name."""
    footers = [read_metadata(root, file) for file in files]
    return {
        name: add_counts(
            [pl.DataFrame(json.loads(f[name]), schema=schema) for f in footers if name in f],
            schema,
        )
        for name, schema in _TABLES.items()
        if any(name in footer for footer in footers)
    }


def _grouped(
    rows: pl.DataFrame, schema: Mapping[str, type[pl.DataType]], **sums: pl.Expr
) -> pl.DataFrame:
    keys = [name for name in schema if name not in sums]
    table = rows.group_by(keys).agg(**sums).sort(keys)
    return table.select(pl.col(name).cast(kind) for name, kind in schema.items())


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
