"""Counts of too few people, and what would give them away."""

import polars as pl

from segment_lib.terms import SET_ASIDE

PEOPLE = ("population_rows", "population_share")
CUSTOMERS = ("customer_rows", "customer_share")
BOTH = (
    *("index", "index_low", "index_high", "low", "high", "spread_low", "spread_high"),
    "verdict",
)


def suppress_segments(segments: pl.DataFrame, min_cell: int) -> pl.DataFrame:
    """The table of segments against customers, null where it would tell of too few people.

    With a count goes its share; with either count index, limits and verdict. Console, log, page
    and spreadsheets show this and nothing else.
    """
    people, customers = (suppressed_segments(pl.col(of[0]), min_cell) for of in (PEOPLE, CUSTOMERS))
    return segments.with_columns(
        pl.when(~few).then(pl.col(column)).alias(column)
        for columns, few in ((PEOPLE, people), (CUSTOMERS, customers), (BOTH, people | customers))
        for column in columns
        if column in segments.columns
    )


def is_few(rows: int, min_cell: int) -> bool:
    """Whether a count is of some people, but of too few to be told."""
    return 0 < rows < min_cell


def counted(rows: int, min_cell: int) -> str:
    """A count in words for the console and the log: of few people, only that they are few."""
    return f"under {min_cell}" if is_few(rows, min_cell) else f"{rows:,}"


def suppressed(
    rows: pl.Expr, min_cell: int, *within: str, tie: str, last: pl.Expr | None = None
) -> pl.Expr:
    """True for counts below `min_cell` and, where there is one, for the next smallest with it.

    As many are hidden as it takes for their sum to say nothing of any: at least two, of at least
    `min_cell` people together.

    Parameters
    ----------
    rows : counts that add up to a number told elsewhere, within each group of the columns `within`
    tie : a column that decides between equal counts, so that all tables hide the same
    last : true for counts that hide no other while there are more
    """
    small = rows < min_cell
    order = [rows, pl.col(tie)] if last is None else [last & ~small, rows, pl.col(tie)]

    def over(expression: pl.Expr) -> pl.Expr:
        return expression.over(*(within or (pl.lit(0),)), order_by=order)

    smaller, fewer = over(pl.int_range(pl.len())), over(rows.cum_sum()) - rows
    return over(small.any()) & (small | (smaller < 2) | (fewer < min_cell))


def suppressed_segments(rows: pl.Expr, min_cell: int, *within: str) -> pl.Expr:
    """The counts of a table of segments to be hidden, in a column named `segment`.

    The rows set aside hide no other: what stages read and wrote tells how many they are.
    """
    return suppressed(rows, min_cell, *within, tie="segment", last=pl.col("segment") == SET_ASIDE)
