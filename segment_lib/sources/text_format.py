"""The format of a delimited text file, as the config states it or as it was inferred."""

from dataclasses import dataclass
from typing import Annotated, TypeGuard

from segment_lib.schema.values import Flag, Values, one_of

ENCODINGS = ("utf-8", "latin-1", "cp1252")


def _is_character(value: object) -> TypeGuard[str]:
    return isinstance(value, str) and len(value) == 1 and value.isascii()


def _is_separator(value: object) -> bool:
    return value == "" or (_is_character(value) and value not in '"\r\n')


def _is_quote(value: object) -> bool:
    return value == "" or (_is_character(value) and value.isprintable())


@dataclass(frozen=True)
class TextFormat:
    """The format of a delimited text file; an empty string is inferred from the file."""

    separator: Annotated[str, Values(_is_separator, "one character, or empty to find out")] = ""
    """Between the cells of CSV extracts; each file may have its own."""
    encoding: Annotated[str, one_of(*ENCODINGS, empty="to find out")] = ""
    """Of CSV extracts: `utf-8` with or without BOM; each file may have its own."""
    quote: Annotated[
        str, Values(_is_quote, "one character, or empty if cells are never quoted")
    ] = '"'
    """Around cells of CSV extracts that hold separators or line ends."""
    quote_escape: Annotated[str, one_of("double", "backslash", empty="to find out")] = ""
    """How a quote in a quoted cell is written."""
    decimal: Annotated[
        str, Values(lambda v: v in ("", ".", ","), '".", "," or empty to find out')
    ] = ""
    """Before the decimals of numbers in CSV extracts."""
    thousands: Annotated[str, one_of(".", ",", " ", "'", empty="where there is none")] = ""
    """Between groups of three digits in CSV extracts."""
    header: Flag = True
    """False if CSV extracts begin with a row: columns then have the feature summary's names, in its
    order."""

    sheet: Annotated[str, Values(lambda v: isinstance(v, str), "the name of a sheet")] = ""
    """The sheet of an Excel workbook; empty for its first
    ([workbooks](data.md#excel-workbooks))."""

    @property
    def may_escape(self) -> bool:
        """True if a backslash may escape the letter after it or be text: nothing says which."""
        return not self.quote_escape and "\\" not in (self.separator, self.quote)
