"""What in a run folder is the job's own. Nothing else is removed, and no link is followed."""

import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path

from segment_lib.errors import ConfigError, IntegrityError
from segment_lib.storage.files import files_below, read_regular
from segment_lib.storage.lock import LOCK
from segment_lib.storage.s3 import S3Path

FOLDERS = (
    "raw",
    "assess",
    "features",
    "model",
    "segments",
    "compare",
    "gains",
    "refresh",
    "report",
)
"""Where stages put their files."""
WORK, EXPORT, RUN = ".work", "export", "run.json"
PLAN, PROPOSED = "plan.json", "plan.proposed.json"
_TOLD = 5
"""Strangers that are named."""
_STAGE_AT_WORK = re.compile(r"[a-z]+-[0-9a-f]{32}")
_HALF_WRITTEN = re.compile(
    rf"\.({'|'.join(map(re.escape, (RUN, PLAN, PROPOSED, LOCK)))})\.[0-9a-f]{{32}}"
)
_EXPORT_AT_WORK = re.compile(r"\.export-\w+")


def refuse_strangers(root: Path) -> None:
    """Raise a ConfigError if the folder holds something, and not what a job of this program left.

    What a job that was killed before it published leaves is its lock, its scratch, and a plan
    proposed; all else needs a run.json beside it.
    """
    there = (root / RUN).exists() if isinstance(root, S3Path) else os.path.lexists(root / RUN)
    if there or not root.is_dir():
        return
    strangers = list(islice(dict.fromkeys(_strangers(root)), _TOLD + 1))
    if not strangers:
        return
    more = " …" if len(strangers) > _TOLD else ""
    raise ConfigError(
        f"{root}: not a run folder, as it has no run.json, and not empty: "
        f"{', '.join(sorted(strangers[:_TOLD]))}{more}. Nothing was changed. Name a new or an "
        "empty folder in --run-dir."
    )


def _strangers(root: Path) -> Iterator[str]:
    if isinstance(root, S3Path):
        for name, *below in (found.relative_to(root).parts for found, _ in root.listed()):
            if not (name in (LOCK, PROPOSED) or (name == WORK and _is_scratch(below[:1]))):
                yield name
        return
    for path in sorted(root.iterdir()):
        if not (_is_scratch_folder(path) or _is_own_file(path)):
            yield path.name


def _is_scratch(names: list[str]) -> bool:
    return all(_STAGE_AT_WORK.fullmatch(name) for name in names)


def _is_scratch_folder(path: Path) -> bool:
    return (
        path.name == WORK
        and not path.is_symlink()
        and path.is_dir()
        and _is_scratch([below.name for below in path.iterdir()])
    )


def _is_own_file(path: Path) -> bool:
    if path.is_symlink() or not path.is_file():
        return False
    if path.name != LOCK:
        return path.name == PROPOSED or bool(_HALF_WRITTEN.fullmatch(path.name))
    with suppress(ValueError, RecursionError, OSError, IntegrityError):
        content = read_regular(path)
        # A power cut may leave it empty.
        return not content or "pid" in json.loads(content)
    return False


def refuse_links(root: Path) -> None:
    """Raise an IntegrityError if a link lies where the job writes, lists or removes."""
    if isinstance(root, S3Path):
        return
    for name in (RUN, PLAN, PROPOSED, LOCK, WORK, EXPORT, *FOLDERS):
        if link := next(links_at(root / name), None):
            raise IntegrityError(
                f"{link}: a link, and in a run folder no link is followed. Nothing was changed. "
                "Remove the link, not what it leads to, and run the same command again."
            )


def links_at(path: Path) -> Iterator[Path]:
    """The path if it is a link, else the links below it."""
    if path.is_symlink():
        yield path
    elif path.is_dir():
        yield from (below for below in files_below(path) if below.is_symlink())


def scratch_of(root: Path) -> Iterator[Path]:
    """What jobs that were killed left below the run folder: folders of stages, half written files.

    Files of the job's own names alone; of a bucket, the objects.
    """
    if isinstance(root, S3Path):
        for path, _ in (root / WORK).listed():
            if _is_scratch(list(path.relative_to(root).parts[1:2])):
                yield path
        return
    yield from _named(root / WORK, _STAGE_AT_WORK)
    yield from _named(root / EXPORT, _EXPORT_AT_WORK)
    yield from _named(root, _HALF_WRITTEN)


def export_scratch(folder: Path) -> Iterator[Path]:
    """What exports that were killed left in the folder of a target list."""
    yield from _named(folder, _EXPORT_AT_WORK)


def _named(folder: Path, names: re.Pattern[str]) -> Iterator[Path]:
    if folder.is_dir() and not folder.is_symlink():
        yield from sorted(path for path in folder.iterdir() if names.fullmatch(path.name))


def remove_scratch(root: Path, kept: Path | None = None) -> None:
    """Remove the scratch of jobs, but for the folder `kept`; what cannot be removed stays."""
    for path in scratch_of(root):
        if kept is None or (path != kept and kept not in path.parents):
            remove(path)
    if not isinstance(root, S3Path):
        with suppress(OSError):
            (root / WORK).rmdir()


def remove(path: Path) -> None:
    """Remove a file, or a folder with all that is in it; no link is followed."""
    if not isinstance(path, S3Path) and path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):
            path.unlink()
