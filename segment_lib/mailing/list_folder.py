"""The folder of a target list: which files in it an export wrote, so that no other is replaced."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from segment_lib.errors import ConfigError, IntegrityError
from segment_lib.storage.files import hash_file, read_regular, write_file
from segment_lib.storage.location import Location

LIST = ("targets.parquet", "targets.csv")
SUMMARY = "targets.json"
"""It vouches for the list: it goes before that changes, and is written once that is whole."""
_REPLACING = ".targets.json"
"""While a list is replaced: sha256 of the old files and of the new ones."""


def sha256_key(name: str) -> str:
    """The key of the summary under which the sha256 of a file of the list stands."""
    return f"{name.replace('.', '_')}_sha256"


def refuse_other_list(folder: Location) -> None:
    """Raise a ConfigError if a file of the list's names is there that no export left as it is."""
    ours = _written(folder)
    for name in LIST:
        path = folder / name
        if _is_there(path) and hash_file(path) not in ours:
            raise ConfigError(
                f"{path}: there already, and not as an export left it. Nothing was changed. Move "
                "it away, or name another folder in --out."
            )


@contextmanager
def replacing_list(folder: Location, summary: Mapping[str, Any]) -> Iterator[None]:
    """Within it the files of the list are replaced by those whose sha256 the summary holds."""
    new = [summary[sha256_key(name)] for name in LIST]
    note = json.dumps({"sha256": sorted({*_written(folder), *new})})
    write_file(folder, _REPLACING, note.encode(), durable=True)
    (folder / SUMMARY).unlink(missing_ok=True)
    yield
    write_file(folder, SUMMARY, json.dumps(summary, indent=1).encode(), durable=True)
    (folder / _REPLACING).unlink(missing_ok=True)


def _written(folder: Location) -> set[str]:
    """sha256 of the files that exports have written or were writing.

    Raises
    ------
    ConfigError
        If a file of the name of a summary is there and none.
    """
    named = {SUMMARY: [sha256_key(name) for name in LIST], _REPLACING: ["sha256"]}
    written: set[str] = set()
    for name, keys in named.items():
        if _is_there(folder / name):
            written.update(_hashes(folder / name, keys))
    return written


def _hashes(path: Location, keys: Sequence[str]) -> Iterator[str]:
    with suppress(ValueError, RecursionError, IntegrityError):
        summary = json.loads(read_regular(path))
        if isinstance(summary, dict) and all(key in summary for key in keys):
            for key in keys:
                values = summary[key] if isinstance(summary[key], list) else [summary[key]]
                yield from (value for value in values if isinstance(value, str))
            return
    raise ConfigError(
        f"{path}: there already, and not written by an export. Nothing was changed. Move it away, "
        "or name another folder in --out."
    )


def _is_there(path: Location) -> bool:
    return path.exists() or path.is_symlink()
