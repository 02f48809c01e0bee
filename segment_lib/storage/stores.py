"""Registry of the stores: a location from its text, and the store of a location."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from segment_lib.storage.bucket import Bucket
from segment_lib.storage.disk import Disk
from segment_lib.storage.location import L, Location, Store
from segment_lib.storage.s3 import S3Path

_DISK: Store[Path] = Disk()
_STORES: Mapping[str, Store[Any]] = {"s3": Bucket(S3Path)}
"""By scheme, what comes before ``://``; what has none of these is on a disk."""


def is_remote(text: str) -> bool:
    """Return True if the text names a location outside the local disks."""
    return _store(text) is not _DISK


def as_location(text: str | Path) -> Location:
    """Parse a location such as ``runs/first`` or ``s3://BUCKET/runs/first``.

    Raises
    ------
    ConfigError
        If it names no bucket, in full.
    """
    location: Location = _store(str(text)).location(str(text))
    return location


def store_of(location: L) -> Store[L]:
    """Return the store of a location."""
    return _store(str(location))


def _store(text: str) -> Store[Any]:
    # A path of a disk never holds two slashes in a row.
    scheme, separator, _ = text.partition("://")
    return _STORES.get(scheme, _DISK) if separator else _DISK


def local_path(location: Location) -> Path | None:
    """Return the location as a path of this machine; None if it is none."""
    return store_of(location).local(location)
