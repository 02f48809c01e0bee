"""Files that appear whole or not at all, and are believed only when their sha256 fits."""

import json
import os
from multiprocessing import get_context
from pathlib import Path

import polars as pl
import pytest

from segment_lib.errors import IntegrityError, ResourceError
from segment_lib.storage.files import (
    StoredFile,
    read_file,
    read_metadata,
    read_part,
    write_file,
    write_part,
)

ROWS = pl.DataFrame({"row": [0, 1, 2], "A": [1.0, None, 3.0], "B": ["x", None, "z"]})


def test_a_file_is_listed_with_its_bytes_and_sha256(tmp_path):
    file = write_file(tmp_path, "a/b.txt", b"hello")
    # sha256 of "hello", as any tool gives it.
    digest = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
    assert file == StoredFile("a/b.txt", 5, digest)


def test_what_was_written_is_read(tmp_path):
    assert read_file(tmp_path, write_file(tmp_path, "a/b.txt", b"hello")) == b"hello"


def test_nothing_lies_beside_a_written_file(tmp_path):
    write_file(tmp_path, "a/b.txt", b"hello")
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["b.txt"]


def test_a_file_written_again_is_the_new_one(tmp_path):
    write_file(tmp_path, "b.txt", b"old and long")
    assert read_file(tmp_path, write_file(tmp_path, "b.txt", b"new")) == b"new"


def test_files_are_for_their_owner_alone(tmp_path):
    write_file(tmp_path, "a/b.txt", b"hello")
    modes = [(tmp_path / name).stat().st_mode & 0o777 for name in ("a/b.txt", "a")]
    assert modes == [0o600, 0o700]


def test_an_entry_without_rows_says_nothing_of_rows():
    assert StoredFile("a", 1, "f").as_json() == {"path": "a", "bytes": 1, "sha256": "f"}


def test_an_entry_comes_back_from_json_as_it_was():
    file = StoredFile("a", 1, "f", 0)
    assert StoredFile(**json.loads(json.dumps(file.as_json()))) == file


@pytest.mark.parametrize("change", [b"jello", b"hell", b"hello ", b""])
def test_other_bytes_are_not_believed(tmp_path, change):
    file = write_file(tmp_path, "b.txt", b"hello")
    (tmp_path / "b.txt").write_bytes(change)
    with pytest.raises(IntegrityError, match="not the bytes"):
        read_file(tmp_path, file)


def test_a_file_that_is_gone_is_named(tmp_path):
    file = write_file(tmp_path, "b.txt", b"hello")
    (tmp_path / "b.txt").unlink()
    with pytest.raises(IntegrityError, match=r"b\.txt: gone"):
        read_file(tmp_path, file)


def test_a_folder_that_cannot_be_made_is_a_matter_of_resources(tmp_path):
    (tmp_path / "a").write_text("a file where a folder is wanted")
    with pytest.raises(ResourceError, match="cannot be written"):
        write_file(tmp_path, "a/b.txt", b"hello")


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path):
    (tmp_path / "b.txt").mkdir()
    with pytest.raises(ResourceError):
        write_file(tmp_path, "b.txt", b"hello")
    assert [path.name for path in tmp_path.iterdir()] == ["b.txt"]


def _write_for_ever(folder: str, content: bytes) -> None:
    while True:
        write_file(Path(folder), "b.bin", content)


def test_a_killed_writer_leaves_the_old_file_or_the_new_one(tmp_path):
    contents = {bytes([letter]) * 3_000_000 for letter in b"ab"}
    writers = [
        get_context("spawn").Process(target=_write_for_ever, args=(str(tmp_path), content))
        for content in contents
    ]
    for writer in writers:
        writer.start()
    try:
        while not (tmp_path / "b.bin").exists():
            assert all(writer.is_alive() for writer in writers)
        contents_seen = {(tmp_path / "b.bin").read_bytes() for _ in range(50)}
    finally:
        for writer in writers:
            writer.kill()
            writer.join()
    assert contents_seen | {(tmp_path / "b.bin").read_bytes()} <= contents


# Parts


def test_a_part_comes_back_as_it_was(tmp_path):
    assert read_part(tmp_path, write_part(tmp_path, "p.parquet", ROWS)).equals(ROWS)


def test_a_part_is_listed_with_its_rows(tmp_path):
    assert write_part(tmp_path, "p.parquet", ROWS).rows == 3


def test_an_empty_part_keeps_its_columns(tmp_path):
    part = write_part(tmp_path, "p.parquet", ROWS.clear())
    assert (part.rows, read_part(tmp_path, part).schema) == (0, ROWS.schema)


def test_some_columns_of_a_part_are_read_in_the_order_asked_for(tmp_path):
    part = write_part(tmp_path, "p.parquet", ROWS)
    assert read_part(tmp_path, part, columns=["B", "row"]).columns == ["B", "row"]


def test_the_bytes_of_a_part_depend_on_its_rows_alone(tmp_path):
    first = write_part(tmp_path, "p.parquet", ROWS, {"tally": "7"})
    assert write_part(tmp_path, "p.parquet", ROWS.clone(), {"tally": "7"}) == first


def test_a_part_says_of_itself_what_it_was_told(tmp_path):
    part = write_part(tmp_path, "p.parquet", ROWS, {"tally": '{"rows": 3, "ß": "ü"}'})
    assert read_metadata(tmp_path, part)["tally"] == '{"rows": 3, "ß": "ü"}'


def test_a_flipped_bit_in_a_part_is_not_believed(tmp_path):
    part = write_part(tmp_path, "p.parquet", ROWS)
    content = bytearray((tmp_path / "p.parquet").read_bytes())
    content[len(content) // 3] ^= 1
    (tmp_path / "p.parquet").write_bytes(content)
    with pytest.raises(IntegrityError):
        read_part(tmp_path, part)


@pytest.mark.parametrize("path", ["/etc/passwd", "../x", "raw/../../x", "", "raw/.."])
def test_a_path_out_of_the_run_folder_is_refused(path):
    with pytest.raises(IntegrityError, match="leads out"):
        StoredFile(path, 1, "0")


def test_all_folders_made_on_the_way_are_private(tmp_path):
    before = os.umask(0)
    try:
        write_file(tmp_path, "raw/population/a", b"1")
    finally:
        os.umask(before)
    for path in ("raw", "raw/population"):
        assert (tmp_path / path).stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "raw/population/a").stat().st_mode & 0o777 == 0o600
