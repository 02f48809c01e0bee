"""Mapping of columns to attributes: renamed ones, absent ones, and heads read alone."""

import gzip
from pathlib import Path

import polars as pl
import pytest

from segment_lib.errors import DataError
from segment_lib.schema import Attribute, Schema
from segment_lib.sources import ColumnMapping, open_extract, read_columns
from segment_lib.sources.text_format import TextFormat

AGE = Attribute("AGE", "person", "ordinal", ("-1",))
KIND = Attribute("KIND", "person", "categorical", ())
GONE = Attribute("GONE", "person", "categorical", ())
LOST = Attribute("LOST", "person", "numeric", ())
DELIVERY = ColumnMapping(Schema((AGE, GONE, KIND, LOST)), {"KIND": "SORT"}, ("GONE", "LOST"))
TEXT = "ID;SORT;AGE\n7;a;1\n8;b;2\n"


def test_rows_have_the_attributes_of_the_run(tmp_path: Path) -> None:
    path = tmp_path / "p.csv"
    path.write_text(TEXT)
    (piece,) = open_extract(
        "population", [path], DELIVERY.columns, form=TextFormat(),
        rows_per_part=10, id_column="ID",
    ).pieces  # fmt: skip
    rows = DELIVERY.read(piece, ("ID",)).rows
    expected = pl.DataFrame(
        {"ID": ["7", "8"], "AGE": [1.0, 2.0], "GONE": None, "KIND": ["a", "b"], "LOST": None},
        schema_overrides={"GONE": pl.String, "LOST": pl.Float64},
    )
    assert rows.equals(expected)
    assert rows.schema == expected.schema


def test_a_plain_delivery_reads_what_is_there() -> None:
    schema = Schema((AGE, KIND))
    assert ColumnMapping(schema).columns == schema


@pytest.mark.parametrize("form", ["csv", "csv.gz", "parquet"])
def test_the_columns_of_a_file_are_read_from_its_head(form: str, tmp_path: Path) -> None:
    path = tmp_path / f"p.{form}"
    if form == "parquet":
        pl.DataFrame({"ID": ["7"], "SORT": ["a"], "AGE": [1]}).write_parquet(path)
    else:
        path.write_bytes(gzip.compress(TEXT.encode()) if form == "csv.gz" else TEXT.encode())
    assert read_columns(path, TextFormat(), Schema((AGE, KIND))) == ("ID", "SORT", "AGE")


def test_a_file_without_a_head_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "p.csv"
    path.write_text("")
    with pytest.raises(DataError, match="empty"):
        read_columns(path, TextFormat(), Schema((AGE, KIND)))


def test_a_damaged_stream_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "p.csv.gz"
    path.write_bytes(gzip.compress(TEXT.encode())[:9])
    with pytest.raises(DataError, match="cannot be read"):
        read_columns(path, TextFormat(), Schema((AGE, KIND)))


def test_parquet_pieces_are_told_apart_by_the_bytes_of_their_groups(tmp_path: Path) -> None:
    rows = pl.DataFrame({"AGE": list(range(1000)), "KIND": ["a"] * 1000})
    changed = rows.with_columns(pl.when(pl.col("AGE") == 950).then(1).otherwise("AGE").alias("AGE"))
    digests = []
    for name, table in (("one", rows), ("other", changed)):
        path = tmp_path / f"{name}.parquet"
        table.write_parquet(path, row_group_size=100)
        extract = open_extract(
            "population", [path], Schema((AGE, KIND)), form=TextFormat(),
            rows_per_part=250,
        )  # fmt: skip
        digests.append([piece.digest() for piece in extract.pieces])
    one, other = digests
    assert [rows for _, rows in one] == [rows for _, rows in other]
    assert sum(rows for _, rows in one) == 1000
    assert one[:-1] == other[:-1]
    assert one[-1] != other[-1]
    assert len(set(one)) == len(one)
