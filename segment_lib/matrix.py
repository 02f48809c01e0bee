"""The border between tables and arrays: feature parts as one dask array, a block per part."""

from collections.abc import Sequence

import dask.array as da
import numpy as np
import polars as pl
from dask import delayed

from segment_lib.storage.files import StoredFile, read_part
from segment_lib.storage.location import Location

_SLICE = 8192
"""Rows turned from columns at a time: few enough to hold twice."""


def as_block(rows: pl.DataFrame, features: Sequence[str]) -> np.ndarray:
    """The features of a part as an array of shape (n_rows, n_features), float32."""
    block = np.empty((rows.height, len(features)), dtype=np.float32)
    rows = rows.select(features)
    for start in range(0, rows.height, _SLICE):
        block[start : start + _SLICE] = rows.slice(start, _SLICE).to_numpy(order="c")
    return block


def read_block(root: Location, file: StoredFile, features: Sequence[str]) -> np.ndarray:
    """Read the features of a part, shape (n_rows, n_features), float32."""
    return as_block(read_part(root, file, columns=features), features)


def read_rows(root: Location, file: StoredFile) -> np.ndarray:
    """The row numbers of a part, shape (n_rows,)."""
    return read_part(root, file, columns=["row"])["row"].to_numpy()


def feature_array(root: Location, files: Sequence[StoredFile], features: Sequence[str]) -> da.Array:
    """The features of all parts.

    Returns
    -------
    X : dask array of shape (n_rows, n_features), float32, one block per part that has rows
    """
    return da.concatenate(
        [
            da.from_delayed(
                delayed(read_block)(root, file, tuple(features)),
                shape=(file.rows, len(features)),
                dtype=np.float32,
            )
            for file in files
            if file.rows
        ]
    )


def row_array(root: Location, files: Sequence[StoredFile]) -> da.Array:
    """The row numbers of all parts, shape (n_rows,), in the blocks of `feature_array`."""
    return da.concatenate(
        [
            da.from_delayed(delayed(read_rows)(root, file), shape=(file.rows,), dtype=np.int64)
            for file in files
            if file.rows
        ]
    )
