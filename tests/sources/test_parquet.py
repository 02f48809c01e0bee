"""Parquet extracts: cut along row groups, read in the feature summary's types."""

from datetime import datetime
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segment_lib.errors import DataError
from segment_lib.schema import Attribute, Schema
from segment_lib.sources import open_extract
from segment_lib.sources.text_format import TextFormat

SCHEMA = Schema(
    (
        Attribute("AGE", "person", "ordinal", ("-1",)),
        Attribute("KIND", "person", "categorical", ("X",)),
    )
)


def write(folder: Path, rows: pl.DataFrame, row_group_size: int | None = None) -> Path:
    path = folder / "extract.parquet"
    rows.write_parquet(path, row_group_size=row_group_size)
    return path


def extract(path: Path, rows_per_part: int = 100, id_column: str = ""):
    return open_extract(
        "population",
        [path],
        SCHEMA,
        form=TextFormat(),
        rows_per_part=rows_per_part,
        id_column=id_column,
    )


def pieces(path: Path, rows_per_part: int = 100):
    return extract(path, rows_per_part).pieces


def read(path: Path, rows_per_part: int = 100, id_column: str = "") -> pl.DataFrame:
    found = extract(path, rows_per_part, id_column)
    return pl.concat(piece.read(SCHEMA, found.carried).rows for piece in found.pieces)


def refused(path: Path, **told) -> str:
    with pytest.raises(DataError) as error:
        read(path, **told)
    assert str(path) in str(error.value)
    return str(error.value)


@pytest.mark.parametrize(
    ("ages", "kinds"),
    [
        ([1, None, 3], ["8", "8", None]),
        ([1.0, None, 3.0], [8.0, 8.0, None]),
        ([1, None, 3], [8, 8, None]),
        (["1", None, "3.0"], ["8.0", " 8", ""]),
        ([1.0, float("nan"), 3.0], ["8", "8.00", "  "]),
    ],
)
def test_the_same_rows_whatever_the_file_calls_its_types(tmp_path, ages, kinds):
    path = write(tmp_path, pl.DataFrame({"AGE": ages, "KIND": kinds}))
    assert read(path).rows() == [(1.0, "8"), (None, "8"), (3.0, None)]


def test_columns_are_read_by_name_in_the_feature_summarys_order(tmp_path):
    path = write(tmp_path, pl.DataFrame({"LNR": [7], "KIND": ["a"], "AGE": [1]}))
    assert read(path).columns == ["AGE", "KIND"]


def test_an_id_column_comes_along_as_text(tmp_path):
    path = write(tmp_path, pl.DataFrame({"LNR": [7], "KIND": ["a"], "AGE": [1]}))
    assert read(path, id_column="LNR").row(0) == ("7", 1.0, "a")


def test_a_categorical_column_is_read_as_its_levels(tmp_path):
    kinds = pl.Series(["a", "b"], dtype=pl.Categorical)
    path = write(tmp_path, pl.DataFrame({"AGE": [1, 2], "KIND": kinds}))
    assert read(path)["KIND"].to_list() == ["a", "b"]


@settings(max_examples=60, deadline=None)
@given(
    rows=st.integers(1, 200),
    row_group=st.integers(1, 250),
    rows_per_part=st.integers(1, 250),
)
def test_any_cut_gives_the_rows_of_the_file(tmp_path_factory, rows, row_group, rows_per_part):
    table = pl.DataFrame({"AGE": range(rows), "KIND": [str(i % 7) for i in range(rows)]})
    path = write(tmp_path_factory.mktemp("cut"), table, row_group)
    assert read(path, rows_per_part)["AGE"].to_list() == list(range(rows))


@pytest.mark.parametrize(("row_group", "rows_per_part"), [(10, 25), (1000, 25), (7, 25), (30, 25)])
def test_no_piece_has_twice_the_rows_asked_for(tmp_path, row_group, rows_per_part):
    table = pl.DataFrame({"AGE": range(500), "KIND": ["a"] * 500})
    found = [piece.rows for piece in pieces(write(tmp_path, table, row_group), rows_per_part)]
    assert max(found) < 2 * rows_per_part


def test_the_sizes_of_the_pieces_are_about_that_of_the_file(tmp_path):
    table = pl.DataFrame({"AGE": range(500), "KIND": ["a"] * 500})
    path = write(tmp_path, table)
    assert sum(p.size for p in pieces(path, 25)) == pytest.approx(path.stat().st_size, rel=0.05)


@pytest.mark.parametrize(
    ("table", "told"),
    [
        ({"AGE": [1]}, "lacks 1 of 2 attributes of the feature summary: KIND"),
        ({"AGE": pl.Series([], dtype=pl.Int64), "KIND": pl.Series([], dtype=pl.String)}, "no rows"),
        ({"AGE": ["1", "secret"], "KIND": ["a", "b"]}, "row 1, column AGE: not a number"),
        ({"AGE": [1.0, float("inf")], "KIND": ["a", "b"]}, "row 1, column AGE: not a number"),
        ({"AGE": [datetime(2020, 5, 1)], "KIND": ["a"]}, "column AGE: holds values of type timest"),
        ({"AGE": [1], "KIND": [["secret"]]}, "column KIND: holds values of type"),
    ],
)
def test_a_fault_is_named_without_a_cell(tmp_path, table, told):
    message = refused(write(tmp_path, pl.DataFrame(table)))
    assert told in message
    assert "secret" not in message


def test_the_row_is_that_of_the_file_whatever_the_pieces(tmp_path):
    ages = ["1"] * 50
    ages[41] = "secret"
    path = write(tmp_path, pl.DataFrame({"AGE": ages, "KIND": ["a"] * 50}))
    assert "row 41, column AGE" in refused(path, rows_per_part=7)


def test_an_id_column_that_is_not_there_is_named(tmp_path):
    path = write(tmp_path, pl.DataFrame({"AGE": [1], "KIND": ["a"]}))
    assert "LNR" in refused(path, id_column="LNR")


@pytest.mark.parametrize("content", [b"", b"PAR1", b"AGE;KIND\0"])
def test_what_is_no_parquet_is_told(tmp_path, content):
    path = tmp_path / "extract.parquet"
    path.write_bytes(content)
    assert "not a whole Parquet file" in refused(path)


def test_a_cut_off_file_is_told(tmp_path):
    path = write(tmp_path, pl.DataFrame({"AGE": range(100), "KIND": ["a"] * 100}))
    path.write_bytes(path.read_bytes()[:-20])
    assert "not a whole Parquet file" in refused(path)


def test_damaged_pages_are_told(tmp_path):
    table = pl.DataFrame({"AGE": range(5000), "KIND": [str(i) for i in range(5000)]})
    path = write(tmp_path, table)
    content = bytearray(path.read_bytes())
    content[4:4000] = b"\xff" * 3996
    path.write_bytes(content)
    assert "cannot be read as Parquet" in refused(path)
