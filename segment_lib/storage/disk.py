"""The store of files on a disk or a network file system."""

import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from segment_lib.errors import DataError
from segment_lib.storage import local
from segment_lib.storage.lock import FileLock


class Disk:
    """A `Store` of paths."""

    versioned = False
    make_private = staticmethod(local.make_private)
    write = staticmethod(local.write_whole)
    open_regular = staticmethod(local.open_regular)
    flush = staticmethod(local.flush_below)

    def location(self, text: str) -> Path:
        return Path(text)

    def local(self, location: Path) -> Path:
        return location

    def lock(self, folder: Path) -> FileLock:
        return FileLock(folder)

    def close_to_others(self, folder: Path) -> None:
        if folder.stat().st_mode & 0o077:
            folder.chmod(folder.stat().st_mode & 0o700)

    def is_writable(self, folder: Path) -> bool:
        return os.access(folder, os.W_OK)

    def remove_empty(self, folder: Path, *, deep: bool = False) -> None:
        below = sorted(folder.rglob("*"), reverse=True) if deep else []
        for path in (*below, folder):
            if path.is_dir() and not path.is_symlink():
                with suppress(OSError):
                    path.rmdir()

    def write_version(self, target: Path, content: bytes, version: str | None) -> None:
        local.write_whole(target, content, durable=True)

    def hand_over(self, file: Path, target: Path) -> None:
        os.replace(file, target)

    def link(self, source: Path, target: Path) -> bool:
        local.make_private(target.parent)
        try:
            os.link(source, target)
        except OSError:
            return False
        return True

    def move(self, source: Path, target: Path, paths: Sequence[str]) -> None:
        for path in paths:
            local.make_private((target / path).parent)
            if (source / path).exists():
                os.replace(source / path, target / path)

    def remove(self, *locations: Path) -> None:
        for path in locations:
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)
            else:
                with suppress(OSError):
                    path.unlink()

    def read_version(self, file: Path) -> tuple[bytes, None]:
        with local.open_regular(file) as content:
            return content.read(), None

    def fingerprint(self, file: Path) -> list[str | int]:
        """Return size and time of change, enough to detect another file."""
        stat = file.stat()
        return [stat.st_size, stat.st_mtime_ns]

    def identity(self, file: Path) -> tuple[int, int]:
        stat = file.stat()
        return stat.st_dev, stat.st_ino

    def size(self, file: Path) -> int:
        return file.stat().st_size

    def size_below(self, location: Path) -> int:
        is_folder = location.is_dir() and not location.is_symlink()
        files = self.files_below(location) if is_folder else [location]
        return sum(file.lstat().st_size for file in files)

    def sizes(self, root: Path, paths: Iterable[str]) -> dict[str, int]:
        return {path: (root / path).stat().st_size for path in paths if (root / path).is_file()}

    def present(self, root: Path, paths: Iterable[str]) -> set[str]:
        return {path for path in paths if os.path.lexists(root / path)}

    def files_below(self, folder: Path) -> Iterator[Path]:
        return (path for path in folder.rglob("*") if not path.is_dir() or path.is_symlink())

    def links(self, location: Path) -> Iterator[Path]:
        if location.is_symlink():
            yield location
        elif location.is_dir():
            yield from (path for path in self.files_below(location) if path.is_symlink())

    def delivered_below(self, folder: Path) -> Iterator[Path]:
        seen = set()
        for above, _, names in os.walk(folder, onerror=_raise, followlinks=True):
            if self.identity(Path(above)) in seen:
                raise DataError(f"{above}: the same folder under two names. Keep one.")
            seen.add(self.identity(Path(above)))
            yield from filter(_is_file_or_dangling, (Path(above) / name for name in names))

    def matching(self, pattern: Path) -> Iterator[Path]:
        anchor = Path(pattern.anchor or ".")
        names = str(pattern.relative_to(anchor) if pattern.anchor else pattern)
        return filter(_is_file_or_dangling, anchor.glob(names))


def _raise(error: OSError) -> None:
    raise error


def _is_file_or_dangling(path: Path) -> bool:
    """Return True for a file or a dangling link, which must not be passed over."""
    return path.is_file() or not path.exists()
