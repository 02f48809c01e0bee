"""The mapping of a delivery's columns to the attributes of a run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import polars as pl

from segment_lib.schema import Schema
from segment_lib.sources.partitions import Piece
from segment_lib.sources.read_result import ReadResult
from segment_lib.sources.typing import canonicalize_levels, raw_dtypes


@dataclass(frozen=True)
class ColumnMapping:
    """The column of each attribute; a refreshed delivery may lack some or have renamed them."""

    schema: Schema
    """The attributes of the run."""
    renamed: Mapping[str, str] = field(default_factory=dict)
    """Attribute to the column that holds it, where their names differ."""
    absent: tuple[str, ...] = ()
    """Attributes that no column holds; they are missing in every row."""

    @property
    def columns(self) -> Schema:
        """The attributes that are present, under the names of their columns."""
        attributes = tuple(
            replace(attribute, name=self.renamed.get(attribute.name, attribute.name))
            for attribute in self.schema
            if attribute.name not in self.absent
        )
        listed = (name for name in self.schema.columns if name not in self.absent)
        columns = tuple(self.renamed.get(name, name) for name in listed)
        return Schema(attributes, columns, self.schema.carried)

    def read(self, piece: Piece, passthrough: Sequence[str] = ()) -> ReadResult:
        """Read the rows of a piece: the passthrough columns, then all attributes of the run.

        Levels are in their canonical spelling.

        Raises
        ------
        DataError
            If it cannot be read.
        """
        columns = self.columns
        reading = piece.read(columns, passthrough)
        canonicalize_levels(reading.rows, columns)
        kinds = raw_dtypes(self.schema)
        rows = reading.rows.rename({column: name for name, column in self.renamed.items()}).select(
            *passthrough,
            *(
                pl.lit(None, dtype=kinds[name]).alias(name) if name in self.absent else name
                for name in self.schema.names
            ),
        )
        return ReadResult(rows, reading.notes, reading.digest)

    def as_json(self) -> list[Any]:
        """The mapping as JSON values; a fingerprint of all that decides what is read."""
        attributes = [[a.name, a.type, *a.missing, *a.recoded] for a in self.schema]
        listed = [self.schema.columns] if self.schema.columns else []
        carried = [self.schema.carried, self.schema.texts] if self.schema.carried else []
        return [attributes, dict(self.renamed), list(self.absent), *listed, *carried]
