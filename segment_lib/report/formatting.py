"""Formatting of numbers for readers: counts, percentages, indices, sizes; joining of words."""

import math
from collections.abc import Sequence

NOTHING = "–"


def finite(number: float | None) -> float | None:
    """The number, or None where it is missing, infinite or NaN."""
    return float(number) if number is not None and math.isfinite(number) else None


def count(number: float | None) -> str:
    """Count with thousands separators."""
    return NOTHING if number is None else f"{number:,.0f}"


def percent(share: float | None) -> str:
    """Percentage of a share of 1, with a decimal where it is small."""
    if share is None or math.isnan(share):
        return NOTHING
    if 0 < share < 0.0005:
        return "under 0.1%"
    return f"{100 * share:.0f}%" if share >= 0.0995 or share == 0 else f"{100 * share:.1f}%"


def short_number(number: float | None) -> str:
    """Number without decimals, such as an index; with one where it is below 10."""
    if number is None or math.isnan(number):
        return NOTHING
    return f"{number:,.0f}" if number >= 9.95 or number == 0 else f"{number:.1f}"


def decimals(number: float | None, digits: int = 3) -> str:
    """Number with this many decimals; without any from 1,000, in words from a million."""
    if number is None or math.isnan(number):
        return NOTHING
    for size, name in ((1e12, "trillion"), (1e9, "billion"), (1e6, "million")):
        if abs(number) >= size:
            return f"{number / size:.1f} {name}"
    return f"{number:,.0f}" if abs(number) >= 1000 else f"{number:.{digits}f}"


def percent_tenths(share: float | None) -> str:
    """Percentage with one decimal, of a share of 1."""
    return NOTHING if share is None or math.isnan(share) else f"{100 * share:.1f}%"


def money(amount: float | None) -> str:
    """Amount of money, with hundredths where it is small."""
    if amount is None:
        return NOTHING
    return f"{amount:,.2f}" if abs(amount) < 1000 else f"{amount:,.0f}"


def times(index: float) -> str:
    """Ratio of an index: 310 is '3.1 times'."""
    ratio = index / 100
    digits = 0 if ratio >= 9.95 else 1 if ratio >= 1.25 or ratio < 0.75 else 2
    return f"{ratio:.{digits}f} times"


def size(number: float | None) -> str:
    """Number of bytes in the unit that fits."""
    if number is None:
        return NOTHING
    for unit in ("B", "kB", "MB", "GB"):
        if number < 1000:
            return f"{number:.0f} {unit}" if unit == "B" or number >= 10 else f"{number:.1f} {unit}"
        number /= 1000
    return f"{number:.1f} TB"


def join_words(words: Sequence[str]) -> str:
    """Words joined as in a sentence: 'a, b and c'."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def one_decimal(number: float) -> str:
    """Number with one decimal and a true minus."""
    return f"{number:,.1f}".replace("-", "−")


def sentence(words: str) -> str:
    """The words with a capital and a full stop."""
    return f"{words[:1].upper()}{words[1:]}."


def capitalised(words: str) -> str:
    """The words with a capital first letter."""
    return f"{words[:1].upper()}{words[1:]}"


def plural(number: int, noun: str) -> str:
    """Number with its noun: '1 segment', '2 segments'."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def index_range(low: float, high: float) -> str:
    """Range between the limits of an index: '80 to 120'."""
    return f"{short_number(low)} to {short_number(high)}"
