"""The text of a drafted feature summary, which Excel opens and the job reads."""

import csv
import io
from collections.abc import Iterable, Sequence

from segment_lib.schema.codes import is_number
from segment_lib.schema.summary import COLUMNS

NOTES = ("levels", "missing_share", "commonest", "why")
"""Columns beside those that the job reads."""


def format_codes(codes: Sequence[str]) -> str:
    """Write missing codes as the feature summary lists them.

    >>> format_codes(["-1", "k.A."])
    "[-1,'k.A.']"
    """
    return f"[{','.join(code if is_number(code) else _quoted(code) for code in codes)}]"


def _quoted(code: str) -> str:
    quote = '"' if "'" in code else "'"
    return f"{quote}{code}{quote}"


def write_summary(lines: Iterable[Sequence[str]]) -> bytes:
    """Write the lines below their header, as UTF-8 with a byte order mark and semicolons."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=";", lineterminator="\r\n")
    writer.writerow([*COLUMNS, *NOTES])
    writer.writerows([[" ".join(cell.split()) for cell in line] for line in lines])
    return text.getvalue().encode("utf-8-sig")
