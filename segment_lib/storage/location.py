"""Protocols that every store implements: a location, the store behind it, and its lock.

A type checker that sees a `Location` allows what every store can do, and nothing else.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from io import BufferedIOBase, BufferedReader
from pathlib import Path, PurePath
from typing import Literal, Protocol, Self, TypeVar

AT_ONCE = 16
"""Files flushed, or objects copied or removed, at a time."""


class Location(Protocol):
    """Name of a file or a folder in a store, with the operations that all stores have."""

    @property
    def name(self) -> str: ...
    @property
    def stem(self) -> str: ...
    @property
    def suffix(self) -> str: ...
    @property
    def parts(self) -> tuple[str, ...]: ...
    @property
    def parent(self) -> Self: ...
    @property
    def parents(self) -> Sequence[Self]: ...
    def __truediv__(self, name: str, /) -> Self: ...
    def __lt__(self, other: Self, /) -> bool: ...
    def joinpath(self, *names: str) -> Self: ...
    def relative_to(self, other: Self, /) -> PurePath: ...
    def absolute(self) -> Self: ...
    def exists(self) -> bool: ...
    def is_file(self) -> bool: ...
    def is_dir(self) -> bool: ...
    def is_symlink(self) -> bool: ...
    def iterdir(self) -> Iterator[Self]: ...
    def glob(self, pattern: str) -> Iterator[Self]: ...
    def rglob(self, pattern: str) -> Iterator[Self]: ...
    def read_bytes(self) -> bytes: ...
    def read_text(self, encoding: str | None = None) -> str: ...
    def open(self, mode: Literal["rb"]) -> BufferedReader: ...
    def unlink(self, missing_ok: bool = False) -> None: ...


L = TypeVar("L", bound=Location)


class Changed(Exception):
    """Error for a file of another version than expected, or one that should not exist."""


class Lock(Protocol):
    """Lock of a run folder, held by one job at a time."""

    def hold(self) -> AbstractContextManager[str | None]:
        """Hold the lock within the context. Yields a message about a holder that died.

        Raises
        ------
        ConfigError
            If another job is at work.
        """

    def refuse_holder(self) -> None:
        """Raise a ConfigError if a job is running, without leaving a trace."""

    def holder(self) -> str | None:
        """Return the holder of the lock, which may be gone; None if there is none.

        Raises
        ------
        ConfigError
            If the job is at work for certain.
        """

    def lift(self, wait: float = ...) -> str | None:
        """Remove the lock of a job that is gone, and return its holder; None if there was none.

        Parameters
        ----------
        wait : seconds in which a job that is alive shows a heartbeat

        Raises
        ------
        ConfigError
            If the job is alive.
        """


class Store(Protocol[L]):
    """Kind of storage: the operations that differ between a disk and a bucket."""

    @property
    def versioned(self) -> bool:
        """Whether an open file stays of one version, whatever is written meanwhile."""

    def location(self, text: str) -> L:
        """Parse the name of a location; a ConfigError if it is none."""

    def local(self, location: L) -> Path | None:
        """Return the location as a path of this machine; None if programs cannot open it there."""

    def lock(self, folder: L) -> Lock:
        """Return the lock of a run folder."""

    # --- folders ----------------------------------------------------------------------------------

    def make_private(self, folder: L) -> None:
        """Make a folder, and those above it that are not there, for the owner alone."""

    def close_to_others(self, folder: L) -> None:
        """Remove all permissions of others than the owner from a folder."""

    def is_writable(self, folder: L) -> bool:
        """Return False only if the folder certainly cannot be written."""

    def remove_empty(self, folder: L, *, deep: bool = False) -> None:
        """Remove the folder if it is empty; if `deep`, those below it first."""

    # --- writing ----------------------------------------------------------------------------------

    def write(self, target: L, content: bytes, *, durable: bool) -> None:
        """Write a file that appears whole or not at all.

        Parameters
        ----------
        durable : return once it would outlast a power cut

        Raises
        ------
        ResourceError
            If the file cannot be written; nothing is left behind.
        """

    def write_version(self, target: L, content: bytes, version: str | None) -> str | None:
        """Write a file durably, if it still is of that version; return its new version.

        Raises
        ------
        Changed
            If it is of another version, where the store has versions.
        """

    def flush(self, root: L, paths: Iterable[str], *, folders_alone: bool = False) -> None:
        """Flush the files, and the folders up to `root` that name them, to disk."""

    def hand_over(self, file: Path, target: L) -> None:
        """Move a file of this machine to a location on the same disk, or in the store."""

    def link(self, source: L, target: L) -> bool:
        """Link a file under a second name, or copy it; False if it cannot be done."""

    def move(self, source: L, target: L, paths: Sequence[str]) -> None:
        """Move files from one folder to their places in another, skipping absent ones."""

    def remove(self, *locations: L) -> None:
        """Remove files, and folders with all that is in them; what cannot be removed stays."""

    # --- reading ----------------------------------------------------------------------------------

    def open_regular(self, file: L) -> BufferedIOBase:
        """Open a file, unless it is a link or a pipe, which might never end.

        Raises
        ------
        FileNotFoundError, NotADirectoryError
            If there is none.
        IntegrityError
            If it is no plain file.
        """

    def read_version(self, file: L) -> tuple[bytes, str | None]:
        """Return the content of a plain file and its version, where the store has versions."""

    def fingerprint(self, file: L) -> list[str | int]:
        """Return a value that changes when the file does, without reading the file."""

    def identity(self, file: L) -> object:
        """Return a value that is equal for all names of one file."""

    def size(self, file: L) -> int:
        """Return the bytes of a file."""

    def size_below(self, location: L) -> int:
        """Return the bytes of a file, or of all files below a folder; of a link its own."""

    def sizes(self, root: L, paths: Iterable[str]) -> dict[str, int]:
        """Return the bytes of the existing files, by their paths below `root`."""

    def present(self, root: L, paths: Iterable[str]) -> set[str]:
        """Return the paths below `root` that exist, as a file, folder or link."""

    # --- finding ----------------------------------------------------------------------------------

    def files_below(self, folder: L) -> Iterator[L]:
        """Return the files, and links, below a folder."""

    def links(self, location: L) -> Iterator[L]:
        """Return the location if it is a link, else the links below it."""

    def delivered_below(self, folder: L) -> Iterator[L]:
        """Return the files below a folder and linked folders; a DataError if one is met twice."""

    def matching(self, pattern: L) -> Iterator[L]:
        """Return the files that match a location with wildcards ``*``, ``?``, ``[`` and ``**``."""
