"""Parts made, but for those there already: of a run that ended early, or the same in a base."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from dask import delayed
from dask.delayed import Delayed

from jobs.stage import Job, finished_before
from segment_lib.errors import IntegrityError
from segment_lib.run.fingerprint import fingerprint
from segment_lib.storage.files import StoredFile, link_file, read_file, write_file
from segment_lib.storage.location import Location


@dataclass(frozen=True)
class Part:
    """A file that is a pure function of what it is made from."""

    path: str
    """Below the run folder."""
    key: str
    """Names all it is made from; parts of the same key are the same to the byte."""
    task: Delayed
    """Makes it."""


@dataclass(frozen=True)
class Parts:
    """The parts of a stage, and how they came about."""

    files: list[StoredFile]
    facts: dict[str, Any]
    """`parts`: how many were made and how many taken over. `keys`: of each file its key."""


def part_key(what: str, *made_from: object) -> str:
    """The key of a part: of what is done, and of all it is done to."""
    return fingerprint(what, made_from)[:32]


def work_done(made: int, taken_over: int = 0) -> dict[str, int]:
    """What run.json tells of the parts a stage went over."""
    return {"made": made, "taken_over": taken_over}


def make_parts(
    job: Job,
    stage: str,
    parts: Sequence[Part],
    work: Location,
    done: Callable[[StoredFile], None] = lambda file: None,
    *,
    at_once: int | None = None,
) -> Parts:
    """Make the parts below `work` that are not there already, nor in the base; link the latter.

    Parameters
    ----------
    done : called with each part as it is there
    """
    finished = finished_before(job, stage, work, [part.path for part in parts])
    files = {file.path: file for file in finished}
    known = _known(job, stage)
    there = [part for part in parts if part.path not in files and part.key in known]
    linked = job.workers.run(
        [delayed(reuse_part)(*known[part.key], work, part.path) for part in there]
    )
    taken = {file.path: file for file in linked if file is not None}
    files |= taken
    for file in files.values():
        done(file)
    todo = [part for part in parts if part.path not in files]
    made = job.workers.run([part.task for part in todo], done, at_once=at_once)
    files |= {part.path: file for part, file in zip(todo, made, strict=True)}
    return Parts(
        [files[part.path] for part in parts],
        {
            "parts": work_done(len(parts) - len(taken), len(taken)),
            "keys": {part.path: part.key for part in parts},
        },
    )


def _known(job: Job, stage: str) -> dict[str, tuple[Location, StoredFile]]:
    """By key, run folder and file of the parts of the base, and of other stages of this run."""
    if job.base is None:
        return {}
    found = {}
    for manifest in (job.manifest, job.base):
        for name, record in manifest.stages.items():
            if manifest is job.base or name != stage:
                listed = {file.path: file for file in record.files}
                for path, key in record.facts.get("keys", {}).items():
                    found[key] = manifest.root, listed[path]
    return found


def reuse_part(root: Location, file: StoredFile, work: Location, path: str) -> StoredFile | None:
    """Link a part, or copy it to another file system; None if its bytes are not those listed."""
    try:
        content = read_file(root, file)
    except IntegrityError:
        return None
    if not link_file(root / file.path, work / path):
        write_file(work, path, content)
    return StoredFile(path, file.bytes, file.sha256, file.rows)
