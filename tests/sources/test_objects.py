"""Extracts in an object store: found, unpacked and read as those on a disk."""

import gzip
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import polars as pl
import pytest

from segment_lib.errors import ConfigError, DataError, ResourceError
from segment_lib.run.manifest import Manifest
from segment_lib.schema import Attribute, Schema
from segment_lib.sources import expand, find_files, open_extract, read_columns
from segment_lib.sources.column_mapping import ColumnMapping
from segment_lib.sources.text_format import TextFormat
from segment_lib.storage.files import write_file
from segment_lib.storage.s3 import S3Path
from tests.objects import at, bad_line

SCHEMA = Schema(
    (
        Attribute("AGE", "person", "ordinal", ("-1",)),
        Attribute("KIND", "person", "categorical", ("X",)),
    )
)
ROWS = pl.DataFrame(
    {
        "DAY": [f"2026-01-{1 + i % 28:02}" for i in range(1_000)],
        "KIND": pl.Series([None if i % 7 == 0 else f"{i % 5}.0" for i in range(1_000)]).cast(
            pl.Categorical
        ),
        "AGE": pl.Series([None if i % 11 == 0 else i for i in range(1_000)], dtype=pl.Int16),
        "NEVER READ": [0.5] * 1_000,
    }
)


def on_disk_and_in_bucket(
    bucket: S3Path, folder: Path, name: str, content: bytes
) -> tuple[Path, Path]:
    """The same file on a disk and in the object store."""
    write_file(folder, name, content)
    write_file(bucket, name, content)
    return folder / name, bucket / name


def read(path: Path) -> pl.DataFrame:
    extract = open_extract(
        "population", [path], SCHEMA, form=TextFormat(), rows_per_part=150,
        id_column="DAY",
    )  # fmt: skip
    assert len(extract.pieces) > 3
    assert all(piece.digest()[1] for piece in extract.pieces)
    return pl.concat(
        ColumnMapping(SCHEMA).read(piece, extract.passthrough).rows for piece in extract.pieces
    )


def packed(folder: Path, kind: str) -> bytes:
    path = folder / f"made.{kind}"
    if kind == "parquet":
        ROWS.write_parquet(path, row_group_size=70)
    else:
        ROWS.write_csv(path, separator=";")
    return path.read_bytes()


@pytest.mark.parametrize("kind", ["parquet", "csv"])
def test_the_same_rows_are_read(bucket: S3Path, tmp_path: Path, kind: str) -> None:
    local, remote = on_disk_and_in_bucket(bucket, tmp_path, f"a.{kind}", packed(tmp_path, kind))
    assert read_columns(remote, TextFormat(), SCHEMA) == ("DAY", "KIND", "AGE", "NEVER READ")
    assert read(remote).equals(read(local))
    assert read(remote)["AGE"].sum() == sum(i for i in range(1_000) if i % 11)


@pytest.mark.parametrize("in_store", [True, False])
def test_a_compressed_file_is_unpacked(bucket: S3Path, tmp_path: Path, in_store: bool) -> None:
    content = packed(tmp_path, "csv")
    _, remote = on_disk_and_in_bucket(bucket, tmp_path, "a.csv.gz", gzip.compress(content))
    assert read_columns(remote, TextFormat(), SCHEMA) == ("DAY", "KIND", "AGE", "NEVER READ")
    scratch = bucket / "scratch" if in_store else tmp_path / "scratch"
    unpacked = expand(remote, scratch, bucket)
    assert unpacked.parent == scratch
    assert unpacked.read_bytes() == content
    damaged = write_file(bucket, "b.csv.gz", gzip.compress(content)[:-20]).path
    with pytest.raises(DataError, match="damaged or cut off"):
        expand(bucket / damaged, scratch, bucket)


def test_what_a_killed_process_had_unpacked_goes_when_a_job_of_the_run_folder_starts(
    bucket: S3Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, remote = on_disk_and_in_bucket(bucket, tmp_path, "a.csv.gz", gzip.compress(b"A;B\n1;2\n"))
    left = tmp_path / "left"
    left.mkdir()
    code = (
        "import os, signal, sys; from segment_lib.sources import packed\n"
        "from segment_lib.storage.stores import as_location\n"
        "packed.hand_over = lambda *_: os.kill(os.getpid(), signal.SIGKILL)\n"
        "path, root = map(as_location, sys.argv[1:]); packed.expand(path, root / 'scratch', root)"
    )
    subprocess.run(
        [sys.executable, "-c", code, str(remote), str(bucket / "run")],
        env={**os.environ, "TMPDIR": str(left)},
        check=False,
    )
    assert [path.read_bytes() for path in left.glob("*/*")] == [b"A;B\n1;2\n"]
    monkeypatch.setattr(tempfile, "tempdir", str(left))
    with Manifest(bucket / "another").lock():
        assert len(list(left.iterdir())) == 1
    with Manifest(bucket / "run").lock():
        assert list(left.iterdir()) == []


def test_files_are_found_by_name_by_prefix_and_by_glob(bucket: S3Path) -> None:
    for name in ("d/b.csv", "d/a.csv", "d/_SUCCESS", "d/.hidden", "d/_x/c.csv", "dd.csv"):
        write_file(bucket, name, b"1")
    assert find_files(f"{bucket}/dd.csv") == (bucket / "dd.csv",)
    assert find_files(f"{bucket}/d") == find_files(f"{bucket}/d/")
    assert [path.name for path in find_files(f"{bucket}/d")] == ["a.csv", "b.csv"]
    assert [path.name for path in find_files(f"{bucket}/*/*/c*")] == ["c.csv"]
    for absent in ("none.csv", "none*"):
        with pytest.raises(DataError, match="no such file"):
            find_files(f"{bucket}/{absent}")
    with pytest.raises(ConfigError, match="no name of a bucket"):
        find_files("s3://buck*/a.csv")


@pytest.mark.parametrize("kind", ["parquet", "csv"])
def test_a_delivery_cut_off_on_its_way_is_an_error_of_the_store(
    bucket: S3Path, tmp_path: Path, store_port: int, kind: str
) -> None:
    _, remote = on_disk_and_in_bucket(bucket, tmp_path, f"a.{kind}", packed(tmp_path, kind))
    with bad_line(store_port) as line, at(line.port):
        line.add("short", "GET", f"/a.{kind}")
        with pytest.raises(ResourceError, match="cut off on its way, 3 times"):
            read(remote)


def test_damaged_parquet_is_refused_and_a_cell_that_is_no_number_is_told_by_its_row(
    bucket: S3Path, tmp_path: Path
) -> None:
    content = bytearray(packed(tmp_path, "parquet"))
    content[200:900] = b"\xff" * 700
    write_file(bucket, "damaged.parquet", bytes(content))
    with pytest.raises(DataError, match="row group 0: is damaged"):
        read(bucket / "damaged.parquet")
    ages = [*["1"] * 400, "canary", *["2"] * 599]
    ROWS.with_columns(pl.Series("AGE", ages)).write_parquet(tmp_path / "b", row_group_size=70)
    write_file(bucket, "words.parquet", (tmp_path / "b").read_bytes())
    with pytest.raises(DataError, match="row 400, column AGE: not a number") as raised:
        read(bucket / "words.parquet")
    assert "canary" not in str(raised.value)
