"""Named arrays as files, and back, whatever their heads promise."""

import hashlib
import os

import numpy as np
import pytest

from segment_lib.errors import IntegrityError
from segment_lib.storage.arrays import read_arrays, write_arrays
from segment_lib.storage.files import StoredFile

ARRAYS = {"mean": np.array([1.5, 2.5]), "centers": np.arange(6, dtype=np.float32).reshape(2, 3)}


def test_arrays_come_back_as_they_were(tmp_path):
    arrays = read_arrays(tmp_path, write_arrays(tmp_path, "a.npz", ARRAYS))
    assert [(n, a.dtype, a.tolist()) for n, a in arrays.items()] == [
        (n, a.dtype, a.tolist()) for n, a in ARRAYS.items()
    ]


def test_the_bytes_of_arrays_depend_on_the_arrays_alone(tmp_path):
    first = write_arrays(tmp_path, "a.npz", ARRAYS)
    os.utime(tmp_path / "a.npz", (0, 0))
    assert write_arrays(tmp_path, "a.npz", ARRAYS) == first


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_an_array_with_a_value_that_is_not_finite_is_not_believed(tmp_path, value):
    file = write_arrays(tmp_path, "a.npz", {"mean": np.array([1.0, value])})
    with pytest.raises(IntegrityError, match="mean not finite"):
        read_arrays(tmp_path, file)


def test_a_pickle_in_arrays_is_never_loaded(tmp_path):
    np.savez(tmp_path / "a.npz", thing=np.array([{"any": "object"}], dtype=object))
    content = (tmp_path / "a.npz").read_bytes()
    file = StoredFile("a.npz", len(content), hashlib.sha256(content).hexdigest())
    with pytest.raises(IntegrityError, match="not plain arrays"):
        read_arrays(tmp_path, file)


def test_arrays_packed_into_a_bomb_are_not_unpacked(tmp_path):
    np.savez_compressed(tmp_path / "a.npz", zeros=np.zeros(10**6))
    content = (tmp_path / "a.npz").read_bytes()
    file = StoredFile("a.npz", len(content), hashlib.sha256(content).hexdigest())
    with pytest.raises(IntegrityError, match="not plain arrays"):
        read_arrays(tmp_path, file)


def test_an_object_array_is_never_written(tmp_path):
    with pytest.raises(ValueError, match="pickle"):
        write_arrays(tmp_path, "a.npz", {"thing": np.array([{}], dtype=object)})
