"""Reading of a piece of an extract into a raw part: numbered rows, listed ids, a tally."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import polars as pl

from segment_lib.clean import tally_part
from segment_lib.schema.ids import RoundedIdError, normalize_ids, rounded_ids_error
from segment_lib.sources import ColumnMapping, Fault, Piece, ReadResult, UnreadableError, changed
from segment_lib.storage.location import Location
from segment_lib.storage.stores import store_of
from segment_lib.tasks.part import IMPLIED, PartRows, PartTask

BYTES_PER_CELL = 30
"""Bytes in memory per cell while a part is parsed, typed, tallied and written (measured)."""
TALLY = "tally"
"""Key of the tally in the footer of a raw part."""


@dataclass(frozen=True)
class RawPart(PartTask):
    """Rows of a piece, numbered from `first`, with their tally in the footer."""

    digest: str
    """Of the piece."""
    first: int
    passthrough: tuple[str, ...]
    """Columns kept beside the attributes."""
    id_column: str
    missing: tuple[str, ...]
    """Words for a missing id."""
    delivery: ColumnMapping
    piece: Piece = field(metadata=IMPLIED)
    n_counted: int = field(metadata=IMPLIED)
    """Rows of the piece as it was hashed."""

    @property
    def n_rows(self) -> int:
        """Rows of the piece."""
        return self.n_counted

    @property
    def size(self) -> int:
        """Bytes of the piece."""
        return self.piece.size

    def make(self, root: Location) -> PartRows:
        """Read the piece.

        Raises
        ------
        DataError
            If it cannot be read, or is another than when it was hashed.
        """
        reading = self.delivery.read(self.piece, self.passthrough)
        rows = reading.rows
        if rows.height != self.n_counted or not self._is_as_hashed(reading):
            raise changed(self.piece.path)
        if self.id_column:
            try:
                ids = normalize_ids(rows[self.id_column], self.missing)
            except RoundedIdError:
                raise rounded_ids_error(f"{self.piece.path}, column {self.id_column}") from None
            rows = rows.with_columns(ids.alias(self.id_column))
        tally = tally_part(rows, self.delivery.schema, reading.notes)
        number = pl.int_range(self.first, self.first + pl.len(), dtype=pl.Int64).alias("row")
        return PartRows(rows.select(number, "*"), {TALLY: tally.to_json()})

    def _is_as_hashed(self, reading: ReadResult) -> bool:
        """Return True if the rows come from the bytes of the digest.

        Parquet is read by columns, so its bytes are hashed once more; objects have versions for
        that.
        """
        if store_of(self.piece.path).versioned and not reading.digest:
            return True
        digest = reading.digest or self.piece.digest()[0].partition("-")[0]
        return digest == self.digest.partition("-")[0]

    def faults(self) -> Sequence[Fault]:
        """Return the faults that keep the piece from being read."""
        try:
            self.delivery.read(self.piece, self.passthrough)
        except UnreadableError as error:
            return error.faults
        return ()
