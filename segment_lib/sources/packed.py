"""Packed files, which are one stream: opened as what is in them, or written out to be cut."""

import lzma
import os
import shutil
import struct
import uuid
import zipfile
import zlib
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from io import TextIOWrapper
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, cast

import pyarrow as pa

from segment_lib.errors import ConfigError, DataError, JobError, ResourceError
from segment_lib.sources.content import Packing, detect_kind, only_member
from segment_lib.sources.text_format import TextFormat
from segment_lib.sources.workbook import (
    BYTES_PER_BYTE,
    sheet_bytes,
    sheet_text,
    workbook_format,
)
from segment_lib.storage.files import file_size, hand_over
from segment_lib.storage.local import make_private
from segment_lib.storage.location import Location
from segment_lib.storage.scratch import private_folder
from segment_lib.storage.stores import local_path

_CHUNK = 1 << 22
_SAMPLE = 1 << 24
"""Bytes that are unpacked to estimate how many there are."""
MOST_TIMES, ALWAYS = 200, 1 << 28
"""A compressed file may grow to so many times its size, or to so many bytes. Codes pack 10 to 30
times."""
_NESTED = 3
DAMAGE = (zipfile.BadZipFile, lzma.LZMAError, zlib.error, struct.error, EOFError, ValueError,
           RuntimeError)  # fmt: skip
"""What the libraries raise over bytes that are no such stream, beside an OSError."""


def is_packed(path: Location) -> bool:
    """True if a file must be written out before it can be cut."""
    return bool(detect_kind(path).packing)


def as_written(path: Location, form: TextFormat) -> TextFormat:
    """Return the format of the text that is in a file, as far as its kind says it."""
    return workbook_format(form) if detect_kind(path).packing == "xlsx" else form


@contextmanager
def sheet_as_text(path: Location) -> Iterator[Location]:
    """Yield the path of a file; of a workbook that of its first sheet, as text for as long.

    Raises
    ------
    DataError
        If the workbook is damaged or too large.
    """
    is_sheet = False
    # What else is wrong with a file is said by who reads it.
    with suppress(OSError, JobError):
        is_sheet = detect_kind(path).packing == "xlsx"
    if not is_sheet:
        yield path
        return
    sheet_bytes(path)
    with TemporaryDirectory() as folder, path.open("rb") as file:
        text = Path(folder) / path.name
        text.write_bytes(b"".join(sheet_text(path, file, "")))
        yield text


def memory_to_expand(path: Location) -> int:
    """Return the bytes in memory while a packed file is written out, if they are worth counting."""
    is_sheet = detect_kind(path).packing == "xlsx"
    return BYTES_PER_BYTE * sheet_bytes(path) if is_sheet else 0


def read_unpacked(path: Location, read: Callable[[IO[bytes]], bytes], sheet: str = "") -> bytes:
    """What `read` takes of what is in a file, however it is packed.

    Raises
    ------
    DataError
        If the stream is damaged from the beginning.
    """
    try:
        with _opened(path, detect_kind(path).packing, sheet) as stream:
            head = read(stream)
    except (OSError, *DAMAGE):
        raise DataError(f"{path}: cannot be read. Fetch the file again.") from None
    if head[:2] in (BOM_UTF16_LE, BOM_UTF16_BE):
        return head.decode("utf-16", errors="ignore").encode()
    return head


def unpacked_bytes(path: Location) -> int:
    """Estimate the bytes of what is in a packed file, exactly of a small one."""
    size, unpacked = file_size(path), 0
    with path.open("rb") as file, _stream(path, file, detect_kind(path).packing) as stream:
        while chunk := stream.read(_CHUNK):
            unpacked += len(chunk)
            if unpacked >= _SAMPLE and file.tell() < size:
                return round(unpacked * size / file.tell())
    return unpacked


def expand(path: Location, scratch: Location, root: Location, sheet: str = "") -> Location:
    """A packed file, which is one stream, written out to `scratch` so that it can be cut.

    Where that is in an object store, it takes the way over a disk of this machine. What is in it
    may be packed again, as UTF-16 text in a zip archive is.

    Parameters
    ----------
    root : the run folder, whose next job removes what is left there if this process is killed
    sheet : of a workbook; the first one if empty

    Raises
    ------
    DataError
        If the stream is damaged, ends early, or grows beyond all measure.
    """
    name = f"{uuid.uuid4().hex}-{path.stem}"
    if (target := local_path(scratch / name)) is not None:
        return _expand(path, target, sheet)
    folder = private_folder(root)
    try:
        hand_over(_expand(path, folder / name, sheet), scratch / name)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return scratch / name


def _expand(path: Location, target: Path, sheet: str) -> Path:
    left = max(MOST_TIMES * file_size(path), ALWAYS)
    packing = detect_kind(path).packing
    for _ in range(_NESTED):
        source = path
        if target.exists():
            source = target.rename(target.with_name(f"{target.name}.packed"))
        try:
            left -= _unpack(path, source, packing, target, left, sheet)
        finally:
            if source != path:
                source.unlink()
        try:
            packing = detect_kind(target).packing
        except DataError as error:
            target.unlink()
            raise DataError(f"{error}".replace(str(target), f"{path}, once unpacked")) from None
        if not packing:
            return target
    target.unlink()
    raise DataError(f"{path}: packed more than {_NESTED} times. Unpack it and name the file in it.")


def _unpack(
    path: Location, source: Location, packing: Packing, target: Path, left: int, sheet: str
) -> int:
    """Write out what is in `source`; how many bytes it is. Errors name `path`."""
    written = 0
    chunks = _chunks(path, source, packing, sheet)
    try:
        make_private(target.parent)
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            for chunk in chunks:
                if written + len(chunk) > left:
                    raise DataError(
                        f"{path}: unpacks to more than {MOST_TIMES} times its size, as no table of "
                        "codes does. If it is one, unpack it yourself and name the plain file."
                    )
                written += file.write(chunk)
    except (OSError, DataError, ConfigError) as error:
        with suppress(OSError):
            target.unlink(missing_ok=True)
        if not isinstance(error, OSError) or error.filename == str(source):
            raise
        raise ResourceError(
            f"{target}: cannot be written ({error.strerror}). Free space or choose another "
            "--run-dir."
        ) from None
    return written


def _chunks(path: Location, source: Location, packing: Packing, sheet: str) -> Iterator[bytes]:
    """What is in `source`, piece by piece. Errors name `path`."""
    try:
        with _opened(source, packing, sheet) as stream:
            while chunk := stream.read(_CHUNK):
                yield chunk
    except (DataError, ConfigError) as error:
        raise type(error)(f"{error}".replace(str(source), str(path))) from None
    except (OSError, *DAMAGE) as error:
        if isinstance(error, OSError) and error.filename:
            raise  # It cannot be opened: it is gone.
        stream_name = "text" if packing.startswith("utf") else "compressed stream"
        raise DataError(
            f"{path}: the {stream_name} is damaged or cut off. Fetch the file again."
        ) from None


@contextmanager
def _opened(path: Location, packing: Packing, sheet: str = "") -> Iterator[IO[bytes]]:
    """A file as the bytes that are in it."""
    with path.open("rb") as file, _stream(path, file, packing, sheet) as stream:
        yield stream


@contextmanager
def _stream(
    path: Location, file: IO[bytes], packing: Packing, sheet: str = ""
) -> Iterator[IO[bytes]]:
    """An open file as the bytes that are in it; errors name `path`."""
    if packing == "zip":
        with only_member(path, file) as member:
            yield member
    elif packing == "xlsx":
        sheet_bytes(path)
        yield cast(IO[bytes], _Joined(sheet_text(path, file, sheet)))
    elif packing == "xz":
        with lzma.open(file) as stream:
            yield cast(IO[bytes], stream)
    elif packing in ("utf-16", "utf-32"):
        yield cast(IO[bytes], _AsUtf8(TextIOWrapper(file, encoding=packing, newline="")))
    else:
        with pa.input_stream(file, compression=packing or None) as stream:
            yield cast(IO[bytes], stream)


class _Joined:
    """Chunks of bytes as a stream."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks, self._rest = chunks, b""

    def read(self, size: int) -> bytes:
        while len(self._rest) < size and (chunk := next(self._chunks, b"")):
            self._rest += chunk
        content, self._rest = self._rest[:size], self._rest[size:]
        return content


class _AsUtf8:
    """Text of another encoding as the bytes it has in UTF-8."""

    def __init__(self, text: TextIOWrapper) -> None:
        self._text = text

    def read(self, size: int) -> bytes:
        return self._text.read(max(1, size // 4)).encode()
