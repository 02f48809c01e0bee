"""The result of reading a piece: its rows, and counts of what was noticed."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import polars as pl


@dataclass(frozen=True)
class ReadResult:
    """The rows of a piece, the notes on them, and their digest."""

    rows: pl.DataFrame
    notes: Mapping[str, int] = field(default_factory=dict)
    """Kind of note (``kind`` or ``kind:ATTRIBUTE``) to its count; counts of pieces add up."""
    digest: str = ""
    """Hash of the bytes that were read, as `digest` of the piece returns it; empty if unknown."""
