"""Formats of numbers: the decimal and thousands signs of a table, and what is no number."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from segment_lib.schema import Attribute, is_null_word
from segment_lib.sources.quoting import Letters
from segment_lib.sources.text_format import TextFormat

THOUSANDS_LIKE, DECIMALS = "thousands_like", "decimals"
"""Kinds of notes: cells with a point that may separate thousands, and those where it cannot."""

_BLOCK = 1 << 18
"""Bytes of a block; they fit into the processor's cache."""
_OTHER = {".": ",", ",": "."}
_GROUPS = {".": r"\.", ",": ",", " ": "[ \u00a0\u202f\u2009]", "'": "['\u2019]"}
_LIKE_THOUSANDS = r"^\s*[+-]?[1-9][0-9]{0,2}\.[0-9]{3}\s*$"


@dataclass(frozen=True)
class NumberFormat:
    """The signs before decimals and between thousands."""

    decimal: str = "."
    thousands: str = ""

    @classmethod
    def from_format(cls, form: TextFormat) -> "NumberFormat":
        """The convention of a text format; a sign it leaves open follows from the other."""
        decimal = form.decimal or _OTHER.get(form.thousands, ".")
        thousands = form.thousands or (_OTHER[decimal] if form.decimal else "")
        return cls(decimal, thousands)

    @property
    def is_native(self) -> bool:
        """True if numbers can be parsed without a conversion."""
        return self.decimal == "." and self.thousands != "."

    @property
    def pattern(self) -> str:
        """A regular expression for a number."""
        whole = "[0-9]+"
        if self.thousands:
            whole = f"(?:[0-9]{{1,3}}(?:{_GROUPS[self.thousands]}[0-9]{{3}})+|[0-9]+)"
        point = re.escape(self.decimal)
        return rf"[+-]?(?:{whole}(?:{point}[0-9]*)?|{point}[0-9]+)(?:[eE][+-]?[0-9]+)?"

    def number(self, text: pl.Expr) -> pl.Expr:
        """Cells of text in the form that Polars parses; what is no number stays none."""
        plain = text
        if self.thousands:
            plain = plain.str.replace_all(_GROUPS[self.thousands], "")
        if self.decimal != ".":
            plain = plain.str.replace(self.decimal, ".", literal=True)
        is_number = text.str.contains(f"^(?:{self.pattern})$")
        other = pl.when(text.str.contains("(?i)^[+-]?nan$")).then(text).otherwise(pl.lit("no"))
        return pl.when(is_number).then(plain).otherwise(other)

    def parsed(self, text: pl.Expr) -> pl.Expr:
        """Cells of text as finite numbers; null where they are none."""
        stripped = text.str.strip_chars()
        plain = stripped if self == NATIVE_FORMAT else self.number(stripped)
        number = plain.cast(pl.Float64, strict=False)
        return pl.when(number.is_finite()).then(number)


NATIVE_FORMAT = NumberFormat()


def is_number(cell: str, attribute: Attribute, number_format: NumberFormat) -> bool:
    """True if the cell is a number, empty, or a missing code."""
    cell = cell.strip()
    if not cell or cell in attribute.missing_words or cell.lower().lstrip("+-") == "nan":
        return True
    return re.fullmatch(number_format.pattern, cell) is not None and _is_finite(cell, number_format)


def _is_finite(cell: str, number_format: NumberFormat) -> bool:
    if number_format.thousands:
        cell = re.sub(_GROUPS[number_format.thousands], "", cell)
    return abs(float(cell.replace(number_format.decimal, "."))) != float("inf")


def first_non_number(
    cells: pl.Series, attribute: Attribute, number_format: NumberFormat = NATIVE_FORMAT
) -> int | None:
    """Position of the first cell of a column of text that is no number; None if all are."""
    distinct = cells.drop_nulls().unique().to_list()
    wrong = [cell for cell in distinct if not is_number(cell, attribute, number_format)]
    places = cells.is_in(wrong).arg_true()
    return int(places[0]) if len(places) else None


# --- what a column of numbers looks like ----------------------------------------------------------

_BLANK, _TICK = _GROUPS[" "], _GROUPS["'"]
_GROUPED = {
    # Two groups of three digits, or one and decimals, leave no other meaning.
    ".": r"[+-]?[0-9]{1,3}(\.[0-9]{3})+(\.[0-9]{3}|,[0-9]*)",
    ",": r"[+-]?[0-9]{1,3}(,[0-9]{3})+(,[0-9]{3}|\.[0-9]*)",
    " ": rf"[+-]?[0-9]{{1,3}}({_BLANK}[0-9]{{3}})+([.,][0-9]+)?",
    "'": rf"[+-]?[0-9]{{1,3}}({_TICK}[0-9]{{3}})+([.,][0-9]+)?",
}
"""Thousands sign to a pattern of numbers that leave no doubt about it."""
_DECIMALS = {
    sign: rf"[+-]?([0-9]*{point}([0-9]{{1,2}}|[0-9]{{4,}})|0*{point}[0-9]+|[0-9]{{4,}}{point}[0-9]+"
    rf"|[0-9]{{1,3}}(({_BLANK}|{_TICK}|{other})[0-9]{{3}})+{point}[0-9]*)"
    for sign, point, other in ((".", r"\.", ","), (",", ",", r"\."))
}
"""Decimal sign to a pattern of numbers that leave no doubt about it."""
_COMMA_GROUP = r"[+-]?[1-9][0-9]{0,2},[0-9]{3}"
_WORTH_A_LOOK = re.compile(rb"[0-9](,[0-9]|\.[0-9]{3}\.|[ '][0-9]{3}|\xc2\xa0[0-9]|\xe2\x80.[0-9])")


def may_need_number_format(head: bytes) -> bool:
    """True if the head of a file may hold a number in another format than Polars parses."""
    return _WORTH_A_LOOK.search(head) is not None


def infer_number_format(cells: Iterable[str]) -> NumberFormat | None:
    """Infer the convention from the cells of number columns; None if they leave a doubt."""
    cells = {cell.strip() for cell in cells}

    def signs(patterns: Mapping[str, str]) -> set[str]:
        return {sign for sign, p in patterns.items() if any(re.fullmatch(p, c) for c in cells)}

    thousands = signs(_GROUPED)
    decimals = signs(_DECIMALS) | {_OTHER[sign] for sign in thousands if sign in _OTHER}
    if decimals == {"."} and signs({",": _COMMA_GROUP}):
        thousands |= {","}
    if len(decimals) > 1 or len(thousands) > 1 or not (thousands or decimals == {","}):
        return None
    decimal = next(iter(decimals), ".")
    return NumberFormat(decimal, next(iter(thousands), _OTHER[decimal]))


# --- points that may part thousands ---------------------------------------------------------------


def has_ambiguous_points(letters: Letters) -> bool:
    """True if any point stands before exactly three digits."""
    return any(
        _has_ambiguous_points(letters[start : start + _BLOCK + 4])
        for start in range(0, len(letters), _BLOCK)
    )


def _has_ambiguous_points(letters: Letters) -> bool:
    digit = (letters - np.uint8(ord("0"))) < 10
    points = (letters[:-4] == ord(".")) & digit[2:-2]
    return bool(points.any() and (points & digit[1:-3] & digit[3:-1] & ~digit[4:]).any())


def point_notes(rows: pl.DataFrame, names: Iterable[str]) -> dict[str, int]:
    """Count the cells, per column of text, with a point that may, or cannot, separate thousands."""
    notes = {}
    for name in names:
        points = rows[name].filter(rows[name].str.contains(".", literal=True))
        ambiguous = int(points.str.contains(_LIKE_THOUSANDS).sum())
        notes[f"{THOUSANDS_LIKE}:{name}"] = ambiguous
        notes[f"{DECIMALS}:{name}"] = points.len() - points.null_count() - ambiguous
    return {kind: n for kind, n in notes.items() if n}


def ambiguous_points(notes: Mapping[str, int]) -> list[str]:
    """The attributes whose points all may separate either thousands or decimals."""
    names = (kind.partition(":") for kind in notes)
    return [
        name
        for kind, _, name in names
        if kind == THOUSANDS_LIKE and not notes.get(f"{DECIMALS}:{name}")
    ]


# --- what to do about a cell that is no number ----------------------------------------------------

_ADVICE = {
    r"[+-]?([0-9]{1,3}(\.[0-9]{3})*|[0-9]+),[0-9]+": (
        'Decimals take a point, not a comma: set inputs.decimal = "," if the comma stands before '
        'decimals, or inputs.thousands = "," if it parts thousands.'
    ),
    r"[+-]?[0-9]{1,3}(,[0-9]{3})+(\.[0-9]*)?": (
        'Set inputs.thousands = "," if commas part thousands.'
    ),
    r"[+-]?[0-9]{1,3}(\.[0-9]{3})+(,[0-9]*)?": (
        'Set inputs.thousands = "." if points part thousands.'
    ),
    rf"[+-]?[0-9]{{1,3}}({_GROUPS[' ']}[0-9]{{3}})+([.,][0-9]*)?": (
        'Set inputs.thousands = " " if blanks part thousands.'
    ),
    rf"[+-]?[0-9]{{1,3}}({_GROUPS[chr(39)]}[0-9]{{3}})+([.,][0-9]*)?": (
        """Set inputs.thousands = "'" if apostrophes part thousands."""
    ),
    r"[+-]?[0-9]+\.[0-9]*": (
        "By the config or by other cells, a comma comes before decimals. Set inputs.decimal = "
        '"." if it is a point, or write one form.'
    ),
    r"\\N": (
        'Set inputs.quote_escape = "backslash" if it means missing, or list it as a missing code.'
    ),
    r".*[€$£¥].*|[A-Z]{3}\s*[0-9.,]+|[0-9.,]+\s*[A-Z]{3}|[0-9.,-]+\s*(Euro|Eur|euro)": (
        "Take the currency out of the cells."
    ),
    r".*[%‰].*": "Take the percent signs out of the column.",
    r"[0-9.,]+\s*-": "Write the minus before the number.",
    r"\([0-9.,\s]+\)": "Write a minus in place of the brackets.",
    r"[\u2212\u2013\u2014]\s*[0-9.,]+": "Write the minus as a hyphen (-).",
    r"[+-]?0[xX][0-9a-fA-F]+": "Write the number with the digits 0 to 9 alone.",
    r"[+-]?[0-9]+(_[0-9]+)+": "Take the underscores out of the column.",
    r".*[\u00bc-\u00be\u2150-\u215e].*|[0-9]+\s*/\s*[0-9]+": "Write fractions as decimals: 0.5.",
    r"[0-9]{1,4}[-./][0-9]{1,2}[-./][0-9]{1,4}.*": (
        "Of a date, write the year, or the age in years."
    ),
    r"[+-]?[0-9.]+[eE][+-]?[0-9]+|(?i:[+-]?inf(inity)?)": (
        "It is infinite: correct it, or list it as a missing code."
    ),
    r"\d+": "Write the number with the digits 0 to 9 alone.",
}
_NOTHING = "If such a word (NA, NULL, -) means missing, list it in inputs.missing."
_ELSE = "Correct the cell, list it as a missing code, or call the attribute categorical."


def number_advice(cell: str) -> str:
    """The advice on a cell that is no number."""
    cell = cell.strip()
    matches = (text for pattern, text in _ADVICE.items() if re.fullmatch(pattern, cell, re.DOTALL))
    return next(matches, _NOTHING if is_null_word(cell) else _ELSE)
