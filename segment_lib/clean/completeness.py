"""Counts of an extract from its tally: rows by missing cells, levels, codes that are none."""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from segment_lib.clean.tally import Tally, Value, Values
from segment_lib.schema import Attribute, Schema

ID_REASON = "another value in nearly every row, as an id has"
"""The reason to drop an attribute that identifies people and does not describe them."""
_MIN_DISTINCT_SHARE, _MIN_IDS = 0.95, 100
"""Distinct values per row, and number of rows, from which on levels are taken for ids."""
_MIN_LONG_ID = 100_000


@dataclass(frozen=True)
class ExtractCounts:
    """The counts of an extract, all parts together."""

    rows: int
    values: Mapping[str, Values]
    missing: Mapping[str, int]
    """Number of rows, per attribute, that are empty or hold a missing code."""


def count_missing(names: Collection[str]) -> pl.Expr:
    """The number of attributes missing in a row whose missing codes are null already."""
    return pl.sum_horizontal(pl.col(list(names)).is_null().cast(pl.UInt16))


def count_extract(tally: Tally, schema: Schema) -> ExtractCounts:
    """Count an extract from the tally of all its parts."""
    width = len(schema) // 8 + 1
    patterns = b"".join(pattern.to_bytes(width, "little") for pattern in tally.patterns)
    rows = np.fromiter(tally.patterns.values(), dtype=np.int64, count=len(tally.patterns))
    octets = np.frombuffer(patterns, dtype=np.uint8).reshape(-1, width)
    missing = rows @ np.unpackbits(octets, axis=1, bitorder="little")
    counted = dict(zip(schema.names, missing.tolist(), strict=False))
    return ExtractCounts(tally.rows, tally.values, counted)


def histogram(tally: Tally, schema: Schema, kept: Collection[str]) -> Counter[int]:
    """Count the rows of a part by their number of missing kept attributes."""
    mask = sum(1 << bit for bit, name in enumerate(schema.names) if name in kept)
    rows: Counter[int] = Counter()
    for pattern, count in tally.patterns.items():
        rows[(pattern & mask).bit_count()] += count
    return rows


def as_code(value: Value) -> str:
    """Write a value as a code: ``8`` for 8.0."""
    if isinstance(value, str):
        return value
    return str(int(value)) if value == int(value) else repr(value)


def spelled(values: Values) -> dict[str, int]:
    """Rows by value, each as its code is written."""
    return {as_code(value): rows for value, rows in values.rows.items()}


def expected_levels(
    attribute: Attribute, population: Values, dictionary: Mapping[str, Collection[str]]
) -> tuple[str, ...] | None:
    """The levels an attribute can have: the dictionary's, else those of the population.

    None for a plain number, which can have any value, and for too many levels to count.
    """
    if levels := tuple(dictionary.get(attribute.name, ())):
        return levels
    if attribute.is_number or population.overflow:
        return None
    return tuple(spelled(population))


def unseen_codes(values: Values, levels: tuple[str, ...] | None) -> dict[str, int]:
    """Count the rows of each code that is no level; empty where any value is allowed."""
    known = set(levels or ())
    return {} if levels is None else {c: n for c, n in spelled(values).items() if c not in known}


def looks_like_id(attribute: Attribute, extract: ExtractCounts) -> bool:
    """True if nearly every row has a distinct value, as an id has and a measure has not.

    Numbers must be whole, without a gap or a repetition, and run on or have as many digits each:
    incomes may differ from each other too.
    """
    values = extract.values[attribute.name]
    rows = extract.rows - extract.missing[attribute.name]
    distinct = len(values.sample) / max(1, sum(values.sample.values()))
    if rows < _MIN_IDS:
        return False
    if not attribute.is_number:
        return distinct >= _MIN_DISTINCT_SHARE
    numbers = [value for value in values.counted if not isinstance(value, str)]
    low, high = min(numbers), max(numbers)
    runs_on = high - low < 2 * rows
    as_long = low >= _MIN_LONG_ID and len(as_code(low)) == len(as_code(high))
    whole = all(value == int(value) for value in numbers)
    return distinct == 1 and rows == extract.rows and whole and low >= 0 and (runs_on or as_long)
