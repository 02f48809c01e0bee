"""Partition columns, which the path of a file holds: ``year=2024/region=07/part.parquet``."""

import hashlib
import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Protocol
from urllib.parse import unquote

import polars as pl

from segment_lib.errors import DataError
from segment_lib.schema import Attribute, Schema, canonical
from segment_lib.sources.read_result import ReadResult
from segment_lib.sources.typing import raw_dtypes
from segment_lib.storage.location import Location

_NULL = "__HIVE_DEFAULT_PARTITION__"


class Piece(Protocol):
    """Whole rows of a delivered file."""

    @property
    def path(self) -> Location: ...

    @property
    def columns(self) -> tuple[str, ...]: ...

    @property
    def size(self) -> int: ...

    def digest(self) -> tuple[str, int]: ...

    def read(self, schema: Schema, passthrough: Sequence[str] = ()) -> ReadResult:
        """Passthrough columns and attributes; of text, the levels as they are spelled."""
        ...


def path_columns(path: Location) -> dict[str, str | None]:
    """The partition columns and values in a path; a partition without a value is None.

    >>> from pathlib import Path
    >>> path_columns(Path("sales/year=2024/region=K%C3%B6ln/part.csv"))
    {'year': '2024', 'region': 'Köln'}
    """
    named = (part.partition("=") for part in path.parts[:-1] if "=" in part[1:])
    return {unquote(key): None if value == _NULL else unquote(value) for key, _, value in named}


@dataclass(frozen=True)
class PartitionedPiece:
    """A piece of a file with partition columns in its path."""

    piece: Piece
    constants: tuple[tuple[str, str | None], ...]
    """Column and value, the same in every row."""
    origin: Location
    """The delivered file, whose path holds the columns."""

    @property
    def path(self) -> Location:
        return self.piece.path

    @property
    def columns(self) -> tuple[str, ...]:
        return (*self.piece.columns, *(name for name, _ in self.constants))

    @property
    def size(self) -> int:
        return self.piece.size

    def digest(self) -> tuple[str, int]:
        """The digest of the piece, a dash, and a hash of the constants; the number of rows."""
        digest, rows = self.piece.digest()
        constants_digest = hashlib.sha256(json.dumps(self.constants).encode()).hexdigest()
        return f"{digest}-{constants_digest}", rows

    def read(self, schema: Schema, passthrough: Sequence[str] = ()) -> ReadResult:
        """Read the piece, and add the constants to its columns.

        Raises
        ------
        DataError
            If it cannot be read, or a value of the path is no number where one is expected.
        """
        values = dict(self.constants)
        reading = self.piece.read(
            drop_attributes(schema, values), [name for name in passthrough if name not in values]
        )
        kinds = raw_dtypes(schema)
        constants = [
            pl.lit(self._value(schema[name], value), dtype=kinds[name]).alias(name)
            if name in kinds
            else pl.lit(value, dtype=pl.String).alias(name)
            for name, value in values.items()
            if name in {*kinds, *passthrough}
        ]
        rows = reading.rows.with_columns(constants).select(*passthrough, *schema.names)
        return ReadResult(rows, reading.notes, reading.digest)

    def _value(self, attribute: Attribute, value: str | None) -> float | str | None:
        code = canonical(value or "")
        if not code:
            return None
        if attribute.storage == "text":
            return code
        if code in attribute.missing_words:
            return float("nan")
        try:
            number = float(code)
        except ValueError:
            number = float("inf")
        if not isfinite(number):
            raise DataError(
                f"{self.origin}: the folder {attribute.name}=… holds no number, though the feature "
                f"summary calls it {attribute.type}. Rename the folder, or call it categorical."
            )
        return number


def drop_attributes(schema: Schema, names: Collection[str]) -> Schema:
    """Return the schema without the attributes of some names."""
    return Schema(
        tuple(attribute for attribute in schema if attribute.name not in names),
        tuple(column for column in schema.columns if column not in names),
    )
