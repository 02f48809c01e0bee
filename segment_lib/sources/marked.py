"""Customers among the population: pieces of its files of which only the marked rows are read."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from segment_lib.schema import Schema
from segment_lib.schema.customer_mark import CustomerMark
from segment_lib.sources.partitions import PartitionedPiece, Piece
from segment_lib.sources.read_result import ReadResult
from segment_lib.storage.location import Location


@dataclass(frozen=True)
class MarkedPiece:
    """The rows of a piece that a column marks."""

    piece: Piece
    mark: CustomerMark

    @property
    def path(self) -> Location:
        return self.piece.path

    @property
    def columns(self) -> tuple[str, ...]:
        return self.piece.columns

    @property
    def size(self) -> int:
        return self.piece.size

    def digest(self) -> tuple[str, int]:
        """Hash of the bytes of the whole piece and of the mark; the number of marked rows."""
        digest, rows = self.piece.digest()
        in_path = dict(self.piece.constants) if isinstance(self.piece, PartitionedPiece) else {}
        if self.mark.column in in_path:
            marked = self.mark.matches(pl.Series([in_path[self.mark.column]], dtype=pl.String))
            return self._hash(digest), rows if marked.all() else 0
        return self._hash(digest), self.read(Schema(()), [self.mark.column]).rows.height

    def read(self, schema: Schema, passthrough: Sequence[str] = ()) -> ReadResult:
        """Read the piece, and keep the marked rows.

        What is to be noted of the file is noted where the whole piece is read.

        Raises
        ------
        DataError
            If it cannot be read.
        """
        column, names = self.mark.column, (*passthrough, *schema.names)
        beside = passthrough if column in names else (*passthrough, column)
        reading = self.piece.read(schema, beside)
        rows = reading.rows.filter(self.mark.matches(reading.rows[column]))
        digest = reading.digest and self._hash(reading.digest)
        return ReadResult(rows.select(names), digest=digest)

    def _hash(self, digest: str) -> str:
        """Return the digest of the piece with the mark; of columns of its path the hash stays."""
        own, dash, in_path = digest.partition("-")
        text = "\0".join([own, self.mark.column, self.mark.value])
        return hashlib.sha256(text.encode()).hexdigest() + dash + in_path
