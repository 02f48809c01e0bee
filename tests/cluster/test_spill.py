"""What does not fit in memory lies in files, and is the same."""

import resource
import signal
from dataclasses import dataclass
from pathlib import Path

import dask
import dask.array as da
import numpy as np
import pytest
from dask import delayed
from dask.delayed import Delayed

from segment_lib.cluster.spill import Scratch
from segment_lib.errors import ResourceError
from segment_lib.model import RowBounds

VALUES = np.arange(30, dtype=np.float32).reshape(10, 3)


def test_a_spilled_array_is_the_same_and_lies_in_files(tmp_path):
    Z = da.from_array(VALUES.copy(), chunks=(4, 3))
    spilled = Scratch(tmp_path, "scratch").spill(Z)
    array = spilled.array()
    assert (array.chunks, array.dtype) == (Z.chunks, Z.dtype)
    assert (array.compute() == VALUES).all()
    assert [len(block) for block in spilled] == [4, 4, 2]
    assert all(isinstance(block, np.memmap) for block in spilled)
    assert all(isinstance(block, np.memmap) for block in dask.compute(*array.to_delayed().ravel()))
    assert [path.stat().st_mode & 0o777 for path in (tmp_path / "scratch").iterdir()] == [0o600] * 3


def bounds(keys: list[int], n_rows: int, value: int) -> RowBounds:
    shape = (len(keys), n_rows)
    labels = np.arange(np.prod(shape), dtype=np.uint16).reshape(shape) + value
    return RowBounds(np.array(keys), labels, labels.astype(np.float32) / 8)


def test_bounds_are_recalled_as_they_were_kept(tmp_path):
    bounds_store = Scratch(tmp_path, "scratch").bounds_store()
    assert bounds_store.recall(0, [2, 3]) is None
    first, other = bounds([2, 5, 9], 7, 0), bounds([2, 5, 9], 4, 100)
    bounds_store.keep(0, first)
    bounds_store.keep(1, other)
    fewer = bounds([5, 9], 7, 300)
    bounds_store.keep(0, fewer)
    for block, keys, kept in ((0, [5, 9], fewer), (0, [9], fewer), (1, [2, 5, 9], other)):
        recalled = bounds_store.recall(block, keys)
        assert recalled.keys.tolist() == keys
        assert (recalled.labels == kept.select(keys).labels).all()
        assert (recalled.slack == kept.select(keys).slack).all()
        assert (recalled.labels.dtype, recalled.slack.dtype) == (np.uint16, np.float32)
    assert (bounds_store.recall(0, [2]).labels == first.select([2]).labels).all()
    made = held_in_files(tmp_path)
    assert [path.stat().st_mode & 0o777 for path in made] == [0o600] * 4


def test_earlier_bounds_make_room_for_new_ones(tmp_path):
    scratch = Scratch(tmp_path, "scratch")
    scratch.bounds_store().keep(0, bounds([2], 5, 0))
    assert scratch.bounds_store().recall(0, [2]) is None
    assert held_in_files(tmp_path) == []


def test_bounds_for_which_there_is_no_room_are_told(tmp_path):
    bounds_store = Scratch(tmp_path, "scratch").bounds_store()
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
        with pytest.raises(ResourceError, match="--run-dir"):
            bounds_store.keep(0, bounds([2, 3], 2000, 0))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)


@dataclass(frozen=True)
class Held:
    values: np.ndarray


def held_in_files(tmp_path: Path) -> list[Path]:
    return sorted(path for path in (tmp_path / "scratch").rglob("*") if path.is_file())


def test_what_is_held_lies_in_files_until_the_next_is_held(tmp_path):
    scratch = Scratch(tmp_path, "scratch")
    tasks = [delayed(Held)(np.arange(i)) for i in range(3)]
    held, total = scratch.hold(tasks, delayed(sum)([len_of(task) for task in tasks]))
    assert total == 3
    first = held_in_files(tmp_path)
    assert [path.stat().st_mode & 0o777 for path in first] == [0o600] * 3
    assert [result.values.tolist() for result in dask.compute(*held)] == [[], [0], [0, 1]]
    scratch.hold([delayed(Held)(np.arange(5))], delayed(int)(0))
    (second,) = held_in_files(tmp_path)
    assert second not in first


def len_of(task: Delayed) -> Delayed:
    return delayed(lambda held: len(held.values))(task)


def test_what_does_not_fit_in_memory_may_lie_in_an_object_store(bucket):
    scratch = Scratch(bucket / "run", "scratch")
    Z = da.from_array(VALUES.copy(), chunks=(4, 3))
    assert (scratch.spill(Z).array().compute() == VALUES).all()
    held, _ = scratch.hold([delayed(Held)(np.arange(i)) for i in range(3)], delayed(int)(0))
    assert [result.values.tolist() for result in dask.compute(*held)] == [[], [0], [0, 1]]
    scratch.hold([delayed(Held)(np.arange(5))], delayed(int)(0))
    assert len(list((bucket / "run").rglob("held-*/*"))) == 1
