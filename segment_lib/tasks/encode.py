"""Encoding of a part by the plan; rows that lack too many attributes are left out."""

from dataclasses import dataclass

import polars as pl

from segment_lib.clean import count_missing, known
from segment_lib.encode import Plan
from segment_lib.schema import Schema
from segment_lib.storage.files import StoredFile, read_part
from segment_lib.storage.location import Location
from segment_lib.tasks.part import PartRows, PartTask

BYTES_PER_CELL = 13
"""Bytes in memory per raw cell or feature while a part is encoded (measured)."""
_SLICE = 50_000
"""Rows encoded at a time."""


@dataclass(frozen=True)
class EncodePart(PartTask):
    """Features of the rows of a part that lack at most `most_missing` of the kept attributes."""

    raw: StoredFile
    schema: Schema
    plan: Plan
    kept: tuple[str, ...]
    most_missing: int

    def make(self, root: Location) -> PartRows:
        """Return `row` and the features, without nulls."""
        missing = count_missing(self.kept)
        # Slice by slice, so that what lies between codes and features takes little room.
        encoded = [
            rows.lazy()
            .with_columns(known(attribute) for attribute in self.schema)
            .filter(missing <= self.most_missing)
            .select("row", *self.plan.expressions(self.schema))
            .collect()
            for rows in read_part(root, self.raw).iter_slices(_SLICE)
        ]
        return PartRows(pl.concat(encoded, rechunk=True))


def attributes_missing(most: float, kept: int) -> int:
    """Return how many of the kept attributes a row may lack, of a share or a number of them.

    >>> attributes_missing(0.29, 100), attributes_missing(25, 100)
    (29, 25)
    """
    return int(most * kept + 1e-9) if most < 1 else int(most)  # 0.29 * 100 is 28.999999999999996
