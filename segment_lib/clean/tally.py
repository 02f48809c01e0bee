"""What a part holds, as counts that add up: rows by value, rows by which attributes they lack.

Everything the assessment needs is in these counts, so the rows are read once.
"""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from segment_lib.clean.codes import known
from segment_lib.schema import Schema

MAX_VALUES = 4096
"""Distinct values kept per attribute: finer numbers share a bin, further levels overflow."""

Value = float | str

_MANTISSA = 52
_WORD = 63


@dataclass(frozen=True)
class Values:
    """Rows by value of one attribute, without nulls and missing codes.

    A number attribute with too many distinct values is counted in bins: the last `coarseness` bits
    of the float64 are dropped. How many depends on the values alone, not on how they were split.
    """

    rows: Mapping[Value, int]
    nulls: int = 0
    coarseness: int = 0
    overflow: bool = False
    """True if a text attribute has more than MAX_VALUES levels; then no level is listed."""

    def __add__(self, other: "Values") -> "Values":
        nulls = self.nulls + other.nulls
        if self.overflow or other.overflow:
            return Values({}, nulls, overflow=True)
        total = Counter(dict(self.rows))
        total.update(other.rows)
        return _bounded(total, nulls, max(self.coarseness, other.coarseness))


@dataclass(frozen=True)
class Tally:
    """The counts of a part, or of several together."""

    rows: int
    values: Mapping[str, Values]
    """Attribute to its values, in the feature summary's order."""
    patterns: Mapping[int, int]
    """Rows by the set of attributes missing (null or a missing code), bit i for attribute i."""
    notes: Mapping[str, int] = field(default_factory=dict)
    """What was noticed while the rows were read, as counts that add up."""

    def __add__(self, other: "Tally") -> "Tally":
        """The counts of the rows of both, which are of one feature summary."""
        values = {name: found + other.values[name] for name, found in self.values.items()}
        patterns = Counter(dict(self.patterns))
        patterns.update(other.patterns)
        notes = Counter(dict(self.notes))
        notes.update(other.notes)
        return Tally(
            self.rows + other.rows,
            values,
            dict(sorted(patterns.items())),
            dict(sorted(notes.items())),
        )

    def to_json(self) -> str:
        values = {
            name: {
                "values": list(found.rows),
                "rows": list(found.rows.values()),
                "nulls": found.nulls,
                "coarseness": found.coarseness,
                "overflow": found.overflow,
            }
            for name, found in self.values.items()
        }
        patterns = {f"{pattern:x}": rows for pattern, rows in self.patterns.items()}
        return json.dumps(
            {"rows": self.rows, "values": values, "patterns": patterns, "notes": dict(self.notes)},
            separators=(",", ":"),
        )

    @classmethod
    def from_json(cls, text: str) -> "Tally":
        entry = json.loads(text)
        values = {
            name: Values(
                dict(zip(found["values"], found["rows"], strict=True)),
                found["nulls"],
                found["coarseness"],
                found["overflow"],
            )
            for name, found in entry["values"].items()
        }
        patterns = {int(pattern, 16): rows for pattern, rows in entry["patterns"].items()}
        return cls(entry["rows"], values, patterns, entry["notes"])


def tally_part(rows: pl.DataFrame, schema: Schema, notes: Mapping[str, int] | None = None) -> Tally:
    """Count a raw part; `notes` are of its reading."""
    values = {}
    for attribute in schema:
        there = rows.select(known(attribute)).to_series().drop_nulls()
        counts = there.value_counts(name="rows")
        nulls = rows[attribute.name].null_count()
        values[attribute.name] = _bounded(dict(counts.iter_rows()), nulls, 0)
    return Tally(rows.height, values, _patterns(rows, schema), dict(sorted((notes or {}).items())))


def _bounded(rows: Mapping[Value, int], nulls: int, coarseness: int) -> Values:
    if any(isinstance(value, str) for value in rows):
        if len(rows) > MAX_VALUES:
            return Values({}, nulls, overflow=True)
        return Values(dict(sorted(rows.items())), nulls)
    values = np.fromiter(rows, dtype=np.float64, count=len(rows))
    counts = np.fromiter(rows.values(), dtype=np.int64, count=len(rows))
    while True:
        bins, where = np.unique(_coarse(values, coarseness), return_inverse=True)
        if len(bins) <= MAX_VALUES or coarseness == _MANTISSA:
            break
        coarseness += 1
    totals = np.zeros(len(bins), dtype=np.int64)
    np.add.at(totals, where, counts)
    return Values(dict(zip(bins.tolist(), totals.tolist(), strict=True)), nulls, coarseness)


def _coarse(values: np.ndarray, coarseness: int) -> np.ndarray:
    bits = (values + 0.0).view(np.int64)
    return (bits >> coarseness << coarseness).view(np.float64)


def _patterns(rows: pl.DataFrame, schema: Schema) -> dict[int, int]:
    attributes = list(schema)
    words = [attributes[i : i + _WORD] for i in range(0, len(attributes), _WORD)]
    missing = [
        pl.sum_horizontal(
            known(attribute).is_null().cast(pl.UInt64) * (1 << bit)
            for bit, attribute in enumerate(word)
        ).alias(f"word {i}")
        for i, word in enumerate(words)
    ]
    counts = rows.lazy().select(missing).group_by(pl.all()).len().collect()
    found = {
        sum(word << (i * _WORD) for i, word in enumerate(row[:-1])): row[-1]
        for row in counts.iter_rows()
    }
    return dict(sorted(found.items()))
