"""Drift of an attribute, from counts of its values: PSI, missing shares, new and lost levels."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from itertools import accumulate

import polars as pl

from segment_lib.drift.psi import psi, psi_band, psi_by_chance
from segment_lib.terms import MAX_LISTED

_BINS = 10
MAX_NAMED = 20
"""The most unseen or vanished levels that are named, the commonest first."""

ATTRIBUTES: Mapping[str, type[pl.DataType] | pl.DataType] = {
    "attribute": pl.String,
    "psi": pl.Float64,
    "missing_share_base": pl.Float64,
    "missing_share_new": pl.Float64,
    "unseen_levels": pl.List(pl.String),
    "vanished_levels": pl.List(pl.String),
    "band": pl.String,
    "psi_by_chance": pl.Float64,
    "missing_change": pl.Float64,
    "drifted": pl.Boolean,
}
"""Columns of a table of attributes, a row each."""

Value = float | str


@dataclass(frozen=True)
class AttributeCounts:
    """Counts of the values of one attribute in one delivery."""

    rows: int
    known: Mapping[Value, int]
    """Rows by value; without the values that are too many to be listed."""
    missing: int


def attribute_drift(name: str, base: AttributeCounts, new: AttributeCounts) -> dict[str, object]:
    """Drift of one attribute, as a row of ATTRIBUTES. Missing is a level like any other.

    An attribute has drifted if its stability index is in the band "large" and beyond what chance
    explains. Numbers with more than MAX_LISTED values are compared in ten bins of about equal rows
    of the base; unseen and vanished levels are listed for the others.
    """
    edges = _edges(base.known)
    before, after = (_levels(counts, edges) for counts in (base, new))
    value = psi(before, after)
    n_levels = len({level for level in (*before, *after) if before[level] or after[level]})
    chance = psi_by_chance(n_levels, base.rows, new.rows)
    p, q = base.missing / base.rows, new.missing / new.rows
    unseen, vanished = (
        ([], []) if edges else (_only_in(new.known, base.known), _only_in(base.known, new.known))
    )
    return {
        "attribute": name,
        "psi": value,
        "missing_share_base": p,
        "missing_share_new": q,
        "unseen_levels": unseen,
        "vanished_levels": vanished,
        "band": psi_band(value),
        "psi_by_chance": chance,
        "missing_change": q - p,
        "drifted": psi_band(value) == "large" and value > chance,
    }


def _edges(known: Mapping[Value, int]) -> tuple[float, ...]:
    """Upper edges of all bins but the last; none for an attribute compared level by level."""
    values = sorted(value for value in known if not isinstance(value, str))
    if len(values) <= MAX_LISTED:
        return ()
    cumulated = list(accumulate(known[value] for value in values))
    targets = (cumulated[-1] * i / _BINS for i in range(1, _BINS))
    return tuple(sorted({values[bisect_left(cumulated, rows)] for rows in targets} - {values[-1]}))


def _levels(counts: AttributeCounts, edges: tuple[float, ...]) -> Counter[Hashable]:
    levels: Counter[Hashable] = Counter({("missing",): counts.missing})
    # Only the total is known of levels that are too many to be listed.
    levels["unlisted",] = counts.rows - counts.missing - sum(counts.known.values())
    for value, rows in counts.known.items():
        binned = edges and not isinstance(value, str)
        levels[bisect_left(edges, value) if binned else value] += rows
    return levels


def _only_in(here: Mapping[Value, int], there: Mapping[Value, int]) -> list[str]:
    values = sorted((v for v in here if not there.get(v)), key=lambda v: (-here[v], str(v)))
    named = values[:MAX_NAMED]
    return [f"{value:.15g}" if isinstance(value, float) else value for value in named]
