"""Readers of the delivered extracts: find, check and cut their files, and read piece by piece."""

from segment_lib.sources.column_mapping import ColumnMapping
from segment_lib.sources.copies import FileDigests, customer_remarks, refuse_copies
from segment_lib.sources.database import QueryRows, Snapshot, is_database, open_database
from segment_lib.sources.delivered import DeliveredFiles, unchanging
from segment_lib.sources.delta import DeltaRows, is_delta
from segment_lib.sources.extent import Extent, estimate_extent, rows_of_part
from segment_lib.sources.extract import Extract, open_extract, read_columns
from segment_lib.sources.faults import Fault, UnreadableError
from segment_lib.sources.files import changed, find_files, list_files, refuse_shared
from segment_lib.sources.numbers import ambiguous_points
from segment_lib.sources.packed import expand, is_packed, memory_to_expand, sheet_as_text
from segment_lib.sources.partitions import Piece, path_columns
from segment_lib.sources.read_result import ReadResult
from segment_lib.sources.remarks import remarks
from segment_lib.sources.text_format import TextFormat
from segment_lib.sources.typing import raw_dtypes
