"""The run folder and its manifest: what run.json does not list never happened."""

import hashlib
import json
import os
import shutil
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

from segment_lib.cluster.versions import PACKAGES, code_of, versions_of
from segment_lib.errors import ConfigError, IntegrityError, JobError, ResourceError
from segment_lib.run.checkpoint import is_whole, sweep_scratch
from segment_lib.run.folder import (
    FOLDERS,
    PLAN,
    RUN,
    WORK,
    refuse_links,
    refuse_strangers,
    remove,
    remove_scratch,
)
from segment_lib.run.record import (
    FORMAT,
    Publication,
    RunRecord,
    StageRecord,
    read_record,
    with_checksum,
)
from segment_lib.run.results import Result
from segment_lib.storage.files import (
    StoredFile,
    files_below,
    flush_files,
    make_private,
    move_files,
    read_regular,
    write_file,
)
from segment_lib.storage.lock import only_job, refuse_job_at_work
from segment_lib.storage.s3 import AT_ONCE, Changed, S3Path
from segment_lib.storage.scratch import private_folder, sweep_private_folders

__all__ = ["FOLDERS", "FORMAT", "Manifest", "Publication", "StageRecord", "with_checksum"]

R = TypeVar("R", bound=Result)

_DRAWING = ("altair", "vl-convert-python")
"""What decides the bytes of the page and its figures."""


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
        self.about: dict[str, Any] = {}
        """What the job at work notes of itself; what an earlier one noted is in `recorded`."""
        self._version: str | None = None
        """Of run.json in an object store, as it was last read or written here."""
        self._scratch: Path | None = None
        self._read()

    def _read(self) -> None:
        path = self.root / RUN
        content = None
        with suppress(FileNotFoundError, NotADirectoryError):
            if isinstance(path, S3Path):
                content, self._version = path.read_version()
            else:
                content = read_regular(path)
        self.recorded = read_record(content, path) if content is not None else RunRecord({})
        """What run.json told when it was read."""
        self.stages = dict(self.recorded.stages)
        self.notes = dict(self.recorded.notes)
        """What outlives the stages, such as which plans were derived and not edited."""
        self.publishing = self.recorded.publishing

    def describe(self, **about: Any) -> None:
        """Note what the run is: config, inputs, versions; and when. Written with the next stage."""
        date = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        self.about = {"date": date, **about}

    @contextmanager
    def annotate_errors(self) -> Iterator[None]:
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
            file.path in sizes and (file.path == PLAN or sizes[file.path] == file.bytes)
            for file in record.files
        )

    def result(self, kind: type[R]) -> R:
        """The result of a finished stage.

        Raises
        ------
        IntegrityError
            If the record of the stage does not hold it.
        """
        return kind.from_json(self.stages[kind.stage].facts)

    def files(self, stage: str, folder: str = "") -> list[StoredFile]:
        """The files a finished stage left in `folder`, in the order of their names."""
        listed = self.stages[stage].files
        return sorted((f for f in listed if f.path.startswith(folder)), key=lambda f: f.path)

    def file(self, stage: str, path: str) -> StoredFile:
        """One file of a finished stage."""
        for file in self.stages[stage].files:
            if file.path == path:
                return file
        raise IntegrityError(
            f"{self.root}: {stage} lists no {path}. Run again with --from {stage}."
        )

    @contextmanager
    def lock(self) -> Iterator[str | None]:
        """Make the run folder, if need be, and keep other jobs out of it until left or killed.

        Gives what is to be said of a job that died there, if one did. What it was publishing is
        in place then.

        Raises
        ------
        ResourceError
            If the folder cannot be made or written.
        ConfigError
            If another job is at work in it, or it holds what is not a run.
        IntegrityError
            If a link lies where the job would write or remove.
        """
        self.refuse_foreign()
        try:
            if not isinstance(self.root, S3Path):
                _close_to_others(self.root)
        except OSError as error:
            raise ResourceError(
                f"{self.root}: cannot be made ({error.strerror}). Choose another --run-dir."
            ) from None
        with only_job(self.root) as stale:
            # Another job may have published between the opening and the lock.
            self._read()
            # Not before: until then they may be those of the job at work.
            sweep_private_folders(self.root)
            self._finish_publishing()
            try:
                yield stale
            finally:
                self._drop_scratch()

    @contextmanager
    def lock_or_look(self) -> Iterator[str | None]:
        """As `lock`; a folder that may not be written is looked at, and nothing in it changes."""
        if isinstance(self.root, S3Path) or os.access(self.root, os.W_OK):
            with self.lock() as stale:
                yield stale
        else:
            self.refuse_foreign()
            refuse_job_at_work(self.root)
            yield None

    def refuse_foreign(self) -> None:
        """Raise an error, with nothing changed, if the folder is no run or a link lies in it."""
        refuse_strangers(self.root)
        refuse_links(self.root)

    def begin(self, stage: str, mark: str) -> Path:
        """The private folder in which the stage writes under the final names.

        Parts finished, and a checkpoint left, by a run of the same fingerprint, versions and code
        that ended early are in it; all other scratch is removed.
        """
        made_by = [package_versions(), code_of("segment_lib")]
        work = self.root / WORK / f"{stage}-{fingerprint(mark, made_by)[:32]}"
        try:
            remove_scratch(self.root, kept=work)
            sweep_scratch(work)
            make_private(work)
        except OSError as error:
            raise ResourceError(
                f"{work.parent}: cannot be written ({error.strerror}). Choose another --run-dir."
            ) from None
        return work

    def abandon(self, work: Path) -> None:
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

        Until run.json notes the new files, the old ones stay listed and as they are. From then on
        the new ones are whole in `work` or in their places, and whoever holds the folder next
        puts them there. So a kill or a power cut leaves the stage as it was, or all of the new.

        Raises
        ------
        ConfigError
            If another job has written run.json meanwhile, as may happen in an object store.
        IntegrityError
            If a file that no job wrote lies where one of the new ones is to be.
        """
        listed, new = self._listed(), {file.path for file in record.files}
        self._refuse_unlisted(new - listed)
        order = tuple(dict.fromkeys([*self.stages, stage]))
        # A stage made again keeps its place before those that stay.
        kept = {name: r for name, r in self.stages.items() if name not in (stage, *following)}
        flush_files(work, new)
        gone = listed - new - {file.path for r in kept.values() for file in r.files}
        remove = tuple(sorted(path for path in gone if path.partition("/")[0] in FOLDERS))
        self.stages = kept
        self.publishing = Publication(stage, work.name, record, remove, order)
        self._write()
        self._place(self.publishing)

    def _place(self, publication: Publication) -> None:
        """Do what a publication is, or the rest of it, and list its files."""
        stage, record = publication.stage, publication.record
        for path in publication.remove:
            remove(self.root / path)
        paths = [file.path for file in record.files]
        # A part that a killed run had put in its place is not in the work folder any more.
        move_files(self.root / WORK / publication.work, self.root, paths)
        flush_files(self.root, paths, folders_alone=True)
        self.stages[stage] = record
        self.stages = {name: self.stages[name] for name in publication.order if name in self.stages}
        self.publishing = None
        self._write()
        self._drop_scratch()
        remove_scratch(self.root)

    def _finish_publishing(self) -> None:
        """Do the rest of what a job was at when it was killed; if a file is gone, forget it."""
        publication = self.publishing
        if publication is None:
            return
        folders = [self.root / WORK / publication.work, self.root]
        with ThreadPoolExecutor(AT_ONCE) as pool:
            whole = all(pool.map(lambda file: is_whole(folders, file), publication.record.files))
        self.about = self.about or dict(self.recorded.about)
        if whole:
            self._place(publication)
            return
        for path in (*publication.remove, *(file.path for file in publication.record.files)):
            if path.partition("/")[0] in FOLDERS:
                remove(self.root / path)
        self.publishing = None
        self._write()

    def _listed(self) -> set[str]:
        """The files that stages list, and those that are being put in their places or removed."""
        listed = {file.path for record in self.stages.values() for file in record.files}
        if self.publishing is not None:
            listed.update(self.publishing.remove)
            listed.update(file.path for file in self.publishing.record.files)
        return listed

    def unlisted(self) -> list[Path]:
        """The files, and links, in the folders of stages that no stage lists."""
        listed = self._listed()
        return sorted(
            path
            for folder in FOLDERS
            for path in files_below(self.root / folder)
            if path.relative_to(self.root).as_posix() not in listed
        )

    def _refuse_unlisted(self, paths: Iterable[str]) -> None:
        """Raise an IntegrityError if one of the files is there: what no job wrote stays."""
        if isinstance(self.root, S3Path):
            there = {path.relative_to(self.root).as_posix() for path, _ in self.root.listed()}
            strange = [path for path in paths if path in there]
            if strange and self._is_other_version():
                raise self._written_by_another()
        else:
            strange = [path for path in paths if os.path.lexists(self.root / path)]
        # The analyst may have put a plan there.
        own = {PLAN} if (self.root / PLAN).is_file() else set()
        if strange := sorted(set(strange) - own):
            raise IntegrityError(
                f"{self.root / strange[0]}: there already, and no job of this program has listed "
                "it, so that it is not replaced. Move it away, then run the same command again."
            )

    def _write(self) -> None:
        content = RunRecord(self.stages, self.about, self.notes, self.publishing).as_bytes()
        path = self.root / RUN
        if not isinstance(path, S3Path):
            write_file(self.root, RUN, content, durable=True)
            return
        try:
            self._version = path.put_if(content, self._version)
        except Changed:
            raise self._written_by_another() from None

    def _is_other_version(self) -> bool:
        path = self.root / RUN
        return isinstance(path, S3Path) and path.exists() and path.version() != self._version

    def _written_by_another(self) -> ConfigError:
        return ConfigError(
            f"{self.root / RUN}: another job has written it since this one began, and this one "
            "publishes no more. Look which is at work, then run the same command again."
        )

    def _drop_scratch(self) -> None:
        if self._scratch is not None:
            shutil.rmtree(self._scratch, ignore_errors=True)
            self._scratch = None


def _close_to_others(root: Path) -> None:
    """Make the run folder for its owner alone; close one made before."""
    make_private(root)
    # What is neither empty nor a run has been refused.
    if root.stat().st_mode & 0o077:
        root.chmod(root.stat().st_mode & 0o700)


def _sizes(root: Path, files: Iterable[StoredFile]) -> dict[str, int]:
    """Bytes of the files that are there, by their paths."""
    if isinstance(root, S3Path):
        return {path.relative_to(root).as_posix(): size for path, size in root.listed()}
    paths = (root / file.path for file in files)
    return {
        path.relative_to(root).as_posix(): path.stat().st_size for path in paths if path.is_file()
    }
