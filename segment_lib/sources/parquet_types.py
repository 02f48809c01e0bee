"""Conversion of Parquet types to levels and numbers.

Values get the text that the same table has as CSV, so that the levels are the same. Arrow converts
all types but floats, whose shortest text Polars writes.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.types as kinds

from segment_lib.schema import Attribute, Schema
from segment_lib.sources.faults import Fault
from segment_lib.storage.location import Location

Convert = Callable[[pa.ChunkedArray], pl.Series]
_EXACT = 1 << 24
"""Whole numbers below it have all their digits in single precision."""


class UnreadableValue(Exception):
    """A value that cannot be read, though its type can.

    The arguments are its position in the column, from 0, the problem, and what to do.
    """


@dataclass(frozen=True)
class Conversion:
    """The conversions of a family of types to levels and to numbers; None if there is none."""

    holds: Callable[[pa.DataType], bool]
    text: Convert | None
    number: Convert | None
    advice: str = ""


def to_text(values: pa.ChunkedArray) -> pl.Series:
    """Convert values to the text of levels or ids, empty ones to null.

    Raises
    ------
    UnreadableValue
        If bytes are no UTF-8, or a date is beyond the calendar.
    """
    plain = _storage_values(values)
    convert = _conversion(plain.type).text
    assert convert is not None, plain.type
    return convert(plain)


def to_number(values: pa.ChunkedArray) -> pl.Series:
    """Convert values to floats, or to text from which numbers are parsed.

    Raises
    ------
    UnreadableValue
        If bytes are no UTF-8, or a date is beyond the calendar.
    """
    plain = _storage_values(values)
    convert = _conversion(plain.type).number
    assert convert is not None, plain.type
    return convert(plain)


def type_faults(
    path: Location,
    types: Mapping[str, pa.DataType],
    schema: Schema,
    passthrough: Sequence[str] = (),
) -> list[Fault]:
    """The faults of columns whose types cannot be read as their attributes."""
    faults = []
    for attribute in schema:
        form = _conversion(_storage_type(types[attribute.name]))
        if (form.text if attribute.storage == "text" else form.number) is None:
            problem = f"though the feature summary calls it {attribute.type}"
            faults.append(_fault(path, attribute.name, types, problem, _advice(form, attribute)))
    for name in passthrough:
        if _conversion(_storage_type(types[name])).text is None:
            problem = "which cannot be carried along as text"
            faults.append(_fault(path, name, types, problem, f"{_VALUES}, or do not carry it."))
    return faults


def _fault(
    path: Location, column: str, types: Mapping[str, pa.DataType], problem: str, advice: str
) -> Fault:
    problem = f"holds values of type {_name(types[column])}, {problem}"
    return Fault(f"{path}, column {column}", problem, advice, column)


def _advice(form: Conversion, attribute: Attribute) -> str:
    if attribute.storage == "number" and form.text is not None:
        return f"{form.advice}, or call it categorical in the feature summary."
    return f"{form.advice}."


def _name(kind: pa.DataType) -> str:
    """The name of a type, without the fields of a nested type."""
    if kinds.is_dictionary(kind):
        return _name(kind.value_type)
    if kinds.is_nested(kind):
        return "struct" if kinds.is_struct(kind) else "map" if kinds.is_map(kind) else "list"
    return str(kind)


def _conversion(kind: pa.DataType) -> Conversion:
    return next(form for form in CONVERSIONS if form.holds(kind))


def _storage_type(kind: pa.DataType) -> pa.DataType:
    return _storage_values(pa.chunked_array([], kind)).type


def _storage_values(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """The values of a dictionary or extension type."""
    kind = values.type
    if kinds.is_dictionary(kind):
        return _storage_values(values.cast(kind.value_type))
    if isinstance(kind, pa.BaseExtensionType) and not isinstance(kind, pa.UuidType):
        stored = [chunk.storage for chunk in values.chunks]
        plain = _storage_values(pa.chunked_array(stored, kind.storage_type))
        return plain.cast(pa.bool_()) if isinstance(kind, pa.Bool8Type) else plain
    return values


# --- how values become text or floats -------------------------------------------------------------


def _series(values: pa.ChunkedArray) -> pl.Series:
    series = pl.from_arrow(values)
    assert isinstance(series, pl.Series)
    return series


def _utf8_text(values: pa.ChunkedArray) -> pl.Series:
    # Neither Arrow nor Polars check that strings of a file are UTF-8.
    try:
        values.validate(full=True)
    except pa.ArrowInvalid:
        raise UnreadableValue(_first_not_text(values), *_NOT_TEXT) from None
    return _series(values.cast(pa.large_string()))


def _decoded(values: pa.ChunkedArray) -> pl.Series:
    """Decode bytes as UTF-8 text, without the padding of those of a fixed size."""
    try:
        written = values.cast(pa.large_binary()).cast(pa.large_string())
    except pa.ArrowInvalid:
        raise UnreadableValue(_first_not_text(values), *_NOT_TEXT) from None
    series = _series(written)
    if kinds.is_fixed_size_binary(values.type):
        series = series.str.strip_chars_end("\0")
    # Text has no zero byte: these are numbers, or hashes, that happen to be UTF-8.
    zeros = series.str.contains("\0", literal=True).fill_null(False)
    if zeros.any():
        raise UnreadableValue(_first(zeros), *_NOT_TEXT)
    return series


def _first(flags: pl.Series) -> int:
    position = flags.arg_max()
    assert position is not None
    return position


def _first_not_text(values: pa.ChunkedArray) -> int:
    cells = values.cast(pa.large_binary(), safe=False) if _is_text(values.type) else values
    return next(position for position, cell in enumerate(cells.to_pylist()) if not _is_utf8(cell))


def _is_utf8(cell: bytes | None) -> bool:
    try:
        (cell or b"").decode()
    except UnicodeDecodeError:
        return False
    return True


def _cast_text(values: pa.ChunkedArray) -> pl.Series:
    return _series(values.cast(pa.large_string()))


def _cast_number(values: pa.ChunkedArray) -> pl.Series:
    # Unsafe cast: whole numbers beyond 2^53 become the nearest float, as they do from text.
    return _series(values.cast(pa.float64(), safe=False))


def _floats(values: pa.ChunkedArray) -> pl.Series:
    """The floats, with NaN as null and without negative zero."""
    if kinds.is_float16(values.type):
        # Through text, as the float32 of a float16 has digits that nobody wrote.
        written = [None if v is None else float(str(np.float16(v))) for v in values.to_pylist()]
        series = pl.Series(written, dtype=pl.Float64)
    else:
        series = _series(values)
    return series.fill_nan(None).replace(-0.0, 0.0)


def _float_text(values: pa.ChunkedArray) -> pl.Series:
    """The shortest text of the floats, with an exponent where and as Python writes one."""
    text = _floats(values).cast(pl.String)
    odd = text.filter(text.str.contains(r"e|^-?0\.0000")).unique().to_list()
    return text.replace({cell: str(float(cell)) for cell in odd}) if odd else text


def _float_number(values: pa.ChunkedArray) -> pl.Series:
    """The floats in double precision: 0.1 is 0.1, also where it was stored in single precision."""
    series = _floats(values)
    short = (series == series.round()) & (series.abs() < _EXACT)
    if series.dtype == pl.Float64 or short.all():
        return series.cast(pl.Float64)
    return series.cast(pl.String).cast(pl.Float64)


def _decimal_text(values: pa.ChunkedArray) -> pl.Series:
    """The text of decimals without exponent; Arrow writes those near zero as ``0E-10``."""
    series = _cast_text(values)
    short = series.filter(series.str.contains("E", literal=True)).unique().to_list()
    return series.replace({cell: f"{Decimal(cell):f}" for cell in short}) if short else series


def _date_text(values: pa.ChunkedArray) -> pl.Series:
    """The text of dates and times in full, as in ISO 8601."""
    series = _cast_text(values)
    known = series.str.contains(r"^(\d{4}-\d\d-\d\d|\d\d:\d\d:\d\d)").fill_null(True)
    if not known.all():
        raise UnreadableValue(_first(~known), *_BEYOND)
    return series


def _timestamp_text(values: pa.ChunkedArray) -> pl.Series:
    """The text of timestamps, ``2026-11-25 13:05:00``: no time at midnight, a Z if it is UTC."""
    if values.type.tz is not None:
        values = values.cast(pa.timestamp(values.type.unit, "UTC"))
    return _time_text(values).str.replace(" 00:00:00$", "")


def _time_text(values: pa.ChunkedArray) -> pl.Series:
    """The text of times, ``13:05:00``, with the decimals of a second that are not zero."""
    series = _date_text(values)
    return series.str.replace(r"\.0+(Z?)$", "$1").str.replace(r"(\.\d*?)0+(Z?)$", "$1$2")


def _uuid_text(values: pa.ChunkedArray) -> pl.Series:
    stored = [cell for chunk in values.chunks for cell in chunk.storage.to_pylist()]
    return pl.Series(
        [None if cell is None else str(UUID(bytes=cell)) for cell in stored], dtype=pl.String
    )


def _all_null(values: pa.ChunkedArray) -> pl.Series:
    return pl.Series([None] * len(values), dtype=pl.String)


def _is_text(kind: pa.DataType) -> bool:
    return bool(kinds.is_string(kind) or kinds.is_large_string(kind) or kinds.is_string_view(kind))


def _is_bytes(kind: pa.DataType) -> bool:
    return bool(
        kinds.is_binary(kind)
        or kinds.is_large_binary(kind)
        or kinds.is_binary_view(kind)
        or kinds.is_fixed_size_binary(kind)
    )


def _is_duration(kind: pa.DataType) -> bool:
    return bool(kinds.is_duration(kind) or kinds.is_interval(kind))


_NOT_TEXT = "not UTF-8 text", "Write it as UTF-8."
_BEYOND = "a date or time beyond the calendar", "Correct the cell, or leave it empty."
_DATES = "Write of a date the year, or the age in years"
_VALUES = "Write one value in a cell, in a column of its own"
CONVERSIONS = (
    Conversion(kinds.is_null, _all_null, _all_null),
    Conversion(_is_text, _utf8_text, _utf8_text),
    Conversion(_is_bytes, _decoded, _decoded),
    Conversion(kinds.is_boolean, _cast_text, _cast_number),
    Conversion(kinds.is_integer, _cast_text, _cast_number),
    Conversion(kinds.is_floating, _float_text, _float_number),
    Conversion(kinds.is_decimal, _decimal_text, _decimal_text),
    Conversion(kinds.is_date, _date_text, None, _DATES),
    Conversion(kinds.is_timestamp, _timestamp_text, None, _DATES),
    Conversion(
        kinds.is_time, _time_text, None, "Write of a time the hour, or the minutes as a number"
    ),
    Conversion(
        lambda kind: isinstance(kind, pa.UuidType), _uuid_text, None, "Write codes or numbers"
    ),
    Conversion(_is_duration, None, None, "Write a length of time as a number, in days or years"),
    Conversion(kinds.is_nested, None, None, _VALUES),
    Conversion(lambda _: True, None, None, "Write text or numbers"),
)
