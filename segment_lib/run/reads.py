"""Declarations of what a stage reads, and the digests that detect a change in it."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Generic, Protocol, TypeVar

from segment_lib.run.artifact_kinds import Artifact
from segment_lib.run.job import Job
from segment_lib.run.manifest import Manifest
from segment_lib.run.record import StageRecord
from segment_lib.run.results import Result

T = TypeVar("T")


@dataclass(frozen=True)
class Source(Generic[T]):
    """Input of a stage that no stage writes, such as the delivered extracts."""

    name: str
    value: Callable[[Job], T]
    digest: Callable[[Job], Any]
    """What tells the value from any other, as plain JSON."""
    stages: tuple[str, ...] = ()
    """The stages it looks at, which therefore come first."""


@dataclass(frozen=True)
class Fields:
    """Some fields of a result; changes of the others do not rerun the stage."""

    result: type[Result]
    names: tuple[str, ...]


def fields_of(result: type[Result], *names: str) -> Fields:
    """Declare that only these fields of a result are read."""
    return Fields(result, names)


@dataclass(frozen=True)
class OfBase:
    """Input read from the base of a refresh; empty in a full run."""

    read: "Artifact | type[Result] | Fields"


Read = Artifact | type[Result] | Fields | OfBase | Source[Any]


class Declaration(Protocol):
    """Name of a stage, its inputs, and its settings."""

    @property
    def name(self) -> str: ...

    @property
    def reads(self) -> tuple[Read, ...]: ...

    @property
    def settings(self) -> tuple[str, ...]:
        """Keys of the config, as model.random_state, or whole sections."""
        ...


def provided_by(read: Read) -> tuple[str, ...]:
    """Return the stages of this run that an input comes from."""
    match read:
        case Source():
            return read.stages
        case OfBase():
            return ()
        case Fields():
            return (read.result.stage,)
    return (read.stage,)


def digest(read: Read, job: Job) -> Any:
    """Return the digest of an input, as plain JSON."""
    match read:
        case Source():
            return read.digest(job)
        case OfBase():
            return manifest_digest(read.read, job.base) if job.base else None
    return manifest_digest(read, job.manifest)


def manifest_digest(read: Artifact | type[Result] | Fields, manifest: Manifest) -> Any:
    """Return the digest of an input from a run's manifest."""
    (stage,) = provided_by(read)
    return record_digest(read, manifest.stages[stage])


def record_digest(read: Read, record: StageRecord) -> Any:
    """Return the digest of an input from a stage's record."""
    match read:
        case Artifact():
            files = sorted((f for f in record.files if read.holds(f.path)), key=lambda f: f.path)
            return [[file.path, file.sha256] for file in files]
        case Fields():
            return {name: record.facts.get(name) for name in read.names}
        case type():
            return dict(record.facts)
    # A source that looks at a stage may look at all of it.
    return [record.rows_in, record.rows_out, dict(record.facts), *map(asdict, record.remarks)] + [
        [file.path, file.sha256] for file in record.files
    ]
