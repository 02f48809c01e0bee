"""The content of run.json, validated: only what this program can have written is accepted."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import PurePosixPath
from typing import Any

from segment_lib.config import Fairness
from segment_lib.errors import IntegrityError
from segment_lib.run.json_values import typed
from segment_lib.schema.language import Sentence
from segment_lib.storage.files import StoredFile
from segment_lib.storage.location import Location

FORMAT = 8
"""Version of run.json and of the files of a run. It grows when code changes what is written."""
MODEL_FORMAT = 5
"""Version of the files of a model, as model.json tells it."""
MOST_BYTES = 1 << 28
"""Of a run.json; one of a hundred thousand parts has a tenth of it."""


class OtherFormat(IntegrityError):
    """Error for a run of another format version."""

    def __init__(self, path: Location, version: int) -> None:
        super().__init__(
            f"{path}: format version {version}, this program writes {FORMAT}. "
            "Choose another --run-dir."
        )
        self.version = version


@dataclass(frozen=True)
class Work:
    """Parts that a stage made or reused."""

    made: int = 0
    reused: int = 0
    """Taken over from a base."""
    extra: int = 0
    """Gone over in a refresh alone: no work of a full run."""

    def __add__(self, other: "Work") -> "Work":
        return Work(self.made + other.made, self.reused + other.reused, self.extra + other.extra)


@dataclass(frozen=True)
class StageRecord:
    """Record of a finished stage."""

    fingerprint: str
    """Of its settings, its inputs and the format version."""
    files: tuple[StoredFile, ...]
    rows_in: int = 0
    rows_out: int = 0
    seconds: float = 0.0
    peak_mib: int = 0
    """Largest resident memory of the process and its children while it ran."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """Its result, as JSON."""
    remarks: tuple[Sentence, ...] = ()
    """What the user should look at."""
    work: Mapping[str, int] = field(default_factory=dict)
    """Parts `made`, `reused` from a base, and `extra`, which a full run would not make."""
    keys: Mapping[str, str] = field(default_factory=dict)
    """By path, what each part is made from."""

    def __post_init__(self) -> None:
        if not {file.path for file in self.files} >= self.keys.keys():
            raise ValueError("keys of parts that are not listed")

    def as_json(self) -> dict[str, Any]:
        """Return what `typed` reads."""
        remarks = [asdict(remark) for remark in self.remarks]
        files = [file.as_json() for file in self.files]
        return {**self.__dict__, "files": files, "remarks": remarks}


@dataclass(frozen=True)
class Publication:
    """Stage whose files are being moved into place: the plan, recorded beforehand."""

    stage: str
    work: str
    """The folder below .work in which its files are, or were."""
    record: StageRecord
    remove: tuple[str, ...]
    """Files of stages that are forgotten, which the new ones do not replace."""
    order: tuple[str, ...]
    """The stages in their order, this one among them."""

    def __post_init__(self) -> None:
        if self.stage not in self.order:
            raise ValueError("a stage that is in no place")
        if len(PurePosixPath(self.work).parts) != 1 or self.work == "..":
            raise ValueError("a folder that is not below .work")
        for path in self.remove:
            StoredFile(path, 0, "")

    def as_json(self) -> dict[str, Any]:
        """Return what `typed` reads."""
        return {**self.__dict__, "record": self.record.as_json()}


@dataclass(frozen=True)
class RunRecord:
    """The content of run.json, parsed."""

    stages: Mapping[str, StageRecord]
    about: Mapping[str, Any] = field(default_factory=dict)
    """date, config, versions; base, if it is a refresh."""
    notes: Mapping[str, Any] = field(default_factory=dict)
    """What outlives the stages, such as which plans were derived and not edited."""
    publishing: Publication | None = None

    @property
    def min_cell(self) -> int:
        """The number of people below which the run shows no count."""
        fairness = self.about.get("config", {}).get("fairness", {})
        return int(fairness.get("min_cell", Fairness().min_cell))

    def as_bytes(self) -> bytes:
        """The content of run.json."""
        manifest = {
            "format_version": FORMAT,
            **self.about,
            "notes": self.notes,
            **({"publishing": self.publishing.as_json()} if self.publishing else {}),
            "stages": {name: record.as_json() for name, record in self.stages.items()},
        }
        return with_checksum(manifest)


def read_record(content: bytes, path: Location) -> RunRecord:
    """Parse the content of a run.json.

    Raises
    ------
    IntegrityError
        If it is none, is of another format version, or is not as it was written.
    """
    try:
        if len(content) > MOST_BYTES:
            raise ValueError
        manifest = json.loads(content)
        version = typed(int, manifest["format_version"])
        if version != FORMAT:
            raise OtherFormat(path, version)
        if with_checksum(manifest) != content:
            raise IntegrityError(
                f"{path}: not as it was written. Choose another --run-dir, or make the run again."
            )
        return _as_record(manifest)
    except (ValueError, KeyError, TypeError, RecursionError, OverflowError):
        raise IntegrityError(
            f"{path}: not a manifest of this program. Choose another --run-dir."
        ) from None


def _as_record(manifest: dict[str, Any]) -> RunRecord:
    known = ("format_version", "notes", "publishing", "stages", "sha256")
    about = {key: value for key, value in manifest.items() if key not in known}
    typed(str, about.get("date", ""))
    typed(Mapping[str, Mapping[str, Any]], about.get("config", {}))
    typed(Mapping[str, str], about.get("base", {}))
    notes = typed(Mapping[str, Any], manifest["notes"])
    typed(tuple[str, ...], notes.get("derived_plans", []))
    return RunRecord(
        typed(Mapping[str, StageRecord], manifest["stages"]),
        about,
        notes,
        typed(Publication | None, manifest.get("publishing")),
    )


def with_checksum(manifest: Mapping[str, Any]) -> bytes:
    """Serialise the manifest as JSON that ends with the sha256 of all before it."""
    rest = {key: value for key, value in manifest.items() if key != "sha256"}
    text = json.dumps(rest, indent=1)
    seal = hashlib.sha256(text.encode()).hexdigest()
    return f'{text.removesuffix("}").rstrip()},\n "sha256": "{seal}"\n}}'.encode()
