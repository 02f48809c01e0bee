"""Checkpoints of a running stage, from which a run resumes: finished parts and arrays.

A part is finished once a note with its sha256 lies in the stage's staging folder. It is written
after the part itself, by the task that made it: so neither the death of the job nor that of the
cluster takes finished parts along.
"""

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from hashlib import sha256

import numpy as np
import polars as pl

from segment_lib.errors import IntegrityError
from segment_lib.storage.arrays import pack_arrays, unpack_arrays
from segment_lib.storage.files import StoredFile, hash_file, read_regular, write_file, write_part
from segment_lib.storage.location import Location

KEPT = ".kept"
"""Folder of notes and the checkpoint, below a staging folder."""
_CHECKPOINT = f"{KEPT}/checkpoint"


def finish_part(
    staging_dir: Location, path: str, rows: pl.DataFrame, metadata: dict[str, str] | None = None
) -> StoredFile:
    """Write a part, then record that it is finished."""
    file = write_part(staging_dir, path, rows, metadata)
    write_file(staging_dir, f"{KEPT}/{path}.json", json.dumps(file.as_json()).encode())
    return file


def noted_parts(staging_dir: Location) -> list[StoredFile]:
    """The parts recorded as finished, in the order of their names; `is_whole` checks them."""
    parts = []
    for note in sorted((staging_dir / KEPT).rglob("*.json")):
        with suppress(ValueError, TypeError, IntegrityError, FileNotFoundError, RecursionError):
            parts.append(StoredFile(**json.loads(read_regular(note))))
    return parts


def is_whole(folders: Sequence[Location], file: StoredFile) -> bool:
    """Return True if the file lies in one of the folders and has the bytes that were written."""
    return any(hash_file(folder / file.path) == file.sha256 for folder in folders)


def write_checkpoint(staging_dir: Location, arrays: Mapping[str, np.ndarray]) -> None:
    """Replace the checkpoint: its sha256, then an ``.npz`` file."""
    content = pack_arrays(arrays)
    write_file(staging_dir, _CHECKPOINT, sha256(content).digest() + content)


def read_checkpoint(staging_dir: Location) -> dict[str, np.ndarray] | None:
    """Return the checkpoint of an interrupted run; None if it is absent or damaged."""
    try:
        stored = read_regular(staging_dir / _CHECKPOINT)
    except FileNotFoundError:
        return None
    digest, content = stored[:32], stored[32:]
    return unpack_arrays(content) if sha256(content).digest() == digest else None
