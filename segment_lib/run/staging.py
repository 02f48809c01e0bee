"""Staging folders, in which stages write before they publish, and their clean-up.

Files of the job's own names alone are removed, and no link is followed.
"""

import re
from collections.abc import Iterator

from segment_lib.run.checkpoint import KEPT, noted_parts
from segment_lib.run.layout import EXPORT, EXPORT_AT_WORK, HALF_WRITTEN, STAGING, STAGING_DIR
from segment_lib.storage.files import files_below
from segment_lib.storage.location import L, Location
from segment_lib.storage.stores import store_of


def keep_finished(staging_dir: Location) -> None:
    """Remove all but recorded parts and checkpoints, and folders left empty."""
    kept = {staging_dir / file.path for file in noted_parts(staging_dir)}
    for path in list(files_below(staging_dir)):
        is_note = staging_dir / KEPT in path.parents and path.name[0] != "."
        if path not in kept and not is_note:
            path.unlink(missing_ok=True)
    store_of(staging_dir).remove_empty(staging_dir, deep=True)
    store_of(staging_dir).remove_empty(staging_dir.parent)


def leftovers(root: L) -> Iterator[L]:
    """Files of killed jobs in a run folder: staging folders and half-written files."""
    yield from _named(root / STAGING, STAGING_DIR)
    yield from _named(root / EXPORT, EXPORT_AT_WORK)
    yield from _named(root, HALF_WRITTEN)


def export_leftovers(folder: L) -> Iterator[L]:
    """Files of killed exports in the folder of a target list."""
    yield from _named(folder, EXPORT_AT_WORK)


def _named(folder: L, names: re.Pattern[str]) -> Iterator[L]:
    if folder.is_dir() and not folder.is_symlink():
        yield from sorted(path for path in folder.iterdir() if names.fullmatch(path.name))


def remove_leftovers(root: Location, kept: Location | None = None) -> None:
    """Remove files of killed jobs, but for `kept`; what cannot be removed stays."""
    store = store_of(root)
    store.remove(*(path for path in leftovers(root) if path != kept))
    store.remove_empty(root / STAGING)
