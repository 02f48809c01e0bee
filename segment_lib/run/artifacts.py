"""Every file of a run, once: its path, the stage that leaves it, what it holds.

Nobody else writes a path of a run out. The tables of docs/files.md are made from these.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

EXTRACTS = ("population", "customers")


@dataclass(frozen=True)
class Artifact:
    """A file that a stage leaves in the run folder."""

    stage: str
    path: str
    """Below the run folder."""
    about: str = ""
    """A sentence for docs/files.md."""
    columns: tuple[str, ...] = ()
    """Of a table, in their order."""

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
        """Folder of the parts of an extract."""
        return f"{self.path}/{extract}/"

    def part(self, extract: str, number: int) -> str:
        """Path of a part."""
        return f"{self.of(extract)}part-{number:05d}.parquet"

    def beside(self, path: str) -> str:
        """Path of the part of this artifact that has the rows of another artifact's part."""
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


RAW = PartedArtifact("ingest", "raw")

ATTRIBUTES = Artifact("assess", "assess/attributes.parquet")
ROWS = Artifact("assess", "assess/rows.parquet")
PLAN = Artifact("assess", "plan.json")
PROPOSED_PLAN = Artifact("assess", "plan.proposed.json")

FEATURES = PartedArtifact("encode", "features")

PROJECTION = Artifact("fit", "model/projection.npz")

MODEL = Artifact("sweep", "model/model.json")
ARRAYS = Artifact("sweep", "model/arrays.npz")
SWEEP = Artifact("sweep", "model/sweep.csv")
STABILITY = Artifact("sweep", "model/stability.csv")
RESAMPLED = Artifact("sweep", "model/reclusterings.npz")

ASSIGNED = PartedArtifact("assign", "segments")

COUNTS = PartedArtifact("compare", "compare/counts")
LEVELS = Artifact("compare", "compare/levels.json")
SEGMENTS = Artifact("compare", "compare/segments.csv")
TESTS = Artifact("compare", "compare/tests.json")
PROFILE = Artifact("compare", "compare/profile.parquet")
TRAITS = Artifact("compare", "compare/traits.csv")
NAMES = Artifact("compare", "compare/names.csv")
COMPONENTS = Artifact("compare", "compare/components.csv")
LOADINGS = Artifact("compare", "compare/loadings.csv")
FAIRNESS = Artifact("compare", "compare/fairness.csv")
DESCRIBE = Artifact("compare", "compare/describe.csv")

MICRO = Artifact("gains", "gains/micro.csv")
MICRO_MODEL = Artifact("gains", "gains/micro.npz")
MICRO_PARTS = PartedArtifact("gains", "gains")
GAINS = Artifact("gains", "gains/gains.csv")
DEPTH = Artifact("gains", "gains/depth.json")
RESPONSE = Artifact("gains", "gains/response.csv")

DRIFT = Artifact("drift", "refresh/drift.parquet")
SHARES = Artifact("drift", "refresh/shares.parquet")
PLACED = PartedArtifact("drift", "refresh/placed")
SEGMENT_CHANGES = Artifact("refresh", "refresh/segments.csv")
SUMMARY = Artifact("refresh", "refresh/summary.json")

PAGE = Artifact("report", "report/index.html")
FIGURES = FolderArtifact("report", "report/figures")

ARTIFACTS = tuple(value for value in globals().values() if isinstance(value, Artifact))
"""All of them, in the order in which stages leave them."""
FOLDERS = tuple(dict.fromkeys(artifact.folder for artifact in ARTIFACTS if artifact.folder))
"""The folders of a run folder in which they lie."""

DELIVERED = PartedArtifact("ingest", "delivered")
"""Raw parts as delivered, from which people who come again are left out; never published."""


def artifacts_of(stage: str) -> Iterator[Artifact]:
    """The artifacts that a stage leaves."""
    return (artifact for artifact in ARTIFACTS if artifact.stage == stage)
