"""The border between tables and arrays: feature parts as one dask array, a block per part."""

import io
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dask
import dask.array as da
import numpy as np
import polars as pl
from dask import delayed
from dask.delayed import Delayed

from segment_lib.s3 import S3Path
from segment_lib.store import StoredFile, read_part, write_arrays, write_file


def as_block(rows: pl.DataFrame, features: Sequence[str]) -> np.ndarray:
    """The features of a part as an array of shape (n_rows, n_features), float32."""
    block = np.empty((rows.height, len(features)), dtype=np.float32)
    for column, feature in enumerate(features):
        block[:, column] = rows[feature].to_numpy()
    return block


def read_block(root: Path, file: StoredFile, features: Sequence[str]) -> np.ndarray:
    """Read the features of a part, shape (n_rows, n_features), float32."""
    return as_block(read_part(root, file, columns=features), features)


def read_rows(root: Path, file: StoredFile) -> np.ndarray:
    """The row numbers of a part, shape (n_rows,)."""
    return read_part(root, file, columns=["row"])["row"].to_numpy()


def feature_array(root: Path, files: Sequence[StoredFile], features: Sequence[str]) -> da.Array:
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


def row_array(root: Path, files: Sequence[StoredFile]) -> da.Array:
    """The row numbers of all parts, shape (n_rows,), in the blocks of `feature_array`."""
    return da.concatenate(
        [
            da.from_delayed(delayed(read_rows)(root, file), shape=(file.rows,), dtype=np.int64)
            for file in files
            if file.rows
        ]
    )


@dataclass(frozen=True)
class Scratch:
    """Arrays in files below `root / folder`, for what does not fit in memory.

    In an object store, which a cluster's workers share, they are read whole in place of mapped.
    """

    root: Path
    folder: str

    def spill(self, Z: da.Array) -> da.Array:
        """The same array, its blocks written once and mapped from there whenever they are read."""
        tasks = [
            delayed(_write_block)(block, self.root, f"{self.folder}/block-{i:05d}.npy")
            for i, block in enumerate(Z.to_delayed().ravel())
        ]
        return da.concatenate(
            [
                da.from_delayed(delayed(_load_block)(file), (rows, Z.shape[1]), dtype=Z.dtype)
                for file, rows in zip(dask.compute(*tasks), Z.chunks[0], strict=True)
            ]
        )

    def hold(self, tasks: Sequence[Delayed], total: Delayed) -> tuple[Sequence[Delayed], Any]:
        """Write the results of the tasks, dataclasses of arrays, to files, and compute the total.

        Returns
        -------
        held, value : tasks that read the results, and the total
        """
        turn = f"{self.folder}/held-{uuid.uuid4().hex}"
        writing = [
            delayed(_write_arrays)(task, self.root, f"{turn}/block-{i:05d}.npz")
            for i, task in enumerate(tasks)
        ]
        value, *files = dask.compute(total, *writing)
        # What was held before has been read; every task of this turn is done.
        for old in (self.root / self.folder).glob("held-*/*"):
            if old.parent.name != Path(turn).name:
                old.unlink()
        return [delayed(_read_arrays)(file, kind) for file, kind in files], value


def _write_block(block: np.ndarray, root: Path, path: str) -> Path:
    buffer = io.BytesIO()
    np.save(buffer, block, allow_pickle=False)
    return root / write_file(root, path, buffer.getvalue()).path


def _write_arrays(held: Any, root: Path, path: str) -> tuple[Path, type]:
    return root / write_arrays(root, path, vars(held)).path, type(held)


def _load_block(file: Path) -> np.ndarray:
    if isinstance(file, S3Path):
        return np.asarray(np.load(io.BytesIO(file.read_bytes()), allow_pickle=False))
    # Left as a map, by which a pass knows that it may read the file whole.
    mapped: np.ndarray = np.load(file, mmap_mode="r", allow_pickle=False)
    return mapped


def _read_arrays(file: Path, kind: type) -> Any:
    source = io.BytesIO(file.read_bytes()) if isinstance(file, S3Path) else file
    with np.load(source, allow_pickle=False) as archive:
        return kind(**archive)
