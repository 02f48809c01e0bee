"""Extracts as delivered: found, checked, cut into pieces at row ends, and read piece by piece."""

from segment_lib.sources.delimited import DelimitedPiece
from segment_lib.sources.extract import (
    Extract,
    expand,
    find_files,
    is_compressed,
    open_extract,
    places,
)
from segment_lib.sources.parquet import ParquetPiece

__all__ = [
    "DelimitedPiece",
    "Extract",
    "ParquetPiece",
    "expand",
    "find_files",
    "is_compressed",
    "open_extract",
    "places",
]
