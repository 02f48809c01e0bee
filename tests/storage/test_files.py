"""Files that appear whole or not at all, and are believed only when their sha256 fits."""

import csv
import hashlib
import json
import os
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from segment_lib.errors import IntegrityError, ResourceError
from segment_lib.storage.arrays import read_arrays, write_arrays
from segment_lib.storage.files import (
    StoredFile,
    read_file,
    read_metadata,
    read_part,
    write_file,
    write_part,
)
from segment_lib.storage.tables import formula_safe, formula_undone, write_table

ROWS = pl.DataFrame({"row": [0, 1, 2], "A": [1.0, None, 3.0], "B": ["x", None, "z"]})


def test_a_file_is_listed_with_its_bytes_and_sha256(tmp_path):
    told = write_file(tmp_path, "a/b.txt", b"hello")
    # sha256 of "hello", as any tool gives it.
    digest = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
    assert told == StoredFile("a/b.txt", 5, digest)


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
    told = StoredFile("a", 1, "f", 0)
    assert StoredFile(**json.loads(json.dumps(told.as_json()))) == told


@pytest.mark.parametrize("change", [b"jello", b"hell", b"hello ", b""])
def test_other_bytes_are_not_believed(tmp_path, change):
    told = write_file(tmp_path, "b.txt", b"hello")
    (tmp_path / "b.txt").write_bytes(change)
    with pytest.raises(IntegrityError, match="not the bytes"):
        read_file(tmp_path, told)


def test_a_file_that_is_gone_is_named(tmp_path):
    told = write_file(tmp_path, "b.txt", b"hello")
    (tmp_path / "b.txt").unlink()
    with pytest.raises(IntegrityError, match=r"b\.txt: gone"):
        read_file(tmp_path, told)


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
        found = {(tmp_path / "b.bin").read_bytes() for _ in range(50)}
    finally:
        for writer in writers:
            writer.kill()
            writer.join()
    assert found | {(tmp_path / "b.bin").read_bytes()} <= contents


# Parts


def test_a_part_comes_back_as_it_was(tmp_path):
    assert read_part(tmp_path, write_part(tmp_path, "p.parquet", ROWS)).equals(ROWS)


def test_a_part_is_listed_with_its_rows(tmp_path):
    assert write_part(tmp_path, "p.parquet", ROWS).rows == 3


def test_an_empty_part_keeps_its_columns(tmp_path):
    told = write_part(tmp_path, "p.parquet", ROWS.clear())
    assert (told.rows, read_part(tmp_path, told).schema) == (0, ROWS.schema)


def test_some_columns_of_a_part_are_read_in_the_order_asked_for(tmp_path):
    told = write_part(tmp_path, "p.parquet", ROWS)
    assert read_part(tmp_path, told, columns=["B", "row"]).columns == ["B", "row"]


def test_the_bytes_of_a_part_depend_on_its_rows_alone(tmp_path):
    first = write_part(tmp_path, "p.parquet", ROWS, {"tally": "7"})
    assert write_part(tmp_path, "p.parquet", ROWS.clone(), {"tally": "7"}) == first


def test_a_part_says_of_itself_what_it_was_told(tmp_path):
    told = write_part(tmp_path, "p.parquet", ROWS, {"tally": '{"rows": 3, "ß": "ü"}'})
    assert read_metadata(tmp_path, told)["tally"] == '{"rows": 3, "ß": "ü"}'


def test_a_flipped_bit_in_a_part_is_not_believed(tmp_path):
    told = write_part(tmp_path, "p.parquet", ROWS)
    content = bytearray((tmp_path / "p.parquet").read_bytes())
    content[len(content) // 3] ^= 1
    (tmp_path / "p.parquet").write_bytes(content)
    with pytest.raises(IntegrityError):
        read_part(tmp_path, told)


# Arrays

ARRAYS = {"mean": np.array([1.5, 2.5]), "centers": np.arange(6, dtype=np.float32).reshape(2, 3)}


def test_arrays_come_back_as_they_were(tmp_path):
    found = read_arrays(tmp_path, write_arrays(tmp_path, "a.npz", ARRAYS))
    assert [(n, a.dtype, a.tolist()) for n, a in found.items()] == [
        (n, a.dtype, a.tolist()) for n, a in ARRAYS.items()
    ]


def test_the_bytes_of_arrays_depend_on_the_arrays_alone(tmp_path):
    first = write_arrays(tmp_path, "a.npz", ARRAYS)
    os.utime(tmp_path / "a.npz", (0, 0))
    assert write_arrays(tmp_path, "a.npz", ARRAYS) == first


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_an_array_with_a_value_that_is_not_finite_is_not_believed(tmp_path, value):
    told = write_arrays(tmp_path, "a.npz", {"mean": np.array([1.0, value])})
    with pytest.raises(IntegrityError, match="mean not finite"):
        read_arrays(tmp_path, told)


def test_a_pickle_in_arrays_is_never_loaded(tmp_path):
    np.savez(tmp_path / "a.npz", thing=np.array([{"any": "object"}], dtype=object))
    content = (tmp_path / "a.npz").read_bytes()
    told = StoredFile("a.npz", len(content), hashlib.sha256(content).hexdigest())
    with pytest.raises(IntegrityError, match="not plain arrays"):
        read_arrays(tmp_path, told)


def test_arrays_packed_into_a_bomb_are_not_unpacked(tmp_path):
    np.savez_compressed(tmp_path / "a.npz", zeros=np.zeros(10**6))
    content = (tmp_path / "a.npz").read_bytes()
    told = StoredFile("a.npz", len(content), hashlib.sha256(content).hexdigest())
    with pytest.raises(IntegrityError, match="not plain arrays"):
        read_arrays(tmp_path, told)


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


def test_an_object_array_is_never_written(tmp_path):
    with pytest.raises(ValueError, match="pickle"):
        write_arrays(tmp_path, "a.npz", {"thing": np.array([{}], dtype=object)})


@pytest.mark.parametrize("word", ["=1+1", "+49", "-5", "@SUM(A1)", "\t=1", " =1"])
def test_words_a_spreadsheet_would_run_are_written_as_text(tmp_path, word):
    told = write_table(tmp_path, "t.csv", pl.DataFrame({"name": [word, "Savers"], "n": [-1, 2]}))
    with (tmp_path / "t.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows == [{"name": f"'{word}", "n": "-1"}, {"name": "Savers", "n": "2"}]
    assert told.rows == 2


def test_what_keeps_a_formula_from_running_is_taken_off_again() -> None:
    table = pl.DataFrame(
        {"=name": ["=SUMME(A1) 3 or less", " +1", "-", "'quoted'", "'=1", "''@", "plain", None, ""]}
    )
    assert formula_undone(formula_safe(table)).equals(table)
    assert formula_safe(table)["'=name"][0] == "'=SUMME(A1) 3 or less"


@pytest.mark.parametrize("sign", list("=+-@＝＋－＠﹦﹢﹣﹫"))
@pytest.mark.parametrize(
    "before",
    ["", " ", "\t", "\r", "\n", "\ufeff", "\u200b", "\u2060 ", "\xa0", "\u202e", "\0", "'"],
)
def test_no_cell_and_no_heading_runs_as_a_formula(before: str, sign: str) -> None:
    word = f"{before}{sign}HYPERLINK(A1)"
    safe = formula_safe(pl.DataFrame({word: [word]}))
    assert safe.to_dict(as_series=False) == {f"'{word}": [f"'{word}"]}


@pytest.mark.parametrize("word", ["\tplain", "\rplain"])
def test_a_leading_tab_or_line_end_is_kept_from_spreadsheets(word: str) -> None:
    assert formula_safe(pl.DataFrame({"a": [word]})).item() == f"'{word}"


@pytest.mark.parametrize("word", ["plain", "a=b", "1-2", "ä＝", "'quoted'", "Q1: population"])
def test_other_words_stay_as_they_are(word: str) -> None:
    assert formula_safe(pl.DataFrame({word: [word]})).to_dict(as_series=False) == {word: [word]}
