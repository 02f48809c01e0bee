"""Counts of a column that no feature summary describes, and the patterns of its cells."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from segment_lib.clean.completeness import as_code
from segment_lib.clean.tally import MAX_VALUES, Values
from segment_lib.schema import dates, is_null_word, is_number
from segment_lib.schema.suppress_column import NO, YES

MAX_CODES = 15
"""Whole numbers of more different values are amounts."""
_MIN_FIT = 0.95
"""Share of the values of a column that must have its pattern."""
DATE = re.compile(
    r"\d{1,2}\.\d{1,2}\.(\d{4}|\d{2})( .*)?|\d{4}[-/]\d{1,2}[-/]\d{1,2}([ T].*)?"
    r"|\d{1,2}[/-]\d{1,2}[/-](\d{4}|\d{2})( .*)?|\d{1,2}[- ][A-Za-z]{3}[- ]\d{2,4}"
    r"|(19|20)\d\d(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])"
)
NO_DAY = re.compile(
    r"0?1[./]0?1[./]1900.*|1900-01-01.*|(31[./]12|12/31)[./][2-9]999.*|[2-9]999-12-31.*|0+\.0+\.0+|0000-00-00|19000101"
)
"""Days that programs write for no day."""
EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.\w+")
_MONTHS = 12
_DIGITS = re.compile(r"\d{4,5}")
_POSTCODE_NAME = re.compile(r"plz(?!\d)|zip|post(al)?_?code|postleitzahl|^postal$", re.IGNORECASE)


@dataclass(frozen=True)
class ColumnCounts:
    """What the rows of an extract hold in a column."""

    rows: int
    texts: Values
    """Cells as text; of amounts those that are no number."""
    numbers: Values | None = None
    """Cells as numbers, of a column of amounts."""
    distinct: int | None = None
    """Number of different values, of a column that may hold ids."""

    @cached_property
    def filled(self) -> int:
        """Rows that are not empty."""
        return self.rows - self.texts.nulls

    @cached_property
    def words(self) -> dict[str, int]:
        """Words for a missing value to their rows."""
        return {text: n for text, n in self._texts.items() if is_null_word(text)}

    @cached_property
    def levels(self) -> dict[str, int]:
        """Values, words for a missing one aside, to their rows; a sample if there are many."""
        levels = {text: n for text, n in self._texts.items() if text not in self.words}
        if self.numbers is not None:
            levels |= {as_code(value): n for value, n in self.numbers.counted.items()}
        return levels

    @cached_property
    def _texts(self) -> dict[str, int]:
        return {str(text): n for text, n in self.texts.counted.items()}

    @cached_property
    def values(self) -> dict[float, int]:
        """Values that are numbers to their rows; a sample if there are many."""
        return {float(code): n for code, n in self.levels.items() if is_number(code)}

    def known_numbers(self, missing: Iterable[str]) -> dict[float, int]:
        """Numbers of a column of amounts to their rows, in bins if they are many."""
        codes = {float(code) for code in missing if is_number(code)}
        rows = self.numbers.rows if self.numbers else {}
        return {float(value): n for value, n in rows.items() if value not in codes}

    @property
    def n_levels(self) -> int | None:
        """Number of different values, words for a missing one aside; None if there are many."""
        is_binned = self.numbers is not None and self.numbers.coarseness > 0
        return None if self.texts.overflow or is_binned else len(self.levels)

    @property
    def levels_in_words(self) -> str:
        """The number of different values, as a table shows it."""
        return f"over {MAX_VALUES}" if self.n_levels is None else str(self.n_levels)

    def rows_of(self, codes: Iterable[str]) -> int:
        """Rows that hold one of some codes."""
        return sum(self.levels.get(code, 0) + self.words.get(code, 0) for code in codes)

    def fits(self, pattern: re.Pattern[str]) -> bool:
        """True if nearly all values have a pattern."""
        fitting = sum(pattern.fullmatch(text) is not None for text in self.levels)
        return fitting >= max(1, _MIN_FIT * len(self.levels))

    @property
    def is_yes_or_no(self) -> bool:
        """True if all values say yes or no, in whatever words."""
        words = {text.lower() for text in self.levels}
        return bool(words & YES and words & NO) and words <= YES | NO

    @property
    def is_whole(self) -> bool:
        """True if all values are whole numbers, however many."""
        return len(self.values) == len(self.levels) > 0 and all(v == int(v) for v in self.values)

    @cached_property
    def date_types(self) -> tuple[Literal["date", "us date"], ...]:
        """The types that read its dates; both where none shows which number is the month."""
        if not self.fits(dates.DATE):
            return ()
        slashed = [at for at in map(dates.SLASHED.match, self.levels) if at]
        firsts, seconds = ([int(at[i]) for at in slashed] for i in (2, 3))
        fitting: list[Literal["date", "us date"]] = []
        fitting += ["date"] * (max(seconds, default=0) <= _MONTHS)
        fitting += ["us date"] * (bool(slashed) and max(firsts) <= _MONTHS)
        return tuple(fitting)

    def is_postcode(self, name: str) -> bool:
        """True for codes of four or five digits with zeros before some, or that are named so."""
        if not self.fits(_DIGITS):
            return bool(_POSTCODE_NAME.search(name)) and len(self.levels) > MAX_CODES
        widths = {len(text) for text in self.levels}
        zeros = any(text.startswith("0") for text in self.levels)
        return (zeros and len(widths) == 1) or bool(_POSTCODE_NAME.search(name))


def are_amounts(name: str, column: ColumnCounts, numbers: Mapping[str, float]) -> bool:
    """True if the cells of a sample are numbers on a scale too fine to be codes.

    Parameters
    ----------
    numbers : values that are numbers, as they are written, to what they are
    """
    others = [text for text in column.levels if text not in numbers]
    if not numbers or len(others) > max(MAX_CODES, len(numbers)) / 3:
        return False
    if column.is_postcode(name) or column.fits(DATE):
        return False
    return len(numbers) > MAX_CODES or any(v != int(v) for v in numbers.values())
