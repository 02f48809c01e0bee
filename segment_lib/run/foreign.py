"""Refusal of foreign files in a run folder, before anything is written or removed."""

import json
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice

from segment_lib.errors import ConfigError, IntegrityError
from segment_lib.run.artifacts import PROPOSED_PLAN
from segment_lib.run.layout import (
    HALF_WRITTEN,
    RESERVED,
    RUN,
    STAGING,
    STAGING_DIR,
    TABLE_COPY,
    TABLES,
)
from segment_lib.storage.files import read_regular
from segment_lib.storage.location import Location
from segment_lib.storage.lock import LOCK
from segment_lib.storage.stores import store_of

_MOST = 5
"""Strangers that are named."""


def refuse_strangers(root: Location) -> None:
    """Raise a ConfigError if the folder holds files, but no run of this program.

    What a job that was killed before it published leaves is its lock, its staging folders, copies
    of tables, and a plan proposed; all else needs a run.json beside it.
    """
    run = root / RUN
    if run.exists() or run.is_symlink() or not root.is_dir():
        return
    strangers = list(islice(_strangers(root), _MOST + 1))
    if not strangers:
        return
    more = " …" if len(strangers) > _MOST else ""
    raise ConfigError(
        f"{root}: not a run folder, as it has no run.json, and not empty: "
        f"{', '.join(strangers[:_MOST])}{more}. Nothing was changed. Name a new or an empty "
        "folder in --run-dir."
    )


def _strangers(root: Location) -> Iterator[str]:
    for path in sorted(root.iterdir()):
        if not (_is_own_folder(path) or _is_own_file(path)):
            yield path.name


def _is_own_folder(path: Location) -> bool:
    names = {STAGING: STAGING_DIR, TABLES: TABLE_COPY}.get(path.name)
    return (
        names is not None
        and not path.is_symlink()
        and path.is_dir()
        and all(names.fullmatch(below.name) for below in path.iterdir())
    )


def _is_own_file(path: Location) -> bool:
    if path.is_symlink() or not path.is_file():
        return False
    if path.name != LOCK:
        return path.name == PROPOSED_PLAN.path or bool(HALF_WRITTEN.fullmatch(path.name))
    with suppress(ValueError, RecursionError, OSError, IntegrityError):
        content = read_regular(path)
        # A power cut may leave it empty.
        return not content or "pid" in json.loads(content)
    return False


def refuse_links(root: Location) -> None:
    """Raise an IntegrityError if a link lies where the job writes, lists or removes."""
    store = store_of(root)
    for name in RESERVED:
        if link := next(store.links(root / name), None):
            raise IntegrityError(
                f"{link}: a link, and in a run folder no link is followed. Nothing was changed. "
                "Remove the link, not what it leads to, and run the same command again."
            )
