"""Who reads all that is published of a run, and computes from it what is hidden."""

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import polars as pl
from scipy.optimize import linprog

Cell = tuple[object, ...]
"""A segment, or a segment, an attribute and a level."""
Equation = tuple[Mapping[Cell, int], float]
"""How often each cell counts, and what they add up to."""

COLUMNS = {
    "population": ("People", "Of all people", "population_at_large"),
    "customer": ("Customers", "Of all customers", "customers_at_large"),
}


def tables_of(page: Path) -> dict[str, pl.DataFrame]:
    """The tables that a reader of the page can take away."""
    link = r'download="([\w-]+)\.csv" href="data:text/csv;charset=utf-8,([^"]*)"'
    return {
        name: pl.read_csv(
            unquote(content).removeprefix("\ufeff").encode(), infer_schema_length=None
        )
        for name, content in re.findall(link, page.read_text())
    }


def published_sums(
    who: str,
    truth: Mapping[Cell, int],
    page: Mapping[str, pl.DataFrame],
    describe: pl.DataFrame,
    fairness: pl.DataFrame,
) -> Iterator[Equation]:
    """Sums of counts of one extract that are published, the totals among them (run sheet)."""
    sizes = [cell for cell in truth if len(cell) == 1]
    everyone = sum(truth[cell] for cell in sizes)
    yield dict.fromkeys(sizes, 1), everyone
    rows, share, at_large = COLUMNS[who]
    clustered = [cell for cell in sizes if cell != (-1,)]
    segments = page["limits"].join(page["index"].drop("Index"), on="Segment", how="left")
    for row in segments.iter_rows(named=True):
        segment = -1 if row["Segment"].startswith("Set aside") else int(row["Segment"].split()[1])
        yield from _equal((segment,), row[rows])
        if segment < 0:
            yield from _equal((segment,), _times(row[share], everyone))
        elif row[rows] and round(base := row[rows] / row[share]) != everyone:
            yield dict.fromkeys(clustered, 1), round(base)  # The share is of those that have one.
        if row["Index"] is not None:  # With the index and one of the two counts goes the other.
            yield from _equal((segment,), truth[(segment,)])
    for row in describe.iter_rows(named=True):
        segment = row["segment"]
        yield from _equal((segment,), row[f"{who}_rows"])
        if row["index"] is not None or row[f"{who}_share"] is not None:  # The share is rounded.
            yield from _equal((segment,), truth[(segment,)])
    if who == "population":
        yield from _clustered(truth, page)
    for row in fairness.iter_rows(named=True):
        segment, attribute, level = cell = (row["segment"], row["attribute"], row["level"])
        row_of = [c for c in truth if c[:2] == (segment, attribute)]
        yield from _equal(cell, row[f"{who}_rows"])
        if row[f"{who}_share"] is not None:
            yield dict.fromkeys(row_of, 1), sum(truth[c] for c in row_of)
        if row[at_large] is not None:
            column = [c for c in truth if c[1:] == (attribute, level)]
            yield dict.fromkeys(column, 1), sum(truth[c] for c in column)
        if sum(truth[c] for c in row_of) == truth[(segment,)]:  # All levels are known.
            yield {**dict.fromkeys(row_of, 1), (segment,): -1}, 0


def _clustered(truth: Mapping[Cell, int], page: Mapping[str, pl.DataFrame]) -> Iterator[Equation]:
    """What else is told of the population: by the stages, by the choice of the number."""
    clustered = [cell for cell in truth if len(cell) == 1 and cell != (-1,)]
    rows = sum(truth[cell] for cell in clustered)
    read = page["stages"].filter(pl.col("Stage") == "sweep")["Rows in"]
    if read.drop_nulls().len():
        yield dict.fromkeys(clustered, 1), rows
    for name, people in page["stability"].select("Segment", "People").iter_rows():
        yield from _equal((int(name.split()[1]),), people)
    chosen = page["sweep"].filter(pl.col("Segments").str.contains("chosen"))
    if chosen["Smallest segment"].drop_nulls().len():
        least = min(clustered, key=lambda cell: truth[cell])
        yield from _equal(least, truth[least])
    if chosen["People found again"].drop_nulls().len():
        overlap = dict(page["stability"].select("Segment", "Mean overlap").iter_rows())
        again = [cell for cell in clustered if overlap[f"Segment {cell[0]}"] >= 0.75]
        yield dict.fromkeys(again, 1), sum(truth[cell] for cell in again)


def _times(share: float | None, everyone: int) -> float | None:
    return None if share is None else share * everyone


def _equal(cell: Cell, *counts: float | None) -> Iterator[Equation]:
    for count in counts:
        if count is not None:
            yield {cell: 1}, round(count)


def range_of(cell: Cell, truth: Mapping[Cell, int], known: list[Equation]) -> tuple[float, float]:
    """The least and the most a count may be by all that is told.

    No count is below 0, and no more levels are known of a segment than it has people.
    """
    for cells, total in known:
        assert sum(truth[each] * times for each, times in cells.items()) == total, "misread"
    place = {cell: at for at, cell in enumerate(truth)}

    def lines(counted: Iterable[Mapping[Cell, int]]) -> np.ndarray:
        multiples = [np.zeros(len(place))]
        for cells in counted:
            multiples.append(np.zeros(len(place)))
            for each, times in cells.items():
                multiples[-1][place[each]] = times
        return np.array(multiples)

    within: dict[Cell, dict[Cell, int]] = {}
    for each in truth:
        if len(each) > 1:
            within.setdefault(each[:2], {each[:1]: -1})[each] = 1
    most = lines(within.values())
    goal = lines([{cell: 1}])[1]
    ends = [
        linprog(
            sign * goal,
            A_eq=lines(cells for cells, _ in known),
            b_eq=[0, *(total for _, total in known)],
            A_ub=most,
            b_ub=np.zeros(len(most)),
        )
        for sign in (1, -1)
    ]
    assert all(end.status == 0 for end in ends), ends
    return float(ends[0].fun), float(-ends[1].fun)
