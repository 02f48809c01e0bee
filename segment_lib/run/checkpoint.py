"""What a stage at work leaves for a run taken up again: finished parts, noted, and a checkpoint.

A part is finished once a note with its sha256 lies in the stage's work folder. It is written after
the part itself, by the task that made it: so neither the death of the job nor that of the cluster
takes finished parts along.
"""

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

import numpy as np
import polars as pl

from segment_lib.errors import IntegrityError
from segment_lib.storage.files import (
    StoredFile,
    hash_file,
    read_regular,
    write_file,
    write_part,
)
from segment_lib.storage.npz import pack_arrays, unpack_arrays
from segment_lib.storage.s3 import S3Path

_KEPT = ".kept"
_CHECKPOINT = f"{_KEPT}/checkpoint"


def finish_part(
    work: Path, path: str, rows: pl.DataFrame, metadata: dict[str, str] | None = None
) -> StoredFile:
    """Write a part, then note that it is finished."""
    file = write_part(work, path, rows, metadata)
    write_file(work, f"{_KEPT}/{path}.json", json.dumps(file.as_json()).encode())
    return file


def noted_parts(work: Path) -> list[StoredFile]:
    """The parts noted as finished, in the order of their names; `is_whole` says if they are."""
    found = []
    for note in sorted((work / _KEPT).rglob("*.json")):
        with suppress(ValueError, TypeError, IntegrityError, FileNotFoundError, RecursionError):
            found.append(StoredFile(**json.loads(read_regular(note))))
    return found


def is_whole(folders: Sequence[Path], file: StoredFile) -> bool:
    """True if the file lies in one of the folders, and its bytes are those that were written."""
    return any(hash_file(folder / file.path) == file.sha256 for folder in folders)


def write_checkpoint(work: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Put a checkpoint in the place of the one before it: its sha256, then an ``.npz`` file."""
    content = pack_arrays(arrays)
    write_file(work, _CHECKPOINT, sha256(content).digest() + content)


def read_checkpoint(work: Path) -> dict[str, np.ndarray] | None:
    """The checkpoint of a run that ended early; None if there is none, or it is damaged."""
    try:
        told = read_regular(work / _CHECKPOINT)
    except FileNotFoundError:
        return None
    digest, content = told[:32], told[32:]
    return unpack_arrays(content) if sha256(content).digest() == digest else None


def sweep_scratch(work: Path) -> None:
    """Remove what is neither a noted part nor a checkpoint, and folders that are empty then."""
    kept = {work / file.path for file in noted_parts(work)}
    for path in sorted(work.rglob("*"), reverse=True):
        if not isinstance(path, S3Path) and path.is_dir() and not path.is_symlink():
            with suppress(OSError):
                path.rmdir()
        elif path not in kept and (work / _KEPT not in path.parents or path.name[0] == "."):
            path.unlink(missing_ok=True)
    for folder in () if isinstance(work, S3Path) else (work, work.parent):
        with suppress(OSError):
            folder.rmdir()
