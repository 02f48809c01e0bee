"""Files of this machine, written atomically, and read only if they are plain."""

import errno
import os
import stat
import uuid
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from io import BufferedIOBase
from pathlib import Path, PurePosixPath

from segment_lib.errors import IntegrityError, ResourceError
from segment_lib.storage.location import AT_ONCE


def make_private(folder: Path) -> None:
    """Make a folder, and those above it that are not there, for the owner alone."""
    if not folder.is_dir():
        make_private(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)


def open_regular(file: Path) -> BufferedIOBase:
    """Open a file, unless it is a link or a pipe, which might never end."""
    # Without O_NONBLOCK the opening of a pipe waits for somebody to write into it.
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        descriptor = os.open(file, flags)
    except OSError as error:
        if error.errno not in (errno.ELOOP, errno.ENXIO):
            raise
        kind = "a link" if error.errno == errno.ELOOP else "not a plain file"
        raise IntegrityError(
            f"{file}: {kind}. Put a plain file there, or choose another run."
        ) from None
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise IntegrityError(f"{file}: not a plain file. Remove it, or choose another run.")
    return os.fdopen(descriptor, "rb")


def write_whole(target: Path, content: bytes, *, durable: bool) -> None:
    """Write a file under a temporary name beside its place, then rename it."""
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


def flush_below(root: Path, paths: Iterable[str], *, folders_alone: bool = False) -> None:
    """Flush the files, and the folders up to `root` that name them, to disk."""
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
    """Return the error that says what to do if a file cannot be written."""
    return ResourceError(
        f"{path}: cannot be written ({error.strerror}). "
        "Free space or choose another --run-dir, then run the same command again."
    )
