"""Base class of tasks that make a part; the key of the part is a hash of the task's fields."""

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Mapping, Set
from dataclasses import dataclass, field, fields, is_dataclass
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl

from segment_lib.storage.files import StoredFile
from segment_lib.storage.location import Location

IMPLIED = {"implied": True}
"""Metadata of a field that others of a task decide, so that it is no part of the key."""


@dataclass(frozen=True)
class PartRows:
    """Rows and metadata that a task makes of a part."""

    rows: pl.DataFrame
    metadata: Mapping[str, str] = field(default_factory=dict)
    """Texts for the footer of the Parquet file."""


@dataclass(frozen=True)
class PartTask(ABC):
    """Pure function of its fields that makes a part of a run."""

    path: str = field(metadata=IMPLIED)
    """Where the part goes, below the run folder."""

    @abstractmethod
    def make(self, root: Location) -> PartRows:
        """Make the part.

        Parameters
        ----------
        root : the folder below which the files of the fields lie
        """

    @cached_property
    def key(self) -> str:
        """Hash of all it is made from; parts of the same key are equal to the byte."""
        text = json.dumps([type(self).__name__, keyed_fields(self)], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:32]

    @property
    def n_rows(self) -> int:
        """Rows of its largest file."""
        files = (getattr(self, f.name) for f in fields(self))
        return max((f.rows or 0 for f in files if isinstance(f, StoredFile)), default=0)

    @property
    def size(self) -> int:
        """Share in the progress, in the unit of the stage: by default its rows."""
        return self.n_rows


def keyed_fields(value: Any) -> dict[str, Any]:
    """Return the fields of a dataclass that enter its key, as plain JSON values."""
    return {
        f.name: plain(getattr(value, f.name))
        for f in fields(value)
        if not f.metadata.get("implied")
    }


def plain(value: Any) -> Any:
    """Return a value as canonical JSON: equal for equal values, and for no others.

    Stored files count by their sha256, arrays by their bytes, estimators by what they have learned.

    Raises
    ------
    TypeError
        If a value is of a kind whose content is not known: it could not be told from others.
    """
    match value:
        case None | bool() | int() | float() | str():
            return value
        case StoredFile():
            return value.sha256
        case np.ndarray() if not value.dtype.hasobject:
            digest = hashlib.sha256(np.ascontiguousarray(value).tobytes()).hexdigest()
            return [str(value.dtype), list(value.shape), digest]
        case np.generic():
            return value.item()
        case range():
            return [value.start, value.stop, value.step]
        case list() | tuple():
            return [plain(item) for item in value]
        case Set():
            return sorted((plain(item) for item in value), key=json.dumps)
        case Mapping():
            return [[plain(key), plain(item)] for key, item in sorted(value.items())]
    if is_dataclass(value) and not isinstance(value, type):
        return [type(value).__name__, keyed_fields(value)]
    if hasattr(value, "get_params"):
        return [type(value).__name__, plain(vars(value))]
    raise TypeError(f"{type(value).__name__}: no key can be made of it")
