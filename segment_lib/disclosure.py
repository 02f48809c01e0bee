"""Statistical disclosure control: primary and complementary suppression of small counts."""

import polars as pl

from segment_lib.terms import SET_ASIDE

PEOPLE = ("population_rows", "population_share")
CUSTOMERS = ("customer_rows", "customer_share")
COMPARISON = (
    *("index", "index_low", "index_high", "low", "high", "verdict"),
    *("drawn_index", "drawn_low", "drawn_high"),
)
_INDICES = tuple(column for column in COMPARISON if column != "verdict")


def suppress_segments(segments: pl.DataFrame, min_cell: int) -> pl.DataFrame:
    """The table of segments as people read it: small counts suppressed, shares of all rows.

    With a count goes its share; with either count go index, limits and verdict. Shares are of all
    rows delivered, so that those of the segments and of the rows set aside add up to 1. Where the
    count of the rows set aside goes, indices are of all rows too: an index against the rows that
    have a segment would disclose it. Console, log, page and spreadsheets show this table and no
    other.
    """
    people, customers = (
        suppressed_segments(pl.col(rows), min_cell) for rows, _ in (PEOPLE, CUSTOMERS)
    )
    is_aside = pl.col("segment") == SET_ASIDE
    ours, theirs = _scale_to_all(*PEOPLE), _scale_to_all(*CUSTOMERS)
    index = pl.lit(1.0)
    for small, scale in ((customers, theirs), (people, 1 / ours)):
        index = index * pl.when((is_aside & small).any()).then(scale).otherwise(1.0)
    scales = {PEOPLE[1]: ours, CUSTOMERS[1]: theirs} | dict.fromkeys(_INDICES, index)
    return segments.with_columns(
        (pl.col(column) * scale).alias(column)
        for column, scale in scales.items()
        if column in segments.columns
    ).with_columns(
        pl.when(~small).then(pl.col(column)).alias(column)
        for names, small in (
            (PEOPLE, people),
            (CUSTOMERS, customers),
            (COMPARISON, people | customers),
        )
        for column in names
        if column in segments.columns
    )


def _scale_to_all(rows: str, share: str) -> pl.Expr:
    """Factor of the shares of segments to those of all rows; 1 for the rows set aside."""
    is_aside = pl.col("segment") == SET_ASIDE
    placed = pl.col(rows).filter(~is_aside).sum() / pl.col(rows).sum()
    scale = placed / pl.col(share).filter(~is_aside).sum()
    return pl.when(is_aside).then(1.0).otherwise(scale)


def is_small_count(rows: int, min_cell: int) -> bool:
    """Whether a count is above 0 but below `min_cell`."""
    return 0 < rows < min_cell


def count_text(rows: int, min_cell: int) -> str:
    """Text of a count for the console and the log: "under 10" for a small one."""
    return f"under {min_cell}" if is_small_count(rows, min_cell) else f"{rows:,}"


def suppressed(
    rows: pl.Expr, min_cell: int, *within: str, tie: str, last: pl.Expr | None = None
) -> pl.Expr:
    """True for counts below `min_cell` and for the next smallest ones that would disclose them.

    In a group with a small count at least two counts are suppressed, of at least `min_cell` people
    together, so that none follows from the total (Hundepool et al. 2012, "Statistical disclosure
    control").

    Parameters
    ----------
    rows : counts that add up to a published total, within each group of the columns `within`
    tie : a column that decides between equal counts, so that all tables suppress the same
    last : true for counts that are suppressed for the sake of others only where no other is left
    """
    small = rows < min_cell
    order = [rows, pl.col(tie)] if last is None else [last & ~small, rows, pl.col(tie)]

    def over(expression: pl.Expr) -> pl.Expr:
        return expression.over(*(within or (pl.lit(0),)), order_by=order)

    rank, sum_below = over(pl.int_range(pl.len())), over(rows.cum_sum()) - rows
    return over(small.any()) & (small | (rank < 2) | (sum_below < min_cell))


def suppressed_segments(rows: pl.Expr, min_cell: int, *within: str) -> pl.Expr:
    """True for the counts to suppress in a table of segments, which has a column `segment`.

    The rows set aside protect no other count: the rows in and out of stages tell how many they are.
    """
    return suppressed(rows, min_cell, *within, tie="segment", last=pl.col("segment") == SET_ASIDE)
