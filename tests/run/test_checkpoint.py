"""What a stage at work leaves for a run taken up again."""

import io
from hashlib import sha256

import numpy as np
import polars as pl
import pytest

from segment_lib.run.checkpoint import (
    finish_part,
    is_whole,
    noted_parts,
    read_checkpoint,
    write_checkpoint,
)
from segment_lib.run.staging import keep_finished
from segment_lib.storage.files import write_file

ROWS = pl.DataFrame({"row": [0, 1, 2]})


def test_a_finished_part_is_noted_with_its_rows(tmp_path):
    part = finish_part(tmp_path, "raw/p/part-0.parquet", ROWS)
    assert noted_parts(tmp_path) == [part]
    assert (part.path, part.rows) == ("raw/p/part-0.parquet", 3)
    assert is_whole([tmp_path], part)


def test_parts_come_in_the_order_of_their_names(tmp_path):
    for name in ("b", "c", "a"):
        finish_part(tmp_path, f"raw/{name}", ROWS)
    assert [part.path for part in noted_parts(tmp_path)] == ["raw/a", "raw/b", "raw/c"]


@pytest.mark.parametrize("damage", ["flip", "cut", "gone"])
def test_a_part_that_is_not_as_it_was_written_is_not_whole(tmp_path, damage):
    part = finish_part(tmp_path, "raw/a", ROWS)
    content = (tmp_path / "raw/a").read_bytes()
    (tmp_path / "raw/a").unlink()
    if damage == "flip":
        (tmp_path / "raw/a").write_bytes(bytes([content[0] ^ 1]) + content[1:])
    if damage == "cut":
        (tmp_path / "raw/a").write_bytes(content[:-1])
    assert not is_whole([tmp_path], part)


def test_a_part_is_whole_in_either_folder(tmp_path):
    part = finish_part(tmp_path / "there", "raw/a", ROWS)
    assert is_whole([tmp_path / "here", tmp_path / "there"], part)


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b'{"path": 1}', b'{"a": 1}', b"\xff"])
def test_a_note_that_was_cut_off_is_no_note(tmp_path, text):
    write_file(tmp_path, ".kept/raw/a.json", text)
    assert noted_parts(tmp_path) == []


def test_scratch_goes_and_what_is_finished_stays(tmp_path):
    work = tmp_path / ".work" / "ingest-mark"
    finish_part(work, "raw/a", ROWS)
    write_checkpoint(work, {"x": np.arange(3)})
    write_file(work, "raw/b", b"not noted")
    write_file(work, "scratch/c", b"large")
    (work / "raw/.a.0123").write_bytes(b"half")
    (work / ".kept/.checkpoint.0123").write_bytes(b"half")
    keep_finished(work)
    left = {str(path.relative_to(work)) for path in work.rglob("*") if path.is_file()}
    assert left == {"raw/a", ".kept/raw/a.json", ".kept/checkpoint"}
    assert not (work / "scratch").exists()


def test_a_folder_with_nothing_finished_goes_as_a_whole(tmp_path):
    work = tmp_path / ".work" / "ingest-mark"
    write_file(work, "scratch/c", b"large")
    keep_finished(work)
    assert list(tmp_path.iterdir()) == []


def test_a_checkpoint_comes_back(tmp_path):
    write_checkpoint(tmp_path, {"x": np.arange(3)})
    write_checkpoint(tmp_path, {"x": np.arange(4)})
    arrays = read_checkpoint(tmp_path)
    assert arrays is not None
    assert arrays["x"].tolist() == [0, 1, 2, 3]


def test_without_a_checkpoint_there_is_none(tmp_path):
    assert read_checkpoint(tmp_path) is None


def test_a_damaged_checkpoint_is_none(tmp_path):
    write_checkpoint(tmp_path, {"x": np.arange(64)})
    path = tmp_path / ".kept/checkpoint"
    content = path.read_bytes()
    for place in range(0, len(content), 7):
        path.write_bytes(content[:place] + bytes([content[place] ^ 4]) + content[place + 1 :])
        assert read_checkpoint(tmp_path) is None
    path.write_bytes(content[:20])
    assert read_checkpoint(tmp_path) is None


def test_arrays_with_objects_in_them_are_not_read(tmp_path):
    buffer = io.BytesIO()
    np.savez(buffer, x=np.array([{}], dtype=object))
    content = buffer.getvalue()
    write_file(tmp_path, ".kept/checkpoint", sha256(content).digest() + content)
    with pytest.raises(ValueError, match="allow_pickle"):
        read_checkpoint(tmp_path)


def test_a_checkpoint_may_lie_in_an_object_store(bucket):
    for i in range(2):
        write_checkpoint(bucket / "work", {"centers": np.full(3, i, dtype=np.float32)})
    assert read_checkpoint(bucket / "work")["centers"].tolist() == [1, 1, 1]
    assert read_checkpoint(bucket / "other") is None
