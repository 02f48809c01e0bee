"""Sentences for the user on what was noticed while text was read."""

from collections.abc import Mapping

from segment_lib.schema.language import N_, Sentence, sentence
from segment_lib.sources.table import BACKSLASH_N, BLANK_LINES, HEADER_ROWS, RETURNS, SWALLOWED

_SENTENCES = {
    HEADER_ROWS: (
        N_("1 line among the rows repeats the header: passed over."),
        N_("{n:count} lines among the rows repeat the header: passed over."),
    ),
    BLANK_LINES: (
        N_("1 blank line among the rows: passed over."),
        N_("{n:count} blank lines among the rows: passed over."),
    ),
    SWALLOWED: (
        N_(
            "a row goes over lines that look like rows of their own: a stray quote may have joined "
            'them. If cells are never quoted, set inputs.quote = "".'
        ),
        N_(
            "rows go over lines that look like rows of their own: stray quotes may have joined "
            'them. If cells are never quoted, set inputs.quote = "".'
        ),
    ),
    BACKSLASH_N: (
        N_(
            "a cell holds \\N, which means missing in exports of MySQL and PostgreSQL: set "
            'inputs.quote_escape = "backslash", or list \\N as a missing code.'
        ),
        N_(
            "cells hold \\N, which means missing in exports of MySQL and PostgreSQL: set "
            'inputs.quote_escape = "backslash", or list \\N as a missing code.'
        ),
    ),
    RETURNS: (
        N_("a CR stands within a cell, which ends no line: kept as text."),
        N_("CRs stand within cells, which end no line: kept as text."),
    ),
}
"""Kind of note to its sentences, in the singular and in the plural."""


def remarks(notes: Mapping[str, int]) -> list[Sentence]:
    """The sentences for the notes on a reading."""
    return [
        sentence(singular if notes[kind] == 1 else plural, n=notes[kind])
        for kind, (singular, plural) in _SENTENCES.items()
        if notes.get(kind)
    ]
