"""The format of a delimited text file, as the config states it or as it was inferred."""

from dataclasses import dataclass


@dataclass(frozen=True)
class TextFormat:
    """The format of a delimited text file; an empty string is inferred from the file."""

    separator: str = ""
    """The character between cells."""
    encoding: str = ""
    """The encoding: utf-8, latin-1 or cp1252."""
    quote: str = '"'
    """The quote around cells with separators or line ends; empty if cells are never quoted."""
    quote_escape: str = ""
    """The escape of a quote within a quoted cell: ``double`` or ``backslash``."""
    decimal: str = ""
    """The sign before decimals: ``.`` or ``,``."""
    thousands: str = ""
    """The sign between groups of three digits: ``.``, ``,``, a blank or an apostrophe."""
    header: bool = True
    """False if the first line is a row; columns then have the feature summary's names."""
