"""A finished run opened by a program: tables as Polars frames, the model as estimators."""

from dataclasses import dataclass
from functools import cached_property

import polars as pl

from segment_lib.errors import ConfigError
from segment_lib.model import FittedModel
from segment_lib.run.artifact_kinds import Artifact, PartedArtifact
from segment_lib.run.artifacts import ARRAYS, ARTIFACTS, MODEL
from segment_lib.run.context import RunReader
from segment_lib.run.manifest import Manifest
from segment_lib.storage.files import read_part
from segment_lib.storage.stores import as_location
from segment_lib.terms import EXTRACTS


@dataclass(frozen=True)
class OpenedRun:
    """Read-only view of a finished run.

    Parameters
    ----------
    manifest : of the run
    """

    manifest: Manifest

    @property
    def tables(self) -> tuple[str, ...]:
        """Names of the tables, as in docs/files.md; those of parts are folders."""
        return tuple(self._tables)

    def table(self, name: str, extract: str | None = None) -> pl.DataFrame:
        """Read a table, each of its files checked by its sha256.

        Parameters
        ----------
        name : one of `tables`
        extract : ``"population"`` or ``"customers"``, of a table of parts; these are read into
            memory together

        Raises
        ------
        ConfigError
            If there is no such table, or no such extract of it.
        IntegrityError
            If its bytes are not those that were written.
        """
        artifact = self._tables.get(name)
        if artifact is None:
            raise ConfigError(
                f"{self.manifest.root}: no table {name}. It has: {', '.join(self.tables)}."
            )
        if isinstance(artifact, PartedArtifact):
            if extract not in EXTRACTS:
                raise ConfigError(f"{name} has parts of {' and '.join(EXTRACTS)}. Name one.")
            files = self._reader.files(artifact, extract)
            return pl.concat(read_part(self.manifest.root, file) for file in files)
        is_text = name.endswith(".csv")
        return self._reader.table(artifact) if is_text else self._reader.frame(artifact)

    @cached_property
    def model(self) -> FittedModel:
        """Scaler, components and clusters, fitted: `projection.scaler`, `projection.pca`, `kmeans`.

        Raises
        ------
        IntegrityError
            If the run has none, or its arrays do not fit together.
        """
        return FittedModel.from_arrays(self._reader.arrays(ARRAYS))

    @cached_property
    def features(self) -> tuple[str, ...]:
        """The features of the model, in its order."""
        return tuple(self._reader.json(MODEL)["features"])

    @cached_property
    def _reader(self) -> RunReader:
        return RunReader(self.manifest, ARTIFACTS, "open_run")

    @cached_property
    def _tables(self) -> dict[str, Artifact]:
        return {
            artifact.path: artifact
            for artifact in ARTIFACTS
            if artifact.stage in self.manifest.stages
            and (
                isinstance(artifact, PartedArtifact) or artifact.path.endswith((".csv", "parquet"))
            )
            and self._reader.has(artifact)
        }


def open_run(path: str) -> OpenedRun:
    """Open a run folder, on a disk or in a bucket, for reading.

    Parameters
    ----------
    path : the folder, such as ``"runs/azdias"`` or ``"s3://bucket/runs/azdias"``

    Returns
    -------
    run : its tables and its model, read when they are asked for

    Raises
    ------
    ConfigError
        If no run is there.
    IntegrityError
        If its run.json cannot be read, or is of another format version.
    """
    manifest = Manifest(as_location(path))
    if not manifest.stages:
        raise ConfigError(f"{path}: no run is there. Name the folder of a run.")
    return OpenedRun(manifest)
