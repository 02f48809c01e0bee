"""The run folder and its manifest: what run.json does not list never happened."""

import hashlib
import json
import shutil
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from segment_lib.errors import ConfigError, IntegrityError, JobError, ResourceError
from segment_lib.lock import only_job
from segment_lib.s3 import Changed, S3Path
from segment_lib.scratch import private_folder, sweep_private_folders
from segment_lib.store import (
    StoredFile,
    files_below,
    make_private,
    move_files,
    remove_below,
    write_file,
)
from segment_lib.unfinished import sweep_scratch
from segment_lib.versions import PACKAGES, code_of, versions_of

FORMAT = 4
"""Version of the files of a run. It grows when code changes what a stage writes."""

_DRAWING = ("altair", "vl-convert-python")
"""What decides the bytes of the page and its figures."""
_WORK = ".work"
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


@dataclass(frozen=True)
class StageRecord:
    """What a finished stage left behind."""

    fingerprint: str
    """Of its settings, its inputs and the format version."""
    files: tuple[StoredFile, ...]
    rows_in: int = 0
    rows_out: int = 0
    seconds: float = 0.0
    peak_mib: int = 0
    """Largest resident memory of the process and its children while it ran."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """What later stages and the report need to know of it."""

    def as_json(self) -> dict[str, Any]:
        return {**self.__dict__, "files": [file.as_json() for file in self.files]}

    @classmethod
    def from_json(cls, entry: dict[str, Any]) -> "StageRecord":
        return cls(**{**entry, "files": tuple(StoredFile(**file) for file in entry["files"])})


def fingerprint(settings: Any, inputs: Any) -> str:
    """The same for the same settings, inputs and format version, and for nothing else."""
    text = json.dumps([FORMAT, settings, inputs], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def fingerprint_file(path: Path, *, by_content: bool = False) -> list[str | int]:
    """Name, size and time of change of a delivered file: enough to see that it is another.

    Of an object: name and version. By content: name and sha256, where times cannot be trusted.
    """
    if by_content:
        with path.open("rb") as file:
            return [path.name, hashlib.file_digest(file, "sha256").hexdigest()]
    if isinstance(path, S3Path):
        return [path.name, path.version()]
    stat = path.stat()
    return [path.name, stat.st_size, stat.st_mtime_ns]


def package_versions() -> dict[str, str]:
    """Versions of what decides the bytes."""
    return versions_of((*PACKAGES, *_DRAWING))


class Manifest:
    """The run folder: finished stages, and a private place for the one at work."""

    def __init__(self, root: Path) -> None:
        """Open a run folder, which need not exist yet.

        Raises
        ------
        IntegrityError
            If its run.json cannot be read, or is of another format version.
        """
        self.root = root
        self.stages: dict[str, StageRecord] = {}
        self.about: dict[str, Any] = {}
        self.notes: dict[str, Any] = {}
        """What outlives the stages, such as which plans were derived and not edited."""
        self._version: str | None = None
        """Of run.json in an object store, as it was last read or written here."""
        self._scratch: Path | None = None
        path = root / "run.json"
        try:
            if isinstance(path, S3Path):
                content, self._version = path.read_version()
            else:
                content = path.read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return
        try:
            told = json.loads(content)
            found = told["format_version"]
            if found == FORMAT and sealed(told) != content:
                raise IntegrityError(
                    f"{path}: not as it was written. Choose another --run-dir, or delete this run "
                    "folder."
                )
            stages = told["stages"] if found == FORMAT else {}
            self.stages = {name: StageRecord.from_json(entry) for name, entry in stages.items()}
            self.notes = told["notes"]
        except (ValueError, KeyError, TypeError):
            raise IntegrityError(
                f"{path}: not a manifest. Choose another --run-dir, or delete this run folder."
            ) from None
        if found != FORMAT:
            raise IntegrityError(
                f"{path}: format version {found}, this program writes {FORMAT}. "
                "Choose another --run-dir."
            )

    def describe(self, **about: Any) -> None:
        """Note what the run is: config, inputs, versions; and when. Written with the next stage."""
        date = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        self.about = {"date": date, **about}

    @contextmanager
    def naming_stage(self) -> Iterator[None]:
        """Within it, an error about a listed file says which stage makes it anew."""
        try:
            yield
        except IntegrityError as error:
            for name, record in self.stages.items():
                if error.file in {file.path for file in record.files}:
                    raise IntegrityError(f"{error} Run again with --from {name}.") from None
            raise

    def is_done(self, stage: str, mark: str) -> bool:
        """True if the stage was finished with this fingerprint and its files are still there."""
        record = self.stages.get(stage)
        if record is None or record.fingerprint != mark:
            return False
        sizes = _sizes(self.root, record.files)
        # The analyst may edit the plan; encode looks at its content.
        return all(
            file.path in sizes and (file.path == "plan.json" or sizes[file.path] == file.bytes)
            for file in record.files
        )

    def files(self, stage: str, folder: str = "") -> list[StoredFile]:
        """The files a finished stage left in `folder`, in the order of their names."""
        listed = self.stages[stage].files
        return sorted((f for f in listed if f.path.startswith(folder)), key=lambda f: f.path)

    def file(self, stage: str, path: str) -> StoredFile:
        """One file of a finished stage."""
        return next(file for file in self.stages[stage].files if file.path == path)

    @contextmanager
    def held(self) -> Iterator[str | None]:
        """Make the run folder, if need be, and keep other jobs out of it until left or killed.

        Gives what is to be said of a job that died there, if one did.

        Raises
        ------
        ResourceError
            If the folder cannot be made or written.
        ConfigError
            If another job is at work in it.
        """
        try:
            if not isinstance(self.root, S3Path):
                _close_to_others(self.root)
        except OSError as error:
            raise ResourceError(
                f"{self.root}: cannot be made ({error.strerror}). Choose another --run-dir."
            ) from None
        with only_job(self.root) as stale:
            # Not before: until then they may be those of the job at work.
            sweep_private_folders(self.root)
            try:
                yield stale
            finally:
                self._drop_scratch()

    def begin(self, stage: str, mark: str) -> Path:
        """The private folder in which the stage writes under the final names.

        Parts finished, and a checkpoint left, by a run of the same fingerprint, versions and code
        that ended early are in it; all other scratch is removed.
        """
        made_by = [package_versions(), code_of("segment_lib")]
        name = f"{stage}-{fingerprint(mark, made_by)[:32]}"
        work = self.root / _WORK / name
        try:
            if isinstance(work, S3Path):
                for path in files_below(work.parent):
                    if work not in path.parents:
                        path.unlink()
            else:
                for other in work.parent.glob("*"):
                    if other != work:
                        shutil.rmtree(other)
            sweep_scratch(work)
            make_private(work)
        except OSError as error:
            raise ResourceError(
                f"{work.parent}: cannot be written ({error.strerror}). Choose another --run-dir."
            ) from None
        return work

    def set_down(self, work: Path) -> None:
        """Keep of a stage that failed what a run taken up again goes on from."""
        self._drop_scratch()
        with suppress(OSError, JobError):
            sweep_scratch(work)

    def scratch(self, folder: Path) -> Path:
        """The folder, or a private one of this machine in its stead if it is in an object store."""
        if not isinstance(folder, S3Path):
            return folder
        if self._scratch is None:
            self._scratch = private_folder(self.root)
        return self._scratch

    def publish(
        self, stage: str, work: Path, record: StageRecord, following: Iterable[str]
    ) -> None:
        """Put the files of `work` in their places and list them; forget what followed before.

        The old entry goes first and the new one comes last, so that a kill in between leaves a
        stage that is not done, never one that is half old and half new.

        Raises
        ------
        ConfigError
            If another job has written run.json meanwhile, as may happen in an object store.
        """
        order = dict.fromkeys([*self.stages, stage])
        for name in (stage, *following):
            self.stages.pop(name, None)
        self._write()
        # A part that a killed run had put in its place is not in the work folder any more.
        move_files(work, self.root, [file.path for file in record.files])
        self.stages[stage] = record
        # A stage made again keeps its place before those that stay.
        self.stages = {name: self.stages[name] for name in order if name in self.stages}
        self._write()
        self._tidy()

    def _tidy(self) -> None:
        """Remove what no stage lists: files of stages forgotten, and of a job that was killed."""
        self._drop_scratch()
        remove_below(self.root / _WORK)
        listed = {file.path for record in self.stages.values() for file in record.files}
        for folder in FOLDERS:
            for path in files_below(self.root / folder):
                if path.relative_to(self.root).as_posix() not in listed:
                    path.unlink()
        for path in (*self.root.glob(".run.json.*"), *self.root.glob(".plan.json.*")):
            path.unlink()

    def _write(self) -> None:
        told = {
            "format_version": FORMAT,
            **self.about,
            "notes": self.notes,
            "stages": {name: record.as_json() for name, record in self.stages.items()},
        }
        path = self.root / "run.json"
        if not isinstance(path, S3Path):
            write_file(self.root, "run.json", sealed(told))
            return
        try:
            self._version = path.put_if(sealed(told), self._version)
        except Changed:
            raise ConfigError(
                f"{path}: another job has written it since this one began, and this one publishes "
                "no more. Look which is at work, then run the same command again."
            ) from None

    def _drop_scratch(self) -> None:
        if self._scratch is not None:
            shutil.rmtree(self._scratch, ignore_errors=True)
            self._scratch = None


def _close_to_others(root: Path) -> None:
    """Make the run folder for its owner alone; close one made before, if it is a run or empty."""
    make_private(root)
    if (root / "run.json").exists() or not any(root.iterdir()):
        root.chmod(root.stat().st_mode & 0o700)


def _sizes(root: Path, files: Iterable[StoredFile]) -> dict[str, int]:
    """Bytes of the files that are there, by their paths."""
    if isinstance(root, S3Path):
        return {path.relative_to(root).as_posix(): size for path, size in root.listed()}
    paths = (root / file.path for file in files)
    return {
        path.relative_to(root).as_posix(): path.stat().st_size for path in paths if path.is_file()
    }


def sealed(told: Mapping[str, Any]) -> bytes:
    """The manifest as JSON, the sha256 of all before it at its end."""
    rest = {key: value for key, value in told.items() if key != "sha256"}
    seal = hashlib.sha256(json.dumps(rest, indent=1).encode()).hexdigest()
    return json.dumps({**rest, "sha256": seal}, indent=1).encode()
