"""The border between tables and arrays."""

import numpy as np
import polars as pl
import pytest

from segment_lib.errors import IntegrityError
from segment_lib.matrix import as_block, feature_array, read_block, read_rows, row_array
from segment_lib.storage.files import write_part

PARTS = [
    pl.DataFrame({"row": [0, 2], "A": [1.0, 2.0], "B=x": pl.Series([0, 1], dtype=pl.UInt8)}),
    pl.DataFrame({"row": [3], "A": [3.5], "B=x": pl.Series([1], dtype=pl.UInt8)}),
]


@pytest.fixture
def files(tmp_path):
    return [write_part(tmp_path, f"part-{i}.parquet", part) for i, part in enumerate(PARTS)]


def test_a_block_has_the_features_in_the_order_asked_for():
    assert as_block(PARTS[0], ["B=x", "A"]).tolist() == [[0, 1], [1, 2]]


def test_a_block_is_float32_and_its_rows_lie_together():
    block = as_block(PARTS[0], ["A", "B=x"])
    assert (block.dtype, block.flags.c_contiguous) == (np.float32, True)


def test_a_block_of_no_rows_has_its_features():
    assert as_block(PARTS[0].clear(), ["A", "B=x"]).shape == (0, 2)


def test_a_feature_that_is_not_there_is_an_error():
    with pytest.raises(pl.exceptions.ColumnNotFoundError):
        as_block(PARTS[0], ["C"])


def test_a_block_is_read_from_its_part(tmp_path, files):
    assert read_block(tmp_path, files[0], ["A"]).tolist() == [[1], [2]]


def test_row_numbers_are_read_from_their_part(tmp_path, files):
    assert read_rows(tmp_path, files[0]).tolist() == [0, 2]


def test_the_array_is_all_parts_one_block_each(tmp_path, files):
    X = feature_array(tmp_path, files, ["A", "B=x"])
    assert (X.chunks, X.dtype) == (((2, 1), (2,)), np.float32)
    assert X.compute().tolist() == [[1, 0], [2, 1], [3.5, 1]]


def test_row_numbers_lie_in_the_blocks_of_the_features(tmp_path, files):
    rows = row_array(tmp_path, files)
    assert (rows.chunks, rows.dtype) == (((2, 1),), np.int64)
    assert rows.compute().tolist() == [0, 2, 3]


def test_a_part_without_rows_is_no_block(tmp_path, files):
    files.insert(1, write_part(tmp_path, "empty.parquet", PARTS[0].clear()))
    assert feature_array(tmp_path, files, ["A"]).chunks[0] == (2, 1)
    assert row_array(tmp_path, files).chunks[0] == (2, 1)


def test_nothing_is_read_before_it_is_computed(tmp_path, files):
    (tmp_path / "part-0.parquet").unlink()
    X = feature_array(tmp_path, files, ["A"])
    with pytest.raises(IntegrityError):
        X.compute()
