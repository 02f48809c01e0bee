"""The folder of a list: which files in it an export wrote, so that no other is replaced."""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from segment_lib.errors import ConfigError, IntegrityError
from segment_lib.storage.files import hash_file, read_regular, write_file
from segment_lib.storage.location import Location


@dataclass(frozen=True)
class ListFolder:
    """A list in a folder: its files, the summary that vouches for them, and nothing of others."""

    folder: Location
    name: str
    """The list: targets, everyone, customers, or the response to one of them."""
    endings: tuple[str, ...] = (".parquet", ".csv", ".xlsx", "_cells.csv")
    """What the files that a list may have are called behind its name."""

    @property
    def files(self) -> tuple[str, ...]:
        """Names of all files that the list may have."""
        return tuple(self.name + ending for ending in self.endings)

    @property
    def summary(self) -> str:
        """Name of the summary: it goes before the list changes, and is written once that is whole.

        It holds the sha256 of each file of the list.
        """
        return f"{self.name}.json"

    @property
    def replacing_note(self) -> str:
        """Name of the note that is there while a list is replaced: sha256 of old and new files."""
        return f".{self.name}.json"

    def read_summary(self) -> dict[str, Any]:
        """Read the summary of the list, after checking the Parquet file that it vouches for.

        Raises
        ------
        ConfigError
            If there is no whole list.
        """
        parquet, summary = self.files[0], None
        with suppress(FileNotFoundError, NotADirectoryError, ValueError, IntegrityError):
            summary = json.loads(read_regular(self.folder / self.summary))
        if not isinstance(summary, dict) or "mailable" not in summary:
            raise ConfigError(
                f"{self.folder / self.summary}: no summary of a list. Name the folder of the list "
                "in --out, or write it by segments export."
            )
        if summary.get(sha256_key(parquet)) != hash_file(self.folder / parquet):
            raise ConfigError(
                f"{self.folder / parquet}: not as the export left it. Put the list back that was "
                "mailed."
            )
        return summary

    def refuse_others(self) -> None:
        """Raise a ConfigError if a file of the list's names is not as an export left it."""
        ours = self._written()
        for name in self.files:
            path = self.folder / name
            if _is_there(path) and hash_file(path) not in ours:
                raise ConfigError(
                    f"{path}: there already, and not as an export left it. Nothing was changed. "
                    "Move it away, or name another folder in --out."
                )

    @contextmanager
    def replacing(self, summary: Mapping[str, Any]) -> Iterator[None]:
        """Within it files of the list are replaced by those whose sha256 the summary holds.

        Files of the list that stands there, and that the summary does not hold, are removed.
        """
        new = {name: summary.get(sha256_key(name)) for name in self.files}
        hashes = {*self._written(), *filter(None, new.values())}
        note = json.dumps({"sha256": sorted(hashes)})
        write_file(self.folder, self.replacing_note, note.encode(), durable=True)
        (self.folder / self.summary).unlink(missing_ok=True)
        yield
        for name, sha256 in new.items():
            if sha256 is None:
                (self.folder / name).unlink(missing_ok=True)
        text = json.dumps(summary, indent=1)
        write_file(self.folder, self.summary, text.encode(), durable=True)
        (self.folder / self.replacing_note).unlink(missing_ok=True)

    def _written(self) -> set[str]:
        """sha256 of the files that exports have written or were writing.

        Raises
        ------
        ConfigError
            If a file of the name of a summary is there and none.
        """
        keys = {self.summary: [*map(sha256_key, self.files)], self.replacing_note: ["sha256"]}
        written: set[str] = set()
        for name, own in keys.items():
            if _is_there(self.folder / name):
                written.update(_hashes(self.folder / name, own))
        return written


def sha256_key(name: str) -> str:
    """The key of the summary under which the sha256 of a file of the list stands."""
    return f"{name.replace('.', '_')}_sha256"


def _hashes(path: Location, keys: Collection[str]) -> Sequence[str]:
    with suppress(ValueError, RecursionError, IntegrityError):
        summary = json.loads(read_regular(path))
        if isinstance(summary, dict) and (own := [summary[key] for key in keys if key in summary]):
            values = [
                value for each in own for value in (each if isinstance(each, list) else [each])
            ]
            return [value for value in values if isinstance(value, str)]
    raise ConfigError(
        f"{path}: there already, and not written by an export. Nothing was changed. Move it away, "
        "or name another folder in --out."
    )


def _is_there(path: Location) -> bool:
    return path.exists() or path.is_symlink()
