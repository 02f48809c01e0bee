"""Extracts as delivered: found, checked, cut into pieces at row ends, and read piece by piece."""

from segment_lib.sources.delimited import DelimitedPiece
from segment_lib.sources.delivery import Delivery
from segment_lib.sources.extract import (
    Extract,
    expand,
    find_files,
    is_compressed,
    open_extract,
    places,
    read_columns,
)
from segment_lib.sources.faults import Fault, UnreadableError
from segment_lib.sources.numbers import doubtful_points
from segment_lib.sources.parquet import ParquetPiece
from segment_lib.sources.reading import Reading
from segment_lib.sources.remarks import remarks
from segment_lib.sources.text_format import TextFormat
from segment_lib.sources.typing import raw_dtypes

__all__ = [
    "DelimitedPiece",
    "Delivery",
    "Extract",
    "Fault",
    "ParquetPiece",
    "Reading",
    "TextFormat",
    "UnreadableError",
    "doubtful_points",
    "expand",
    "find_files",
    "is_compressed",
    "open_extract",
    "places",
    "raw_dtypes",
    "read_columns",
    "remarks",
]
