"""Spectra of the population's features, encoded and standardised as in published notebooks."""

from collections.abc import Iterator
from typing import TypedDict

import numpy as np
import polars as pl
from numpy.typing import NDArray

from extracts.comparisons import Line, Pair
from extracts.figures import attributes, figures, source
from extracts.read_back import Delivered
from extracts.structure import SAMPLE, expression, numbers

Floats = NDArray[np.float64]

BOUND = 0.1
"""How far a share may be from the published one, as a share of that."""


class Encoding(TypedDict):
    """The columns of one notebook, and the cumulated shares of variance it printed."""

    columns: int
    most_missing: int
    levels: str
    """Levels that get a column: all / but the first / all, and missing."""
    dropped: list[str]
    added: list[str]
    one_hot: list[str]
    cumulative: list[float]


def spectra(extracts: Pair) -> Iterator[Line]:
    """Compare the variance of the first component and of the first ten, with dummies: within 10 %.

    Of standardised features. Missing ones are at the mean, dummies of missing codes at 0.
    """
    encodings: list[Encoding] = figures()["spectra"]
    for encoding in encodings:
        shares = np.cumsum(spectrum(features(extracts.population, encoding)))
        for number, title in ((1, "first component"), (10, "first ten")):
            published, ours = encoding["cumulative"][number - 1], float(shares[number - 1])
            distance = abs(ours - published) / published
            figure = f"{title}, {encoding['columns']} columns"
            yield Line("spectrum", figure, published, ours, distance, BOUND, source({**encoding}))


def features(extract: Delivered, encoding: Encoding) -> Floats:
    """The columns of a notebook, of shape (rows, columns), of at most `SAMPLE` rows."""
    few = extract.known.filter(extract.n_missing <= encoding["most_missing"]).head(SAMPLE)
    apart = {*encoding["dropped"], *encoding["one_hot"]}
    names = [a.name for a in attributes() if a.name not in apart]
    columns = [numbers(few, [*names, *encoding["added"]])]
    columns += [_dummies(few, name, encoding["levels"]) for name in encoding["one_hot"]]
    return np.hstack(columns)


def spectrum(rows: Floats) -> Floats:
    """Shares of the variance by component, largest first, of features of variance one."""
    standard = np.nan_to_num((rows - np.nanmean(rows, axis=0)) / np.nanstd(rows, axis=0))
    values = np.linalg.eigvalsh(np.corrcoef(standard, rowvar=False))[::-1]
    return np.asarray(values / values.sum())


def _dummies(rows: pl.DataFrame, name: str, levels: str) -> Floats:
    ranks = rows.select(expression(name).rank("dense")).to_series()
    present = ranks.drop_nulls().unique().sort().to_list()
    kept = present[1:] if levels == "but the first" else present
    columns = [ranks.eq(level).fill_null(False) for level in kept]
    if levels == "all, and missing" and ranks.null_count():
        columns.append(ranks.is_null())
    return np.column_stack([column.to_numpy() for column in columns]).astype(np.float64)
