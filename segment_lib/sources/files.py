"""Which files an extract consists of: a path, a folder, a folder by partitions, or a glob."""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from segment_lib.errors import DataError
from segment_lib.schema.wording import counted
from segment_lib.storage.location import Location
from segment_lib.storage.stores import as_location, local_path, store_of

_UNFINISHED = (
    ".tmp",
    ".temp",
    ".part",
    ".partial",
    ".filepart",
    ".crdownload",
    ".download",
    ".opdownload",
    ".inprogress",
    ".incomplete",
    "._copying_",
)
"""Endings under which programs keep a file that they still copy."""
_COPYING = re.compile(r"\..+\.\w+\.(?=.*[A-Z0-9])[A-Za-z0-9]{6}")
"""What rsync calls a file until it is complete."""
_MARKERS = ("_success", "_metadata", "_common_metadata", "_started*", "_committed*")
"""What writers leave beside their parts; not worth a word."""
_NO_DATA = ("readme*", "license*", "*.crc", "*.md", "*.md5", "*.sha1", "*.sha256", "*.sha512",
            "*.asc", "*.sig", "*.log", "thumbs.db", "desktop.ini", "~$*", *_MARKERS)  # fmt: skip
"""Companions of the files of a folder: read-me files, checksums, and locks of Excel."""
_TABLES = {
    "_delta_log": "a Delta table in a bucket",
    ".hoodie": "a Hudi table",
    "metadata": "an Iceberg table",
}
_ENDINGS = re.compile(r"(\.(csv|tsv|txt|dat|parquet|pq|gz|zst|bz2|xz|lz4|zip))+$", re.IGNORECASE)
_PARTITION = re.compile(r"[^=]+=.*")


@dataclass(frozen=True)
class Files:
    """The files of an extract, in the order of their names."""

    files: tuple[Location, ...]
    left_out: tuple[str, ...] = ()
    """Names of files beside them that are taken for no data, the usual markers aside."""


def find_files(pattern: str) -> tuple[Location, ...]:
    """The files of a path, a folder or a glob, in the order of their names.

    Raises
    ------
    DataError
        If there is none, one may not be read or is still being copied, or it is not certain
        which are meant.
    """
    return list_files(pattern).files


def list_files(pattern: str) -> Files:
    """As `find_files`, with what is left out."""
    path = as_location(pattern)
    try:
        listed = [path] if path.is_file() else _listed(path)
        _refuse_unfinished(listed)
        left_out = [file for file in listed if file != path and _is_no_data(file, path)]
        files = tuple(sorted(set(listed) - set(left_out)))
        for file in files:
            if (local := local_path(file)) is not None:
                local.open("rb").close()
    except PermissionError as error:
        raise DataError(
            f"{error.filename}: may not be read. Request read permission, or set another path in "
            "[inputs] of the config."
        ) from None
    except FileNotFoundError as error:
        raise DataError(
            f"{error.filename}: a link to a file that is not there, or a file that has just gone. "
            "Restore it, or take it out of the folder."
        ) from None
    if not files:
        raise DataError(f"{pattern}: no such file. Correct its path in [inputs] or the command.")
    _refuse_twice(files)
    names = (file.name for file in sorted(left_out))
    worth = tuple(name for name in names if not any(fnmatchcase(name.lower(), m) for m in _MARKERS))
    return Files(files, worth)


def _listed(path: Location) -> list[Location]:
    """The files that a folder holds or a glob names, hidden ones left out."""
    store = store_of(path)
    if path.is_dir():
        return _of_folder(path, list(store.delivered_below(path)))
    return _shown(path, store.matching(path))


def _shown(pattern: Location, files: Iterable[Location]) -> list[Location]:
    """Without hidden files, unless the glob asks for them. Those on macOS's own are ``._NAME``."""
    hidden = pattern.name.startswith(".")
    return [file for file in files if hidden or not file.name.startswith(".") or _copied(file)]


def _of_folder(folder: Location, below: Sequence[Location]) -> list[Location]:
    """Of all files below a folder those that are its parts, or stand beside them.

    Raises
    ------
    DataError
        If it is not certain which they are.
    """
    inner = {file: file.relative_to(folder).parts for file in below}
    for marker, name in _TABLES.items():
        if any(
            parts[0] == marker and (marker != "metadata" or parts[-1].endswith(".metadata.json"))
            for parts in inner.values()
        ):
            # A Delta table on a disk has been opened as a table before.
            copy = "Copy it to a disk, or export" if marker == "_delta_log" else "Export"
            raise DataError(
                f"{folder}: {name}, whose folder also holds rows that were deleted or replaced. "
                f"{copy} it to plain Parquet or CSV."
            )
    if any(parts[0] == "_temporary" and len(parts) > 1 for parts in inner.values()):
        raise DataError(
            f"{folder}: still being written, or broken off: it holds a folder _temporary. Wait "
            "until it is complete, or deliver it again."
        )
    shown = {
        file: parts[:-1]
        for file, parts in inner.items()
        if not any(part[0] in "._" for part in parts[:-1])
        and (not file.name.startswith(".") or _copied(file))
    }
    deeper = {file: folders for file, folders in shown.items() if folders}
    direct = [f for f in shown if f not in deeper and not _is_no_data(f, folder)]
    by_partition = all(_PARTITION.fullmatch(name) for names in deeper.values() for name in names)
    if deeper and (direct or not by_partition):
        globs = sorted(
            {str(folder.joinpath(*["*"] * len(names), "*")) for names in deeper.values()}
        )
        here = f"{counted(len(direct), 'file')} in it ({folder / '*'}) and " if direct else ""
        raise DataError(
            f"{folder}: {here}{counted(len(deeper), 'file')} in subfolders ({', '.join(globs)}). "
            "Set the path to those that are meant."
        )
    return list(shown)


def _copied(file: Location) -> bool:
    return bool(_COPYING.fullmatch(file.name))


def _is_no_data(file: Location, pattern: Location) -> bool:
    """True for a companion of the files that a folder or a glob means."""
    name = file.name.lower()
    marked = name.startswith("_") and not set(pattern.name) & set("*?[")
    return marked or any(fnmatchcase(name, companion) for companion in _NO_DATA)


def _refuse_unfinished(files: Sequence[Location]) -> None:
    for file in sorted(files):
        if _copied(file) or file.name.lower().endswith(_UNFINISHED):
            raise DataError(
                f"{file}: by its name still being copied or downloaded. Wait until it is complete; "
                "delete what was broken off."
            )


def _refuse_twice(files: Sequence[Location]) -> None:
    """Refuse one file under two names, and one table in two forms."""
    by_place: dict[object, list[Location]] = defaultdict(list)
    by_stem: dict[Location, list[Location]] = defaultdict(list)
    for file in files:
        by_place[identity(file)].append(file)
        by_stem[file.parent / _ENDINGS.sub("", file.name)].append(file)
    for same in by_place.values():
        if len(same) > 1:
            raise DataError(f"{same[0]} and {same[1]}: the same file under two names. Keep one.")
    for same in by_stem.values():
        if len(same) > 1:
            raise DataError(
                f"{same[0]} and {same[1].name}: one name with two endings, as if the same rows "
                "were there twice. Say which is meant, or give them other names."
            )


def identity(file: Location) -> object:
    """What one file has in common under all its names."""
    return store_of(file).identity(file)


def refuse_shared(population: Sequence[Location], customers: Sequence[Location]) -> None:
    """Raise a DataError if some files are of both extracts.

    All of them may be, on purpose: every index is 100 then. `refuse_copies` remarks on it.
    """
    known = {identity(file): file for file in population}
    if {identity(file) for file in customers} == set(known):
        return
    for file in customers:
        if other := known.get(identity(file)):
            names = f"{file}" if other == file else f"{other} and {file}"
            raise DataError(
                f"{names}: the same file is in the population and in the customers. Set "
                "inputs.population and inputs.customers to files of their own."
            )


def changed(file: object) -> DataError:
    """The error about a file that is another than it was."""
    return DataError(
        f"{file}: changed while it was read. Wait until it is complete, then run the same command "
        "again."
    )
