"""What every store answers: the protocols of a location, of the store behind it, and of its lock.

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
    """The name of a file or a folder of some store, with what can be asked of it anywhere."""

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
    """The file is another than it was taken for, or is there though it was not to be."""


class Lock(Protocol):
    """The lock of a run folder, which one job holds at a time."""

    def hold(self) -> AbstractContextManager[str | None]:
        """Hold the lock within the context. Gives what is to be said of a holder that died.

        Raises
        ------
        ConfigError
            If another job is at work.
        """

    def refuse_holder(self) -> None:
        """Raise a ConfigError if a job is at work, without a trace of having looked."""

    def holder(self) -> str | None:
        """Whose the lock is, which may be gone; None if there is none.

        Raises
        ------
        ConfigError
            If the job is at work for certain.
        """

    def lift(self, wait: float = ...) -> str | None:
        """Remove the lock of a job that is gone. Gives whose it was; None if there is none.

        Parameters
        ----------
        wait : seconds in which a job that is alive shows a heartbeat

        Raises
        ------
        ConfigError
            If the job is alive.
        """


class Store(Protocol[L]):
    """A kind of place where files lie: what is done in another way on a disk and in a bucket."""

    @property
    def versioned(self) -> bool:
        """True if a file that is open stays of one version, whatever is written meanwhile."""

    def location(self, text: str) -> L:
        """The location of that name; a ConfigError if it is none."""

    def local(self, location: L) -> Path | None:
        """The location as a path of this machine; None if programs cannot open it there."""

    def lock(self, folder: L) -> Lock:
        """The lock of a run folder."""

    # --- folders ----------------------------------------------------------------------------------

    def make_private(self, folder: L) -> None:
        """Make a folder, and those above it that are not there, for the owner alone."""

    def close_to_others(self, folder: L) -> None:
        """Take away what others than the owner may do in a folder."""

    def is_writable(self, folder: L) -> bool:
        """True unless it is certain that the folder may not be written."""

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
        """Write a file that outlasts a power cut, if it still is of that version; its new version.

        Raises
        ------
        Changed
            If it is of another version, where the store has versions.
        """

    def flush(self, root: L, paths: Iterable[str], *, folders_alone: bool = False) -> None:
        """Have the files, and the folders up to `root` that name them, outlast a power cut."""

    def hand_over(self, file: Path, target: L) -> None:
        """Move a file of this machine to a place on the same disk, or in the store."""

    def link(self, source: L, target: L) -> bool:
        """Have one file under two names, or a copy of it; False if it cannot be."""

    def move(self, source: L, target: L, paths: Sequence[str]) -> None:
        """Put files of one folder in their places in another; those not there are left out."""

    def remove(self, *locations: L) -> None:
        """Remove files, and folders with all that is in them; what cannot be removed stays."""

    # --- reading ----------------------------------------------------------------------------------

    def open_regular(self, file: L) -> BufferedIOBase:
        """Open a file that is neither a link nor a pipe, which might never end.

        Raises
        ------
        FileNotFoundError, NotADirectoryError
            If there is none.
        IntegrityError
            If it is no plain file.
        """

    def read_version(self, file: L) -> tuple[bytes, str | None]:
        """The content of a plain file and its version, where the store has versions."""

    def fingerprint(self, file: L) -> list[str | int]:
        """What tells the file from any other under its name, without its being read."""

    def identity(self, file: L) -> object:
        """What one file has in common under all its names."""

    def size(self, file: L) -> int:
        """Bytes of a file."""

    def size_below(self, location: L) -> int:
        """Bytes of a file, or of all files below a folder; of a link its own."""

    def sizes(self, root: L, paths: Iterable[str]) -> dict[str, int]:
        """Bytes of the files that are there, by their paths below `root`."""

    def present(self, root: L, paths: Iterable[str]) -> set[str]:
        """The paths below `root` at which anything is, be it a folder or a link."""

    # --- finding ----------------------------------------------------------------------------------

    def files_below(self, folder: L) -> Iterator[L]:
        """The files, and links, below a folder."""

    def links(self, location: L) -> Iterator[L]:
        """The location if it is a link, else the links below it."""

    def delivered_below(self, folder: L) -> Iterator[L]:
        """The files below a folder, in linked folders too; a DataError if one is met twice."""

    def matching(self, pattern: L) -> Iterator[L]:
        """The files that a location with the wildcards ``*``, ``?``, ``[`` and ``**`` names."""
