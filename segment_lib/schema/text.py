"""The reader of small text files, such as the feature summary and the data dictionary."""

import codecs
from typing import Protocol

from segment_lib.errors import DataError

_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


class Readable(Protocol):
    """A file of any store, whose name errors quote."""

    def read_bytes(self) -> bytes: ...


def read_text(path: Readable, key: str) -> str:
    """Read a small text file whole; `key` is the config key that names it.

    UTF-16 is known by its byte order mark; what is not UTF-8 is taken for cp1252, as Excel writes.

    Raises
    ------
    DataError
        If it is absent, may not be read or is no text.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise DataError(f"{path}: no such file. Set {key} to it.") from None
    except OSError as error:
        raise DataError(
            f"{path}: cannot be read ({error.strerror}). Request read permission, or set {key} "
            "to another."
        ) from None
    utf = next((name for bom, name in _MARKS.items() if content.startswith(bom)), None)
    for encoding in (utf,) if utf else ("utf-8", "cp1252"):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError as error:
            position = error.start
        else:
            if "\0" not in text:
                return text
            raise DataError(f"{path}: no text. Save the file as UTF-8 text.")
    line = content[:position].count(b"\n") + 1
    raise DataError(f"{path}, line {line}: not {utf or 'UTF-8'}. Save the file as UTF-8 text.")
