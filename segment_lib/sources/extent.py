"""Estimates of the rows of a delivered file and of the parts it will make, from little of it."""

from dataclasses import dataclass

from segment_lib.errors import DataError
from segment_lib.schema import Schema
from segment_lib.sources import delimited, parquet
from segment_lib.sources.content import detect_kind
from segment_lib.sources.packed import DAMAGE, read_unpacked, unpacked_bytes
from segment_lib.sources.text_format import TextFormat
from segment_lib.sources.workbook import sheet_rows
from segment_lib.storage.files import file_size
from segment_lib.storage.location import Location

_TEXT_PER_CELL = 4
"""Bytes of a cell in the text that is saved of a sheet."""
_WIDE = 200
"""Attributes above which a part has fewer rows."""


@dataclass(frozen=True)
class Extent:
    """The size of a delivered file."""

    rows: float
    parts: int
    unpacked: int = 0
    """Bytes that are written to scratch files before it is read."""


def rows_of_part(rows_per_part: int, n_attributes: int) -> int:
    """About how many rows a part has: those set, in proportion fewer of many attributes."""
    return max(1, rows_per_part * _WIDE // max(_WIDE, n_attributes))


def estimate_extent(path: Location, form: TextFormat, schema: Schema, rows_per_part: int) -> Extent:
    """Estimate the extent of a file: exactly of Parquet, of text from its first rows.

    Of what cannot be read it is nothing: reading it says what is amiss.
    """
    try:
        if detect_kind(path).parquet:
            return Extent(*parquet.extent(path, rows_per_part))
        rows, unpacked = _rows_of_text(path, form, len(schema))
    except (DataError, OSError, *DAMAGE):
        return Extent(0, 1)
    return Extent(rows, max(1, round(rows / rows_per_part)), unpacked)


def _rows_of_text(path: Location, form: TextFormat, n_columns: int) -> tuple[float, int]:
    """Estimate the rows, and the bytes that are written to read them."""
    packing = detect_kind(path).packing
    if packing == "xlsx":
        rows = sheet_rows(path)
        return rows, round(rows * n_columns * _TEXT_PER_CELL)
    unpacked = unpacked_bytes(path) if packing else 0
    head = read_unpacked(path, delimited.read_head, form.sheet)
    if head.startswith(b"PAR1"):  # Of which the rows stand at the end: about a byte a cell.
        return unpacked / n_columns, unpacked
    return delimited.count_rows(head, unpacked or file_size(path)), unpacked
