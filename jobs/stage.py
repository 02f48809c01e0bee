"""What a stage is, and how stages run: each once, skipped while nothing it reads has changed."""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any

from dask import delayed

from segment_lib.cluster.memory import Budget, PeakMemory
from segment_lib.cluster.versions import code_of
from segment_lib.cluster.workers import Workers
from segment_lib.config import Config
from segment_lib.disclosure import is_small_count
from segment_lib.errors import ConfigError
from segment_lib.run.blame import blaming
from segment_lib.run.checkpoint import is_whole, noted_parts
from segment_lib.run.fingerprint import fingerprint, fingerprint_file
from segment_lib.run.manifest import Manifest
from segment_lib.run.progress import Console, log
from segment_lib.run.record import StageRecord
from segment_lib.schema import (
    Dictionary,
    Meaning,
    Schema,
    known_meanings,
    read_dictionary,
    read_feature_summary,
)
from segment_lib.sources import ColumnMapping, find_files, is_packed, path_columns
from segment_lib.storage.files import StoredFile, file_size
from segment_lib.storage.location import Location
from segment_lib.storage.stores import as_location

EXTRACTS = ("population", "customers")


@dataclass(frozen=True)
class Job:
    """One run: what it was told, where it writes, where it computes, whom it tells."""

    config: Config
    manifest: Manifest
    workers: Workers
    console: Console
    base: Manifest | None = None
    """The earlier run a refresh starts from."""
    check_content: bool = field(default=False, kw_only=True)
    """True if delivered files are told apart by their bytes, not by size and time of change."""

    @property
    def root(self) -> Location:
        return self.manifest.root

    @property
    def budget(self) -> Budget:
        """The memory budget; on a cluster, no more than its workers may use."""
        return Budget(min(self.config.memory, self.workers.memory or self.config.memory))

    @cached_property
    def schema(self) -> Schema:
        inputs = self.config.inputs
        return read_feature_summary(as_location(inputs.feature_summary), inputs.missing)

    @property
    def delivery(self) -> ColumnMapping:
        """How columns become attributes."""
        return ColumnMapping(self.schema)

    @cached_property
    def delivered(self) -> dict[str, dict[Location, Any]]:
        """Of each extract the files, with what tells each from any other, as the job began."""
        return {
            name: {file: self.fingerprint(file) for file in find_files(pattern)}
            for name in EXTRACTS
            for pattern in [getattr(self.config.inputs, name)]
        }

    def fingerprint(self, file: Location) -> list[Any]:
        """What tells a delivered file from any other."""
        columns = path_columns(file)
        own = fingerprint_file(file, by_content=self.check_content)
        return [*own, *([columns] if columns else [])]

    @cached_property
    def delivered_bytes(self) -> dict[str, int]:
        """Bytes of each extract, about, once it is unpacked."""
        return {
            name: sum(file_size(f) * (8 if is_packed(f) else 1) for f in files)
            for name, files in self.delivered.items()
        }

    @cached_property
    def dictionary(self) -> Dictionary | None:
        """The delivered data dictionary, if one is named."""
        path = self.config.inputs.data_dictionary
        return read_dictionary(as_location(path), self.schema) if path else None

    @cached_property
    def meanings(self) -> dict[str, Meaning]:
        """What attributes mean: by the delivered dictionary, else by the labels of the project."""
        delivered = self.dictionary.meanings if self.dictionary else {}
        shipped = {n: m for n, m in known_meanings().items() if n in self.schema.names}
        return shipped | delivered

    def scratch(self, work: Location) -> Location:
        """Where what is not published goes, seen by all workers: private, removed in the end.

        The work folder; one of this machine if that is in an object store and threads work.
        """
        return self.manifest.folder.local(work) if self.workers.client is None else work

    def hashes(self, stage: str, folder: str = "") -> list[str]:
        """What the files of a finished stage are, as part of what another depends on."""
        return [file.sha256 for file in self.manifest.files(stage, folder)]

    def told_meanings(self) -> dict[str, Any]:
        """The meanings as part of what a stage depends on."""
        return {name: asdict(meaning) for name, meaning in self.meanings.items()}

    def facts(self, stage: str) -> Mapping[str, Any]:
        return self.manifest.stages[stage].facts

    def at_once(self, bytes_per_row: int, rows: int) -> int:
        """How many parts of `rows` rows the memory budget lets a stage work on together."""
        return self.budget.parts_at_once(bytes_per_row * rows, self.workers.threads)


@dataclass(frozen=True)
class Outcome:
    """What a stage wrote below its work folder, and what is worth telling of it."""

    files: Sequence[StoredFile]
    rows_in: int
    rows_out: int
    message: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    remarks: Sequence[str] = ()
    """What the user should look at: a line each in the log and on the page, quoting no cell."""


@dataclass(frozen=True)
class Stage:
    """A step of the story."""

    name: str
    needs: tuple[str, ...]
    """The stages whose files it reads."""
    settings: Callable[[Config], Any]
    """The part of the config its result depends on."""
    inputs: Callable[[Job], Any]
    """Fingerprints of all it reads."""
    run: Callable[[Job, Location], Outcome]
    """Do the work below a private folder, under the final names."""

    def mark(self, job: Job) -> str:
        return fingerprint([self.name, self.settings(job.config)], self.inputs(job))

    def is_done(self, job: Job) -> bool:
        return all(name in job.manifest.stages for name in self.needs) and job.manifest.is_done(
            self.name, self.mark(job)
        )


def finished_before(job: Job, stage: str, work: Location, paths: Sequence[str]) -> list[StoredFile]:
    """The parts that a run which ended early left finished, checked by their sha256."""
    noted = [file for file in noted_parts(work) if file.path in set(paths)]
    whole = job.workers.run([delayed(is_whole)([work, job.root], file) for file in noted])
    done = [file for file, fits in zip(noted, whole, strict=True) if fits]
    if done:
        log(
            f"{stage:8} {len(done)} of {len(paths)} parts done before",
            stage=stage,
            parts_done_before=len(done),
            parts=len(paths),
        )
    return done


def few_set_aside(delivered: Mapping[str, Any], placed: Mapping[str, Any], min_cell: int) -> bool:
    """Whether rows in and out of the stages would tell of too few people set aside."""
    return any(is_small_count(delivered[name] - placed[name], min_cell) for name in EXTRACTS)


def between(stages: Sequence[Stage], first: str | None, last: str | None) -> Sequence[Stage]:
    """The stages from `first` to `last`.

    Raises
    ------
    ConfigError
        If `last` comes before `first`.
    """
    names = [stage.name for stage in stages]
    start = names.index(first) if first else 0
    stop = names.index(last) + 1 if last else len(names)
    if stop <= start:
        raise ConfigError(f"--until {last} comes before --from {first}. Exchange them.")
    return stages[start:stop]


def run_stages(
    job: Job, stages: Sequence[Stage], first: str | None = None, last: str | None = None
) -> None:
    """Run the stages from `first` to `last`, skipping those that are done; `first` itself runs.

    Raises
    ------
    ConfigError
        If what `first` reads is not there.
    """
    names = [stage.name for stage in stages]
    told = between(stages, first, last)
    for name in names[: names.index(told[0].name)]:
        if name not in job.manifest.stages:
            raise ConfigError(
                f"{first} reads what {name} leaves, and {name} is not done in {job.root}. "
                f"Run without --from, or from {name}."
            )
    for stage in told:
        with _earlier(job, stage):
            if stage.name != first and stage.is_done(job):
                log(f"{stage.name:8} done before, nothing changed", stage=stage.name, skipped=True)
            else:
                _run_stage(job, stage, following=names[names.index(stage.name) + 1 :])


def _earlier(job: Job, stage: Stage) -> AbstractContextManager[None]:
    """Within it, unexpected errors are the fault of what the stage reads, unless all is made here.

    Then they are bugs.
    """
    recorded, stages = job.manifest.recorded.stages, job.manifest.stages
    names = [name for name in stage.needs if name in stages and stages[name] is recorded.get(name)]
    if not names and job.base is None:
        return nullcontext()
    folders = {job.root} | ({job.base.root} if job.base else set())
    what = f"what {stage.name} reads in {' or '.join(map(str, sorted(folders)))}"
    return blaming(what, "Run again with --from ingest.")


def _run_stage(job: Job, stage: Stage, following: Sequence[str]) -> None:
    mark = stage.mark(job)
    work = job.manifest.folder.begin(stage.name, fingerprint(mark, code_of("jobs")))
    began = time.monotonic()
    try:
        with PeakMemory() as peak, job.workers.active():
            outcome = stage.run(job, work)
    except BaseException:
        job.manifest.folder.abandon(work)
        raise
    seconds = time.monotonic() - began
    record = StageRecord(
        fingerprint=mark,
        files=tuple(sorted(outcome.files, key=lambda file: file.path)),
        rows_in=outcome.rows_in,
        rows_out=outcome.rows_out,
        seconds=round(seconds, 2),
        peak_mib=peak.mib,
        facts={**outcome.facts, "remarks": list(outcome.remarks)},
    )
    old = job.manifest.stages.get(stage.name)
    unchanged = old is not None and old.files == record.files
    job.manifest.publish(stage.name, work, record, following=() if unchanged else following)
    for remark in outcome.remarks:
        log(f"{stage.name:8} note: {remark}", stage=stage.name, remark=remark)
    if peak.bytes > job.budget.total and job.workers.client is None:
        log(f"{stage.name:8} took more than the budget of {job.config.run.memory}")
    rate = f"{outcome.rows_in / max(seconds, 0.01):,.0f} rows/s"
    told = not (
        "encode" in job.manifest.stages
        and few_set_aside(job.facts("ingest"), job.facts("encode"), job.config.fairness.min_cell)
    )
    rows = {"rows_in": outcome.rows_in, "rows_out": outcome.rows_out} if told else {}
    log(
        f"{stage.name:8} {seconds:6.1f} s  {peak.mib:5d} MiB  {rate:>16}  {outcome.message}",
        stage=stage.name,
        seconds=record.seconds,
        peak_mib=peak.mib,
        **rows,
    )
