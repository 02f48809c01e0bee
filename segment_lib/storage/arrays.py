"""Named arrays as ``.npz`` files; sizes in their headers are checked before memory is used."""

import io
import math
import zipfile
import zlib
from collections.abc import Mapping
from typing import IO

import numpy as np

from segment_lib.errors import IntegrityError
from segment_lib.storage.files import StoredFile, read_file, write_file
from segment_lib.storage.location import Location

_HEADS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}
_DAMAGED = (zipfile.BadZipFile, zlib.error, OSError, EOFError, KeyError, OverflowError)
_STRANGE = (NotImplementedError, RuntimeError, SyntaxError, RecursionError, TypeError)
"""What is raised for packings of other programs, and for heads that are no Python literals."""


def write_arrays(root: Location, path: str, arrays: Mapping[str, np.ndarray]) -> StoredFile:
    """Write named arrays as one ``.npz`` file. The bytes depend on the arrays alone."""
    return write_file(root, path, pack_arrays(arrays))


def read_arrays(root: Location, file: StoredFile) -> dict[str, np.ndarray]:
    """Read an ``.npz`` file; pickled objects in it are refused.

    Raises
    ------
    IntegrityError
        If the file is not what the manifest lists, holds objects that are pickled, is larger once
        unpacked, or holds a value that is no number or not finite.
    """
    content = read_file(root, file)
    try:
        arrays = unpack_arrays(content)
        faulty = [name for name, array in arrays.items() if not np.isfinite(array).all()]
    except (ValueError, TypeError):
        raise IntegrityError(f"{root / file.path}: not plain arrays.", file.path) from None
    if faulty:
        raise IntegrityError(f"{root / file.path}: {', '.join(faulty)} not finite.", file.path)
    return arrays


def pack_arrays(arrays: Mapping[str, np.ndarray]) -> bytes:
    """Return named arrays as the content of an ``.npz`` file."""
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()


def unpack_arrays(content: bytes) -> dict[str, np.ndarray]:
    """Return the arrays of an uncompressed ``.npz`` file, as `pack_arrays` packs them.

    Raises
    ------
    ValueError
        If it is no such file, holds pickled objects, or would take more bytes than it has.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            if sum(member.file_size for member in archive.infolist()) > len(content):
                raise ValueError("packed more tightly than arrays of a run are")
            for member in archive.infolist():
                with archive.open(member) as file:
                    _refuse_other_size(file, member.file_size)
        with np.load(io.BytesIO(content), allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except (*_DAMAGED, *_STRANGE):
        raise ValueError("not an archive of arrays") from None


def _refuse_other_size(file: IO[bytes], size: int) -> None:
    """Raise a ValueError if the header states another size, before memory is allocated."""
    version = np.lib.format.read_magic(file)
    if version not in _HEADS:
        raise ValueError("an array of another form than runs have")
    shape, _, dtype = _HEADS[version](file)
    if not dtype.hasobject and math.prod(shape) * dtype.itemsize != size - file.tell():
        raise ValueError("an array of another size than its head tells")
