"""Drift of an attribute from counts of its values: shares of levels, missing, new and gone."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from itertools import accumulate

import polars as pl

from segment_lib.drift.psi import band, psi, psi_by_chance
from segment_lib.terms import MAX_LISTED

_BINS = 10
MAX_NAMED = 20
"""Levels named of those unseen or vanished, the commonest first."""

ATTRIBUTES = {
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
class Counts:
    """What one delivery holds of an attribute."""

    rows: int
    known: Mapping[Value, int]
    """Rows by value; values too many to be listed are in none of them."""
    missing: int


def attribute_drift(name: str, base: Counts, new: Counts) -> dict[str, object]:
    """One row of ATTRIBUTES. Missing is a level like any other.

    An attribute is drifted if its index is in the band "large" and beyond what chance explains.
    Numbers with more than MAX_LISTED values are compared in ten bins of about equal rows of the
    base; unseen and vanished levels are told of the others.
    """
    edges = _edges(base.known)
    before, after = (_levels(counts, edges) for counts in (base, new))
    value = psi(before, after)
    n_levels = len({level for level in (*before, *after) if before[level] or after[level]})
    chance = psi_by_chance(n_levels, base.rows, new.rows)
    p, q = base.missing / base.rows, new.missing / new.rows
    unseen, vanished = (
        ([], []) if edges else (_only(new.known, base.known), _only(base.known, new.known))
    )
    return {
        "attribute": name,
        "psi": value,
        "missing_share_base": p,
        "missing_share_new": q,
        "unseen_levels": unseen,
        "vanished_levels": vanished,
        "band": band(value),
        "psi_by_chance": chance,
        "missing_change": q - p,
        "drifted": band(value) == "large" and value > chance,
    }


def _edges(known: Mapping[Value, int]) -> tuple[float, ...]:
    """Upper edges of all bins but the last; none for an attribute compared level by level."""
    values = sorted(value for value in known if not isinstance(value, str))
    if len(values) <= MAX_LISTED:
        return ()
    upto = list(accumulate(known[value] for value in values))
    wanted = (upto[-1] * i / _BINS for i in range(1, _BINS))
    return tuple(sorted({values[bisect_left(upto, rows)] for rows in wanted} - {values[-1]}))


def _levels(counts: Counts, edges: tuple[float, ...]) -> Counter[Hashable]:
    levels: Counter[Hashable] = Counter({("missing",): counts.missing})
    # Of levels too many to be listed it is known how many rows they hold together.
    levels["unlisted",] = counts.rows - counts.missing - sum(counts.known.values())
    for value, rows in counts.known.items():
        binned = edges and not isinstance(value, str)
        levels[bisect_left(edges, value) if binned else value] += rows
    return levels


def _only(here: Mapping[Value, int], there: Mapping[Value, int]) -> list[str]:
    found = sorted((v for v in here if not there.get(v)), key=lambda v: (-here[v], str(v)))
    told = found[:MAX_NAMED]
    return [f"{value:.15g}" if isinstance(value, float) else value for value in told]
