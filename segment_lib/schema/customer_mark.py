"""Marks of customers: a column of the population, and what it holds in the rows of customers."""

from dataclasses import dataclass
from typing import Self

import polars as pl

from segment_lib.errors import DataError
from segment_lib.schema.codes import canonical


@dataclass(frozen=True)
class CustomerMark:
    """Column and value that mark the customers among the population."""

    column: str
    value: str
    """Canonical and without regard to case, as a cell is compared with it."""

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """Read ``column = value``; None where a text names no column or no value.

        >>> CustomerMark.parse("Kunde = Ja")
        CustomerMark(column='Kunde', value='ja')
        """
        column, _, value = (part.strip() for part in text.partition("="))
        if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'":
            value = value[1:-1]
        code = _folded(value)
        return cls(column, code) if column and code else None

    def matches(self, cells: pl.Series) -> pl.Series:
        """Return true for the cells that mark a customer; false for empty ones."""
        marking = [cell for cell in cells.drop_nulls().unique() if _folded(str(cell)) == self.value]
        return cells.is_in(marking).fill_null(False)

    def refuse_extent(self, source: str, customers: int, population: int) -> None:
        """Raise a DataError if the mark is in no row of the population, or in all of them.

        Parameters
        ----------
        source : the files, for the message
        """
        if 0 < customers < population:
            return
        extent = "all rows hold" if customers else "no row holds"
        raise DataError(
            f"{source}, column {self.column}: {extent} the value of inputs.customers_where, "
            "expected some of them. Write the value that marks customers alone; capitals and "
            "blanks around it make no difference."
        )


def _folded(cell: str) -> str:
    return canonical(cell).casefold()
