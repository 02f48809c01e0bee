"""A stage: its inputs, settings, cost and the function that runs it.

All else follows from these: its place in the order, its fingerprint, what is forgotten when it
changes, the dry run and the memory check.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from graphlib import TopologicalSorter
from typing import Any

from segment_lib.config import Config, Inputs
from segment_lib.run.context import Context
from segment_lib.run.fingerprint import fingerprint
from segment_lib.run.job import Job
from segment_lib.run.reads import Read, digest, provided_by, record_digest
from segment_lib.run.record import StageRecord, Work
from segment_lib.run.restricted import UndeclaredError
from segment_lib.run.results import Result
from segment_lib.schema.language import Sentence


@dataclass(frozen=True)
class Scale:
    """Approximate size of a job before it runs."""

    rows: Mapping[str, float]
    """Rows of each extract."""
    parts: Mapping[str, int]
    """Parts of each extract."""
    attributes: int
    features: float
    components: float
    clusterings: int
    """Numbers of segments tried."""
    unpacked: int
    """Bytes of the extracts that are written out before they are read."""

    @property
    def all_rows(self) -> float:
        """Rows of both extracts."""
        return sum(self.rows.values())

    @property
    def all_parts(self) -> int:
        """Parts of both extracts."""
        return sum(self.parts.values())


@dataclass(frozen=True)
class Cost:
    """Approximate cost of a stage."""

    parts: int
    """Parts it goes over."""
    written: float
    """Bytes in the run folder."""
    bytes_per_row: float = 0
    """In memory for each row of a part at work."""
    beside: float = 0
    """Bytes in memory whatever the parts."""
    kept: float = 0
    """Bytes kept from pass to pass where the budget allows it, and in scratch files otherwise."""
    scratch: float = 0
    """Bytes in scratch files in any case."""


@dataclass(frozen=True)
class Outcome:
    """Result of a stage and its log line, beside its files."""

    result: Result
    rows_in: int
    rows_out: int
    message: str
    """For the log, in one line."""
    remarks: Sequence[Sentence] = ()
    """What the user should look at: a line each in the log and on the page, quoting no cell."""
    work: Work = field(default_factory=Work)
    """Beside the parts that the context has seen made."""


@dataclass(frozen=True)
class Script:
    """What a stage does, and what that costs."""

    run: Callable[[Context], Outcome]
    cost: Callable[[Scale], Cost]


@dataclass(frozen=True)
class Stage:
    """A step of the pipeline."""

    name: str
    load: Callable[[], Script]
    """Loads what it does, and the libraries for that."""
    reads: tuple[Read, ...]
    settings: tuple[str, ...]
    """Keys of the config, as model.random_state, or whole sections."""

    def __post_init__(self) -> None:
        defaults = Config(Inputs()).as_dict()
        for key in self.settings:
            section, _, name = key.partition(".")
            if section not in defaults or (name and name not in defaults[section]):
                raise UndeclaredError(f"{self.name} obeys {key}, and the config has no such key")

    @property
    def providers(self) -> frozenset[str]:
        """The stages it reads from."""
        return frozenset(name for read in self.reads for name in provided_by(read))

    def cost(self, scale: Scale) -> Cost:
        """Estimate what it takes."""
        return self.load().cost(scale)

    def fingerprint(self, job: Job) -> str:
        """Hash everything that its files and its result depend on."""
        settings = {key: setting(job.config, key) for key in self.settings}
        return fingerprint([self.name, settings], [digest(read, job) for read in self.reads])

    def is_done(self, job: Job) -> bool:
        """Return True if it finished with its current inputs, and its files are there."""
        return all(name in job.manifest.stages for name in self.providers) and (
            job.manifest.is_done(self.name, self.fingerprint(job))
        )

    def is_set_off(self, name: str, old: StageRecord, new: StageRecord) -> bool:
        """Return True if it reads something of a stage that has changed."""
        return any(
            record_digest(read, old) != record_digest(read, new)
            for read in self.reads
            if name in provided_by(read)
        )


def in_order(stages: Iterable[Stage]) -> tuple[Stage, ...]:
    """Sort the stages so that each comes after those it reads from."""
    by_name = {stage.name: stage for stage in stages}
    graph = {name: sorted(stage.providers & by_name.keys()) for name, stage in by_name.items()}
    return tuple(by_name[name] for name in TopologicalSorter(graph).static_order())


def setting(config: Config, key: str) -> Any:
    """Return a key of the config, or a whole section, as plain JSON."""
    section, _, name = key.partition(".")
    values = config.as_dict()[section]
    return values[name] if name else values
