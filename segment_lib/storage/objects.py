"""Paths of objects in a bucket, independent of the provider, who adds how requests are made.

There are no folders: what is listed is objects alone, and the common beginning of the names of
some stands for their folder.
"""

import io
import os
import re
from abc import ABC, abstractmethod
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import Any, ClassVar, NoReturn, Self

from segment_lib.errors import ConfigError, DataError
from segment_lib.storage.location import Changed

_BUFFER = 1 << 18
_BUCKET = re.compile(r"[\w][\w.-]{1,253}[\w]", re.ASCII)


@dataclass(frozen=True)
class Head:
    """Metadata of an object, without its content."""

    bytes: int
    version: str
    """What tells the object as it is from any other under its name."""
    age: float
    """Seconds since it was written, by the store's clock."""


class ObjectPath(PurePosixPath, ABC):
    """A `Location` of an object. Subclasses implement its eight requests."""

    scheme: ClassVar[str]

    @classmethod
    def named(cls, text: str) -> Self:
        """Parse a name ``SCHEME://BUCKET/KEY``; a ConfigError if it names no bucket."""
        path = cls(f"/{text.removeprefix(f'{cls.scheme}://')}")
        if not _BUCKET.fullmatch(path.bucket):
            raise ConfigError(f"{text}: no name of a bucket. Write {cls.scheme}://BUCKET/PREFIX.")
        return path

    def __str__(self) -> str:
        plain = super().__str__()
        return f"{self.scheme}:/{plain}" if plain.startswith("/") else plain

    def __fspath__(self) -> NoReturn:
        raise TypeError("an object has no path on this machine")

    @property
    def bucket(self) -> str:
        return self.parts[1] if len(self.parts) > 1 else ""

    @property
    def key(self) -> str:
        return "/".join(self.parts[2:])

    # --- the requests -----------------------------------------------------------------------------

    @abstractmethod
    def head(self) -> Head:
        """Return the metadata of the object; a FileNotFoundError if there is none."""

    @abstractmethod
    def read(
        self, start: int = 0, stop: int | None = None, version: str | None = None
    ) -> tuple[bytes, str]:
        """Return bytes of the object, all or those from `start` up to `stop`, and its version.

        Raises
        ------
        FileNotFoundError
            If there is none.
        Changed
            If it is not of the version asked for.
        """

    @abstractmethod
    def put(self, content: bytes) -> str:
        """Write the object unconditionally; return its new version."""

    @abstractmethod
    def put_if(self, content: bytes, version: str | None) -> str:
        """Write the object if its version is unchanged, or there is none; return the new version.

        Raises
        ------
        Changed
            If it is not.
        """

    @abstractmethod
    def upload(self, file: Path) -> None:
        """Write a file of this machine, of any size, as the object."""

    @abstractmethod
    def copy_to(self, target: Self) -> None:
        """Copy the object within the store."""

    @abstractmethod
    def unlink(self, missing_ok: bool = False) -> None:
        """Remove the object, if it exists."""

    @abstractmethod
    def entries(self, prefix: str, *, deep: bool, at_once: int = 1000) -> Iterator[tuple[str, int]]:
        """Return keys that begin with `prefix` and the bytes of their objects, in key order.

        Parameters
        ----------
        deep : False for one key, which ends with ``/``, in place of all that go on after a ``/``
        """

    # --- what a path answers ----------------------------------------------------------------------

    def absolute(self) -> Self:
        return self

    def exists(self) -> bool:
        return self.is_file()

    def is_file(self) -> bool:
        try:
            return bool(self.head().version)
        except FileNotFoundError:
            return False

    def is_dir(self) -> bool:
        return any(True for _ in self.entries(self._prefix, deep=True, at_once=1))

    def is_symlink(self) -> bool:
        return False

    def read_bytes(self) -> bytes:
        return self.read()[0]

    def read_text(self, encoding: str | None = None) -> str:
        return io.TextIOWrapper(io.BytesIO(self.read_bytes()), encoding=encoding).read()

    def open(self, mode: str) -> io.BufferedReader:
        """Open the object for reading; content is requested piece by piece."""
        if mode != "rb":
            raise ValueError("objects are written whole, by `put`")
        return io.BufferedReader(_Reader(self), _BUFFER)

    def iterdir(self) -> Generator[Self, None, None]:
        for key, _size in self.entries(self._prefix, deep=False):
            if key != self._prefix:
                yield type(self)("/", self.bucket, key)

    def glob(self, pattern: str) -> Generator[Self, None, None]:
        names = PurePosixPath(pattern).parts
        for path, _size in self.listed(re.split(r"[*?[]", names[0])[0]):
            if _fits(path.parts[len(self.parts) :], names):
                yield path

    def rglob(self, pattern: str) -> Generator[Self, None, None]:
        return self.glob(f"**/{pattern}")

    def listed(self, beginning: str = "", at_once: int = 1000) -> Iterator[tuple[Self, int]]:
        """Return the objects below whose names continue with `beginning`, and their bytes."""
        for key, size in self.entries(self._prefix + beginning, deep=True, at_once=at_once):
            if not key.endswith("/"):
                yield type(self)("/", self.bucket, key), size

    @property
    def _prefix(self) -> str:
        return f"{self.key}/" if self.key else ""


class SizedFile(io.RawIOBase):
    """Seekable file of a known size; subclasses read."""

    def __init__(self, size: int) -> None:
        self._size, self._at = size, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        self._at = max(0, base + offset)
        return self._at


class _Reader(SizedFile):
    """File over an object, of one version throughout."""

    def __init__(self, path: ObjectPath) -> None:
        head = path.head()
        super().__init__(head.bytes)
        self._path, self._version = path, head.version

    def readinto(self, buffer: Any) -> int:
        content = self._next(len(buffer))
        buffer[: len(content)] = content
        return len(content)

    def readall(self) -> bytes:
        return self._next(self._size)

    def _next(self, most: int) -> bytes:
        stop = min(self._at + most, self._size)
        if stop <= self._at:
            return b""
        try:
            content, _ = self._path.read(self._at, stop, self._version)
        except Changed:
            raise DataError(
                f"{self._path}: written anew while it was read. Run the same command again."
            ) from None
        self._at = stop
        return content


def _fits(names: Sequence[str], pattern: Sequence[str]) -> bool:
    """Return True if the names match the pattern, in which ** stands for any number of them."""
    if not pattern:
        return not names
    if pattern[0] == "**" and _fits(names, pattern[1:]):
        return True
    if not names or not (pattern[0] == "**" or fnmatchcase(names[0], pattern[0])):
        return False
    return _fits(names[1:], pattern if pattern[0] == "**" else pattern[1:])
