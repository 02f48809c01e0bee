"""Making of parts; those finished earlier, or equal to parts of the base, are reused."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from dask import delayed

from segment_lib.errors import IntegrityError
from segment_lib.run.checkpoint import finish_part, is_whole, noted_parts
from segment_lib.run.job import Job
from segment_lib.run.progress import log
from segment_lib.storage.files import StoredFile, link_file, read_file, write_file
from segment_lib.storage.location import Location
from segment_lib.tasks.part import PartTask


@dataclass(frozen=True)
class MadeParts:
    """The parts of a stage, in the order of their tasks."""

    files: list[StoredFile]
    reused: int
    """How many were taken over from a base."""


def make_parts(
    job: Job,
    stage: str,
    tasks: Sequence[PartTask],
    root: Location,
    staging_dir: Location,
    done: Callable[[StoredFile], None] = lambda file: None,
    *,
    at_once: int | None = None,
    intermediate: Mapping[str, StoredFile] = MappingProxyType({}),
) -> MadeParts:
    """Make the missing parts; link those that the base already has.

    Parameters
    ----------
    root : the folder below which the tasks find their files
    staging_dir : where the parts go
    done : called with each part as it is there
    at_once : the most parts at work together
    intermediate : by key, parts below the staging folder that may be among those to be made
    """
    files = {file.path: file for file in finished_before(job, stage, tasks, staging_dir)}
    from_base = _known(job, stage)
    known = {key: (staging_dir, file) for key, file in intermediate.items()} | from_base
    there = [task for task in tasks if task.path not in files and task.key in known]
    linked = job.workers.run(
        [delayed(reuse_part)(*known[task.key], staging_dir, task.path) for task in there]
    )
    files |= {file.path: file for file in linked if file is not None}
    n_reused = sum(task.path in files and task.key in from_base for task in there)
    for file in files.values():
        done(file)
    rest = [task for task in tasks if task.path not in files]
    made = job.workers.run(
        [delayed(make_part)(task, root, staging_dir) for task in rest], done, at_once=at_once
    )
    files |= {task.path: file for task, file in zip(rest, made, strict=True)}
    return MadeParts([files[task.path] for task in tasks], n_reused)


def make_part(task: PartTask, root: Location, staging_dir: Location) -> StoredFile:
    """Make a part, and write it below the staging folder."""
    part = task.make(root)
    return finish_part(staging_dir, task.path, part.rows, dict(part.metadata))


def finished_before(
    job: Job, stage: str, tasks: Sequence[PartTask], staging_dir: Location
) -> list[StoredFile]:
    """Return the parts finished by an interrupted run, checked by their sha256."""
    paths = {task.path for task in tasks}
    noted = [file for file in noted_parts(staging_dir) if file.path in paths]
    whole = job.workers.run([delayed(is_whole)([staging_dir, job.root], file) for file in noted])
    files = [file for file, fits in zip(noted, whole, strict=True) if fits]
    if files:
        log(
            f"{stage:8} {len(files)} of {len(tasks)} parts done before",
            stage=stage,
            parts_done_before=len(files),
            parts=len(tasks),
        )
    return files


def _known(job: Job, stage: str) -> dict[str, tuple[Location, StoredFile]]:
    """Map keys to run folder and file of the parts of the base, and of other stages of this run."""
    if job.base is None:
        return {}
    known = {}
    for manifest in (job.manifest, job.base):
        for name, record in manifest.stages.items():
            if manifest is job.base or name != stage:
                listed = {file.path: file for file in record.files}
                for path, key in record.keys.items():
                    known[key] = manifest.root, listed[path]
    return known


def reuse_part(
    root: Location, file: StoredFile, staging_dir: Location, path: str
) -> StoredFile | None:
    """Link or copy a part; None if its bytes are not those listed."""
    try:
        content = read_file(root, file)
    except IntegrityError:
        return None
    if not link_file(root / file.path, staging_dir / path):
        write_file(staging_dir, path, content)
    return StoredFile(path, file.bytes, file.sha256, file.rows)
