"""Kinds of artifact: a file, files of both extracts by part, and files of one folder."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath

from segment_lib.storage.files import StoredFile
from segment_lib.terms import EXTRACTS


@dataclass(frozen=True)
class Artifact:
    """A file that a stage leaves in the run folder."""

    stage: str
    path: str
    """Below the run folder."""
    about: str
    """What it holds, for docs/files.md."""
    columns: tuple[str, ...] = ()
    """Of a table, in their order; of an archive its arrays, of a JSON file its keys. A last …
    stands for the columns that the delivery or the plan adds."""

    @property
    def folder(self) -> str:
        """The first folder of the path; empty for a file of the run folder itself."""
        return self.path.partition("/")[0] if "/" in self.path else ""

    def holds(self, path: str) -> bool:
        """Return True if the path is that of this artifact."""
        return path == self.path


@dataclass(frozen=True)
class PartedArtifact(Artifact):
    """Files of both extracts, one for each part; `path` is their folder."""

    @property
    def folder(self) -> str:
        """The first folder of the path."""
        return self.path.partition("/")[0]

    def of(self, extract: str) -> str:
        """Return the folder of the parts of an extract."""
        return f"{self.path}/{extract}/"

    def part(self, extract: str, number: int) -> str:
        """Return the path of a part."""
        return f"{self.of(extract)}part-{number:05d}.parquet"

    def rows(self, files: Iterable[StoredFile], extract: str) -> int:
        """Count the rows of the parts of an extract among some files."""
        return sum(file.rows or 0 for file in self.among(files, extract))

    def among(self, files: Iterable[StoredFile], extract: str) -> list[StoredFile]:
        """Return the parts of an extract among some files."""
        return [file for file in files if file.path.startswith(self.of(extract))]

    def beside(self, path: str) -> str:
        """Return the path of this artifact's part with the rows of another artifact's part."""
        *_, extract, name = PurePosixPath(path).parts
        return f"{self.of(extract)}{name}"

    def holds(self, path: str) -> bool:
        """Return True if the path is that of a part of this artifact."""
        return path.startswith(tuple(map(self.of, EXTRACTS)))


@dataclass(frozen=True)
class FolderArtifact(Artifact):
    """Files of one folder, whatever their names; `path` is the folder."""

    def holds(self, path: str) -> bool:
        """Return True if the path lies in this folder."""
        return path.startswith(f"{self.path}/")

    def named(self, name: str) -> Artifact:
        """Return one of the files."""
        return Artifact(self.stage, f"{self.folder}/{name}", self.about)
