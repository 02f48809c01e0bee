"""The kind of a file, by its first bytes: text, Parquet, one of these packed, or neither.

The suffix of its name decides where the bytes do not.
"""

import re
import zipfile
from dataclasses import dataclass
from typing import IO, Literal

from segment_lib.errors import DataError
from segment_lib.sources.workbook import is_workbook
from segment_lib.storage.location import Location

_LOOK = 4096
_CONTROL = re.compile(rb"[\0-\x08\x0e-\x1a\x1c-\x1f]")
_PACKED: dict[bytes, "Packing"] = {
    b"\x1f\x8b": "gzip",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"BZh": "bz2",
    b"\xfd7zXZ\0": "xz",
    b"\x04\x22\x4d\x18": "lz4",
    b"PK\x03\x04": "zip",
    b"PK\x05\x06": "zip",
    b"\xff\xfe\0\0": "utf-32",
    b"\0\0\xfe\xff": "utf-32",
    b"\xff\xfe": "utf-16",
    b"\xfe\xff": "utf-16",
}
_EXPORT = "Export the table as CSV or Parquet."
_UNPACK = "Unpack it and name the file in it."
_OTHERS = {
    b"7z\xbc\xaf\x27\x1c": ("a 7z archive", _UNPACK),
    b"Rar!": ("a RAR archive", _UNPACK),
    b"\x1f\x9d": ("packed by compress", _UNPACK),
    b"\xd0\xcf\x11\xe0": (
        "an Excel workbook of the old form (.xls), or locked by a password",
        "Save it as .xlsx without password, or the sheet as CSV.",
    ),
    b"SQLite format 3\0": ("an SQLite database", _EXPORT),
    b"%PDF-": ("a PDF document", _EXPORT),
    b"ARROW1": ("an Arrow file (Feather)", "Write it as Parquet."),
    b"ORC": ("an ORC file", "Write it as Parquet."),
    b"Obj\x01": ("an Avro file", "Write it as Parquet."),
    b"\x89HDF": ("an HDF5 file", _EXPORT),
    b"$FL2": ("an SPSS file", _EXPORT),
    b"$FL3": ("an SPSS file", _EXPORT),
    b"<stata_dta>": ("a Stata file", _EXPORT),
}
_MARKUP = (
    (re.compile(rb"<!doctype html|<html|<head|<body", re.IGNORECASE), "a web page (HTML)",
     "An error page was saved in place of the table: fetch the file again."),
    (re.compile(rb"<\?xml|<Error>|<Workbook"), "XML", _EXPORT),
    (re.compile(rb"\{\s*(\"|\}|$)|\[\s*[\[{]"), "JSON", _EXPORT),
    (re.compile(rb"\{\\rtf"), "a text document (RTF)", _EXPORT),
    (re.compile(rb"version https://git-lfs"), "a pointer to a file that Git LFS keeps",
     "Fetch the file itself: git lfs pull."),
    (re.compile(rb"-----BEGIN PGP"), "encrypted", "Decrypt it first."),
)  # fmt: skip

Packing = Literal["", "gzip", "zstd", "bz2", "xz", "lz4", "zip", "xlsx", "utf-16", "utf-32"]


@dataclass(frozen=True)
class FileKind:
    """The kind of a file: how it is packed, and whether it is Parquet."""

    packing: Packing = ""
    """The compression or encoding to undo before the file can be cut; empty if there is none."""
    parquet: bool = False
    """True for Parquet, False for text."""


_ENDINGS = {
    ".parquet": FileKind(parquet=True),
    ".pq": FileKind(parquet=True),
    ".gz": FileKind("gzip"),
    ".zst": FileKind("zstd"),
    ".bz2": FileKind("bz2"),
    ".xz": FileKind("xz"),
    ".lz4": FileKind("lz4"),
    ".zip": FileKind("zip"),
}


def detect_kind(path: Location) -> FileKind:
    """Detect the kind of a file.

    Raises
    ------
    DataError
        If it is certain to be no table that can be read; the line says what it is.
    """
    with path.open("rb") as file:
        head = file.read(_LOOK)
        if head.startswith(b"PK\x03\x04") and is_workbook(_members(file)):
            return FileKind(packing="xlsx")
    for beginning, packing in _PACKED.items():
        if head.startswith(beginning) and (packing != "bz2" or _CONTROL.search(head)):
            return FileKind(packing=packing)
    binary = bool(_CONTROL.search(head))
    if head.startswith((b"PAR1", b"PARE")) and (binary or head == b"PAR1"):
        return FileKind(parquet=True)
    _refuse_others(path, head)
    # Where the bytes do not say, the suffix says what they were meant to be.
    return _ENDINGS.get(path.suffix.lower(), FileKind()) if binary or not head else FileKind()


def _members(file: IO[bytes]) -> list[str]:
    try:
        return zipfile.ZipFile(file).namelist()
    except (zipfile.BadZipFile, OSError, ValueError):
        return []  # Damage is reported where the file is unpacked.


def _refuse_others(path: Location, head: bytes) -> None:
    if head and not head.strip(b"\0"):
        raise DataError(
            f"{path}: begins with zero bytes alone. It is still being copied, or was cut off: wait "
            "until it is complete, or fetch it again."
        )
    if head[257:262] == b"ustar":
        raise DataError(f"{path}: is a tar archive, no table. {_UNPACK}")
    for beginning, (name, advice) in _OTHERS.items():
        if head.startswith(beginning) and (not beginning.isalpha() or _CONTROL.search(head)):
            raise DataError(f"{path}: is {name}, no table that can be read. {advice}")
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    for pattern, name, advice in _MARKUP:
        if pattern.match(text):
            raise DataError(f"{path}: is {name}, no table that can be read. {advice}")


def only_member(path: Location, file: IO[bytes]) -> IO[bytes]:
    """Open the only file in a zip archive.

    Raises
    ------
    DataError
        If there is none, or more, or it is locked by a password; or the archive is a document.
    zipfile.BadZipFile
        If the archive is damaged.
    """
    archive = zipfile.ZipFile(file)
    names = [member.filename for member in archive.infolist() if not member.is_dir()]
    if "[Content_Types].xml" in names:
        raise DataError(
            f"{path}: is a document of Office, no workbook that can be read. Save the sheet as CSV."
        )
    if "mimetype" in names:
        raise DataError(f"{path}: is a document of LibreOffice. Save the sheet as CSV.")
    members = [
        member
        for member in archive.infolist()
        if not member.is_dir()
        and not member.filename.startswith("__MACOSX/")
        and not member.filename.rpartition("/")[2].startswith(".")
    ]
    if len(members) != 1:
        raise DataError(
            f"{path}: a zip archive with {len(members)} files in it, expected one. Unpack it and "
            "name the files that are meant."
        )
    if members[0].flag_bits & 1:
        raise DataError(f"{path}: the file in the zip archive is locked by a password. Unpack it.")
    try:
        return archive.open(members[0])
    except NotImplementedError:
        raise DataError(
            f"{path}: the zip archive is packed in a way that cannot be read. Unpack it."
        ) from None
