"""Numbers as a reader wants them: counts, percentages, sizes, and words joined as in a sentence."""

import math
from collections.abc import Sequence

NOTHING = "–"


def finite(number: float | None) -> float | None:
    """The number, or None where it is none."""
    return float(number) if number is not None and math.isfinite(number) else None


def count(number: float | None) -> str:
    """A count with thousands marked."""
    return NOTHING if number is None else f"{number:,.0f}"


def percent(share: float | None) -> str:
    """A share of 1 as a percentage, with a decimal where it is small."""
    if share is None or math.isnan(share):
        return NOTHING
    if 0 < share < 0.0005:
        return "under 0.1%"
    return f"{100 * share:.0f}%" if share >= 0.0995 or share == 0 else f"{100 * share:.1f}%"


def whole(number: float | None) -> str:
    """An index as a whole number, with a decimal where it is small."""
    if number is None or math.isnan(number):
        return NOTHING
    return f"{number:,.0f}" if number >= 9.95 or number == 0 else f"{number:.1f}"


def decimals(number: float | None, digits: int = 3) -> str:
    if number is None or math.isnan(number):
        return NOTHING
    for size, name in ((1e12, "trillion"), (1e9, "billion"), (1e6, "million")):
        if abs(number) >= size:
            return f"{number / size:.1f} {name}"
    return f"{number:,.0f}" if abs(number) >= 1000 else f"{number:.{digits}f}"


def times(index: float) -> str:
    """How many times as often: 310 is '3.1 times'."""
    ratio = index / 100
    digits = 0 if ratio >= 9.95 else 1 if ratio >= 1.25 or ratio < 0.75 else 2
    return f"{ratio:.{digits}f} times"


def size(number: float | None) -> str:
    """Bytes in the unit that fits."""
    if number is None:
        return NOTHING
    for unit in ("B", "kB", "MB", "GB"):
        if number < 1000:
            return f"{number:.0f} {unit}" if unit == "B" or number >= 10 else f"{number:.1f} {unit}"
        number /= 1000
    return f"{number:.1f} TB"


def listing(words: Sequence[str]) -> str:
    """Words joined as in a sentence: 'a, b and c'."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def rounded(number: float) -> str:
    """A number with one decimal and a true minus."""
    return f"{number:,.1f}".replace("-", "−")


def sentence(words: str) -> str:
    """The words with a capital and a full stop."""
    return f"{words[:1].upper()}{words[1:]}."


def many(number: int, noun: str) -> str:
    """A number with its noun: '1 segment', '2 segments'."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def span(low: float, high: float) -> str:
    """Limits of an index."""
    return f"{whole(low)} to {whole(high)}"
