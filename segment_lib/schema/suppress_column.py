"""Suppress columns, which mark people not to be mailed: their words for yes, their usual names."""

import re
from collections.abc import Collection, Iterable

import polars as pl

from segment_lib.schema import canonical
from segment_lib.schema.ids import NULL_WORDS
from segment_lib.schema.language import N_, Sentence, sentence

YES = frozenset(["x", "j", "ja", "y", "yes", "t", "true", "wahr", "1", "s", "si", "oui"])
NO = frozenset(["n", "nein", "no", "f", "false", "falsch", "0", "non"])
MAX_WORDS = 4
"""Distinct words looked at; a column of yes and no has no more."""
MIN_MISSING_SHARE = 0.9
"""An attribute missing in a larger share of the rows, and of one level, looks like a mark."""
_NAMES = re.compile(
    r"sperr|robinson|opt[_\- ]?out|(no|do[_\- ]?not|dont)[_\- ]?(e?mail|call|contact|market|promot)"
    r"|nixie|werbe|keine?[_\- ]?werb|unsubscri|suppress|blacklist",
    re.IGNORECASE,
)
_ALLOWING = re.compile(r"opt[_\- ]?in|consent|einwillig|erlaub|permi|allow", re.IGNORECASE)


def distinct_words(cells: pl.Series, missing: Collection[str] = ()) -> frozenset[str]:
    """Return the distinct words of a column, canonical and in lower case, at most `MAX_WORDS`.

    Empty cells are the word ``""``.

    Parameters
    ----------
    missing : codes that mean missing
    """
    words = (_word(cell, missing) for cell in cells.unique().to_list())
    return frozenset(sorted(set(words))[:MAX_WORDS])


def is_suppressed(cells: pl.Series, missing: Collection[str] = ()) -> pl.Series:
    """Mark the people who must not be mailed, of a column that `is_unambiguous`."""
    words = {cell: _word(cell, missing) for cell in cells.unique().to_list()}
    suppressed = [cell for cell, word in words.items() if word and word not in NO]
    return cells.is_in(suppressed, nulls_equal=True)


def is_unambiguous(words: Collection[str]) -> bool:
    """True if the words of a column are unambiguous: yes and no, or a single mark."""
    unknown = [word for word in words if word and word not in YES | NO]
    if not unknown:
        return True
    others = set(words) - set(unknown)
    return len(unknown) == 1 and bool(others) and not others & YES


def is_suppress_name(name: str) -> bool:
    """True if a column's name says that its people must not be mailed."""
    return bool(_NAMES.search(name))


def suspected_columns(attributes: pl.DataFrame, named: str) -> list[str]:
    """Attributes that look like a suppress column, but for the one that the config names.

    Parameters
    ----------
    attributes : `attribute`, `n_levels`, `missing_share`
    """
    return [
        name
        for name, levels, missing in attributes.select(
            "attribute", "n_levels", "missing_share"
        ).iter_rows()
        if name != named
        and (
            (is_suppress_name(name) and levels <= MAX_WORDS)
            or (levels == 1 and missing > MIN_MISSING_SHARE)
        )
    ]


def is_consent_name(name: str) -> bool:
    """True if a column's name says who may be mailed."""
    return bool(_ALLOWING.search(name)) and not is_suppress_name(name)


def suspected_remarks(names: Iterable[str]) -> list[Sentence]:
    """The remark on columns that look like a suppress column; empty if there are none."""
    if not (listed := ", ".join(names)):
        return []
    return [
        sentence(
            N_(
                "{columns}: may say who must not be mailed. If so, name the column in "
                "inputs.suppress_column; else those people are listed."
            ),
            columns=listed,
        )
    ]


def _word(cell: object, missing: Collection[str]) -> str:
    code = "" if cell is None else canonical(str(cell))
    return "" if code in missing or code.lower() in NULL_WORDS else code.lower()
