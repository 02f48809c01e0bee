"""Correlation and segments of the extracts against published components and indices."""

from collections.abc import Iterator
from math import sqrt

import numpy as np
import polars as pl
from numpy.typing import NDArray

from extracts.comparisons import MANY_MISSING, Line, Pair
from extracts.figures import figures, source
from extracts.model import model
from extracts.read_back import KEPT, Delivered

Floats = NDArray[np.float64]

N_SEGMENTS = 12
N_COMPONENTS = 30
SAMPLE = 60_000
_DECADES = ((1, 2), (3, 4), (5, 6, 7), (8, 9), (10, 11, 12, 13), (14, 15))
"""Codes of PRAEGENDE_JUGENDJAHRE from the forties to the nineties."""
_RURAL = pl.col("WOHNLAGE").is_in([7.0, 8.0])
_EXPRESSIONS = {
    "CAMEO_INTL_2015_1": pl.col("CAMEO_INTL_2015").cast(pl.Int16) // 10,
    "CAMEO_INTL_2015_2": pl.col("CAMEO_INTL_2015").cast(pl.Int16) % 10,
    "OST_WEST_KZ": pl.col("OST_WEST_KZ") == "W",
    "mainstream flag of PRAEGENDE_JUGENDJAHRE": pl.col("PRAEGENDE_JUGENDJAHRE").is_in(
        [1, 3, 5, 8, 10, 12, 14]
    ),
    "CAMEO_INTL wealth": pl.col("CAMEO_INTL_2015").cast(pl.Int16) // 10,
    "CAMEO_DEUG": pl.col("CAMEO_DEUG_2015").cast(pl.Int16),
    "WOHNLAGE quality": pl.when(~_RURAL).then(pl.col("WOHNLAGE")).otherwise(0),
    "rural flag": _RURAL,
    "decade of PRAEGENDE_JUGENDJAHRE": pl.col("PRAEGENDE_JUGENDJAHRE").replace_strict(
        {code: decade for decade, codes in enumerate(_DECADES) for code in codes}
    ),
}
"""Columns of the notebooks that are not delivered ones."""


def correlations(extracts: Pair) -> Iterator[Line]:
    """Compare ten eigenvalues within 15 %, three loadings above 0.8, pairs within 0.1.

    All on rows with nothing missing: the default profile of the other rows has no correlation.
    """
    block = figures()["loadings"]
    loadings: dict[str, dict[str, float]] = block["loadings"]
    names = list(loadings["PC1"])
    complete = extracts.population.known.filter(extracts.population.n_missing == 0)
    values, vectors = np.linalg.eigh(_correlation(numbers(complete, names)))
    for number in range(10):
        published, ours = float(block["eigenvalues"][number]), float(values[-1 - number])
        distance = abs(ours - published) / published
        figure = f"eigenvalue of component {number + 1}"
        yield Line("correlation", figure, published, ours, distance, 0.15, source(block))
    for number in range(3):
        theirs = [loadings[f"PC{number + 1}"][name] for name in names]
        pair = np.column_stack([theirs, vectors[:, -1 - number]])
        ours = abs(float(_correlation(pair)[0, 1]))
        figure = f"loadings of component {number + 1}, |correlation|"
        yield Line("correlation", figure, 1, ours, 1 - ours, 0.2, source(block))
    yield from _published_pairs(complete, extracts.scale("population"))


def _published_pairs(rows: pl.DataFrame, scale: float) -> Iterator[Line]:
    block = figures()["correlations"]
    slack = 0.0 if scale >= 1 else 3 / sqrt(max(rows.height, 1))
    for left, right, published in block["pairs"]:
        ours = float(_correlation(numbers(rows, [left, right]))[0, 1])
        distance = abs(ours - published)
        figure = f"{left} with {right}"
        yield Line("correlation", figure, published, ours, distance, 0.1 + slack, source(block))


def segment_indices(extracts: Pair) -> Iterator[Line]:
    """Cluster plainly into 12: best index from 240 to 504, worst below 30, as published.

    The best index as planted is the highest published.
    """
    people, buyers = (_clusterable(e) for e in (extracts.population, extracts.customers))
    centre = np.nanmean(people, axis=0)
    spread = np.nanstd(people, axis=0)
    people, buyers = (np.nan_to_num((rows - centre) / spread) for rows in (people, buyers))
    _, vectors = np.linalg.eigh(people.T @ people / len(people))
    people, buyers = (rows @ vectors[:, -N_COMPONENTS:] for rows in (people, buyers))
    centres = _cluster(people, np.random.default_rng(0))
    shares = [
        np.bincount(_nearest(rows, centres), minlength=N_SEGMENTS) / len(rows)
        for rows in (people, buyers)
    ]
    index = 100 * shares[1] / shares[0]
    best, worst = float(index.max()), float(index.min())
    origin = "every valid published run with 12 clusters"
    yield Line("segments", "best index, 240 to 504", 372, best, abs(best - 372), 132, origin)
    yield Line("segments", "worst index, below 30", 0, worst, worst, 30, origin)
    planted = max(
        100 * customers / people
        for people, customers in zip(*model()["segments"].values(), strict=True)
    )
    origin = "the highest of all published runs, of people that have a segment"
    yield Line("segments", "best index as planted", 504, planted, abs(planted - 504), 5, origin)


def _clusterable(extract: Delivered) -> Floats:
    names = [*(name for name in KEPT if not name.startswith("CAMEO")), "CAMEO_DEUG"]
    names += ["CAMEO_INTL_2015_1", "CAMEO_INTL_2015_2"]
    enough = extract.known.filter(extract.n_missing <= MANY_MISSING)
    return numbers(enough.head(SAMPLE), names)


def _cluster(rows: Floats, rng: np.random.Generator) -> Floats:
    """The best of four runs of Lloyd's algorithm from k-means++ starts."""
    runs = [_lloyd(rows, _start(rows, rng)) for _ in range(4)]
    return min(runs, key=lambda run: run[0])[1]


def _start(rows: Floats, rng: np.random.Generator) -> Floats:
    centres: Floats = rows[[rng.integers(len(rows))]]
    for _ in range(N_SEGMENTS - 1):
        distance = _distances(rows, centres).min(axis=1).clip(0)
        chosen = rows[rng.choice(len(rows), p=distance / distance.sum())]
        centres = np.vstack([centres, chosen])
    return centres


def _lloyd(rows: Floats, centres: Floats) -> tuple[float, Floats]:
    for _ in range(40):
        nearest = _nearest(rows, centres)
        members = np.eye(N_SEGMENTS)[nearest]
        centres = members.T @ rows / np.maximum(members.sum(axis=0), 1)[:, None]
    return float(_distances(rows, centres).min(axis=1).sum()), centres


def _nearest(rows: Floats, centres: Floats) -> NDArray[np.int64]:
    return np.asarray(_distances(rows, centres).argmin(axis=1))


def _distances(rows: Floats, centres: Floats) -> Floats:
    squares = (rows**2).sum(axis=1)[:, None] + (centres**2).sum(axis=1)
    return np.asarray(squares - 2 * rows @ centres.T)


def _correlation(columns: Floats) -> Floats:
    return np.asarray(np.corrcoef(columns, rowvar=False))


def expression(name: str) -> pl.Expr:
    """A delivered column, or one that notebooks made of them."""
    return _EXPRESSIONS.get(name, pl.col(name))


def numbers(frame: pl.DataFrame, names: list[str]) -> Floats:
    """Codes as numbers, of shape (rows, names), NaN where missing."""
    columns = [
        expression(name).cast(pl.Float64).alias(str(position))
        for position, name in enumerate(names)
    ]
    return np.asarray(frame.select(columns).to_numpy(), dtype=np.float64)
