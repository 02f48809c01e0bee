"""Assignment of the rows of a part to segments, by a fitted model."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import polars as pl

from segment_lib.drift import ASSIGNMENT_COUNTS, AssignmentCounts
from segment_lib.errors import IntegrityError
from segment_lib.matrix import as_block
from segment_lib.model import FittedModel
from segment_lib.storage.files import StoredFile, read_metadata, read_part
from segment_lib.storage.location import Location
from segment_lib.tasks.part import PartRows, PartTask
from segment_lib.tasks.rows import RowNumbers, numbers_in
from segment_lib.terms import SET_ASIDE

BYTES_PER_FEATURE = 12
"""Bytes in memory per feature value while a part is assigned (measured)."""


@dataclass(frozen=True)
class AssignPart(PartTask):
    """Segments of the rows of a part; those not encoded are set aside."""

    encoded: StoredFile
    rows: RowNumbers
    model: FittedModel
    features: Sequence[str]
    """The features of the model, in its order."""
    fills: Mapping[str, float] = field(default_factory=dict)
    """Values for features of the model that the part has not."""

    def make(self, root: Location) -> PartRows:
        """Return row, segment and distance; the counts are in the footer."""
        encoded = read_part(root, self.encoded).with_columns(
            pl.lit(value).alias(name) for name, value in self.fills.items()
        )
        labels, distances = self.model.predict(
            as_block(encoded, self.features), return_distance=True
        )
        assigned = pl.DataFrame(
            {"row": encoded["row"], "segment": labels, "distance": distances},
            schema_overrides={"segment": pl.Int32, "distance": pl.Float32},
        )
        everyone = pl.DataFrame({"row": numbers_in(root, self.rows)})
        segments = everyone.join(assigned, on="row", how="left", maintain_order="left")
        if segments["segment"].count() != encoded.height:
            raise IntegrityError(
                f"{self.encoded.path}: holds rows that are not of its raw part. Run encode."
            )
        segments = segments.with_columns(pl.col("segment").fill_null(SET_ASIDE))
        counts = AssignmentCounts.count(segments["segment"], segments["distance"])
        return PartRows(segments, {ASSIGNMENT_COUNTS: counts.to_json()})

    @property
    def n_rows(self) -> int:
        """Rows of the part, those set aside included."""
        return self.rows.rows or 0 if isinstance(self.rows, StoredFile) else len(self.rows)


def assignment_counts(root: Location, files: Sequence[StoredFile]) -> AssignmentCounts:
    """Return rows by segment, and their distances, from the footers of segment parts."""
    counts = [
        AssignmentCounts.from_json(read_metadata(root, file)[ASSIGNMENT_COUNTS]) for file in files
    ]
    return sum(counts[1:], start=counts[0])


def count_assigned(root: Location, files: Sequence[StoredFile]) -> Counter[int]:
    """Return rows by segment, from the footers of segment parts."""
    return Counter(assignment_counts(root, files).rows)
