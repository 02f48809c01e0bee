"""Counts of a part for the comparison: levels by segment, and overlaps of clusterings."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from segment_lib.clean import known, parse_answers
from segment_lib.matrix import as_block
from segment_lib.model import Overlap, Projection, overlap
from segment_lib.profile import COUNTS, Levels, count_levels
from segment_lib.schema import Attribute, Schema
from segment_lib.storage.files import StoredFile, read_metadata, read_part
from segment_lib.storage.location import Location
from segment_lib.tasks.part import PartRows, PartTask

BYTES_PER_CELL = 30
"""Bytes in memory per raw cell while its levels are counted (measured)."""
BYTES_PER_FEATURE = 12
"""Bytes in memory per feature value while overlaps are counted (measured)."""
_OVERLAP = "overlap"
_KEYS = list(COUNTS)[:-1]


@dataclass(frozen=True)
class CountPart(PartTask):
    """Rows of a part by segment, attribute and level; the overlap counts are in the footer."""

    raw: StoredFile
    assigned: StoredFile
    encoded: StoredFile
    attributes: tuple[Attribute, ...]
    """The attributes counted."""
    levels: tuple[Levels, ...]
    """How each is counted."""
    features: Sequence[str]
    projection: Projection
    centers: np.ndarray
    """Shape (n_clusters, n_components)."""
    resampled: np.ndarray
    """Centres of other clusterings, shape (n_resamples, n_clusters, n_components)."""

    def make(self, root: Location) -> PartRows:
        """Return the columns of COUNTS."""
        contingency = self._overlap(root).contingency.tolist()
        return PartRows(self._counts(root), {_OVERLAP: json.dumps(contingency)})

    def _counts(self, root: Location) -> pl.DataFrame:
        if not self.levels:
            return pl.DataFrame(schema=COUNTS)
        codes = read_part(root, self.raw, columns=[a.name for a in self.attributes])
        rows = codes.select(known(attribute) for attribute in self.attributes)
        segments = read_part(root, self.assigned, columns=["segment"])["segment"]
        return count_levels(rows, segments, self.levels).sort(_KEYS)

    def _overlap(self, root: Location) -> Overlap:
        if not self.encoded.rows:
            n_resamples, k, _ = self.resampled.shape
            return Overlap(np.zeros((n_resamples, k, k), dtype=np.int64))
        rows = read_part(root, self.encoded, columns=self.features)
        scores = self.projection.transform(as_block(rows, self.features))
        return overlap(scores, self.centers, self.resampled)


def count_parts(
    parts: Iterable[tuple[str, tuple[StoredFile, ...]]],
    path_of: Callable[[str], str],
    counted: Mapping[str, Sequence[Levels]],
    schema: Schema,
    features: Sequence[str],
    arrays: Mapping[str, np.ndarray],
    resampled: np.ndarray,
) -> list[CountPart]:
    """Return the tasks that count the parts of a run.

    Parameters
    ----------
    parts : of each the extract, and its raw, segment and feature file
    path_of : from the path of a raw part to that of its counts
    counted : by extract, how its attributes are counted
    arrays : those of the model
    resampled : centres of other clusterings, shape (n_resamples, n_clusters, n_components)
    """
    projection = Projection.from_arrays(arrays)
    return [
        CountPart(
            path_of(raw.path),
            raw,
            assigned,
            encoded,
            tuple(schema[level.attribute] for level in counted[extract]),
            tuple(counted[extract]),
            features,
            projection,
            arrays["cluster_centers"],
            resampled,
        )
        for extract, (raw, assigned, encoded) in parts
    ]


@dataclass(frozen=True)
class Counts:
    """All counts of an extract."""

    levels: pl.DataFrame
    """Rows by segment, attribute and level."""
    overlap: Overlap


def add_counts(root: Location, files: Sequence[StoredFile]) -> Counts:
    """Return the counts of all parts of an extract, in part order."""
    footers = [json.loads(read_metadata(root, file)[_OVERLAP]) for file in files]
    contingency = np.sum([np.array(footer, dtype=np.int64) for footer in footers], axis=0)
    levels = pl.concat(read_part(root, file) for file in files)
    return Counts(
        levels.group_by(_KEYS).agg(pl.col("rows").sum()).sort(_KEYS), Overlap(contingency)
    )


def count_responses(
    root: Location, raw: StoredFile, assigned: StoredFile, extract: str, column: str
) -> pl.DataFrame:
    """Return rows of known response, and responses, of a part by segment."""
    cells = parse_answers(read_part(root, raw, columns=[column])[column])
    segments = read_part(root, assigned, columns=["segment"])["segment"]
    return (
        pl.DataFrame({"segment": segments, "response": cells})
        .group_by("segment")
        .agg(
            pl.col("response").count().cast(pl.Int64).alias("rows"),
            (pl.col("response") == "1").sum().cast(pl.Int64).alias("responses"),
        )
        .select(pl.lit(extract).alias("extract"), "segment", "rows", "responses")
    )
