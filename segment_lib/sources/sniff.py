"""The separator and encoding of a text file, inferred from its head."""

import codecs
import csv
import io
import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from typing import Literal

from segment_lib.errors import DataError
from segment_lib.schema import Schema
from segment_lib.sources.headers import HEAD
from segment_lib.sources.text_format import TextFormat
from segment_lib.storage.location import Location

_LINES = 50
_LOOK = 100
_HEADER_WITHIN = 20
"""Lines in which the header is searched; titles and remarks may stand above it."""
SEPARATORS = {
    ";": "semicolon",
    "\t": "tab",
    "|": "bar",
    ",": "comma",
    "^": "caret",
    "~": "tilde",
    ":": "colon",
    "/": "slash",
    "\\": "backslash",
    "&": "ampersand",
    "%": "percent sign",
    "@": "at sign",
    "$": "dollar sign",
    "+": "plus sign",
    "=": "equals sign",
    "#": "hash",
    "!": "exclamation mark",
    "*": "asterisk",
    "\x01": "control-A",
    "\x1e": "record separator",
    "\x1f": "unit separator",
    " ": "blank",
}
"""Separators that exports use, the likeliest first."""
_WIDE = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")
_OTHER_PAGE = re.compile(
    rb"[A-Za-z][\x80-\x82\x84\x86-\x8f\x90\x93\x94\x99\x9b\x9d-\x9f][a-z]"
    rb"|[A-Z][\x99\x9a\x9c\x9e][A-Z]|[\x81\x8d\x8f\x90\x9d]"
)
"""Sequences that cp1252 text never has: signs or capitals within a word, as which cp1252 reads the
umlauts of DOS (cp850) and old Macs; and bytes that are undefined."""


def sniff(head: bytes, form: TextFormat, schema: Schema, origin: Location) -> TextFormat:
    """Infer the format of a file: separator and encoding are filled in.

    Parameters
    ----------
    head : its first bytes, `HEAD` of them if there are so many
    form : what the config says of it
    schema : the attributes that its header, or each of its rows, names

    Raises
    ------
    DataError
        If it has another separator than is said, its encoding is none that is read, or which
        separator it has cannot be told.
    """
    encoding = form.encoding or infer_encoding(head, origin)
    text = head.removeprefix(codecs.BOM_UTF8).decode(encoding, errors="replace")
    if form.header:
        separator = _by_header(text, form, schema, origin)
    else:
        separator = form.separator or _by_counts(text, form, len(schema.listed), origin)
    return replace(form, separator=separator, encoding=encoding)


def infer_encoding(head: bytes, origin: Location) -> str:
    """Infer the encoding: utf-8 if the head is, or is meant to be; else cp1252, as latin-1 too."""
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head, final=len(head) < HEAD)
    except UnicodeDecodeError:
        plain = _WIDE.sub(b"", head)
        broken = len(plain) - len(plain.translate(None, bytes(range(128, 256))))
        if len(_WIDE.findall(head)) >= broken:
            return "utf-8"  # The broken line is reported where the piece is read.
        if other := _OTHER_PAGE.search(head):
            line = head[: other.start() + 1].count(b"\n") + 1
            raise DataError(
                f"{origin}, line {line}: in another encoding than UTF-8 and cp1252, perhaps of DOS "
                "or of a Mac. Save it as UTF-8, or set inputs.encoding if it is cp1252 after all."
            ) from None
        return "cp1252"
    return "utf-8"


def _by_header(text: str, form: TextFormat, schema: Schema, origin: Location) -> str:
    """The separator by which the header has the most attributes."""
    # The first of equals wins: what is said, and of a header of one cell the usual one.
    signs = (form.separator or ";", *(sign for sign in SEPARATORS if sign in text))
    line: str = text[:_LOOK].splitlines()[0] if text else ""
    declared = line.removeprefix("sep=") if line.startswith("sep=") else ""
    candidates = list(dict.fromkeys([*signs, *declared[:1]]))
    fits = {sign: _attributes(text, replace(form, separator=sign), schema) for sign in candidates}
    best: str = max(candidates, key=lambda sign: fits[sign])
    if form.separator and fits[best] > fits[form.separator]:
        raise DataError(
            f"{origin}, line 1: the cells are separated by a {_name(best)}, not by a "
            f"{_name(form.separator)}. Leave inputs.separator out: it is found in each file."
        )
    return best


def _name(sign: str) -> str:
    return SEPARATORS.get(sign, repr(sign))


def _attributes(text: str, form: TextFormat, schema: Schema) -> tuple[int, int]:
    """Number of attributes in the best line: exact names, and names but for blanks and case."""
    names = set(schema.names)
    alike = {name.strip().casefold() for name in names}
    best = (0, 0)
    for cells in islice(split_rows(text, form), _HEADER_WITHIN):
        exact = len(names.intersection(cells))
        best = max(
            best, (exact, len(alike.intersection(cell.strip().casefold() for cell in cells)))
        )
    return best


def _by_counts(text: str, form: TextFormat, n_columns: int, origin: Location) -> str:
    """The separator by which each of the first rows has as many cells as there are columns."""
    fits = []
    for sign in SEPARATORS:
        rows = list(islice(split_rows(text, replace(form, separator=sign)), _LINES))
        counts = {len(row) for row in (rows[:-1] or rows) if row}
        if counts == {n_columns}:
            fits.append(sign)
    if len(fits) > 1 and n_columns > 1:
        names = " or a ".join(map(_name, fits))
        raise DataError(
            f"{origin}: has no header, and its cells may be separated by a {names}. Set "
            "inputs.separator."
        )
    return fits[0] if fits else ";"


def split_rows(text: str, form: TextFormat) -> Iterator[list[str]]:
    """Yield the cells of the first rows, as far as they can be read."""
    quoting: Literal[0, 3] = csv.QUOTE_MINIMAL if form.quote else csv.QUOTE_NONE
    lines = io.StringIO(text, newline="")
    try:
        yield from csv.reader(
            lines, delimiter=form.separator, quotechar=form.quote or None, quoting=quoting
        )
    except csv.Error:
        return
