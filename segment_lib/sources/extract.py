"""An extract: the files a delivery consists of, cut into pieces."""

import os
import shutil
import uuid
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import pyarrow as pa

from segment_lib.errors import DataError, ResourceError
from segment_lib.s3 import S3Path, place
from segment_lib.schema import Schema
from segment_lib.scratch import private_folder
from segment_lib.sources import delimited, parquet
from segment_lib.sources.delimited import DelimitedPiece
from segment_lib.sources.parquet import ParquetPiece
from segment_lib.sources.text_format import TextFormat
from segment_lib.store import hand_over, make_private

COMPRESSIONS = {".gz": "gzip", ".zst": "zstd"}
_PARQUET = (".parquet", ".pq")
_CHUNK = 1 << 22
MOST_TIMES, ALWAYS = 200, 1 << 28
"""A compressed file may grow to so many times its size, or to so many bytes. Codes pack 10 to 30
times."""


@dataclass(frozen=True)
class Extract:
    """One delivered table, population or customers."""

    name: str
    files: tuple[Path, ...]
    pieces: tuple[DelimitedPiece | ParquetPiece, ...]
    extra: tuple[str, ...]
    """Columns the feature summary lacks, the id column aside."""
    carried: tuple[str, ...]
    """Columns kept as text beside the attributes."""

    @property
    def size(self) -> int:
        return sum(piece.size for piece in self.pieces)


def find_files(pattern: str) -> tuple[Path, ...]:
    """The files of a path, a folder or a glob, in the order of their names.

    Raises
    ------
    DataError
        If there is none, or one may not be read.
    """
    try:
        found = _find(place(pattern))
        for file in found:
            if not isinstance(file, S3Path):
                file.open("rb").close()
    except PermissionError as error:
        raise DataError(
            f"{error.filename}: may not be read. Ask for leave to read it, or set another path in "
            "[inputs] of the config."
        ) from None
    if not found:
        raise DataError(f"{pattern}: no such file. Set the path in [inputs] of the config.")
    return tuple(sorted(found))


def _find(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    if isinstance(path, S3Path):
        return _find_objects(path)
    if path.is_dir():
        return [file for file in path.iterdir() if file.is_file() and file.name[0] not in "._"]
    anchor = Path(path.anchor or ".")
    pattern = str(path.relative_to(anchor) if path.anchor else path)
    return [file for file in anchor.glob(pattern) if file.is_file()]


def _find_objects(path: S3Path) -> list[Path]:
    """The objects below a prefix, or those that a glob names."""
    depth = next((i for i, part in enumerate(path.parts) if set(part) & set("*?[")), None)
    if depth is None:
        return [file for file in path.iterdir() if file.name[0] not in "._"]
    return list(S3Path(*path.parts[:depth]).glob("/".join(path.parts[depth:])))


def is_compressed(path: Path) -> bool:
    return path.suffix in COMPRESSIONS


def read_columns(path: Path, form: TextFormat) -> tuple[str, ...]:
    """The columns of a delivered file, as its head names them.

    Raises
    ------
    DataError
        If it has no head that can be read.
    """
    if path.suffix in _PARQUET:
        return parquet.columns(path)
    try:
        with _opened(path) as stream:
            head = stream.read(delimited.HEAD)
    except OSError:
        raise DataError(f"{path}: cannot be read. Fetch the file again.") from None
    return delimited.columns(head, path, form.separator or ";", form.encoding or "utf-8")[0]


@contextmanager
def _opened(path: Path) -> Iterator[pa.NativeFile]:
    """A delivered file as the bytes that are in it, if it is compressed."""
    packed = COMPRESSIONS.get(path.suffix)
    with path.open("rb") as file, pa.input_stream(file, compression=packed) as stream:
        yield stream


def expand(path: Path, scratch: Path, root: Path) -> Path:
    """A compressed file, which is one stream, written out to `scratch` so that it can be cut.

    Where that is in an object store, it takes the way over a disk of this machine.

    Parameters
    ----------
    root : the run folder, whose next job removes what is left there if this process is killed

    Raises
    ------
    DataError
        If the stream is damaged, ends early, or grows beyond all measure.
    """
    name = f"{uuid.uuid4().hex}-{path.stem}"
    if not isinstance(scratch, S3Path):
        return _expand(path, scratch / name)
    folder = private_folder(root)
    try:
        hand_over(_expand(path, folder / name), scratch / name)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return scratch / name


def _expand(path: Path, target: Path) -> Path:
    left = max(MOST_TIMES * path.stat().st_size, ALWAYS)
    try:
        make_private(target.parent)
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with (
            os.fdopen(descriptor, "wb") as file,
            _opened(path) as stream,
        ):
            while (chunk := stream.read(_CHUNK)) and left >= len(chunk):
                left -= file.write(chunk)
    except OSError as error:
        with suppress(OSError):
            target.unlink(missing_ok=True)
        if error.errno is not None:
            raise ResourceError(
                f"{target}: cannot be written ({error.strerror}). Free space or choose another "
                "--run-dir."
            ) from None
        raise DataError(
            f"{path}: the compressed stream is damaged or cut off. Fetch the file again."
        ) from None
    if chunk:
        target.unlink()
        raise DataError(
            f"{path}: unpacks to more than {MOST_TIMES} times its size, as no table of codes does. "
            "If it is one, unpack it yourself and name the plain file."
        )
    return target


def open_extract(
    name: str,
    files: Sequence[Path],
    schema: Schema,
    *,
    form: TextFormat,
    rows_per_part: int,
    id_column: str = "",
    extra_columns: str = "ignore",
    response: str = "",
    suppress_column: str = "",
    expanded: Mapping[Path, Path] = MappingProxyType({}),
) -> Extract:
    """Check the heads of the files and cut them into pieces of about `rows_per_part` rows.

    Parameters
    ----------
    extra_columns : what to do with columns the feature summary lacks: ignore, carry or refuse
    response, suppress_column : columns carried along where the extract has them
    expanded : compressed file to the file it was written out to

    Raises
    ------
    DataError
        If a file is empty, not text, has another separator, or lacks a column.
    """
    separator, encoding = form.separator or ";", form.encoding or "utf-8"
    pieces: list[DelimitedPiece | ParquetPiece] = []
    for origin in files:
        path = expanded.get(origin, origin)
        if path.suffix in _PARQUET:
            pieces += parquet.cut(path, schema, rows_per_part)
        else:
            pieces += delimited.cut(path, schema, separator, encoding, rows_per_part, origin)
    if not pieces:
        raise DataError(
            f"{', '.join(map(str, files))}: no rows below the header. Fetch the file again."
        )
    extra = _extra_columns(pieces, {*schema.names, id_column, response, suppress_column})
    if extra and extra_columns == "refuse":
        raise DataError(
            f"{files[0]}: {places(extra, pieces[0].columns)} not in the feature summary. Add them "
            'to it, or set inputs.extra_columns to "ignore" or "carry".'
        )
    asked = [
        name
        for name in (response, suppress_column)
        if name not in schema.names and any(name in piece.columns for piece in pieces)
    ]
    told = [*([id_column] if id_column else []), *asked]
    carried = (*dict.fromkeys(told), *(extra if extra_columns == "carry" else ()))
    if "row" in carried:
        raise DataError(
            f"{files[0]}: a column to carry along is called row, the name of the row "
            "number. Rename it, or do not carry it."
        )
    for piece in pieces:
        if absent := [column for column in carried if column not in piece.columns]:
            raise DataError(
                f"{piece.path}: no column {_named(absent, told)}, which is to be carried along. "
                "Check inputs.id_column, inputs.response, inputs.suppress_column and "
                "inputs.extra_columns."
            )
    return Extract(name, tuple(files), tuple(pieces), extra, carried)


def places(names: Sequence[str], columns: Sequence[str], most: int = 5) -> str:
    """Where columns stand in the header, from 1. Their names may be cells of a lost header line."""
    found = [str(columns.index(name) + 1) for name in names if name in columns]
    more = f" and {len(names) - most} more" if len(names) > most else ""
    word = "column" if len(names) == 1 else "columns"
    return f"{word} {', '.join(found[:most])}{more}"


def _named(names: Sequence[str], told: Sequence[str]) -> str:
    """The names the config tells; of others only how many there are."""
    others = len(set(names) - set(told))
    named = [name for name in names if name in told]
    return ", ".join(named + ([f"{others} of another file's extra columns"] if others else []))


def _extra_columns(
    pieces: Sequence[DelimitedPiece | ParquetPiece], known: Collection[str]
) -> tuple[str, ...]:
    columns = (column for piece in pieces for column in piece.columns)
    return tuple(dict.fromkeys(column for column in columns if column not in known))
