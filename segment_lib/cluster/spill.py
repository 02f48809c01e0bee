"""Spilling to files of what does not fit in memory: scores, and the bounds of their rows."""

import io
import os
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dask
import dask.array as da
import numpy as np
from dask import delayed
from dask.delayed import Delayed

from segment_lib.model import RowBounds
from segment_lib.storage.arrays import write_arrays
from segment_lib.storage.files import remove, write_file
from segment_lib.storage.local import make_private, unwritable
from segment_lib.storage.location import Location
from segment_lib.storage.stores import local_path


@dataclass(frozen=True)
class Scratch:
    """Folder `root / folder` for arrays that do not fit in memory.

    In an object store, which a cluster's workers share, they are read whole in place of mapped.
    """

    root: Location
    folder: str

    def spill(self, Z: da.Array) -> "Spilled":
        """Write the blocks of an array."""
        tasks = [
            delayed(_write_block)(block, self.root, f"{self.folder}/block-{i:05d}.npy")
            for i, block in enumerate(Z.to_delayed().ravel())
        ]
        return Spilled(dask.compute(*tasks), Z.chunks[0], Z.shape[1], Z.dtype)

    def bounds_store(self) -> "FileBounds":
        """Return a store on disk for the bounds of this process; earlier ones are removed."""
        folder = local_path(self.root / self.folder / "bounds")
        if folder is None:
            raise ValueError(f"{self.root}: no disk, on which labels and bounds are written over")
        remove(folder)
        make_private(folder)
        return FileBounds(folder)

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


@dataclass(frozen=True)
class Spilled(Sequence[np.ndarray]):
    """Blocks in files, each mapped when it is read."""

    files: Sequence[Location]
    rows: Sequence[int]
    n_columns: int
    dtype: np.dtype[Any]

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, i: Any) -> Any:
        return _load_block(self.files[i])

    def array(self) -> da.Array:
        """Return the spilled array, read from its files."""
        blocks = [
            da.from_delayed(delayed(_load_block)(file), (rows, self.n_columns), self.dtype)
            for file, rows in zip(self.files, self.rows, strict=True)
        ]
        return da.concatenate(blocks)


class FileBounds:
    """Bounds in files: labels and slack of each block, clustering after clustering.

    They are read and written, not mapped: where a disk is full, writing into a map kills a process.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._layouts: dict[int, tuple[dict[int, int], np.dtype[Any], int]] = {}

    def recall(self, block: int, keys: Sequence[int]) -> RowBounds | None:
        if block not in self._layouts:
            return None
        places, dtype, n_rows = self._layouts[block]
        arrays = []
        for name, kind in (("labels", dtype), ("slack", np.dtype(np.float32))):
            rows = np.empty((len(keys), n_rows), kind)
            with self._path(block, name).open("rb") as file:
                for row, key in zip(rows, keys, strict=True):
                    file.seek(places[key] * row.nbytes)
                    file.readinto(row)
            arrays.append(rows)
        return RowBounds(np.array(keys), *arrays)

    def keep(self, block: int, bounds: RowBounds) -> None:
        keys = bounds.keys.tolist()
        if block not in self._layouts:
            places = {key: place for place, key in enumerate(keys)}
            self._layouts[block] = places, bounds.labels.dtype, bounds.labels.shape[1]
        places = self._layouts[block][0]
        for name, rows in (("labels", bounds.labels), ("slack", bounds.slack)):
            path = self._path(block, name)
            try:
                descriptor = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
                with os.fdopen(descriptor, "wb") as file:
                    for row, key in zip(rows, keys, strict=True):
                        file.seek(places[key] * row.nbytes)
                        file.write(row)
            except OSError as error:
                raise unwritable(path, error) from None

    def _path(self, block: int, name: str) -> Path:
        return self._folder / f"block-{block:05d}.{name}"


def _write_block(block: np.ndarray, root: Location, path: str) -> Location:
    buffer = io.BytesIO()
    np.save(buffer, block, allow_pickle=False)
    return root / write_file(root, path, buffer.getvalue()).path


def _write_arrays(held: Any, root: Location, path: str) -> tuple[Location, type]:
    return root / write_arrays(root, path, vars(held)).path, type(held)


def _load_block(file: Location) -> np.ndarray:
    path = local_path(file)
    if path is None:
        return np.asarray(np.load(io.BytesIO(file.read_bytes()), allow_pickle=False))
    # Left as a map, by which a pass knows that it may read the file whole.
    mapped: np.ndarray = np.load(path, mmap_mode="r", allow_pickle=False)
    return mapped


def _read_arrays(file: Location, kind: type) -> Any:
    with np.load(local_path(file) or io.BytesIO(file.read_bytes()), allow_pickle=False) as archive:
        return kind(**archive)
