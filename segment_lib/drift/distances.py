"""Rows by segment and their distances to its centre, as counts that add up over parts."""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from math import exp, log
from typing import Self

import numpy as np
import polars as pl

_STEP = log(1.01)
"""Distances are counted in bins, each one per cent wider than the one before."""
_LEAST = 1e-6
PLACED = "placed"
"""The key of a segment part's footer that holds these counts."""


@dataclass(frozen=True)
class AssignmentCounts:
    """Rows of parts by segment."""

    rows: Mapping[int, int]
    """Those set aside included."""
    distances: Mapping[int, float]
    """The sum of the distances of a segment's rows."""
    bins: Mapping[int, int]
    """Rows by the bin of their distance."""

    @classmethod
    def count(cls, segments: pl.Series, distances: pl.Series) -> Self:
        """Of a part; `distances` is null where a row is set aside."""
        labels = segments.to_numpy()
        far = distances.cast(pl.Float64).fill_null(0.0).to_numpy()
        there = distances.is_not_null().to_numpy()
        names, where, rows = np.unique(labels, return_inverse=True, return_counts=True)
        sums = np.bincount(where, weights=far, minlength=len(names))
        steps = np.floor(np.log(np.maximum(far[there], _LEAST)) / _STEP).astype(np.int64)
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
        """The distance that this share of the rows does not exceed, to one per cent."""
        wanted, upto = share * sum(self.bins.values()), 0
        for step, rows in sorted(self.bins.items()):
            upto += rows
            if upto >= wanted:
                return exp((step + 0.5) * _STEP)
        return 0.0

    def to_json(self) -> str:
        return json.dumps([list(of.items()) for of in (self.rows, self.distances, self.bins)])

    @classmethod
    def from_json(cls, text: str) -> Self:
        return cls(*(dict(pairs) for pairs in json.loads(text)))


def distance_table(base: AssignmentCounts, new: AssignmentCounts, aside: int) -> dict[str, float]:
    """Distance to the own centre before and after, and the share of rows set aside."""
    told: dict[str, float] = {}
    for name, placed in (("base", base), ("new", new)):
        told[f"rows_{name}"] = sum(placed.rows.values())
        told[f"set_aside_{name}"] = placed.rows.get(aside, 0) / sum(placed.rows.values())
        told[f"distance_{name}"] = placed.mean
        told[f"distance_p95_{name}"] = placed.quantile(0.95)
    return told
