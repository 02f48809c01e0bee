"""Checks for outcomes that point to a broken delivery or transform rather than to customers."""

from collections.abc import Iterator, Sequence

import polars as pl

from segment_lib.disclosure import suppress_segments
from segment_lib.errors import DataError
from segment_lib.schema.language import N_, Sentence, sentence
from segment_lib.terms import SET_ASIDE

MAX_CUSTOMER_SHARE = 0.6
"""A larger share of the customers in one segment is suspicious, …"""
MAX_ODDS_RATIO = 10
"""… but only at this odds ratio to the population or more: of few segments one may hold most."""
MAX_INDEX = 600
"""A higher index is suspicious in a segment that is not small."""
MAX_EMPTY_SHARE = 0.5
"""This share of segments without a customer, or a larger one, is suspicious."""


def sanity_checks(segments: pl.DataFrame, min_cell: int) -> list[Sentence]:
    """Warnings on a table of `compare_segments`, a sentence each; empty if nothing looks broken.

    Shares are of the customers that have a segment, so that many rows set aside do not mask that
    the rest fell into one. Rows set aside are suspicious by their share alone: their index tells
    how complete the extracts are, which need not be alike. Counts below `min_cell` are suppressed.
    """
    return list(_warnings(segments, suppress_segments(segments, min_cell)))


def _warnings(segments: pl.DataFrame, disclosed: pl.DataFrame) -> Iterator[Sentence]:
    rows = {row["segment"]: row for row in disclosed.iter_rows(named=True)}
    clustered = segments.filter(pl.col("segment") != SET_ASIDE)
    set_aside = segments.filter(pl.col("segment") == SET_ASIDE)
    counts = clustered.select("population_rows", "customer_rows")
    people, customers = (int(column.sum()) for column in counts)
    for segment, (ours, theirs) in zip(clustered["segment"], counts.iter_rows(), strict=True):
        is_concentrated = theirs * (people - ours) >= MAX_ODDS_RATIO * ours * (customers - theirs)
        if theirs > MAX_CUSTOMER_SHARE * customers and is_concentrated:
            holds = {"segment": segment, "share": theirs / customers}
            if rows[segment]["population_rows"] is None:
                text = N_(
                    "segment {segment} holds {share:percent} of the customers and hardly any of "
                    "the population that have a segment"
                )
                yield sentence(text, **holds)
            else:
                text = N_(
                    "segment {segment} holds {share:percent} of the customers and {ours:percent} "
                    "of the population that have a segment"
                )
                yield sentence(text, **holds, ours=ours / max(people, 1))
    for share in set_aside["customer_share"]:
        if share > MAX_CUSTOMER_SHARE:
            text = N_(
                "{share:percent} of the customers are set aside, so the segments tell of the rest"
            )
            yield sentence(text, share=share)
    indexed = clustered.filter((pl.col("index") > MAX_INDEX) & ~pl.col("small"))
    for segment, index in indexed.select("segment", "index").iter_rows():
        text = (
            N_("segment {segment} has an index above {index:count}")
            if rows[segment]["index"] is None
            else N_("segment {segment} has an index of {index:count}")
        )
        shown = MAX_INDEX if rows[segment]["index"] is None else index
        yield sentence(text, segment=segment, index=shown)
    empty = clustered.filter(pl.col("customer_rows") == 0).height
    if customers and empty >= MAX_EMPTY_SHARE * clustered.height:
        text = N_("{empty:count} of {n:count} segments hold no customer")
        yield sentence(text, empty=empty, n=clustered.height)


def refuse_suspicious(warnings: Sequence[Sentence]) -> None:
    """Raise a DataError if the outcome looks broken.

    Parameters
    ----------
    warnings : those of `sanity_checks`
    """
    if warnings:
        raise DataError(
            f"The outcome looks like a broken delivery or coding, not like customers: "
            f"{'; '.join(map(str, warnings))}. Compare the coding of both extracts; if it is "
            "so, set compare.allow_suspicious=true."
        )
