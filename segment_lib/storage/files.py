"""Files that appear whole or not at all, and are believed only when their sha256 fits."""

import errno
import hashlib
import io
import json
import os
import shutil
import stat
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import polars as pl

from segment_lib.errors import IntegrityError, ResourceError
from segment_lib.storage.npz import pack_arrays, unpack_arrays
from segment_lib.storage.s3 import AT_ONCE, S3Path

_LONGEST_NAME = 200
"""Characters of a name in the path of a file of a run; a stage's own have a quarter of it."""
_PANIC = "PanicException"
"""What Polars raises where its own code fails; it is no Exception."""


@dataclass(frozen=True)
class StoredFile:
    """A file of a run as the manifest lists it; `path` is relative to the run folder."""

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


def make_private(folder: Path) -> None:
    """Make a folder, and those above it that are not there, for the owner alone.

    In an object store there are none: who may read is told by the bucket's policy.
    """
    if not isinstance(folder, S3Path) and not folder.is_dir():
        make_private(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)


def hash_file(path: Path) -> str | None:
    """sha256 of a file however large; None if there is no such file. Objects are read whole."""
    try:
        if isinstance(path, S3Path):
            return hashlib.sha256(path.read_bytes()).hexdigest()
        with os.fdopen(_open_regular(path), "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except (FileNotFoundError, NotADirectoryError, IntegrityError):
        return None


def read_regular(path: Path) -> bytes:
    """The content of a file that is neither a link nor a pipe, which might never end.

    Raises
    ------
    FileNotFoundError, NotADirectoryError
        If there is none.
    IntegrityError
        If it is no plain file, or may not be read.
    """
    if isinstance(path, S3Path):
        return path.read_bytes()
    with os.fdopen(_open_regular(path), "rb") as file:
        return file.read()


def _open_regular(path: Path) -> int:
    # Without O_NONBLOCK the opening of a pipe waits for somebody to write into it.
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        descriptor = os.open(path, flags)
    except OSError as error:
        if error.errno not in (errno.ELOOP, errno.ENXIO):
            raise
        what = "a link" if error.errno == errno.ELOOP else "not a plain file"
        raise IntegrityError(
            f"{path}: {what}. Put a plain file there, or choose another run."
        ) from None
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise IntegrityError(f"{path}: not a plain file. Remove it, or choose another run.")
    return descriptor


def write_file(
    root: Path, path: str, content: bytes, rows: int | None = None, *, durable: bool = False
) -> StoredFile:
    """Write `content` beside `root / path`, then rename it into place; an object is put whole.

    Parameters
    ----------
    durable : return once it would outlast a power cut; an object always does

    Raises
    ------
    ResourceError
        If the disk is full or the folder cannot be written; nothing is left behind.
    """
    target = root / path
    if isinstance(target, S3Path):
        target.put(content)
    else:
        _replace(target, content, durable)
    return StoredFile(path, len(content), hashlib.sha256(content).hexdigest(), rows)


def _replace(target: Path, content: bytes, durable: bool) -> None:
    beside = target.with_name(f".{target.name}.{uuid.uuid4().hex}")
    try:
        make_private(target.parent)
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        os.replace(beside, target)
        if durable:
            _flush(target.parent)
    except OSError as error:
        with suppress(OSError):
            beside.unlink(missing_ok=True)
        raise unwritable(target, error) from None


def flush_files(root: Path, paths: Iterable[str], *, folders_alone: bool = False) -> None:
    """Have the files, and the folders up to `root` that name them, outlast a power cut.

    Raises
    ------
    ResourceError
        If the disk does not take them.
    """
    if isinstance(root, S3Path):
        return
    paths = list(paths)
    folders = {root / above for path in paths for above in PurePosixPath(path).parents}
    files = [] if folders_alone else [root / path for path in paths]
    try:
        with ThreadPoolExecutor(AT_ONCE) as pool:
            for names in (files, folders):
                list(pool.map(_flush, [name for name in names if name.exists()]))
    except OSError as error:
        raise unwritable(root, error) from None


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        # Some file systems of networks cannot, and say so.
        if error.errno != errno.EINVAL:
            raise
    finally:
        os.close(descriptor)


def unwritable(path: Path, error: OSError) -> ResourceError:
    """The error that says what to do where a file cannot be written."""
    return ResourceError(
        f"{path}: cannot be written ({error.strerror}). "
        "Free space or choose another --run-dir, then run the same command again."
    )


def files_below(folder: Path) -> Iterator[Path]:
    """The files, and links, below a folder."""
    for path in folder.rglob("*"):
        if isinstance(path, S3Path) or not path.is_dir() or path.is_symlink():
            yield path


def remove_below(folder: Path) -> None:
    """Remove a folder with all that is in it; what cannot be removed stays."""
    if isinstance(folder, S3Path):
        folder.remove_below()
    else:
        shutil.rmtree(folder, ignore_errors=True)


def link_file(source: Path, target: Path) -> bool:
    """Have one file under two names, or the store copy its object; False if it cannot be."""
    if isinstance(source, S3Path) and isinstance(target, S3Path):
        source.copy_to(target)
        return True
    if isinstance(source, S3Path) or isinstance(target, S3Path):
        return False
    make_private(target.parent)
    try:
        os.link(source, target)
    except OSError:
        return False
    return True


def move_files(source: Path, target: Path, paths: Sequence[str]) -> None:
    """Put files of one folder in their places in another; those not there are left out.

    Objects are copied by the store, many at a time, and what was copied stays where it is.
    """
    if isinstance(source, S3Path) and isinstance(target, S3Path):
        there = {path for path, _ in source.listed()}
        with ThreadPoolExecutor(AT_ONCE) as pool:
            found = [path for path in paths if source / path in there]
            list(pool.map(lambda path: (source / path).copy_to(target / path), found))
        return
    for path in paths:
        make_private((target / path).parent)
        if (source / path).exists():
            os.replace(source / path, target / path)


def hand_over(file: Path, target: Path) -> None:
    """Move a file of this machine to a place on the same disk, or in an object store."""
    if isinstance(target, S3Path):
        target.upload(file)
        file.unlink()
    else:
        os.replace(file, target)


def write_table(root: Path, path: str, table: pl.DataFrame) -> StoredFile:
    """Write a table as CSV that a spreadsheet opens as text and numbers, never as a formula."""
    return write_file(root, path, formula_safe(table).write_csv().encode(), table.height)


def formula_safe(table: pl.DataFrame) -> pl.DataFrame:
    """The table with an apostrophe before words that a spreadsheet would run as a formula.

    Headings too. Full-width signs count, as do signs behind what does not show: blanks, controls,
    zero-width letters, marks. Words that have an apostrophe there already get another, so that
    `formula_undone` gives back what was.
    """
    return _headed(table, _guarded).with_columns(_guarded(pl.col(pl.String)))


def formula_undone(table: pl.DataFrame) -> pl.DataFrame:
    """The table as it was before `formula_safe`: for readers other than spreadsheets."""
    return _headed(table, _bared).with_columns(_bared(pl.col(pl.String)))


_FORMULA = r"[\s\p{Cc}\p{Cf}\p{Z}\p{Mn}]*[=+\-@\t\r\n＝＋－＠﹦﹢﹣﹫]"


def _guarded(text: pl.Expr) -> pl.Expr:
    return text.str.replace(f"^('*{_FORMULA})", "'$1")


def _bared(text: pl.Expr) -> pl.Expr:
    return text.str.replace(f"^'('*{_FORMULA})", "$1")


def _headed(table: pl.DataFrame, change: Callable[[pl.Expr], pl.Expr]) -> pl.DataFrame:
    headings = pl.DataFrame({"heading": table.columns}, schema={"heading": pl.String})
    changed = headings.select(change(pl.col("heading"))).to_series()
    return table.rename(dict(zip(table.columns, changed, strict=True)))


def read_file(root: Path, file: StoredFile) -> bytes:
    """The content of a listed file.

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
    root: Path, path: str, rows: pl.DataFrame, metadata: dict[str, str] | None = None
) -> StoredFile:
    """Write a part as Parquet. Polars flags the writer unstable, so it is called here alone."""
    buffer = io.BytesIO()
    # On codes, level 1 is faster than the default and packs no worse.
    rows.write_parquet(buffer, compression="zstd", compression_level=1, metadata=metadata)
    return write_file(root, path, buffer.getvalue(), rows.height)


def read_part(root: Path, file: StoredFile, columns: Sequence[str] | None = None) -> pl.DataFrame:
    """Read a part, or some of its columns, after checking its sha256."""
    wanted = None if columns is None else list(columns)
    content = read_file(root, file)
    with _as_written(root, file):
        return pl.read_parquet(io.BytesIO(content), columns=wanted)


def read_metadata(root: Path, file: StoredFile) -> dict[str, str]:
    """What a part says of itself in its footer."""
    content = read_file(root, file)
    with _as_written(root, file):
        return pl.read_parquet_metadata(io.BytesIO(content))


def read_footer(path: Path) -> dict[str, str]:
    """What a part says of itself, its rows unread and its sha256 unchecked."""
    with path.open("rb") as file:
        return pl.read_parquet_metadata(file)


def read_table(root: Path, file: StoredFile) -> pl.DataFrame:
    """Read a CSV table of a run."""
    content = read_file(root, file)
    with _as_written(root, file):
        return pl.read_csv(content)


def read_json(root: Path, file: StoredFile) -> Any:
    """Read a JSON object of a run."""
    content = read_file(root, file)
    with _as_written(root, file):
        found = json.loads(content)
        if not isinstance(found, dict):
            raise ValueError
        return found


@contextmanager
def _as_written(root: Path, file: StoredFile) -> Iterator[None]:
    """Within it, what cannot be read is the fault of a file that somebody else has listed."""
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


def write_arrays(root: Path, path: str, arrays: dict[str, np.ndarray]) -> StoredFile:
    """Write named arrays as one ``.npz`` file. The bytes depend on the arrays alone."""
    return write_file(root, path, pack_arrays(arrays))


def read_arrays(root: Path, file: StoredFile) -> dict[str, np.ndarray]:
    """Read an ``.npz`` file; pickled objects in it are refused.

    Raises
    ------
    IntegrityError
        If the file is not what the manifest lists, holds objects that are pickled, is larger once
        unpacked, or holds a value that is no number or not finite.
    """
    content = read_file(root, file)
    try:
        arrays = unpack_arrays(content)
        faulty = [name for name, array in arrays.items() if not np.isfinite(array).all()]
    except (ValueError, TypeError):
        raise IntegrityError(f"{root / file.path}: not plain arrays.", file.path) from None
    if faulty:
        raise IntegrityError(f"{root / file.path}: {', '.join(faulty)} not finite.", file.path)
    return arrays
