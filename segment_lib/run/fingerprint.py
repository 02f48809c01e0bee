"""Fingerprints of stages and of delivered files, which change when their content changes."""

import hashlib
import json
from typing import Any

from segment_lib.cluster.versions import PACKAGES, versions_of
from segment_lib.run.record import FORMAT
from segment_lib.storage.location import Location
from segment_lib.storage.stores import store_of

_DRAWING = ("altair", "typst", "vl-convert-python")
"""What decides the bytes of the page, its PDF and its figures."""


def fingerprint(settings: Any, inputs: Any) -> str:
    """Hash settings, inputs and format version, and nothing else."""
    text = json.dumps([FORMAT, settings, inputs], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def fingerprint_file(file: Location, *, by_content: bool = False) -> list[str | int]:
    """Return the name of a delivered file and its fingerprint.

    Size and time of change on a disk, the version of an object; by content the sha256, where
    times cannot be trusted.
    """
    if by_content:
        with file.open("rb") as content:
            return [file.name, hashlib.file_digest(content, "sha256").hexdigest()]
    return [file.name, *store_of(file).fingerprint(file)]


def package_versions() -> dict[str, str]:
    """Return the versions of the packages that decide the bytes."""
    return versions_of((*PACKAGES, *_DRAWING))
