"""The content of run.json, validated: only what this program can have written is accepted."""

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from segment_lib.errors import IntegrityError
from segment_lib.storage.files import StoredFile
from segment_lib.storage.location import Location

FORMAT = 6
"""Version of run.json and of the files of a run. It grows when code changes what is written."""
MODEL_FORMAT = 4
"""Version of the files of a model, as model.json tells it."""
MOST_BYTES = 1 << 28
"""Of a run.json; one of a hundred thousand parts has a tenth of it."""
_LARGEST = 1 << 62


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
    remarks: tuple[str, ...] = ()
    """What the user should look at."""
    work: Mapping[str, int] = field(default_factory=dict)
    """Parts `made`, `reused` from a base, and `extra`, which a full run would not make."""
    keys: Mapping[str, str] = field(default_factory=dict)
    """By path, what each part is made from."""

    def as_json(self) -> dict[str, Any]:
        return {**self.__dict__, "files": [file.as_json() for file in self.files]}

    @classmethod
    def from_json(cls, entry: Any) -> "StageRecord":
        """The record as `as_json` wrote it; a ValueError or TypeError if it did not."""
        _check(isinstance(entry, dict) and isinstance(entry["files"], list))
        _check(_are_words(entry["remarks"]))
        files = tuple(_stored_file(file) for file in entry["files"])
        record = cls(**{**entry, "files": files, "remarks": tuple(entry["remarks"])})
        _check(isinstance(record.fingerprint, str))
        _check(all(map(_is_count, (record.rows_in, record.rows_out, record.peak_mib))))
        _check(_is_number(record.seconds))
        _check(
            all(isinstance(mapping, dict) for mapping in (record.facts, record.work, record.keys))
        )
        _check(all(map(_is_count, record.work.values())))
        _check(all(isinstance(key, str) for key in record.keys.values()))
        _check({file.path for file in files} >= record.keys.keys())
        return record


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

    def as_json(self) -> dict[str, Any]:
        return {**self.__dict__, "record": self.record.as_json()}

    @classmethod
    def from_json(cls, entry: Any) -> "Publication":
        """The note as `as_json` wrote it; a ValueError or TypeError if it did not."""
        _check(isinstance(entry, dict) and isinstance(entry["work"], str))
        _check(_are_words(entry["remove"]) and _are_words(entry["order"]))
        _check(isinstance(entry["stage"], str) and entry["stage"] in entry["order"])
        _check(len(PurePosixPath(entry["work"]).parts) == 1 and entry["work"] != "..")
        for path in entry["remove"]:
            StoredFile(path, 0, "")
        record = StageRecord.from_json(entry["record"])
        lists = {key: tuple(entry[key]) for key in ("remove", "order")}
        return cls(**{**entry, "record": record, **lists})


@dataclass(frozen=True)
class RunRecord:
    """The content of run.json, parsed."""

    stages: Mapping[str, StageRecord]
    about: Mapping[str, Any] = field(default_factory=dict)
    """date, config, versions; base, if it is a refresh."""
    notes: Mapping[str, Any] = field(default_factory=dict)
    """What outlives the stages, such as which plans were derived and not edited."""
    publishing: Publication | None = None

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
        _check(len(content) <= MOST_BYTES)
        manifest = json.loads(content)
        version = manifest["format_version"]
        _check(_is_count(version))
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
    _check(isinstance(about.get("date", ""), str))
    config, base = about.get("config", {}), about.get("base", {})
    _check(isinstance(config, dict) and all(isinstance(keys, dict) for keys in config.values()))
    _check(isinstance(base, dict) and all(isinstance(value, str) for value in base.values()))
    _check(
        isinstance(manifest["notes"], dict)
        and _are_words(manifest["notes"].get("derived_plans", []))
    )
    _check(isinstance(manifest["stages"], dict))
    stages = {name: StageRecord.from_json(entry) for name, entry in manifest["stages"].items()}
    publishing = manifest.get("publishing")
    return RunRecord(
        stages, about, manifest["notes"], Publication.from_json(publishing) if publishing else None
    )


def _stored_file(entry: Any) -> StoredFile:
    _check(isinstance(entry, dict))
    _check(isinstance(entry["path"], str) and isinstance(entry["sha256"], str))
    file = StoredFile(**entry)
    _check(_is_count(file.bytes) and (file.rows is None or _is_count(file.rows)))
    return file


def _check(holds: bool) -> None:
    if not holds:
        raise ValueError


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _LARGEST


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


def _are_words(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def with_checksum(manifest: Mapping[str, Any]) -> bytes:
    """Serialise the manifest as JSON that ends with the sha256 of all before it."""
    rest = {key: value for key, value in manifest.items() if key != "sha256"}
    seal = hashlib.sha256(json.dumps(rest, indent=1).encode()).hexdigest()
    return json.dumps({**rest, "sha256": seal}, indent=1).encode()
