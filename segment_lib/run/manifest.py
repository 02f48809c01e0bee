"""The manifest of a run, run.json: files and stages that it does not list do not exist."""

import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

from segment_lib.errors import ConfigError, IntegrityError
from segment_lib.run.artifacts import FOLDERS, PLAN
from segment_lib.run.checkpoint import is_whole
from segment_lib.run.folder import RunFolder
from segment_lib.run.layout import RUN, STAGING
from segment_lib.run.record import Publication, RunRecord, StageRecord, read_record
from segment_lib.run.results import Result
from segment_lib.storage.files import StoredFile, files_below
from segment_lib.storage.location import AT_ONCE, Changed, Location
from segment_lib.storage.stores import store_of

R = TypeVar("R", bound=Result)


class Manifest:
    """run.json: the stages that are finished, their files, and the stage being published."""

    def __init__(self, root: Location) -> None:
        """Open a run folder, which need not exist yet.

        Raises
        ------
        IntegrityError
            If its run.json cannot be read, or is of another format version.
        """
        self.root = root
        self.about: dict[str, Any] = {}
        """What the job at work notes of itself; what an earlier one noted is in `recorded`."""
        self.folder = RunFolder(root)
        self._store = store_of(root)
        self._version: str | None = None
        """Of run.json where the store has versions, as it was last read or written here."""
        self._read()

    def _read(self) -> None:
        path = self.root / RUN
        content = None
        with suppress(FileNotFoundError, NotADirectoryError):
            content, self._version = self._store.read_version(path)
        self.recorded = read_record(content, path) if content is not None else RunRecord({})
        """What run.json told when it was read."""
        self.stages = dict(self.recorded.stages)
        self.notes = dict(self.recorded.notes)
        """What outlives the stages, such as which plans were derived and not edited."""
        self.publishing = self.recorded.publishing

    def describe(self, **about: Any) -> None:
        """Record config, inputs, versions and date of the run; written with the next stage."""
        date = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        self.about = {"date": date, **about}

    @contextmanager
    def annotate_errors(self) -> Iterator[None]:
        """Add to errors about a listed file which stage makes it again."""
        try:
            yield
        except IntegrityError as error:
            for name, record in self.stages.items():
                if error.file in {file.path for file in record.files}:
                    raise IntegrityError(f"{error} Run again with --from {name}.") from None
            raise

    def is_done(self, stage: str, fingerprint: str) -> bool:
        """Return True if the stage finished with this fingerprint and its files are still there."""
        record = self.stages.get(stage)
        if record is None or record.fingerprint != fingerprint:
            return False
        sizes = self._store.sizes(self.root, [file.path for file in record.files])
        # The analyst may edit the plan; encode looks at its content.
        return all(
            file.path in sizes and (file.path == PLAN.path or sizes[file.path] == file.bytes)
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
        """Lock the run folder (`RunFolder.lock`), and finish what a killed job was publishing.

        Gives what is to be said of such a job.
        """
        with self.folder.lock() as stale:
            # Another job may have published between the opening and the lock.
            self._read()
            self._finish_publishing()
            yield stale

    @contextmanager
    def lock_or_look(self) -> Iterator[str | None]:
        """Lock as `lock` does; a folder that may not be written is read without changing it."""
        if self._store.is_writable(self.root):
            with self.lock() as stale:
                yield stale
        else:
            self.folder.refuse_foreign()
            self._store.lock(self.root).refuse_holder()
            yield None

    def publish(
        self, stage: str, staging_dir: Location, record: StageRecord, following: Iterable[str]
    ) -> None:
        """Move the files of `staging_dir` into place, list them, and forget later stages.

        Until run.json notes the new files, the old ones stay listed and as they are. From then on
        the new ones are whole there or in their places, and whoever holds the folder next
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
        self._store.flush(staging_dir, new)
        gone = listed - new - {file.path for r in kept.values() for file in r.files}
        remove = tuple(sorted(path for path in gone if path.partition("/")[0] in FOLDERS))
        self.stages = kept
        self.publishing = Publication(stage, staging_dir.name, record, remove, order)
        self._write()
        self._place(self.publishing)

    def _place(self, publication: Publication) -> None:
        """Move the rest of a publication's files into place, and list them."""
        stage, record = publication.stage, publication.record
        self._store.remove(*(self.root / path for path in publication.remove))
        paths = [file.path for file in record.files]
        # A part that a killed run had put in its place is not in the staging folder any more.
        self._store.move(self.root / STAGING / publication.work, self.root, paths)
        self._store.flush(self.root, paths, folders_alone=True)
        self.stages[stage] = record
        self.stages = {name: self.stages[name] for name in publication.order if name in self.stages}
        self.publishing = None
        self._write()
        self.folder.clear()

    def _finish_publishing(self) -> None:
        """Finish an interrupted publication; forget it if a file is gone."""
        publication = self.publishing
        if publication is None:
            return
        folders = [self.root / STAGING / publication.work, self.root]
        with ThreadPoolExecutor(AT_ONCE) as pool:
            whole = all(pool.map(lambda file: is_whole(folders, file), publication.record.files))
        self.about = self.about or dict(self.recorded.about)
        if whole:
            self._place(publication)
            return
        paths = (*publication.remove, *(file.path for file in publication.record.files))
        own = (path for path in paths if path.partition("/")[0] in FOLDERS)
        self._store.remove(*(self.root / path for path in own))
        self.publishing = None
        self._write()

    def _listed(self) -> set[str]:
        """The files that stages list, and those being moved or removed."""
        listed = {file.path for record in self.stages.values() for file in record.files}
        if self.publishing is not None:
            listed.update(self.publishing.remove)
            listed.update(file.path for file in self.publishing.record.files)
        return listed

    def unlisted(self) -> list[Location]:
        """The files, and links, in the folders of stages that no stage lists."""
        listed = self._listed()
        return sorted(
            path
            for folder in FOLDERS
            for path in files_below(self.root / folder)
            if path.relative_to(self.root).as_posix() not in listed
        )

    def _refuse_unlisted(self, paths: Iterable[str]) -> None:
        """Raise an IntegrityError if a file that no job wrote would be replaced."""
        strangers = self._store.present(self.root, paths)
        if strangers and self._is_other_version():
            raise self._written_by_another()
        # The analyst may have put a plan there.
        own = {PLAN.path} if (self.root / PLAN.path).is_file() else set()
        if strangers := strangers - own:
            raise IntegrityError(
                f"{self.root / min(strangers)}: there already, and no job of this program has "
                "listed it, so that it is not replaced. Move it away, then run the same command "
                "again."
            )

    def _write(self) -> None:
        content = RunRecord(self.stages, self.about, self.notes, self.publishing).as_bytes()
        try:
            self._version = self._store.write_version(self.root / RUN, content, self._version)
        except Changed:
            raise self._written_by_another() from None

    def _is_other_version(self) -> bool:
        with suppress(FileNotFoundError):
            return self._store.read_version(self.root / RUN)[1] != self._version
        return False

    def _written_by_another(self) -> ConfigError:
        return ConfigError(
            f"{self.root / RUN}: another job has written it since this one began, and this one "
            "publishes no more. Look which is at work, then run the same command again."
        )
