"""Atomic files: each appears whole or not at all, and is checked by its sha256 when read."""

import hashlib
import io
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import polars as pl

from segment_lib.errors import IntegrityError
from segment_lib.storage.location import L, Location
from segment_lib.storage.stores import store_of

_LONGEST_NAME = 200
"""Characters of a name in the path of a file of a run; a stage's own have a quarter of it."""
_PANIC = "PanicException"
"""What Polars raises where its own code fails; it is no Exception."""


@dataclass(frozen=True)
class StoredFile:
    """Entry of a file in the manifest; `path` is relative to the run folder."""

    path: str
    bytes: int
    sha256: str
    rows: int | None = None

    def __post_init__(self) -> None:
        path = PurePosixPath(self.path)
        if path.is_absolute() or ".." in path.parts or not path.parts:
            raise IntegrityError(
                f"{self.path}: leads out of the run folder. Do not trust this run."
            )
        if not self.path.isprintable() or max(map(len, path.parts)) > _LONGEST_NAME:
            raise IntegrityError(
                f"{self.path[:_LONGEST_NAME]!a}: no name of a file of a run. Do not trust this run."
            )

    def as_json(self) -> dict[str, str | int]:
        return {name: value for name, value in asdict(self).items() if value is not None}


def make_private(folder: Location) -> None:
    """Make a folder, and those above it that are not there, for the owner alone."""
    store_of(folder).make_private(folder)


def hash_file(file: Location) -> str | None:
    """Return the sha256 of a file of any size; None if absent. Objects are read whole."""
    try:
        with store_of(file).open_regular(file) as content:
            return hashlib.file_digest(content, "sha256").hexdigest()
    except (FileNotFoundError, NotADirectoryError, IntegrityError):
        return None


def read_regular(file: Location) -> bytes:
    """Return the content of a file, unless it is a link or a pipe, which might never end.

    Raises
    ------
    FileNotFoundError, NotADirectoryError
        If there is none.
    IntegrityError
        If it is no plain file, or may not be read.
    """
    with store_of(file).open_regular(file) as content:
        return content.read()


def write_file(
    root: Location, path: str, content: bytes, rows: int | None = None, *, durable: bool = False
) -> StoredFile:
    """Write `content` to `root / path`, where it appears whole or not at all.

    Parameters
    ----------
    durable : return once it would outlast a power cut; an object always does

    Raises
    ------
    ResourceError
        If the disk is full or the folder cannot be written; nothing is left behind.
    """
    store_of(root).write(root / path, content, durable=durable)
    return StoredFile(path, len(content), hashlib.sha256(content).hexdigest(), rows)


def file_size(file: Location) -> int:
    """Return the bytes of a file."""
    return store_of(file).size(file)


def files_below(folder: L) -> Iterator[L]:
    """Return the files, and links, below a folder."""
    return store_of(folder).files_below(folder)


def remove(location: Location) -> None:
    """Remove a file, or a folder with all that is in it; what cannot be removed stays."""
    store_of(location).remove(location)


def link_file(source: Location, target: Location) -> bool:
    """Link a file under a second name, or copy its object; False if it cannot be done."""
    store = store_of(source)
    return store is store_of(target) and store.link(source, target)


def hand_over(file: Path, target: Location) -> None:
    """Move a file of this machine to a location on the same disk, or in a bucket."""
    store_of(target).hand_over(file, target)


def read_file(root: Location, file: StoredFile) -> bytes:
    """Return the content of a listed file.

    Raises
    ------
    IntegrityError
        If the file is gone or its bytes are not those that were written.
    """
    try:
        content = read_regular(root / file.path)
    except (FileNotFoundError, NotADirectoryError):
        raise IntegrityError(
            f"{root / file.path}: gone, though run.json lists it.", file.path
        ) from None
    if hashlib.sha256(content).hexdigest() != file.sha256:
        raise IntegrityError(f"{root / file.path}: not the bytes that run.json lists.", file.path)
    return content


def write_part(
    root: Location, path: str, rows: pl.DataFrame, metadata: dict[str, str] | None = None
) -> StoredFile:
    """Write a part as Parquet. Polars flags the writer unstable, so it is called here alone."""
    buffer = io.BytesIO()
    # On codes, level 1 is faster than the default and packs no worse.
    rows.write_parquet(buffer, compression="zstd", compression_level=1, metadata=metadata)
    return write_file(root, path, buffer.getvalue(), rows.height)


def read_part(
    root: Location, file: StoredFile, columns: Sequence[str] | None = None
) -> pl.DataFrame:
    """Read a part, or some of its columns, after checking its sha256."""
    content = read_file(root, file)
    with written_by_us(root, file):
        return pl.read_parquet(
            io.BytesIO(content), columns=None if columns is None else list(columns)
        )


def read_metadata(root: Location, file: StoredFile) -> dict[str, str]:
    """Return the metadata in the footer of a part."""
    content = read_file(root, file)
    with written_by_us(root, file):
        return pl.read_parquet_metadata(io.BytesIO(content))


def read_footer(path: Location) -> dict[str, str]:
    """Return the metadata of a part without reading its rows or checking its sha256."""
    with path.open("rb") as file:
        return pl.read_parquet_metadata(file)


def read_json(root: Location, file: StoredFile) -> Any:
    """Read a JSON object of a run."""
    content = read_file(root, file)
    with written_by_us(root, file):
        fields = json.loads(content)
        if not isinstance(fields, dict):
            raise ValueError
        return fields


@contextmanager
def written_by_us(root: Location, file: StoredFile) -> Iterator[None]:
    """Turn reading errors into an error about a file that another program has listed."""
    try:
        yield
    except BaseException as error:
        expected = isinstance(
            error, ValueError | RecursionError | OSError | pl.exceptions.PolarsError
        )
        if not expected and type(error).__name__ != _PANIC:
            raise
        raise IntegrityError(
            f"{root / file.path}: not of the form that this program writes.", file.path
        ) from None
