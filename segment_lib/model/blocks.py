"""Sums over the blocks of an array, added in block order whatever the number of workers."""

from collections.abc import Callable, Iterable, Sequence
from operator import add
from typing import Any

import dask
import dask.array as da
import numpy as np
from dask import delayed
from dask.delayed import Delayed

_FAN_IN = 8


def row_blocks(X: da.Array | np.ndarray) -> list[Delayed]:
    """Return the blocks of an array of rows, in order; columns are merged into one chunk."""
    if isinstance(X, np.ndarray):
        X = da.from_array(X, chunks=X.shape)
    if X.ndim == 2 and X.numblocks[1] > 1:
        X = X.rechunk({1: -1})
    return list(X.to_delayed().ravel())


def merge_blocks(X: da.Array, rows: int) -> da.Array:
    """Merge neighbouring blocks while they have at most `rows` rows together."""
    heights: list[int] = []
    for height in X.chunks[0]:
        if heights and heights[-1] + height <= rows:
            heights[-1] += height
        else:
            heights.append(height)
    # By tasks: a shuffle between workers could not lose one of them.
    return X.rechunk({0: tuple(heights)}, method="tasks")


def add_up(parts: Sequence[Delayed]) -> Delayed:
    """Sum the parts as a tree whose shape depends on their number alone."""
    return _by_tree(parts, delayed(_add_all))


def add_all(parts: Iterable[Any]) -> Any:
    """Sum parts in memory to the same bits as `add_up`."""
    return _by_tree(list(parts), _add_all)


def _by_tree(level: Sequence[Any], add_all: Callable[[Sequence[Any]], Any]) -> Any:
    while len(level) > 1:
        level = [add_all(level[i : i + _FAN_IN]) for i in range(0, len(level), _FAN_IN)]
    return level[0]


def sum_over_blocks(function: Callable[..., Any], X: da.Array | np.ndarray, *args: Any) -> Any:
    """Sum ``function(block, *args)`` over the blocks of `X`, in one pass."""
    (total,) = dask.compute(add_up([delayed(function)(block, *args) for block in row_blocks(X)]))
    return total


def _add_all(parts: Sequence[Any]) -> Any:
    total = parts[0]
    for part in parts[1:]:
        total = add(total, part)
    return total
