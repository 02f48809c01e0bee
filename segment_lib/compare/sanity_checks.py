"""Outcomes that speak of a broken delivery or transform sooner than of customers."""

from collections.abc import Iterator

import polars as pl

from segment_lib.disclosure import suppress_segments
from segment_lib.terms import SET_ASIDE

MOST_CUSTOMERS = 0.6
"""A larger share of the customers in one segment is suspicious."""
MOST_ODDS = 10
"""But only from so many times the odds of the population: of few segments one may hold most."""
MOST_INDEX = 600
"""So is an index above this, in a segment that is not small."""
MOST_EMPTY = 0.5
"""So is this share of the segments, or more, without a customer."""


def sanity_checks(segments: pl.DataFrame, min_cell: int) -> list[str]:
    """What looks broken in a table of `compare_segments`, a sentence each.

    The shares of segments are those of the customers that have one, so that many rows set aside do
    not hide that the rest fell into one. Rows set aside are suspicious by their share alone: their
    index tells how complete the extracts are, which need not be alike. Numbers of fewer people
    than `min_cell` are not told.
    """
    return list(_suspicions(segments, suppress_segments(segments, min_cell)))


def _suspicions(segments: pl.DataFrame, shown: pl.DataFrame) -> Iterator[str]:
    told = {row["segment"]: row for row in shown.iter_rows(named=True)}
    clustered = segments.filter(pl.col("segment") != SET_ASIDE)
    aside = segments.filter(pl.col("segment") == SET_ASIDE)
    people, total = (int(clustered[of].sum()) for of in ("population_rows", "customer_rows"))
    columns = ("segment", "population_rows", "customer_rows")
    for segment, ours, theirs in clustered.select(columns).iter_rows():
        odd = theirs * (people - ours) >= MOST_ODDS * ours * (total - theirs)
        if theirs > MOST_CUSTOMERS * total and odd:
            hidden = told[segment]["population_rows"] is None
            share = "hardly any" if hidden else f"{ours / max(people, 1):.0%}"
            yield (
                f"segment {segment} holds {theirs / total:.0%} of the customers and "
                f"{share} of the population that have a segment"
            )
    for share in aside["customer_share"]:
        if share > MOST_CUSTOMERS:
            yield f"{share:.0%} of the customers are set aside, so the segments tell of the rest"
    indexed = clustered.filter((pl.col("index") > MOST_INDEX) & ~pl.col("small"))
    for segment, index in indexed.select("segment", "index").iter_rows():
        hidden = told[segment]["index"] is None
        size = f"above {MOST_INDEX}" if hidden else f"of {index:.0f}"
        yield f"segment {segment} has an index {size}"
    empty = clustered.filter(pl.col("customer_rows") == 0).height
    if total and empty >= MOST_EMPTY * clustered.height:
        yield f"{empty} of {clustered.height} segments hold no customer"
