"""Every Parquet type as every type of attribute: read as the same table in CSV, or refused."""

import csv
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, get_args

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segment_lib.errors import DataError
from segment_lib.schema import Attribute, Schema
from segment_lib.schema.summary import AttributeType
from segment_lib.sources import open_extract
from segment_lib.sources.column_mapping import ColumnMapping
from segment_lib.sources.text_format import TextFormat
from tests.kinds import KINDS, documented

TYPES = get_args(AttributeType)
UNKNOWN = "99.9"
"""The missing code that attributes declare."""


@dataclass(frozen=True)
class Case:
    """A column as Arrow has it, and as what it is read; None if it is refused."""

    column: pa.Array
    levels: list[str | None] | None
    numbers: list[float | None] | None


def dictionary(values: pa.Array) -> pa.Array:
    return values.dictionary_encode()


def extension(kind: pa.DataType, stored: pa.Array) -> pa.Array:
    return pa.ExtensionArray.from_storage(kind, stored)


D = Decimal
INTS = ["8", None, "-1"], [8.0, None, -1.0]
WORDS = ["8", None, "1.5"], [8.0, None, 1.5]
BYTES = [b"8.0", None, b"1.5"]
MOMENTS = [datetime(2026, 1, 2), None, datetime(1931, 5, 17, 13, 5, 0, 250_000)]
DAYS = ["2026-01-02", None, "9999-12-31"]
UUIDS = [uuid.UUID(int=8).bytes, None, uuid.UUID(int=9).bytes]

CASES = {
    "string": Case(pa.array(["8.0", None, " 1.5 "]), *WORDS),
    "large_string, string_view": Case(pa.array(["8.0", None, "1.5"], pa.large_string()), *WORDS),
    "dictionary of strings (`category`, ENUM)": Case(
        dictionary(pa.array(["8.0", None, "1.5"])), *WORDS
    ),
    "dictionary of whole numbers": Case(dictionary(pa.array([8, None, -1])), *INTS),
    "binary, large_binary: UTF-8": Case(pa.array(BYTES), *WORDS),
    "fixed-size binary: UTF-8": Case(pa.array([b"8\0\0", None, b"1.5"], pa.binary(3)), *WORDS),
    "binary: other bytes": Case(pa.array([b"8", None, b"\xff"]), None, None),
    "bool": Case(pa.array([True, None, False]), ["true", None, "false"], [1.0, None, 0.0]),
    "int8 … int64": Case(pa.array([8, None, -1], pa.int8()), *INTS),
    "uint8 … uint64": Case(
        pa.array([8, None, 2**63 + 2048], pa.uint64()),
        ["8", None, "9223372036854777856"],
        [8.0, None, 9223372036854777856.0],
    ),
    "float16": Case(
        pa.array([8.0, float("nan"), 0.1], pa.float16()), ["8", None, "0.1"], [8.0, None, 0.1]
    ),
    "float32": Case(
        pa.array([8.0, float("nan"), 0.1], pa.float32()), ["8", None, "0.1"], [8.0, None, 0.1]
    ),
    "double": Case(pa.array([8.0, float("nan"), 0.1]), ["8", None, "0.1"], [8.0, None, 0.1]),
    "negative zero": Case(pa.array([-0.0, None, 0.0]), ["0", None, "0"], [0.0, None, 0.0]),
    "decimal32 … decimal128": Case(
        pa.array([D("8.00"), None, D("1.25")], pa.decimal128(10, 2)),
        ["8", None, "1.25"],
        [8.0, None, 1.25],
    ),
    "decimal256": Case(
        pa.array([D("8"), None, D("0")], pa.decimal256(60, 20)), ["8", None, "0"], [8.0, None, 0.0]
    ),
    "date32, date64": Case(pa.array([date(2026, 1, 2), None, date(9999, 12, 31)]), DAYS, None),
    "timestamp": Case(pa.array(MOMENTS), ["2026-01-02", None, "1931-05-17 13:05:00.25"], None),
    "timestamp with a time zone": Case(
        pa.array(MOMENTS, pa.timestamp("us", "Europe/Berlin")),
        ["2026-01-02 00:00:00Z", None, "1931-05-17 13:05:00.25Z"],
        None,
    ),
    "time": Case(
        pa.array([time(13, 5), None, time(0, 0, 1, 500_000)]),
        ["13:05:00", None, "00:00:01.5"],
        None,
    ),
    "duration, INTERVAL": Case(pa.array([timedelta(days=1), None, timedelta(0)]), None, None),
    "null (an empty column)": Case(pa.nulls(3), [None, None, None], [None, None, None]),
    "list": Case(pa.array([[8], None, [1]]), None, None),
    "struct, map": Case(pa.array([{"secret": 8}, None, {"secret": 1}]), None, None),
    "UUID": Case(
        extension(pa.uuid(), pa.array(UUIDS, pa.binary(16))),
        [str(uuid.UUID(int=8)), None, str(uuid.UUID(int=9))],
        None,
    ),
    "JSON and other text with a meaning": Case(
        extension(pa.json_(), pa.array(["8", None, "1.5"])), *WORDS
    ),
}
# One row of the table stands for kin; these are read like the first of them.
KIN = {
    "string view": Case(pa.array(["8.0", None, "1.5"], pa.string_view()), *WORDS),
    "large binary": Case(pa.array(BYTES, pa.large_binary()), *WORDS),
    "binary view": Case(pa.array(BYTES, pa.binary_view()), *WORDS),
    "dictionary of large strings": Case(
        dictionary(pa.array(["8.0", None, "1.5"], pa.large_string())), *WORDS
    ),
    "dictionary of floats": Case(
        dictionary(pa.array([8.0, None, 1.5])), ["8", None, "1.5"], [8.0, None, 1.5]
    ),
    **{
        str(kind): Case(pa.array([8, None, -1], kind), *INTS)
        for kind in (pa.int16(), pa.int32(), pa.int64())
    },
    "whole numbers beyond 2^53": Case(
        pa.array([2**53 + 1, None, -1]),
        ["9007199254740993", None, "-1"],
        [9007199254740992.0, None, -1.0],
    ),
    "decimal32": Case(
        pa.array([D("8.00"), None, D("1.25")], pa.decimal32(5, 2)),
        ["8", None, "1.25"],
        [8.0, None, 1.25],
    ),
    "decimal128 near zero": Case(
        pa.array([D("0"), None, D("1E-10")], pa.decimal128(38, 18)),
        ["0", None, "0.000000000100000000"],
        [0.0, None, 1e-10],
    ),
    "date64": Case(pa.array([date(2026, 1, 2), None, date(9999, 12, 31)], pa.date64()), DAYS, None),
    "timestamp in seconds": Case(
        pa.array([datetime(2026, 1, 2), None, datetime(9999, 12, 31)], pa.timestamp("s")),
        DAYS,
        None,
    ),
    "map": Case(pa.array([[("secret", 8)], None, []], pa.map_(pa.string(), pa.int8())), None, None),
    "boolean of 8 bits": Case(
        extension(pa.bool8(), pa.array([1, None, 0], pa.int8())),
        ["true", None, "false"],
        [1.0, None, 0.0],
    ),
    "binary with a byte of 0": Case(pa.array([b"8\0", None, b"1"]), None, None),
}


def attribute(kind: AttributeType) -> Attribute:
    return Attribute("A", "person", kind, (UNKNOWN,))


def read(path: Path, *attributes: Attribute, rows_per_part: int = 1000) -> pl.DataFrame:
    schema = Schema(attributes)
    extract = open_extract(
        "population", [path], schema, form=TextFormat(separator=";"), rows_per_part=rows_per_part
    )
    return pl.concat(ColumnMapping(schema).read(piece).rows for piece in extract.pieces)


def written(folder: Path, **columns: pa.Array) -> Path:
    pq.write_table(pa.table(columns), folder / "extract.parquet")
    return folder / "extract.parquet"


def try_case(case: Case, kind: AttributeType, folder: Path) -> bool:
    """True if it was read rightly, false if it was rightly refused."""
    path = written(folder, A=case.column)
    expected = case.levels if attribute(kind).storage == "text" else case.numbers
    if expected is not None:
        assert read(path, attribute(kind))["A"].to_list() == expected
        return True
    with pytest.raises(DataError) as error:
        read(path, attribute(kind))
    assert str(error.value).startswith(f"{path}, ")
    assert "column A: " in str(error.value)
    assert "Fetch" not in str(error.value)
    assert "secret" not in str(error.value)
    return False


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("name", CASES)
def test_a_documented_type_is_read_or_refused(tmp_path, name, kind):
    right = try_case(CASES[name], kind, tmp_path)
    KINDS.note("Parquet types", "right" if right else "refused")


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("name", KIN)
def test_its_kin_is_read_alike(tmp_path, name, kind):
    try_case(KIN[name], kind, tmp_path)


def test_the_table_in_the_documentation_lists_what_is_tested():
    assert documented("Parquet types") == list(CASES)


def test_all_columns_that_cannot_be_read_are_named_at_once(tmp_path):
    path = written(
        tmp_path, BORN=pa.array([date(2026, 1, 2)]), KIDS=pa.array([["secret"]]), AGE=pa.array([8])
    )
    schema = [Attribute(name, "person", "ordinal", ()) for name in ("BORN", "KIDS", "AGE")]
    with pytest.raises(DataError) as error:
        read(path, *schema)
    assert str(error.value) == (
        f"{path}, column BORN: holds values of type date32[day], though the feature summary calls "
        "it ordinal. Write of a date the year, or the age in years, or call it categorical in the "
        f"feature summary. {path}, column KIDS: holds values of type list, though the feature "
        "summary calls it ordinal. Write one value in a cell, in a column of its own."
    )


def test_of_a_hundred_such_columns_twenty_are_named(tmp_path):
    columns = {f"A{i}": pa.array([[1]]) for i in range(100)}
    path = written(tmp_path, **columns)
    with pytest.raises(DataError) as error:
        read(path, *(Attribute(name, "person", "ordinal", ()) for name in columns))
    assert str(error.value).count("column A") == 20
    assert "80 more attributes have faults" in str(error.value)


@pytest.mark.parametrize(
    ("kind", "far"),
    [
        (pa.timestamp("s"), 2**40),
        (pa.timestamp("us"), 2**62),
        (pa.timestamp("us", "UTC"), 2**60),
        (pa.date32(), 2**30),
        (pa.date64(), 86_400_000 * 2**30),
        (pa.time64("us"), 2**40),
    ],
)
def test_a_date_beyond_the_calendar_is_told_by_its_row(tmp_path, kind, far):
    stored = pa.int32() if kind == pa.date32() else pa.int64()
    path = written(tmp_path, A=pa.array([0, far], stored).cast(kind))
    with pytest.raises(DataError) as error:
        read(path, attribute("categorical"))
    assert str(error.value) == (
        f"{path}, row 1, column A: a date or time beyond the calendar. Correct the cell, or leave "
        "it empty."
    )


def test_a_missing_code_is_met_whatever_the_precision_of_the_floats(tmp_path):
    for kind in (pa.float32(), pa.float64()):
        path = written(tmp_path, A=pa.array([99.9, 1.0], kind))
        assert read(path, attribute("numeric"))["A"].to_list() == [99.9, 1.0]


# --- the same table as CSV ------------------------------------------------------------------------


def nullable(values: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Any]]:
    return st.lists(st.none() | values, min_size=1, max_size=30)


def whole(bits: int) -> st.SearchStrategy[int]:
    return st.integers(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)


WORD = st.text("aZ09 .,-+äß\u20ac", max_size=6)
SECONDS = st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1)).map(
    lambda moment: moment.replace(microsecond=0)
)
DECIMALS = st.decimals(-(10**6), 10**6, places=2)
FLOATS = {bits: st.floats(width=bits, allow_infinity=False) for bits in (16, 32, 64)}
LEVELS: dict[pa.DataType, st.SearchStrategy[Any]] = {
    pa.string(): WORD,
    pa.large_string(): WORD,
    pa.string_view(): WORD,
    pa.binary(): WORD.map(str.encode),
    pa.dictionary(pa.int32(), pa.string()): WORD,
    pa.bool_(): st.booleans(),
    pa.int8(): whole(8),
    pa.int64(): whole(64),
    pa.uint64(): st.integers(0, 2**64 - 1),
    pa.float16(): FLOATS[16],
    pa.float32(): FLOATS[32],
    pa.float64(): FLOATS[64],
    pa.decimal128(20, 2): DECIMALS,
    pa.decimal256(60, 2): DECIMALS,
    pa.date32(): st.dates(date(1900, 1, 1), date(2100, 1, 1)),
    pa.timestamp("us"): SECONDS,
    pa.timestamp("ns"): SECONDS,
    pa.time64("us"): st.times().map(lambda moment: moment.replace(microsecond=0)),
    pa.null(): st.none(),
}
NUMBERS = {
    kind: values
    for kind, values in LEVELS.items()
    if not pa.types.is_temporal(kind) and not pa.types.is_boolean(kind) and values is not WORD
} | {
    pa.string(): whole(64).map(str) | FLOATS[64].filter(np.isfinite).map(repr),
    pa.binary(): whole(32).map(lambda number: str(number).encode()),
    pa.dictionary(pa.int32(), pa.string()): whole(8).map(str),
}


def spelled(value: Any, kind: pa.DataType) -> str:
    """A cell as Python's own text, which is how pandas writes CSV.

    But for the exponents that NumPy gives to round numbers of short floats: 1000 is no 1e+03.
    """
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case float():
            in_its_width = {pa.float16(): np.float16, pa.float32(): np.float32}.get(kind, float)
            return "" if value != value else repr(float(str(in_its_width(value + 0.0))))
        case datetime():
            return value.isoformat(" ").removesuffix(" 00:00:00")
        case date() | time():
            return value.isoformat()
        case bytes():
            return value.decode()
        case Decimal():
            return f"{value:f}"
    return str(value)


def same_as_csv(
    folder: Path, kind: pa.DataType, values: Sequence[Any], attribute: Attribute
) -> None:
    stored = [np.float16(v) if kind == pa.float16() and v is not None else v for v in values]
    path = written(folder, A=pa.array(stored, kind), B=pa.array([1] * len(values)))
    with (folder / "extract.csv").open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file, delimiter=";", lineterminator="\n")
        rows.writerow(["A", "B"])
        rows.writerows([spelled(value, kind), "1"] for value in values)
    read_back = read(path, attribute, rows_per_part=7)["A"].to_list()
    assert read_back == read(folder / "extract.csv", attribute, rows_per_part=7)["A"].to_list()


@settings(max_examples=150, deadline=None)
@given(data=st.data(), kind=st.sampled_from(list(LEVELS)))
def test_any_column_has_the_levels_of_the_same_column_as_csv(tmp_path_factory, data, kind):
    values = data.draw(nullable(LEVELS[kind]))
    same_as_csv(tmp_path_factory.mktemp("levels"), kind, values, attribute("categorical"))


@settings(max_examples=150, deadline=None)
@given(data=st.data(), kind=st.sampled_from(list(NUMBERS)))
def test_any_column_has_the_numbers_of_the_same_column_as_csv(tmp_path_factory, data, kind):
    values = data.draw(nullable(NUMBERS[kind]))
    same_as_csv(tmp_path_factory.mktemp("numbers"), kind, values, attribute("numeric"))


@pytest.mark.parametrize("value", [1e-05, 9.9e-05, 1e-04, 1.5e-07, 1e16])
def test_floats_near_zero_have_the_text_that_pandas_writes(tmp_path, value):
    same_as_csv(tmp_path, pa.float64(), [value, -value, None], attribute("categorical"))


@settings(max_examples=60, deadline=None)
@given(
    kinds=nullable(st.sampled_from(["a", "8", "8.0", "Ä"])),
    as_type=st.sampled_from([pl.String, pl.Categorical, pl.Enum(["a", "8", "8.0", "Ä"])]),
    row_group=st.integers(1, 40),
)
def test_what_polars_writes_is_read_back(tmp_path_factory, kinds, as_type, row_group):
    path = tmp_path_factory.mktemp("polars") / "extract.parquet"
    pl.DataFrame({"A": pl.Series(kinds, dtype=as_type)}).write_parquet(
        path, row_group_size=row_group
    )
    expected = [None if kind is None else kind.removesuffix(".0") for kind in kinds]
    assert read(path, attribute("mixed"), rows_per_part=5)["A"].to_list() == expected
