"""What was noticed while text was read, in sentences for the user."""

from collections.abc import Mapping

from segment_lib.sources.table import BACKSLASH_N, BLANK_LINES, HEADER_ROWS, RETURNS, SWALLOWED

_SENTENCES = {
    HEADER_ROWS: (
        "1 line among the rows repeats the header: passed over.",
        "{:,} lines among the rows repeat the header: passed over.",
    ),
    BLANK_LINES: (
        "1 blank line among the rows: passed over.",
        "{:,} blank lines among the rows: passed over.",
    ),
    SWALLOWED: (
        "a row goes over lines that look like rows of their own: a stray quote may have joined "
        'them. If cells are never quoted, set inputs.quote = "".',
        "rows go over lines that look like rows of their own: stray quotes may have joined them. "
        'If cells are never quoted, set inputs.quote = "".',
    ),
    BACKSLASH_N: (
        "a cell holds \\N, which means missing in exports of MySQL and PostgreSQL: set "
        'inputs.quote_escape = "backslash", or list \\N as a missing code.',
        "cells hold \\N, which means missing in exports of MySQL and PostgreSQL: set "
        'inputs.quote_escape = "backslash", or list \\N as a missing code.',
    ),
    RETURNS: (
        "a CR stands within a cell, which ends no line: kept as text.",
        "CRs stand within cells, which end no line: kept as text.",
    ),
}
"""By kind of note, the sentence for one and that for several."""


def remarks(notes: Mapping[str, int]) -> list[str]:
    """The sentences that notes of a reading make."""
    return [
        one if notes[kind] == 1 else several.format(notes[kind])
        for kind, (one, several) in _SENTENCES.items()
        if notes.get(kind)
    ]
