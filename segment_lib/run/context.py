"""The context of a running stage: what it has declared to read, and where it writes."""

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import cached_property
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TypeVar, cast

import numpy as np
import polars as pl
from dask.delayed import Delayed

from segment_lib.cluster.memory import Budget
from segment_lib.cluster.workers import Workers
from segment_lib.config import Config
from segment_lib.disclosure import count_text
from segment_lib.errors import IntegrityError
from segment_lib.run.artifact_kinds import Artifact, PartedArtifact
from segment_lib.run.artifacts import RAW, TEXT_COLUMNS
from segment_lib.run.job import Job
from segment_lib.run.manifest import Manifest
from segment_lib.run.parts import make_parts, reuse_part
from segment_lib.run.progress import Progress, log
from segment_lib.run.reads import Declaration, Fields, OfBase, Read, Source
from segment_lib.run.record import Work
from segment_lib.run.restricted import Restricted, UndeclaredError
from segment_lib.run.results import Ingested, Result
from segment_lib.storage.arrays import read_arrays, write_arrays
from segment_lib.storage.files import (
    StoredFile,
    read_json,
    read_part,
    write_file,
    write_part,
)
from segment_lib.storage.location import Location
from segment_lib.storage.tables import PLAIN, CsvForm, read_table, write_table
from segment_lib.tasks.part import PartTask
from segment_lib.tasks.rows import RowNumbers, row_numbers
from segment_lib.terms import EXTRACTS

T = TypeVar("T")
R = TypeVar("R", bound=Result)


class RunReader:
    """Files and results of a run, limited to what a stage has declared.

    Parameters
    ----------
    manifest : that of the run
    reads : what may be read
    reader : name of the stage
    """

    def __init__(self, manifest: Manifest, reads: Collection[Read], reader: str) -> None:
        self._manifest, self._reads, self._reader = manifest, tuple(reads), reader

    @property
    def root(self) -> Location:
        """The run folder."""
        return self._manifest.root

    def local(self, folder: Location) -> Path:
        """Return the folder, or a private one of this machine if it is in a bucket."""
        return self._manifest.folder.local(folder)

    def files(self, artifact: Artifact, extract: str | None = None) -> list[StoredFile]:
        """Return the files of an artifact, or those of one extract, in the order of their names."""
        self._check(artifact)
        folder = artifact.of(extract) if extract and isinstance(artifact, PartedArtifact) else ""
        listed = self._manifest.files(artifact.stage, folder)
        return [file for file in listed if artifact.holds(file.path)]

    def file(self, artifact: Artifact) -> StoredFile:
        """Return the file of an artifact.

        Raises
        ------
        IntegrityError
            If the run has none.
        """
        for file in self.files(artifact):
            return file
        raise IntegrityError(
            f"{self.root}: {artifact.stage} lists no {artifact.path}. Run again with --from "
            f"{artifact.stage}."
        )

    def has(self, artifact: Artifact) -> bool:
        """Return True if this run has a file of the artifact, which only some runs have."""
        self._check(artifact)
        return artifact.stage in self._manifest.stages and bool(self.files(artifact))

    def frame(self, artifact: Artifact) -> pl.DataFrame:
        """Return a Parquet table."""
        return read_part(self.root, self.file(artifact))

    def table(self, artifact: Artifact) -> pl.DataFrame:
        """Return a CSV table."""
        return read_table(self.root, self.file(artifact), TEXT_COLUMNS)

    def arrays(self, artifact: Artifact) -> dict[str, np.ndarray]:
        """Return the arrays of an ``.npz`` file."""
        return read_arrays(self.root, self.file(artifact))

    def json(self, artifact: Artifact) -> Any:
        """Return a JSON object."""
        return read_json(self.root, self.file(artifact))

    def aligned(
        self, *artifacts: PartedArtifact, extracts: Iterable[str] = EXTRACTS
    ) -> Iterator[tuple[str, tuple[StoredFile, ...]]]:
        """Yield each part of the extracts: its extract, and its file of each artifact.

        Raises
        ------
        IntegrityError
            If an artifact has other parts than another.
        """
        for extract in extracts:
            columns = [self.files(artifact, extract) for artifact in artifacts]
            names = [[file.path.rpartition("/")[2] for file in files] for files in columns]
            if any(other != names[0] for other in names):
                stage = artifacts[-1].stage
                raise IntegrityError(
                    f"{self.root}: {stage} has not the parts of {artifacts[0].stage}. Run again "
                    f"with --from {stage}."
                )
            for files in zip(*columns, strict=True):
                yield extract, files

    def numbered(
        self, artifact: PartedArtifact, extracts: Iterable[str] = EXTRACTS
    ) -> Iterator[tuple[StoredFile, RowNumbers]]:
        """Yield each part of an artifact with the row numbers of its raw part."""
        left_out = self.result(Ingested).left_out
        for extract in extracts:
            pairs = [files for _, files in self.aligned(RAW, artifact, extracts=[extract])]
            numbers = row_numbers([raw for raw, _ in pairs], left_out)
            yield from zip((file for _, file in pairs), numbers, strict=True)

    def result(self, kind: type[R]) -> R:
        """Return the result of a stage; of one declared in part, those fields alone."""
        whole = self._manifest.result(kind)
        if kind in self._reads:
            return whole
        declared = (r for r in self._reads if isinstance(r, Fields) and r.result is kind)
        names = {name for read in declared for name in read.names}
        if not names:
            raise self._undeclared(kind.__name__)
        return cast(R, Restricted(whole, names, self._reader))

    def _check(self, artifact: Artifact) -> None:
        if artifact not in self._reads:
            raise self._undeclared(artifact.path)

    def _undeclared(self, what: str) -> UndeclaredError:
        return UndeclaredError(
            f"{self._reader} reads {what}, which it does not declare. Add it to its reads"
        )


class Context(RunReader):
    """Everything that a running stage can read and do.

    Parameters
    ----------
    job : the run
    stage : the declaration of the stage at work
    staging_dir : where it writes, under the final names
    """

    def __init__(self, job: Job, stage: Declaration, staging_dir: Location) -> None:
        super().__init__(job.manifest, stage.reads, stage.name)
        self._job, self._stage = job, stage
        self.staging_dir = staging_dir
        self.written: list[StoredFile] = []
        """The files of the stage so far."""
        self.keys: dict[str, str] = {}
        """The key of each part made."""
        self.work = Work()
        self._intermediate: dict[str, StoredFile] = {}

    @property
    def workers(self) -> Workers:
        """Where tasks run."""
        return self._job.workers

    @property
    def budget(self) -> Budget:
        """The memory budget."""
        return self._job.budget

    @property
    def is_refresh(self) -> bool:
        """True if there is a base."""
        return self._job.base is not None

    @cached_property
    def config(self) -> Config:
        """The settings that the stage has declared; reading another raises an UndeclaredError."""
        config, keys = self._job.config, self._stage.settings
        sections: dict[str, Any] = {}
        for section in {key.partition(".")[0] for key in keys}:
            whole = getattr(config, section)
            own = {key.partition(".")[2] for key in keys if key.partition(".")[0] == section}
            sections[section] = whole if "" in own else Restricted(whole, own, self._reader)
        return cast(Config, Restricted(SimpleNamespace(**sections), sections, self._reader))

    @property
    def base(self) -> RunReader:
        """The base of a refresh, of which it reads what it has declared.

        Raises
        ------
        UndeclaredError
            If there is none.
        """
        if self._job.base is None:
            raise self._undeclared("a base, of which there is none, or")
        own = [read.read for read in self._stage.reads if isinstance(read, OfBase)]
        return RunReader(self._job.base, own, self._reader)

    def source(self, source: Source[T]) -> T:
        """Return what is read that no stage leaves as a file."""
        if source not in self._reads:
            raise self._undeclared(source.name)
        return source.value(self._job)

    # --- writing ----------------------------------------------------------------------------------

    def write(self, artifact: Artifact, content: bytes) -> StoredFile:
        """Write a file of the stage."""
        return self._wrote(artifact, write_file(self.staging_dir, artifact.path, content))

    def write_json(self, artifact: Artifact, value: Any, **options: Any) -> StoredFile:
        """Write a JSON file."""
        return self.write(artifact, json.dumps(value, indent=1, **options).encode())

    def write_frame(self, artifact: Artifact, table: pl.DataFrame) -> StoredFile:
        """Write a Parquet table."""
        return self._wrote(artifact, write_part(self.staging_dir, artifact.path, table))

    def write_table(
        self, artifact: Artifact, table: pl.DataFrame, form: CsvForm = PLAIN
    ) -> StoredFile:
        """Write a CSV table, of which a spreadsheet runs no cell as a formula."""
        return self._wrote(artifact, write_table(self.staging_dir, artifact.path, table, form))

    def write_arrays(self, artifact: Artifact, arrays: dict[str, np.ndarray]) -> StoredFile:
        """Write an ``.npz`` file."""
        return self._wrote(artifact, write_arrays(self.staging_dir, artifact.path, arrays))

    def take(self, artifact: Artifact) -> StoredFile:
        """Reuse a file of the base unchanged.

        Raises
        ------
        IntegrityError
            If it is not what the base lists.
        """
        base = self.base
        file = reuse_part(base.root, base.file(artifact), self.staging_dir, artifact.path)
        if file is None:
            raise IntegrityError(f"{base.root / artifact.path}: not the bytes that run.json lists.")
        return self._wrote(artifact, file)

    def _wrote(self, artifact: Artifact, file: StoredFile) -> StoredFile:
        if artifact.stage != self._stage.name:
            raise UndeclaredError(f"{self._reader} writes {artifact.path} of {artifact.stage}")
        self.written.append(file)
        return file

    def make_parts(
        self,
        tasks: Sequence[PartTask],
        *,
        bytes_per_row: float,
        root: Location | None = None,
        unit: str = "rows",
        extra: bool = False,
        intermediate: bool = False,
    ) -> list[StoredFile]:
        """Make the parts that are not there yet, and count them as written by the stage.

        Parameters
        ----------
        bytes_per_row : in memory while a part is made
        root : the folder below which the tasks find their files: by default the run folder
        unit : what progress is counted in: parts, or what the size of a task is
        extra : True if a full run would not make them
        intermediate : True if they are not published, but parts are that are made of them
        """
        largest = max((task.n_rows for task in tasks), default=0)
        weights = {task.path: 1 if unit == "parts" else task.size for task in tasks}
        with self.progress(sum(weights.values()), unit) as progress:
            made = make_parts(
                self._job,
                self._stage.name,
                tasks,
                root or self.root,
                self.staging_dir,
                lambda file: progress.add(weights[file.path]),
                at_once=self.at_once(bytes_per_row, largest),
                intermediate=self._intermediate,
            )
        if intermediate:
            self._intermediate |= {t.key: f for t, f in zip(tasks, made.files, strict=True)}
            return made.files
        self.written += made.files
        self.keys |= {task.path: task.key for task in tasks}
        n = len(tasks) - made.reused
        self.work += Work(extra=n) if extra else Work(n, made.reused)
        return made.files

    # --- computing and telling --------------------------------------------------------------------

    def compute(
        self, tasks: Sequence[Delayed], *, bytes_per_row: float = 0, rows: int = 0
    ) -> list[Any]:
        """Return the results of tasks of parts of up to so many rows, in their order."""
        at_once = self.at_once(bytes_per_row, rows) if bytes_per_row else None
        return self.workers.run(tasks, at_once=at_once)

    def by_extract(
        self,
        task: Callable[[Location, Sequence[StoredFile]], Delayed],
        artifact: PartedArtifact,
        run: RunReader | None = None,
    ) -> dict[str, Any]:
        """Return what a task makes of all parts of each extract, of this run or of another."""
        reader = run or self
        tasks = [task(reader.root, reader.files(artifact, extract)) for extract in EXTRACTS]
        return dict(zip(EXTRACTS, self.compute(tasks), strict=True))

    def at_once(self, bytes_per_row: float, rows: int) -> int:
        """Return how many parts of so many rows fit in the budget at once."""
        return self._job.at_once(bytes_per_row, rows)

    def limited(self, bytes_per_row: float, rows: int) -> AbstractContextManager[None]:
        """Limit the parts Dask works on at once to what the budget allows."""
        return self.workers.limited(self.at_once(bytes_per_row, rows))

    def scratch(self) -> Location:
        """Return a private folder that all workers see; removed in the end."""
        return self._job.scratch(self.staging_dir)

    def progress(self, total: int, unit: str) -> Progress:
        """Show the progress of the stage."""
        return self._job.console.progress(self._stage.name, total, unit)

    def log(self, message: str, **facts: object) -> None:
        """Log a line of the stage."""
        log(f"{self._stage.name:8} {message}", **facts)

    def counted(self, rows: int) -> str:
        """Return a count for the log, suppressed if it is of few people."""
        return count_text(rows, self._job.config.fairness.min_cell)

    def few_set_aside(self, delivered: Mapping[str, int], encoded: Mapping[str, int]) -> bool:
        """Return True if rows in and out would disclose that too few people are set aside."""
        return few_set_aside(delivered, encoded, self._job.config.fairness.min_cell)


def few_set_aside(delivered: Mapping[str, int], encoded: Mapping[str, int], min_cell: int) -> bool:
    """Return True if rows in and out would disclose that too few people are set aside."""
    return any(0 < delivered[name] - encoded[name] < min_cell for name in EXTRACTS)
