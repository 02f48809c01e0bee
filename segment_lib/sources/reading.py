"""What came of reading a piece: its rows, and counts of what was noticed on the way."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import polars as pl


@dataclass(frozen=True)
class Reading:
    """The rows of a piece as read."""

    rows: pl.DataFrame
    notes: Mapping[str, int] = field(default_factory=dict)
    """Counts by what they count (``kind`` or ``kind:ATTRIBUTE``); those of pieces add up."""
    digest: str = ""
    """The hash of the bytes that were read, as `digest` of the piece gives it; empty if unknown."""
