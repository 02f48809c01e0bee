"""A run folder in use: locked, with staging folders and a private folder of this machine."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from segment_lib.cluster.versions import code_of
from segment_lib.errors import JobError, ResourceError
from segment_lib.run.fingerprint import fingerprint, package_versions
from segment_lib.run.foreign import refuse_links, refuse_strangers
from segment_lib.run.layout import STAGING
from segment_lib.run.staging import keep_finished, remove_leftovers
from segment_lib.storage.files import make_private
from segment_lib.storage.location import Location
from segment_lib.storage.scratch import private_folder, sweep_private_folders
from segment_lib.storage.stores import local_path, store_of


class RunFolder:
    """The folder of a run: its lock, and the files not published yet."""

    def __init__(self, root: Location) -> None:
        self.root = root
        self._private: Path | None = None

    def refuse_foreign(self) -> None:
        """Raise an error, changing nothing, if the folder is no run or holds a link."""
        refuse_strangers(self.root)
        refuse_links(self.root)

    @contextmanager
    def lock(self) -> Iterator[str | None]:
        """Make the run folder if need be, and lock it against other jobs.

        Gives what is to be said of a job that died there, if one did.

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
        store = store_of(self.root)
        try:
            store.make_private(self.root)
            # What is neither empty nor a run has been refused.
            store.close_to_others(self.root)
        except OSError as error:
            raise ResourceError(
                f"{self.root}: cannot be made ({error.strerror}). Choose another --run-dir."
            ) from None
        with store.lock(self.root).hold() as stale:
            # Not before: until then they may be those of the job at work.
            sweep_private_folders(self.root)
            try:
                yield stale
            finally:
                self._drop_private()

    def local(self, folder: Location) -> Path:
        """The folder itself, or a private one of this machine if it is in a bucket."""
        if (path := local_path(folder)) is not None:
            return path
        if self._private is None:
            self._private = private_folder(self.root)
        return self._private

    def begin(self, stage: str, stage_fingerprint: str) -> Location:
        """Make the private folder in which a stage writes under the final names.

        Parts finished, and a checkpoint left, by a run of the same fingerprint, versions and code
        that ended early are in it; all other leftovers are removed.

        Raises
        ------
        ResourceError
            If the run folder cannot be written.
        """
        made_by = [package_versions(), code_of("segment_lib")]
        name = f"{stage}-{fingerprint(stage_fingerprint, made_by)[:32]}"
        staging_dir = self.root / STAGING / name
        try:
            remove_leftovers(self.root, kept=staging_dir)
            keep_finished(staging_dir)
            make_private(staging_dir)
        except OSError as error:
            raise ResourceError(
                f"{staging_dir.parent}: cannot be written ({error.strerror}). Choose another "
                "--run-dir."
            ) from None
        return staging_dir

    def abandon(self, staging_dir: Location) -> None:
        """Keep what a resumed run can reuse of a failed stage, and remove the rest."""
        self._drop_private()
        with suppress(OSError, JobError):
            keep_finished(staging_dir)

    def clear(self) -> None:
        """Remove what is no longer needed once a stage is published."""
        self._drop_private()
        remove_leftovers(self.root)

    def _drop_private(self) -> None:
        if self._private is not None:
            shutil.rmtree(self._private, ignore_errors=True)
            self._private = None
