"""Counts of rows by segment and by distance to its centre, additive over parts."""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from math import exp, log
from typing import Self

import numpy as np
import polars as pl

_LOG_STEP = log(1.01)
"""Width of a bin of log distance: each bin ends one per cent above the one before."""
_MIN_DISTANCE = 1e-6
ASSIGNMENT_COUNTS = "placed"
"""The key of a segment part's footer that holds these counts."""


@dataclass(frozen=True)
class AssignmentCounts:
    """Counts of rows by segment and by distance, over one part or several."""

    rows: Mapping[int, int]
    """Rows by segment, those set aside included."""
    distances: Mapping[int, float]
    """Sum of the distances of its rows, by segment."""
    bins: Mapping[int, int]
    """Rows by the bin of their distance."""

    @classmethod
    def count(cls, segments: pl.Series, distances: pl.Series) -> Self:
        """Count the rows of one part; `distances` is null where a row is set aside."""
        labels = segments.to_numpy()
        far = distances.cast(pl.Float64).fill_null(0.0).to_numpy()
        there = distances.is_not_null().to_numpy()
        names, where, rows = np.unique(labels, return_inverse=True, return_counts=True)
        sums = np.bincount(where, weights=far, minlength=len(names))
        logs = np.log(np.maximum(far[there], _MIN_DISTANCE))
        steps = np.floor(logs / _LOG_STEP).astype(np.int64)
        bins, counts = np.unique(steps, return_counts=True)
        return cls(
            dict(zip(names.tolist(), rows.tolist(), strict=True)),
            dict(zip(names.tolist(), sums.tolist(), strict=True)),
            dict(zip(bins.tolist(), counts.tolist(), strict=True)),
        )

    def __add__(self, other: Self) -> Self:
        return type(self)(
            Counter(self.rows) + Counter(other.rows),
            {
                name: self.distances.get(name, 0.0) + other.distances.get(name, 0.0)
                for name in dict.fromkeys((*self.distances, *other.distances))
            },
            Counter(self.bins) + Counter(other.bins),
        )

    @property
    def mean(self) -> float:
        """Mean distance of the rows that have one; 0 if there is none."""
        return sum(self.distances.values()) / max(sum(self.bins.values()), 1)

    def quantile(self, share: float) -> float:
        """Quantile of the distances, to one per cent; 0 if there is none."""
        wanted, upto = share * sum(self.bins.values()), 0
        for step, rows in sorted(self.bins.items()):
            upto += rows
            if upto >= wanted:
                return exp((step + 0.5) * _LOG_STEP)
        return 0.0

    def to_json(self) -> str:
        counts = (self.rows, self.distances, self.bins)
        return json.dumps([list(count.items()) for count in counts])

    @classmethod
    def from_json(cls, text: str) -> Self:
        return cls(*(dict(pairs) for pairs in json.loads(text)))


def distance_table(base: AssignmentCounts, new: AssignmentCounts, aside: int) -> dict[str, float]:
    """Rows, share set aside, mean and 95th percentile of the distances, for base and new."""
    table: dict[str, float] = {}
    for name, counts in (("base", base), ("new", new)):
        table[f"rows_{name}"] = sum(counts.rows.values())
        table[f"set_aside_{name}"] = counts.rows.get(aside, 0) / sum(counts.rows.values())
        table[f"distance_{name}"] = counts.mean
        table[f"distance_p95_{name}"] = counts.quantile(0.95)
    return table
