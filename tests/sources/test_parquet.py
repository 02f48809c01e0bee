"""Parquet extracts: cut along row groups, read in the feature summary's types."""

import io
from base64 import b64decode, b64encode
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pyarrow.parquet.encryption as encryption
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segment_lib.errors import DataError
from segment_lib.schema import Attribute, Schema
from segment_lib.sources import open_extract
from segment_lib.sources.column_mapping import ColumnMapping
from segment_lib.sources.faults import UnreadableError
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


def extract(path: Path, rows_per_part: int = 100, **columns: str):
    return open_extract(
        "population",
        [path],
        SCHEMA,
        form=TextFormat(),
        rows_per_part=rows_per_part,
        **{"id_column": "", **columns},
    )


def pieces(path: Path, rows_per_part: int = 100):
    return extract(path, rows_per_part).pieces


def read(path: Path, rows_per_part: int = 100, **columns: str) -> pl.DataFrame:
    opened = extract(path, rows_per_part, **columns)
    return pl.concat(
        ColumnMapping(SCHEMA).read(piece, opened.passthrough).rows for piece in opened.pieces
    )


def refused(path: Path, **options) -> str:
    with pytest.raises(DataError) as error:
        read(path, **options)
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
    heights = [piece.rows for piece in pieces(write(tmp_path, table, row_group), rows_per_part)]
    assert max(heights) < 2 * rows_per_part


def test_the_sizes_of_the_pieces_are_about_that_of_the_file(tmp_path):
    table = pl.DataFrame({"AGE": range(500), "KIND": ["a"] * 500})
    path = write(tmp_path, table)
    assert sum(p.size for p in pieces(path, 25)) == pytest.approx(path.stat().st_size, rel=0.05)


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        ({"AGE": [1]}, "lacks 1 of 2 attributes of the feature summary: KIND"),
        ({"AGE": pl.Series([], dtype=pl.Int64), "KIND": pl.Series([], dtype=pl.String)}, "no rows"),
        ({"AGE": ["1", "secret"], "KIND": ["a", "b"]}, "row 1, column AGE: not a number"),
        ({"AGE": [1.0, float("inf")], "KIND": ["a", "b"]}, "row 1, column AGE: not a number"),
        ({"AGE": [datetime(2020, 5, 1)], "KIND": ["a"]}, "column AGE: holds values of type timest"),
        ({"AGE": [1], "KIND": [["secret"]]}, "column KIND: holds values of type list"),
    ],
)
def test_a_fault_is_named_without_a_cell(tmp_path, table, expected):
    message = refused(write(tmp_path, pl.DataFrame(table)))
    assert expected in message
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
    assert "row group 0: is damaged" in refused(path)


FLAT = pl.DataFrame({"AGE": range(500), "KIND": [f"k{i % 9}" for i in range(500)]})


def parquet(**how: Any) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(FLAT.to_arrow(), buffer, **how)
    return buffer.getvalue()


def outcome(path: Path, content: bytes) -> str:
    """What comes of a file: how many rows, or the message."""
    path.write_bytes(content)
    try:
        return f"{read(path).height} rows"
    except DataError as error:
        return str(error)


def test_a_file_that_is_cut_anywhere_is_told(tmp_path):
    whole = parquet(row_group_size=100)
    path = tmp_path / "extract.parquet"
    for end in range(0, len(whole), 17):
        assert "not a whole Parquet file" in outcome(path, whole[:end])


@pytest.mark.parametrize(
    "how",
    [
        {"compression": "snappy"},
        {"compression": "none", "use_dictionary": False},
        {"compression": "zstd", "data_page_version": "2.0"},
        {"compression": "gzip", "row_group_size": 100},
    ],
)
@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_flipped_bytes_end_in_rows_or_one_line(tmp_path_factory, how, data):
    whole = bytearray(parquet(**how))
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(0, len(whole) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    path = tmp_path_factory.mktemp("flipped") / "extract.parquet"
    ending = outcome(path, bytes(whole))
    assert ending == "500 rows" or ending.startswith(str(path))
    assert "\n" not in ending


@pytest.mark.parametrize("length", [0, 1, 2**31 - 1, 2**32 - 1])
def test_a_footer_of_an_absurd_length_is_told(tmp_path, length):
    whole = bytearray(parquet())
    whole[-8:-4] = length.to_bytes(4, "little")
    assert "not a whole Parquet" in outcome(tmp_path / "extract.parquet", bytes(whole))


def test_a_page_is_checked_against_its_checksum(tmp_path):
    whole = bytearray(parquet(compression="none", use_dictionary=False, write_page_checksum=True))
    whole[whole.index(b"k7")] ^= 4
    assert "row group 0: is damaged" in outcome(tmp_path / "extract.parquet", bytes(whole))


def test_the_damaged_row_group_is_named(tmp_path):
    whole = bytearray(
        parquet(
            compression="none", use_dictionary=False, write_page_checksum=True, row_group_size=9
        )
    )
    at = pq.read_metadata(io.BytesIO(bytes(whole))).row_group(30).column(1).data_page_offset
    whole[at + 40] ^= 4
    assert "row group 30: is damaged" in outcome(tmp_path / "extract.parquet", bytes(whole))


def test_bytes_that_are_no_text_are_told_by_row_and_column(tmp_path):
    whole = parquet(compression="none", use_dictionary=False).replace(b"k7", b"k\xff")
    ending = outcome(tmp_path / "extract.parquet", whole)
    assert ending.endswith("row 7, column KIND: not UTF-8 text. Write it as UTF-8.")


class Keys(encryption.KmsClient):  # type: ignore[misc]
    """Keys as they are, in place of a server that keeps them."""

    def wrap_key(self, key: bytes, _: str) -> bytes:
        return b64encode(key)

    def unwrap_key(self, wrapped: bytes, _: str) -> bytes:
        return b64decode(wrapped)


@pytest.mark.parametrize("plaintext_footer", [False, True])
def test_an_encrypted_file_is_told(tmp_path, plaintext_footer):
    how = encryption.EncryptionConfiguration(
        footer_key="footer", column_keys={"column": ["AGE"]}, plaintext_footer=plaintext_footer
    )
    keys = encryption.CryptoFactory(lambda _: Keys())
    table = FLAT.to_arrow()
    with pq.ParquetWriter(
        tmp_path / "extract.parquet",
        table.schema,
        encryption_properties=keys.file_encryption_properties(
            encryption.KmsConnectionConfig(), how
        ),
    ) as file:
        file.write_table(table)
    assert "is encrypted" in refused(tmp_path / "extract.parquet")


def test_ten_thousand_row_groups_are_as_many_pieces_as_their_rows_make(tmp_path):
    table = pl.DataFrame({"AGE": range(10_000), "KIND": ["a"] * 10_000})
    path = tmp_path / "extract.parquet"
    pq.write_table(table.to_arrow(), path, row_group_size=1)
    cut_pieces = pieces(path, 4_000)
    assert [piece.rows for piece in cut_pieces] == [4_000, 4_000, 2_000]
    assert cut_pieces[1].read(SCHEMA).rows["AGE"].to_list() == list(range(4_000, 8_000))


def test_row_groups_without_rows_are_passed_over(tmp_path):
    path = tmp_path / "extract.parquet"
    some = FLAT.to_arrow()
    with pq.ParquetWriter(path, some.schema) as file:
        for rows in (0, 300, 0, 0, 200, 0):
            file.write_table(some.slice(0, rows) if rows else some.schema.empty_table())
    assert read(path)["AGE"].to_list() == [*range(300), *range(200)]


def test_of_a_large_row_group_a_piece_holds_its_own_rows_in_memory(tmp_path):
    rows = 2_000_000
    table = pa.table({"AGE": pa.array(range(rows), pa.float64()), "KIND": ["a"] * rows})
    path = tmp_path / "extract.parquet"
    pq.write_table(table, path, row_group_size=rows, compression="none", use_dictionary=False)
    counted, usual = pa.system_memory_pool(), pa.default_memory_pool()
    pa.set_memory_pool(counted)
    try:
        read_back = pieces(path, 100_000)[-1].read(SCHEMA).rows
    finally:
        pa.set_memory_pool(usual)
    assert read_back["AGE"][-1] == rows - 1
    assert 0 < counted.max_memory() < table.nbytes / 2


def test_columns_that_are_not_read_may_hold_anything(tmp_path):
    path = tmp_path / "extract.parquet"
    rows = {"AGE": [1], "NESTED": [{"AGE": 8, "KIND": ["x"]}], "NESTED.AGE": [7], "KIND": ["a"]}
    pq.write_table(pa.table(rows), path)
    assert read(path).rows() == [(1.0, "a")]
    assert read(path, id_column="NESTED.AGE").rows() == [("7", 1.0, "a")]


def test_a_column_that_cannot_be_carried_along_is_told(tmp_path):
    path = tmp_path / "extract.parquet"
    pq.write_table(pa.table({"AGE": [1], "ID": [["secret"]], "KIND": ["a"]}), path)
    message = refused(path, suppress_column="ID")
    assert "column ID: holds values of type list, which cannot be carried along" in message
    assert "column ID: ids of type list" in refused(path, id_column="ID")
    assert "secret" not in message


def test_columns_named_twice_are_told(tmp_path):
    path = tmp_path / "extract.parquet"
    pq.write_table(pa.table([[1], [2], ["a"]], names=["AGE", "AGE", "KIND"]), path)
    assert "AGE named more than once" in refused(path)


def test_a_column_name_that_is_no_text_is_told(tmp_path):
    path = tmp_path / "extract.parquet"
    pq.write_table(pa.table({"AGE": [1], "NAME": [2], "KIND": ["a"]}), path, store_schema=False)
    assert str(path) in outcome(path, path.read_bytes().replace(b"NAME", b"NA\xffE"))


def test_a_file_without_columns_is_told(tmp_path):
    path = tmp_path / "extract.parquet"
    pq.write_table(pa.table({}), path)
    assert "lacks 2 of 2 attributes" in refused(path)


def test_all_faults_are_listed_by_column(tmp_path):
    table = {"AGE": ["1", "?", "-1"], "KIND": ["a", "b", "c"], "SIZE": ["x", "1", "inf"]}
    schema = Schema((*SCHEMA, Attribute("SIZE", "person", "numeric", ())))
    path = write(tmp_path, pl.DataFrame(table))
    (piece,) = open_extract(
        "population", [path], schema, form=TextFormat(), rows_per_part=10
    ).pieces
    with pytest.raises(UnreadableError) as error:
        ColumnMapping(schema).read(piece)
    assert [fault.attribute for fault in error.value.faults] == ["AGE", "SIZE"]
    assert "row 1, column AGE" in str(error.value)
    assert "row 0, column SIZE" in str(error.value)


WRITERS = sorted((Path(__file__).parent / "parquet").glob("*.parquet"))
DELIVERED = Schema(
    (
        Attribute("AGE", "person", "ordinal", ("-1",)),
        Attribute("INCOME", "person", "numeric", ()),
        *(
            Attribute(name, "person", "categorical", ())
            for name in ("KIND", "CODE", "PRICE", "MEMBER", "BORN", "SEEN")
        ),
    )
)


@pytest.mark.parametrize("path", WRITERS, ids=lambda path: path.stem)
def test_files_of_the_usual_writers_are_read(path):
    (piece,) = open_extract(
        "population", [path], DELIVERED, form=TextFormat(), rows_per_part=10
    ).pieces
    assert ColumnMapping(DELIVERED).read(piece).rows.rows() == [
        (1.0, 0.1, "8", "8", "8", "true", "1980-05-17", "2026-01-02"),
        (None, 8.0, "A", "9", "1.25", "false", "1931-01-01", "2026-01-03 13:00:00"),
        (3.0, None, None, "8", "0", "true", None, None),
        (4.0, -2.5, "Ä", "10", "-1", "true", "2001-12-31", "2026-01-04"),
    ]


def test_a_length_of_time_is_not_taken_for_its_bytes():
    path = Path(__file__).parent / "parquet/refused/duckdb-interval.parquet"
    assert "column AGE: holds values of type month_day_nano_interval" in refused(path)


def test_the_writers_are_those_that_the_readme_lists():
    readme = (Path(__file__).parent / "parquet/README.md").read_text()
    assert len(WRITERS) == 7
    assert all(f"`{path.name}`" in readme for path in WRITERS)
