"""Stages not yet declared, in the old form; goes when the last is converted."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from dask import delayed
from dask.delayed import Delayed

from segment_lib.run import stage as new
from segment_lib.run.checkpoint import is_whole, noted_parts
from segment_lib.run.fingerprint import fingerprint
from segment_lib.run.job import Job
from segment_lib.run.parts import reuse_part
from segment_lib.run.results import Result
from segment_lib.storage.files import StoredFile
from segment_lib.storage.location import Location
from segment_lib.terms import EXTRACTS  # noqa: F401


@dataclass(frozen=True)
class Facts(Result):
    facts: Mapping[str, Any]

    def as_json(self):  # type: ignore
        import json

        return json.loads(json.dumps(dict(self.facts)))


@dataclass(frozen=True)
class Outcome:
    files: Sequence[StoredFile]
    rows_in: int
    rows_out: int
    message: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    remarks: Sequence[str] = ()


@dataclass(frozen=True)
class Stage:
    name: str
    needs: tuple[str, ...]
    settings: Callable[[Any], Any]
    inputs: Callable[[Job], Any]
    run_: Callable[[Job, Location], Outcome] = None  # type: ignore
    cost: Any = lambda scale: new.Cost(1, 1)
    run: Any = None

    def __post_init__(self):  # type: ignore
        if self.run_ is None:
            object.__setattr__(self, "run_", self.run)
        object.__setattr__(self, "run", self._run)

    reads = ()

    @property
    def providers(self):  # type: ignore
        return frozenset(self.needs)

    def fingerprint(self, job):  # type: ignore
        return fingerprint([self.name, self.settings(job.config)], self.inputs(job))

    def is_done(self, job):  # type: ignore
        return all(n in job.manifest.stages for n in self.needs) and job.manifest.is_done(
            self.name, self.fingerprint(job)
        )

    def is_set_off(self, name, old, record):  # type: ignore
        return old.files != record.files or old.facts != record.facts

    def _run(self, context):  # type: ignore
        outcome = self.run_(context._job, context.staging_dir)
        facts = dict(outcome.facts)
        context.add(outcome.files)
        context.keys |= facts.pop("keys", {})
        work = new.Work()
        for key in ("parts", "learned"):
            of = facts.pop(key, {"made": 0, "taken_over": 0})
            if self.name == "drift":
                work += new.Work(extra=of["made"])
            else:
                work += new.Work(of["made"], of["taken_over"])
        work += new.Work(extra=facts.pop("matched", 0))
        return new.Outcome(
            Facts(facts), outcome.rows_in, outcome.rows_out, outcome.message, outcome.remarks, work
        )


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
    finished = _finished(job, stage, work, [part.path for part in parts])
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
                for path, key in record.keys.items():
                    found[key] = manifest.root, listed[path]
    return found


def _finished(job, stage, work, paths):  # type: ignore
    noted = [file for file in noted_parts(work) if file.path in set(paths)]
    whole = job.workers.run([delayed(is_whole)([work, job.root], file) for file in noted])
    return [file for file, fits in zip(noted, whole, strict=True) if fits]
