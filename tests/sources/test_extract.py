"""Search for the files of an extract, and unpacking of those that are compressed."""

import bz2
import gzip
import io
import lzma
import random
import zipfile
from contextlib import suppress
from pathlib import Path

import polars as pl
import pyarrow as pa
import pytest

from segment_lib.errors import DataError, ResourceError
from segment_lib.schema import Attribute, Schema
from segment_lib.sources import expand, find_files, is_packed, open_extract
from segment_lib.sources.text_format import TextFormat

SCHEMA = Schema((Attribute("AGE", "person", "ordinal", ()),))
TEXT = b"AGE\n" + b"".join(b"%d\n" % i for i in range(2000))


def touch(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"AGE\n1\n")


def zstd(content: bytes) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(content)
    return sink.getvalue().to_pybytes()


def names(files) -> list[str]:
    return [path.name for path in files]


# Finding


def test_a_path_is_its_own_file(tmp_path):
    touch(tmp_path, "a.csv")
    assert find_files(str(tmp_path / "a.csv")) == (tmp_path / "a.csv",)


def test_a_glob_gives_the_files_in_the_order_of_their_names(tmp_path):
    touch(tmp_path, "part-2.csv", "part-1.csv", "other.csv")
    assert names(find_files(str(tmp_path / "part-*.csv"))) == ["part-1.csv", "part-2.csv"]


def test_a_glob_may_cross_folders(tmp_path):
    touch(tmp_path, "b/x.csv", "a/y.csv", "a/z.txt")
    assert names(find_files(str(tmp_path / "*" / "*.csv"))) == ["y.csv", "x.csv"]


def test_a_glob_does_not_take_folders_for_files(tmp_path):
    touch(tmp_path, "a.csv", "b.csv/inner.csv")
    assert names(find_files(str(tmp_path / "*.csv"))) == ["a.csv"]


def test_a_folder_gives_its_files_but_no_markers(tmp_path):
    touch(tmp_path, "b.csv", "a.csv", "_SUCCESS", ".a.csv.crc", "_started/c.csv")
    assert names(find_files(str(tmp_path))) == ["a.csv", "b.csv"]


@pytest.mark.parametrize("pattern", ["a.csv", "*.csv", "./a.csv", "sub/../a.csv", "../*/a.csv"])
def test_a_relative_pattern_starts_where_the_job_does(tmp_path, monkeypatch, pattern):
    touch(tmp_path / "here", "a.csv", "sub/b.txt")
    monkeypatch.chdir(tmp_path / "here")
    assert names(find_files(pattern)) == ["a.csv"]


def test_a_name_with_brackets_is_a_name(tmp_path):
    touch(tmp_path, "extract[1].csv")
    assert names(find_files(str(tmp_path / "extract[1].csv"))) == ["extract[1].csv"]


@pytest.mark.parametrize("pattern", ["absent.csv", "*.parquet", "empty", "absent/*.csv"])
def test_no_file_is_told_with_where_to_set_it(tmp_path, pattern):
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=r"no such file\. Correct its path in \[inputs\] ") as error:
        find_files(str(tmp_path / pattern))
    assert pattern in str(error.value)


# Compressed files


@pytest.mark.parametrize(("ending", "pack"), [(".gz", gzip.compress), (".zst", zstd)])
def test_a_compressed_file_is_written_out_whole(tmp_path, ending, pack):
    path = tmp_path / f"a.csv{ending}"
    path.write_bytes(pack(TEXT))
    assert expand(path, tmp_path / "scratch", tmp_path).read_bytes() == TEXT


def test_several_gzip_members_are_one_stream(tmp_path):
    path = tmp_path / "a.csv.gz"
    path.write_bytes(gzip.compress(TEXT[:500]) + gzip.compress(TEXT[500:]))
    assert expand(path, tmp_path / "scratch", tmp_path).read_bytes() == TEXT


def test_what_is_written_out_keeps_the_name_below_the_ending(tmp_path):
    path = tmp_path / "a.csv.gz"
    path.write_bytes(gzip.compress(TEXT))
    assert expand(path, tmp_path / "scratch", tmp_path).name.endswith("a.csv")


def test_two_files_of_one_name_do_not_meet_in_the_scratch_folder(tmp_path):
    touch(tmp_path, "one/x", "two/x")
    expanded = set()
    for folder in ("one", "two"):
        path = tmp_path / folder / "a.csv.gz"
        path.write_bytes(gzip.compress(TEXT))
        expanded.add(expand(path, tmp_path / "scratch", tmp_path))
    assert len(expanded) == 2


@pytest.mark.parametrize(
    ("ending", "content"),
    [
        (".gz", gzip.compress(TEXT)[: len(gzip.compress(TEXT)) // 2]),
        (".gz", gzip.compress(TEXT)[:-8]),
        (".gz", gzip.compress(TEXT)[:-4]),
        (".gz", gzip.compress(TEXT)[:-8] + b"\0" * 8),
        (".gz", gzip.compress(TEXT)[:300] + b"\xff" * 50 + gzip.compress(TEXT)[350:]),
        (".zst", zstd(TEXT)[: len(zstd(TEXT)) // 2]),
        (".zst", zstd(TEXT)[:-1]),
    ],
    ids=[
        "gz cut in half",
        "gz without its checksum",
        "gz without its length",
        "gz with another checksum",
        "gz overwritten",
        "zst cut in half",
        "zst without its last byte",
    ],
)
def test_a_damaged_stream_is_refused_and_leaves_nothing(tmp_path, ending, content):
    path = tmp_path / f"a.csv{ending}"
    path.write_bytes(content)
    with pytest.raises(DataError, match="damaged or cut off") as error:
        expand(path, tmp_path / "scratch", tmp_path)
    assert str(path) in str(error.value)
    assert list((tmp_path / "scratch").iterdir()) == []


def test_a_full_disk_is_a_matter_of_resources(tmp_path):
    path = tmp_path / "a.csv.gz"
    path.write_bytes(gzip.compress(TEXT))
    (tmp_path / "scratch").write_text("a file where a folder is wanted")
    with pytest.raises(ResourceError):
        expand(path, tmp_path / "scratch", tmp_path)


# Together


def open_files(*files: Path, rows_per_part: int = 100):
    return open_extract("population", files, SCHEMA, form=TextFormat(), rows_per_part=rows_per_part)


def test_the_pieces_follow_the_files(tmp_path):
    (tmp_path / "1.csv").write_bytes(b"AGE\n1\n2\n")
    pl.DataFrame({"AGE": [3, 4]}).write_parquet(tmp_path / "2.parquet")
    (tmp_path / "3.csv").write_bytes(b"AGE\n5\n")
    extract = open_files(*find_files(str(tmp_path)))
    ages = [age for piece in extract.pieces for age in piece.read(SCHEMA).rows["AGE"]]
    assert ages == [1, 2, 3, 4, 5]


def test_the_size_is_that_of_the_rows(tmp_path):
    (tmp_path / "1.csv").write_bytes(b"AGE\n1\n2\n")
    (tmp_path / "2.csv").write_bytes(b"AGE\n3\n")
    assert open_files(*find_files(str(tmp_path))).size == 4  # without the last line end of each


@pytest.mark.parametrize("option", [{"id_column": "row"}, {"extra_columns": "carry"}])
def test_a_carried_column_cannot_be_called_as_the_row_number_is(tmp_path, option):
    (tmp_path / "1.csv").write_bytes(b"row;AGE\n7;1\n")
    with pytest.raises(DataError, match="row"):
        open_extract(
            "population",
            [tmp_path / "1.csv"],
            SCHEMA,
            form=TextFormat(),
            rows_per_part=100,
            **option,
        )


def test_a_part_file_without_rows_among_others_is_no_fault(tmp_path):
    (tmp_path / "part-1.csv").write_bytes(b"AGE\n")
    (tmp_path / "part-2.csv").write_bytes(b"AGE\n1\n")
    extract = open_files(*find_files(str(tmp_path)))
    assert sum(piece.read(SCHEMA).rows.height for piece in extract.pieces) == 1


def zipped(content: bytes) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.csv", content)
    return sink.getvalue()


@pytest.mark.parametrize(
    "pack",
    [gzip.compress, zstd, bz2.compress, lzma.compress, zipped,
     lambda text: text.decode().encode("utf-16")],
    ids=["gzip", "zstd", "bz2", "xz", "zip", "utf-16"],
)  # fmt: skip
def test_mutated_streams_are_read_or_refused_and_leave_nothing(tmp_path, pack):
    chance = random.Random(0)
    whole = pack(TEXT)
    for _ in range(150):
        content = bytearray(whole)
        for _ in range(chance.choice([1, 2, 9])):
            place = chance.randrange(len(content))
            content[place : place + chance.randrange(3)] = chance.randbytes(chance.randrange(3))
        path = tmp_path / "a.csv.gz"
        path.write_bytes(content[: chance.choice([len(content), chance.randrange(len(content))])])
        with suppress(DataError):
            if is_packed(path):
                expand(path, tmp_path / "scratch", tmp_path).unlink()
        assert list((tmp_path / "scratch").glob("*")) == []
