"""How the text of an extract is written: what the config says of it, or what was found."""

from dataclasses import dataclass


@dataclass(frozen=True)
class TextFormat:
    """The form of a delimited text file. An empty string stands for: find out."""

    separator: str = ""
    """Between cells: one character."""
    encoding: str = ""
    """utf-8, latin-1 or cp1252."""
    quote: str = '"'
    """Around cells that hold separators or line ends; empty where cells are never quoted."""
    quote_escape: str = ""
    """How a quote within a quoted cell is written: ``double`` or ``backslash``."""
    decimal: str = ""
    """Before the decimals of a number: ``.`` or ``,``."""
    thousands: str = ""
    """Between groups of three digits: ``.``, ``,``, a blank or an apostrophe."""
    header: bool = True
    """False if the first line is a row; columns then have the feature summary's names."""
