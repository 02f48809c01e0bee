"""A file of who answered a mailing: ids, with an answer and an amount if it has them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import polars as pl
import pyarrow.parquet as pq

from segment_lib.errors import DataError
from segment_lib.mailing.suppression import SuppressionFile, open_suppression
from segment_lib.schema.ids import NO_ID, RoundedIdError, hash_ids, rounded_ids_error
from segment_lib.storage.location import Location

RESPONDED = ("responded", "response", "answered", "antwort", "reaktion")
AMOUNT = ("amount", "revenue", "betrag", "umsatz")
"""Names of the columns of answers and of amounts, in any case, where none are given."""


@dataclass(frozen=True)
class Results:
    """People of a file of results, each once, by the keys of their ids."""

    keys: np.ndarray
    """Sorted, shape (n_people,), uint64."""
    responded: np.ndarray
    amounts: np.ndarray
    """0 where there is none."""
    rows: int
    repeated: int
    """Rows left out as their id had come before: of several, the first that says yes counts."""
    without_id: int
    columns: Mapping[str, str]
    """The columns of ids, answers and amounts that it has."""

    @classmethod
    def from_rows(cls, rows: pl.DataFrame, columns: Mapping[str, str]) -> Self:
        """Keep a row per person.

        Parameters
        ----------
        rows : `key`, `responded` and `amount`
        """
        known = rows.filter(pl.col("key") != int(NO_ID))
        once = known.sort("responded", descending=True, maintain_order=True).unique(
            "key", keep="first", maintain_order=True
        )
        people = once.sort("key")
        return cls(
            people["key"].to_numpy(),
            people["responded"].to_numpy(),
            people["amount"].to_numpy(),
            rows.height,
            known.height - people.height,
            rows.height - known.height,
            columns,
        )


def read_results(
    path: Location,
    id_column: str,
    columns: Mapping[str, str | None],
    parse_answers: Callable[[pl.Series], pl.Series],
    parse_amounts: Callable[[pl.Series], pl.Series],
) -> Results:
    """Read a file of results, CSV of any form or Parquet.

    Its ids are in the column that has the name of the id column of the run, or of the list's; a
    file of one column holds ids. Without a column of answers everybody in it has answered.

    Parameters
    ----------
    id_column : that of the run; empty where rows are numbered
    columns : the names of the columns `responded` and `amount`, None to look for usual names
    parse_answers, parse_amounts : give 1, 0, null or ``?``, and numbers, from text

    Raises
    ------
    DataError
        If it has no such columns, or a cell of them is neither.
    """
    file, header = _open(path, [id_column, "id"] if id_column else ["row"])
    usual = {"responded": RESPONDED, "amount": AMOUNT}
    places = {"key": file.columns[0]}
    for kind, name in columns.items():
        wanted = (name,) if name else usual[kind]
        at = [i for i, cell in enumerate(header) if cell.casefold() in map(str.casefold, wanted)]
        if name and not at:
            raise DataError(f"{path}: no column {name}. There are {', '.join(header)}.")
        if at:
            places[kind] = at[0]
    chunks: list[pl.DataFrame] = []
    for _, cells in file.cells(list(places.values())):
        text = {kind: cells[at] for kind, at in places.items()}
        if not header and not chunks:
            text = {"key": _without_title(text["key"])}
        chunks.append(pl.DataFrame({**text, "key": _keys(path, text["key"], id_column)}))
    rows = pl.concat(chunks) if chunks else pl.DataFrame(schema={"key": pl.UInt64})
    answers = parse_answers(rows["responded"]) if "responded" in rows.columns else None
    if answers is not None and (unclear := int((answers == "?").sum())):
        raise DataError(
            f"{path}, column {header[places['responded']]}: {unclear:,} cells are neither yes nor "
            "no. Write 1 and 0, or name the column in --responded."
        )
    yes = pl.lit(True) if answers is None else (answers == "1").fill_null(False)
    amounts = parse_amounts(rows["amount"]) if "amount" in rows.columns else pl.lit(0.0)
    table = rows.select("key", responded=yes, amount=amounts)
    return Results.from_rows(
        table, {kind: header[at] for kind, at in places.items() if at < len(header)}
    )


def _open(path: Location, names: list[str]) -> tuple[SuppressionFile, list[str]]:
    """Open a file of results by the first of these names that it has; return its header too."""
    for name in names:
        file = open_suppression(path, name)
        header = _header(file)
        if (
            len(file.columns) == 1
            and header
            and header[file.columns[0]].casefold() == name.casefold()
        ):
            return file, header
    if len(file.columns) > 1 or (header and len(header) > 1):
        raise DataError(f"{path}: no column {' or '.join(names)}. Call that of the ids so.")
    return file, []


def _header(file: SuppressionFile) -> list[str]:
    """The names of the columns, if one of them names the ids."""
    if not file.encoding:
        with file.path.open("rb") as stream:
            return list(pq.read_schema(stream).names)
    if not file.skip:
        return []
    _, cells = next(replace(file, skip=file.skip - 1).rows())
    return [cell.strip("\ufeff \"'") for cell in cells]


def _without_title(ids: pl.Series) -> pl.Series:
    """A column without its first cell, if that is a title: it has no digit."""
    is_title = len(ids) > 0 and not any(letter.isdigit() for letter in ids[0] or "")
    return ids[1:] if is_title else ids


def _keys(path: Location, ids: pl.Series, id_column: str) -> pl.Series:
    if id_column:
        try:
            return pl.Series("key", hash_ids(ids), dtype=pl.UInt64)
        except RoundedIdError:
            raise rounded_ids_error(str(path)) from None
    # Rows are numbered from 0, which as a key would be nobody.
    return (ids.str.strip_chars().cast(pl.UInt64, strict=False) + 1).fill_null(int(NO_ID))
