"""Additive counts of a part: rows by value, and rows by which attributes are missing.

Everything the assessment needs is in these counts, so the rows are read once.
"""

import json
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import blake2b
from heapq import nlargest, nsmallest
from typing import Any, TypeVar

import numpy as np
import polars as pl

from segment_lib.clean.codes import known, value_of
from segment_lib.hashing import row_hash
from segment_lib.schema import Attribute, Schema, canonical, is_number

MAX_VALUES = 4096
"""The most distinct values per attribute; finer numbers share a bin, more levels overflow."""
SAMPLE, ENDS = 256, 4
"""Values sampled, and values kept at either end, of an attribute with more than MAX_VALUES."""
WORD = "word"
"""Key of the missing codes of a number attribute that are words; its cells hold NaN for them."""

NO_DATE = "no date"
"""Key of the cells of a date attribute that are no date."""

Value = float | str
Key = TypeVar("Key")

_MANTISSA = 52
_VALUE, _ROWS = "value", "rows"
_WORD = 63


@dataclass(frozen=True)
class Values:
    """Counts of the rows of one attribute by value, without nulls and missing codes.

    A number attribute with too many distinct values is counted in bins: the last `coarseness` bits
    of the float64 are dropped. How many depends on the values alone, not on how they were split.
    """

    rows: Mapping[Value, int]
    nulls: int = 0
    coarseness: int = 0
    overflow: bool = False
    """True if a text attribute has more than MAX_VALUES levels; then no level is listed."""
    missing: Mapping[str, int] = field(default_factory=dict)
    """Missing code to its rows, of the codes that any row holds."""
    exact: Mapping[Value, int] = field(default_factory=dict)
    """Exact counts of some values where `rows` are of bins or not listed: the SAMPLE values of the
    least hashes, and the ENDS least and largest numbers. All parts keep the same values, so that
    their counts add up."""

    @property
    def counted(self) -> Mapping[Value, int]:
        """Value to its rows: of all values, or of those that are counted exactly."""
        return self.exact or self.rows

    @property
    def sample(self) -> Mapping[Value, int]:
        """Value to its rows: of all values, or of SAMPLE drawn regardless of their frequency."""
        if not self.exact:
            return self.rows
        return {value: self.exact[value] for value in _least_hashes(self.exact)}

    def __add__(self, other: "Values") -> "Values":
        nulls = self.nulls + other.nulls
        missing = dict(sorted(_added(self.missing, other.missing).items()))
        counted = _added(self.counted, other.counted)
        if self.overflow or other.overflow:
            return Values({}, nulls, overflow=True, missing=missing, exact=_exact(counted))
        coarseness = max(self.coarseness, other.coarseness)
        return _bounded(_added(self.rows, other.rows), nulls, coarseness, missing, counted)


@dataclass(frozen=True)
class Tally:
    """The counts of a part, or of several together."""

    rows: int
    values: Mapping[str, Values]
    """Attribute to its values, in the feature summary's order."""
    patterns: Mapping[int, int]
    """Set of missing attributes (null or a missing code) to its rows; bit i is attribute i."""
    notes: Mapping[str, int] = field(default_factory=dict)
    """Additive counts of what was noticed while the rows were read."""

    def __add__(self, other: "Tally") -> "Tally":
        """Add the counts of other rows of the same feature summary."""
        values = {name: own + other.values[name] for name, own in self.values.items()}
        patterns = _added(self.patterns, other.patterns)
        notes = _added(self.notes, other.notes)
        return Tally(
            self.rows + other.rows,
            values,
            dict(sorted(patterns.items())),
            dict(sorted(notes.items())),
        )

    def to_json(self) -> str:
        values = {
            name: {
                "values": list(counts.rows),
                "rows": list(counts.rows.values()),
                "nulls": counts.nulls,
                "coarseness": counts.coarseness,
                "overflow": counts.overflow,
                "missing": dict(counts.missing),
                "exact": [list(counts.exact), list(counts.exact.values())],
            }
            for name, counts in self.values.items()
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
                dict(zip(counts["values"], counts["rows"], strict=True)),
                counts["nulls"],
                counts["coarseness"],
                counts["overflow"],
                counts["missing"],
                dict(zip(*counts["exact"], strict=True)),
            )
            for name, counts in entry["values"].items()
        }
        patterns = {int(pattern, 16): rows for pattern, rows in entry["patterns"].items()}
        return cls(entry["rows"], values, patterns, entry["notes"])


def tally_part(rows: pl.DataFrame, schema: Schema, notes: Mapping[str, int] | None = None) -> Tally:
    """Count the rows of a raw part; `notes` come from its reading."""
    values = count_all(rows, list(schema))
    return Tally(rows.height, values, _patterns(rows, schema), dict(sorted((notes or {}).items())))


def _added(counts: Mapping[Key, int], others: Mapping[Key, int]) -> Counter[Key]:
    """Add counts by key; those of 0 stay."""
    total = Counter(dict(counts))
    total.update(others)
    return total


def count_all(rows: pl.DataFrame, attributes: Collection[Attribute]) -> dict[str, Values]:
    """Count the cells of attributes as `count_values` does, in one query.

    Of a part of few rows, a query for each would cost more than counting.
    """
    counted = rows.select(_by_value(pl.col(a.name)).implode().alias(a.name) for a in attributes)
    return {a.name: _values(counted[a.name][0], a) for a in attributes}


def count_values(cells: pl.Series, attribute: Attribute) -> Values:
    """Count the cells of an attribute by value; nulls and missing codes separately.

    Levels are counted by their canonical spelling, whatever that of the cells.
    """
    return _values(cells.to_frame().select(_by_value(pl.first())).to_series(), attribute)


def _by_value(cells: pl.Expr) -> pl.Expr:
    return cells.alias(_VALUE).value_counts(name=_ROWS)


def _values(counted: pl.Series, attribute: Attribute) -> Values:
    """The counts of an attribute, from pairs of a value and its rows, nulls and NaN among them."""
    pairs = counted.struct.unnest()
    rows: dict[Any, int] = dict(zip(pairs[_VALUE].to_list(), pairs[_ROWS].to_list(), strict=True))
    if attribute.storage == "text":
        rows = _respelled(rows)
    nulls, missing = rows.pop(None, 0), dict[str, int]()
    codes: dict[Value, str] = {code: code for code in attribute.missing}
    if attribute.storage == "number":
        codes = {float(code): code for code in attribute.missing if is_number(code)}
        for word in [value for value in rows if value != value]:
            missing[WORD] = rows.pop(word)
    missing |= {code: rows.pop(value) for value, code in codes.items() if value in rows}
    if attribute.is_date or attribute.type == "postcode" or attribute.recoded:
        own = pl.Series(attribute.name, list(rows), pairs.dtypes[0])
        stands_for = own.to_frame().select(value_of(attribute)).to_series().to_list()
        meant = Counter[Any]()
        for value, n in zip(stands_for, rows.values(), strict=True):
            meant[value] += n
        if strangers := meant.pop(None, 0):
            missing[NO_DATE] = strangers
        rows = meant
    return _bounded(rows, nulls, 0, dict(sorted(missing.items())))


def _respelled(rows: Mapping[str | None, int]) -> dict[str | None, int]:
    """Rows by the canonical spelling of their cells; None where these are empty."""
    respelled = Counter[str | None]()
    for cell, n in rows.items():
        respelled[cell if cell is None else canonical(cell) or None] += n
    return respelled


def _bounded(
    rows: Mapping[Value, int],
    nulls: int,
    coarseness: int,
    missing: Mapping[str, int],
    counted: Mapping[Value, int] | None = None,
) -> Values:
    """Bound the number of values: bin numbers, list no levels, if they are too many.

    Parameters
    ----------
    counted : rows of single values, where `rows` are of bins
    """
    exact = rows if counted is None else counted
    if any(isinstance(value, str) for value in rows):
        if len(rows) > MAX_VALUES:
            return Values({}, nulls, overflow=True, missing=missing, exact=_exact(exact))
        return Values(dict(sorted(rows.items())), nulls, missing=missing)
    values = np.fromiter(rows, dtype=np.float64, count=len(rows))
    counts = np.fromiter(rows.values(), dtype=np.int64, count=len(rows))
    while True:
        bins, bin_of = np.unique(_coarse(values, coarseness), return_inverse=True)
        if len(bins) <= MAX_VALUES or coarseness == _MANTISSA:
            break
        coarseness += 1
    totals = np.zeros(len(bins), dtype=np.int64)
    np.add.at(totals, bin_of, counts)
    binned = dict(zip(bins.tolist(), totals.tolist(), strict=True))
    return Values(
        binned, nulls, coarseness, missing=missing, exact=_exact(exact) if coarseness else {}
    )


def _exact(counted: Mapping[Value, int]) -> dict[Value, int]:
    """The exact counts of the sampled values and of those at the ends, sorted by value."""
    kept = set(_least_hashes(counted))
    if not any(isinstance(value, str) for value in counted):
        kept |= {*nsmallest(ENDS, counted), *nlargest(ENDS, counted)}
    return {value: counted[value] for value in sorted(kept)}


def _least_hashes(values: Collection[Value]) -> list[Value]:
    """The SAMPLE values with the least hashes."""
    if any(isinstance(value, str) for value in values):
        return nsmallest(SAMPLE, values, key=_hash)
    numbers = np.fromiter(values, dtype=np.float64, count=len(values)) + 0.0
    least = np.argsort(row_hash(numbers.view(np.int64), seed=0))[:SAMPLE]
    return list(numbers[least].tolist())


def _hash(value: Value) -> bytes:
    return blake2b(str(value).encode(), digest_size=8).digest()


def _coarse(values: np.ndarray, coarseness: int) -> np.ndarray:
    bits = (values + 0.0).view(np.int64)
    return (bits >> coarseness << coarseness).view(np.float64)


def _patterns(rows: pl.DataFrame, schema: Schema) -> dict[int, int]:
    words = _missing_words(schema.attributes)
    counts = rows.lazy().select(words).group_by(pl.all()).len().collect()
    patterns = {
        sum(word << (i * _WORD) for i, word in enumerate(row[:-1])): row[-1]
        for row in counts.iter_rows()
    }
    return dict(sorted(patterns.items()))


@lru_cache(maxsize=8)
def _missing_words(attributes: Sequence[Attribute]) -> Sequence[pl.Expr]:
    """The attributes that a row lacks as the bits of whole numbers, as many as it takes."""
    return [
        pl.sum_horizontal(
            known(attribute).is_null().cast(pl.UInt64) * (1 << bit)
            for bit, attribute in enumerate(attributes[first : first + _WORD])
        ).alias(f"word {first // _WORD}")
        for first in range(0, len(attributes), _WORD)
    ]
