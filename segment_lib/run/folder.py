"""A run folder in use: locked, with staging folders and a private folder of this machine."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from segment_lib.errors import ResourceError
from segment_lib.run.foreign import refuse_links, refuse_strangers
from segment_lib.run.staging import abandon_stage, begin_stage, remove_leftovers
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
        """Make the staging folder of a stage: see `begin_stage`."""
        return begin_stage(self.root, stage, stage_fingerprint)

    def abandon(self, staging_dir: Location) -> None:
        """Keep what a resumed run can reuse of a failed stage, and remove the rest."""
        self._drop_private()
        abandon_stage(staging_dir)

    def clear(self) -> None:
        """Remove what is no longer needed once a stage is published."""
        self._drop_private()
        remove_leftovers(self.root)

    def _drop_private(self) -> None:
        if self._private is not None:
            shutil.rmtree(self._private, ignore_errors=True)
            self._private = None
