"""Fingerprints of stages and of delivered files, by which a run sees what has changed."""

import hashlib
import json
from typing import Any

from segment_lib.cluster.versions import PACKAGES, versions_of
from segment_lib.run.record import FORMAT
from segment_lib.storage.location import Location
from segment_lib.storage.stores import store_of

_DRAWING = ("altair", "vl-convert-python")
"""What decides the bytes of the page and its figures."""


def fingerprint(settings: Any, inputs: Any) -> str:
    """The same for the same settings, inputs and format version, and for nothing else."""
    text = json.dumps([FORMAT, settings, inputs], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def fingerprint_file(file: Location, *, by_content: bool = False) -> list[str | int]:
    """Name of a delivered file, and what tells it from any other of the name.

    Size and time of change on a disk, the version of an object; by content the sha256, where
    times cannot be trusted.
    """
    if by_content:
        with file.open("rb") as content:
            return [file.name, hashlib.file_digest(content, "sha256").hexdigest()]
    return [file.name, *store_of(file).fingerprint(file)]


def package_versions() -> dict[str, str]:
    """Versions of what decides the bytes."""
    return versions_of((*PACKAGES, *_DRAWING))
