"""Counts of too few people, and what would give them away."""

import polars as pl


def veiled(rows: pl.Expr, min_cell: int, *within: str) -> pl.Expr:
    """True for counts below `min_cell`, and for the next smallest where there is a lone small one.

    Parameters
    ----------
    rows : counts that add up to a number told elsewhere, within each group of the columns `within`
    """

    def over(expression: pl.Expr) -> pl.Expr:
        return expression.over(*within) if within else expression

    small = rows < min_cell
    return small | ((over(small.sum()) == 1) & (over(rows.rank("ordinal")) == 2))
