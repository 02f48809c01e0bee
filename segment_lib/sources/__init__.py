"""Readers of the delivered extracts: find, check and cut their files, and read piece by piece."""

from segment_lib.sources.content import kind_of
from segment_lib.sources.copies import Content, customer_remarks, refuse_copies
from segment_lib.sources.delimited import DelimitedPiece
from segment_lib.sources.delivery import Delivery
from segment_lib.sources.extract import Extract, open_extract, places, read_columns
from segment_lib.sources.faults import Fault, UnreadableError
from segment_lib.sources.files import changed, find_files, list_files, refuse_shared
from segment_lib.sources.numbers import doubtful_points
from segment_lib.sources.packed import expand, is_packed
from segment_lib.sources.partitions import PartitionedPiece, Piece, path_columns
from segment_lib.sources.reading import Reading
from segment_lib.sources.remarks import remarks
from segment_lib.sources.text_format import TextFormat
from segment_lib.sources.typing import raw_dtypes

__all__ = [
    "Content",
    "DelimitedPiece",
    "Delivery",
    "Extract",
    "Fault",
    "PartitionedPiece",
    "Piece",
    "Reading",
    "TextFormat",
    "UnreadableError",
    "changed",
    "customer_remarks",
    "doubtful_points",
    "expand",
    "find_files",
    "is_packed",
    "kind_of",
    "list_files",
    "open_extract",
    "path_columns",
    "places",
    "raw_dtypes",
    "read_columns",
    "refuse_copies",
    "refuse_shared",
    "remarks",
]
