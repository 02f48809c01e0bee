"""Differences in spelling between codes and the levels they mean: zeros, case, umlauts, dates."""

import json
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import date, timedelta
from unicodedata import combining, normalize

from segment_lib.schema import is_null_word
from segment_lib.schema.language import N_, Sentence, sentence

_MIN_EXPLAINED = 0.9
"""Share of the rows of unseen codes that a difference must explain."""

TRUTH = (
    ("true", "false"),
    ("t", "f"),
    ("yes", "no"),
    ("y", "n"),
    ("ja", "nein"),
    ("j", "n"),
    ("wahr", "falsch"),
    ("1", "0"),
)
"""Words for yes and no, in lower case."""

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH_NUMBERS = {name: month for month, name in enumerate(_MONTHS, start=1)} | {
    "mär": 3, "mrz": 3, "mai": 5, "okt": 10, "dez": 12,
}  # fmt: skip
_TOKEN = re.compile(r"\d+|[^\W\d_]+")
_EXCEL_EPOCH = date(1899, 12, 30)
_EXCEL_DAYS = range(20_000, 80_000)
_YEARS = 1900
_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss"})


def describe_difference(levels: Collection[str], unseen: Mapping[str, int]) -> Sentence | None:
    """Describe how codes differ from the levels that they mean; None if that is not known.

    Parameters
    ----------
    levels : the levels expected
    unseen : rows by code that is none of them
    """
    rows = sum(unseen.values())
    if (expected := _truth(levels)) and (actual := _truth(unseen)) and expected != actual:
        return sentence(
            N_("yes and no in other words, {actual} for {expected}"),
            actual="/".join(actual),
            expected="/".join(expected),
        )
    for words, key in _DIFFERENCES.items():
        keys = {key(level) for level in levels} - {None, ""}
        explained = [code for code in unseen if key(code) in keys]
        if explained and _rows(unseen, explained) >= _MIN_EXPLAINED * rows:
            return sentence(words)
    return None


def are_null_words(unseen: Mapping[str, int]) -> bool:
    """True if nearly all rows of unseen codes hold words for a missing value."""
    rows = sum(unseen.values())
    return rows > 0 and _rows(unseen, filter(is_null_word, unseen)) >= _MIN_EXPLAINED * rows


def missing_setting(codes: Iterable[str]) -> str:
    """The config line that declares the words for a missing value among codes."""
    words = sorted(filter(is_null_word, codes))
    return f"inputs.missing = {json.dumps(words, ensure_ascii=False)}"


def describe_likeness(code: str, levels: Collection[str]) -> Sentence | None:
    """Describe how a code differs from a level that it may mean; None if there is none."""
    return next(
        (
            sentence(words)
            for words, key in _DIFFERENCES.items()
            if (own := key(code)) and own in {key(level) for level in levels}
        ),
        None,
    )


def describe_duplicates(levels: Collection[str]) -> Sentence | None:
    """Describe how levels of one column differ that may be the same; None if there are none."""
    return next(
        (
            sentence(words)
            for words, key in _SLIPS.items()
            if len({key(level) for level in levels}) < len(levels)
        ),
        None,
    )


def _rows(counts: Mapping[str, int], codes: Iterable[str]) -> int:
    return sum(counts[code] for code in codes)


def _truth(codes: Collection[str]) -> tuple[str, str] | None:
    """The pair of words for yes and no that the codes consist of."""
    words = {code.lower() for code in codes}
    return next((pair for pair in TRUTH if words and words <= set(pair)), None)


def _without_zeros(code: str) -> str:
    return re.sub(r"^([+-]?)0+(?=\d)", r"\1", code)


def _without_blanks(code: str) -> str:
    return re.sub(r"[\s\u200b-\u200d\u2060\ufeff]", "", code)


def _without_accents(code: str) -> str:
    apart = normalize("NFKD", code.casefold().translate(_UMLAUTS))
    return "".join(letter for letter in apart if not combining(letter))


def _redecode(code: str) -> str:
    """Restore a code of UTF-8 that was read as cp1252."""
    try:
        return code.encode("cp1252").decode("utf-8")
    except UnicodeError:
        return code


def _number(code: str) -> str | None:
    try:
        return repr(float(code.replace(",", ".")))
    except ValueError:
        return None


def _day(code: str) -> str | None:
    """Day and month that a spreadsheet makes of a code, or has made; None if there are none."""
    if code.isascii() and code.isdigit():
        if int(code) not in _EXCEL_DAYS:
            return None
        day = _EXCEL_EPOCH + timedelta(days=int(code))
        return _pair(day.month, day.day)
    numbers: list[int] = []
    for token in _TOKEN.findall(re.split(r"[T ]00:00", code)[0].lower()):
        number = _MONTH_NUMBERS.get(token[:3]) if token.isalpha() else int(token[:9])
        if number is None:
            return None
        numbers.append(number)
    days = numbers if len(numbers) == 2 else [number for number in numbers if number < _YEARS]
    return _pair(*days) if len(days) == 2 else None


def _pair(first: int, second: int) -> str:
    return f"{min(first, second)} {max(first, second)}"


def _letters(code: str) -> str | None:
    """Letters and digits of a code without punctuation; None for a number, where it counts."""
    letters = "".join(letter for letter in _without_accents(code) if letter.isalnum())
    return None if letters.isdigit() else letters


_SLIPS: Mapping[str, Callable[[str], str]] = {
    N_("the same but for zeros before them"): _without_zeros,
    N_("the same but for upper and lower case"): str.lower,
    N_("the same but for blanks"): _without_blanks,
    N_("the same but for quotes around them"): lambda code: code.strip("'\"`´"),
}
"""Description of a slip to the key under which codes that differ by it are the same."""
_DIFFERENCES: Mapping[str, Callable[[str], str | None]] = {
    **_SLIPS,
    N_("the same but for umlauts or accents"): _without_accents,
    N_("the same, read in another encoding; set inputs.encoding"): _redecode,
    N_("the same numbers, written otherwise"): _number,
    N_("the same, but a spreadsheet made dates of codes such as 1-2"): _day,
    N_("the same but for punctuation"): _letters,
}
"""Description of a difference between extracts to its key; the first that fits is given."""
