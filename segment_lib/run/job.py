"""A job: its config, run folder, workers and console, and what is derived from them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from segment_lib.cluster.memory import Budget
from segment_lib.cluster.workers import Workers
from segment_lib.config import Config
from segment_lib.run.artifacts import DRAFTED
from segment_lib.run.baseline import Baseline, declared_attributes
from segment_lib.run.fingerprint import fingerprint_file
from segment_lib.run.manifest import Manifest
from segment_lib.run.progress import Console
from segment_lib.run.tables import TableSize
from segment_lib.schema import (
    Dictionary,
    LabelTable,
    Meaning,
    Schema,
    known_meanings,
    read_dictionary,
    read_labels,
)
from segment_lib.sources import (
    ColumnMapping,
    Extent,
    estimate_extent,
    find_files,
    path_columns,
    rows_of_part,
)
from segment_lib.storage.location import Location
from segment_lib.storage.stores import as_location
from segment_lib.terms import EXTRACTS


@dataclass(frozen=True)
class Job:
    """A running job."""

    config: Config
    manifest: Manifest
    workers: Workers
    console: Console
    baseline: Baseline | None = None
    """The earlier run a refresh starts from."""
    table_sizes: Mapping[Location, TableSize] = field(default_factory=dict, kw_only=True)
    """In a forecast: by the file that stands for it, the size of a table that is not copied yet."""
    check_content: bool = field(default=False, kw_only=True)
    """True if delivered files are told apart by their bytes, not by size and time of change."""

    @property
    def root(self) -> Location:
        """The run folder."""
        return self.manifest.root

    @property
    def base(self) -> Manifest | None:
        """The manifest of the base, if this is a refresh."""
        return self.baseline.manifest if self.baseline else None

    @property
    def budget(self) -> Budget:
        """The memory budget; on a cluster, no more than its workers may use."""
        return Budget(min(self.config.memory, self.workers.memory or self.config.memory))

    @property
    def is_drafted(self) -> bool:
        """True if the attributes are those that a stage has drafted."""
        return self.config.inputs.feature_summary == str(self.root / DRAFTED.path)

    @cached_property
    def schema(self) -> Schema:
        """The attributes; of a refresh, as its base knows them."""
        if self.baseline:
            return self.baseline.changes.schema
        return declared_attributes(self.config)

    @cached_property
    def delivery(self) -> ColumnMapping:
        """The mapping of columns to attributes."""
        if self.baseline:
            changes = self.baseline.changes
            return ColumnMapping(self.schema, changes.renamed, changes.absent)
        return ColumnMapping(self.schema)

    @cached_property
    def delivered(self) -> dict[str, dict[Location, Any]]:
        """Files of each extract with their fingerprints, as the job began."""
        return {name: self.delivered_now(name) for name in EXTRACTS}

    def delivered_now(self, extract: str) -> dict[Location, Any]:
        """Files of an extract with their fingerprints, as they are now."""
        files = find_files(self.config.inputs.path(extract))
        return {file: self._fingerprint(file) for file in files}

    def _fingerprint(self, file: Location) -> list[Any]:
        columns = path_columns(file)
        own = fingerprint_file(file, by_content=self.check_content)
        return [*own, *([columns] if columns else [])]

    @property
    def rows_per_part(self) -> int:
        """About how many rows a part has."""
        return rows_of_part(self.config.run.rows_per_part, len(self.schema))

    @cached_property
    def extents(self) -> dict[str, list[Extent]]:
        """Estimated extents of the files of each extract."""
        return {name: [self._extent(f, name) for f in own] for name, own in self.delivered.items()}

    def _extent(self, file: Location, extract: str) -> Extent:
        per_part, inputs = self.rows_per_part, self.config.inputs
        if table := self.table_sizes.get(file):
            return Extent(table.rows, max(1, round(table.rows / per_part)))
        return estimate_extent(file, inputs.text_format(extract), self.schema, per_part)

    @cached_property
    def dictionary(self) -> Dictionary | None:
        """The delivered data dictionary, if one is named."""
        path = self.config.inputs.data_dictionary
        return read_dictionary(as_location(path), self.schema) if path else None

    @cached_property
    def labels(self) -> LabelTable | None:
        """The delivered table of labels, if one is named."""
        path = self.config.inputs.labels
        return read_labels(as_location(path), self.schema) if path else None

    @cached_property
    def meanings(self) -> dict[str, Meaning]:
        """Meanings of the attributes: as delivered, else the labels shipped."""
        delivered = self.dictionary.meanings if self.dictionary else {}
        shipped = {n: m for n, m in known_meanings().items() if n in self.schema.names}
        meanings = shipped | delivered
        return self.labels.meanings(meanings) if self.labels else meanings

    def scratch(self, staging_dir: Location) -> Location:
        """Private folder for unpublished files, seen by all workers; removed in the end.

        The staging folder; one of this machine if that is in an object store and threads work.
        """
        if self.workers.client is None:
            return self.manifest.folder.local(staging_dir)
        return staging_dir

    def at_once(self, bytes_per_row: float, rows: int) -> int:
        """How many parts of `rows` rows the memory budget lets a stage work on together."""
        return self.budget.parts_at_once(round(bytes_per_row * rows), self.workers.threads)
