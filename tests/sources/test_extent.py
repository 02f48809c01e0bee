"""Rows and parts of a file, estimated from little of it."""

import bz2
import gzip
import lzma
import zipfile
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from segment_lib.schema import Attribute, Schema
from segment_lib.sources import TextFormat, estimate_extent, rows_of_part

ROWS = 20_000
TABLE = pl.DataFrame({"a": [i * 7 % 10 for i in range(ROWS)], "b": [i % 3 for i in range(ROWS)]})
TEXT = TABLE.write_csv(separator=";").encode()
SCHEMA = Schema(tuple(Attribute(name, "person", "ordinal", ()) for name in "ab"))


def zipped(path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("table.csv", TEXT)


FORMS: dict[str, Callable[[Path], object]] = {
    "csv": lambda path: path.write_bytes(TEXT),
    "csv.gz": lambda path: path.write_bytes(gzip.compress(TEXT)),
    "csv.bz2": lambda path: path.write_bytes(bz2.compress(TEXT)),
    "csv.xz": lambda path: path.write_bytes(lzma.compress(TEXT)),
    "zip": zipped,
    "txt": lambda path: path.write_bytes(TEXT.decode().encode("utf-16")),
    "parquet": TABLE.write_parquet,
    "xlsx": TABLE.write_excel,
}


@pytest.mark.parametrize("form", FORMS)
def test_rows_and_parts_are_estimated_from_the_head_of_a_file(tmp_path: Path, form: str) -> None:
    path = tmp_path / f"table.{form}"
    FORMS[form](path)
    extent = estimate_extent(path, TextFormat(), SCHEMA, 1_000)
    assert extent.rows == pytest.approx(ROWS, rel=0.05)
    assert extent.parts == pytest.approx(20, abs=1)
    if form not in ("csv", "parquet", "xlsx"):
        assert extent.unpacked == len(TEXT)


def test_a_large_compressed_file_is_unpacked_in_part_alone(tmp_path: Path) -> None:
    path = tmp_path / "large.csv.gz"
    rows = pl.DataFrame(
        {name: pl.Series(range(4_000_000)).shuffle(seed=i) for i, name in enumerate("ab")}
    )
    text = rows.write_csv(separator=";").encode()
    path.write_bytes(gzip.compress(text, 1))
    extent = estimate_extent(path, TextFormat(), SCHEMA, 100_000)
    assert extent.unpacked == pytest.approx(len(text), rel=0.05)
    assert extent.rows == pytest.approx(rows.height, rel=0.05)


def test_nothing_is_estimated_of_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    path = tmp_path / "damaged.csv.gz"
    path.write_bytes(gzip.compress(TEXT)[:200])
    assert estimate_extent(path, TextFormat(), SCHEMA, 1_000).rows == 0


@pytest.mark.parametrize(("attributes", "rows"), [(1, 1000), (200, 1000), (400, 500), (10**6, 1)])
def test_a_part_of_many_attributes_has_fewer_rows(attributes, rows):
    assert rows_of_part(1000, attributes) == rows
