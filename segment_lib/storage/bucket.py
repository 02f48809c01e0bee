"""The store of objects in a bucket. The bucket's policy decides who may read them."""

import io
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import ClassVar

from segment_lib.storage.lease import Lease
from segment_lib.storage.location import AT_ONCE
from segment_lib.storage.lock import LOCK
from segment_lib.storage.objects import ObjectPath

_WILDCARDS = set("*?[")


@dataclass(frozen=True)
class Bucket:
    """A `Store` of objects."""

    path: type[ObjectPath]
    versioned: ClassVar[bool] = True

    def location(self, text: str) -> ObjectPath:
        return self.path.named(text)

    def local(self, location: ObjectPath) -> None:
        return None

    def lock(self, folder: ObjectPath) -> Lease:
        return Lease(folder / LOCK)

    def make_private(self, folder: ObjectPath) -> None:
        pass

    def close_to_others(self, folder: ObjectPath) -> None:
        pass

    def is_writable(self, folder: ObjectPath) -> bool:
        return True

    def remove_empty(self, folder: ObjectPath, *, deep: bool = False) -> None:
        pass

    def write(self, target: ObjectPath, content: bytes, *, durable: bool) -> None:
        target.put(content)

    def write_version(self, target: ObjectPath, content: bytes, version: str | None) -> str:
        return target.put_if(content, version)

    def flush(self, root: ObjectPath, paths: Iterable[str], *, folders_alone: bool = False) -> None:
        pass

    def hand_over(self, file: Path, target: ObjectPath) -> None:
        target.upload(file)
        file.unlink()

    def link(self, source: ObjectPath, target: ObjectPath) -> bool:
        source.copy_to(target)
        return True

    def move(self, source: ObjectPath, target: ObjectPath, paths: Sequence[str]) -> None:
        """Copy the objects within the store; the originals stay where they are."""
        there = self.present(source, paths)
        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(lambda path: (source / path).copy_to(target / path), there))

    def remove(self, *locations: ObjectPath) -> None:
        with ThreadPoolExecutor(AT_ONCE) as pool:
            files = pool.map(lambda folder: [folder, *self.files_below(folder)], locations)
            list(pool.map(_remove, chain.from_iterable(files)))

    def open_regular(self, file: ObjectPath) -> io.BufferedIOBase:
        return io.BytesIO(file.read_bytes())

    def read_version(self, file: ObjectPath) -> tuple[bytes, str]:
        return file.read()

    def fingerprint(self, file: ObjectPath) -> list[str | int]:
        return [file.head().version]

    def identity(self, file: ObjectPath) -> str:
        return str(file)

    def size(self, file: ObjectPath) -> int:
        return file.head().bytes

    def size_below(self, location: ObjectPath) -> int:
        with suppress(FileNotFoundError):
            return location.head().bytes
        return sum(size for _path, size in location.listed())

    def sizes(self, root: ObjectPath, paths: Iterable[str]) -> dict[str, int]:
        asked = set(paths)
        listed = ((path.relative_to(root).as_posix(), size) for path, size in root.listed())
        return {path: size for path, size in listed if path in asked}

    def present(self, root: ObjectPath, paths: Iterable[str]) -> set[str]:
        return set(self.sizes(root, paths))

    def files_below(self, folder: ObjectPath) -> Iterator[ObjectPath]:
        return (path for path, _size in folder.listed())

    def links(self, location: ObjectPath) -> Iterator[ObjectPath]:
        return iter(())

    def delivered_below(self, folder: ObjectPath) -> Iterator[ObjectPath]:
        return self.files_below(folder)

    def matching(self, pattern: ObjectPath) -> Iterator[ObjectPath]:
        depth = next((i for i, name in enumerate(pattern.parts) if set(name) & _WILDCARDS), None)
        if depth is None:
            return iter(())
        return self.path(*pattern.parts[:depth]).glob("/".join(pattern.parts[depth:]))


def _remove(file: ObjectPath) -> None:
    with suppress(OSError):
        file.unlink()
