"""The kinds of value that several keys take."""

from datetime import date
from math import inf, isfinite
from typing import Annotated

from segment_lib.schema.values import Values

_UNITS = {"KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40}


def parse_size(text: object) -> int | None:
    """Bytes of a size such as ``900MiB``; None if it is none."""
    for unit, factor in _UNITS.items():
        if isinstance(text, str) and text.strip().endswith(unit):
            try:
                size = float(text.strip().removesuffix(unit)) * factor
            except ValueError:
                return None
            return int(size) if 0 < size < inf else None
    return None


def is_whole(value: object, least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


def is_real(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)


def is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value)


def is_day(value: object) -> bool:
    """True for a day such as 2024-06-30, and for nothing."""
    if value == "":
        return True
    try:
        return isinstance(value, str) and date.fromisoformat(value).isoformat() == value
    except ValueError:
        return False


def is_range(value: object) -> bool:
    return (
        isinstance(value, list | tuple)
        and len(value) == 2
        and all(is_whole(end, 2) for end in value)
        and value[0] <= value[1]
    )


def are_names(value: object) -> bool:
    return isinstance(value, list | tuple) and all(is_text(name) for name in value)


NeededPath = Annotated[str, Values(is_text, "a path", is_path=True)]
OptionalPath = Annotated[str, Values(lambda v: isinstance(v, str), "a path", is_path=True)]
Query = Annotated[str, Values(lambda v: isinstance(v, str), "SQL in quotes")]
Column = Annotated[str, Values(lambda v: isinstance(v, str), "a column name")]
Share = Annotated[float, Values(lambda v: is_real(v) and 0 <= v <= 1, "a share from 0 to 1")]
Count = Annotated[int, Values(lambda v: is_whole(v, 0), "a whole number from 0 on")]
Money = Annotated[float | None, Values(lambda v: is_real(v) and v > 0, "a number above 0")]
