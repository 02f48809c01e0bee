"""Small forms that are the same in every language: numbers that are none, capitals."""

import math


def finite(number: float | None) -> float | None:
    """The number, or None where it is missing, infinite or NaN."""
    return float(number) if number is not None and math.isfinite(number) else None


def sentence(words: str) -> str:
    """The words with a capital and a full stop."""
    return f"{capitalised(words)}."


def capitalised(words: str) -> str:
    """The words with a capital first letter."""
    return f"{words[:1].upper()}{words[1:]}"
