"""Customers: other shares of the same segments, and a shift of traits with published means."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import brentq, minimize

from extracts.figures import ROWS, figures
from extracts.fitting.cells import Floats
from extracts.fitting.margins import DEFAULT_PROFILE, Margin, Margins, margin
from extracts.fitting.patterns import FittedPatterns
from extracts.fitting.traits import Traits
from extracts.population import CLASSES

DEFAULT_SHARE = 0.78
"""The share of rows set aside that carry the whole default profile; others draw every code."""

INDEX_BOUNDS = (0.05, 5.04)
"""How under- and over-represented a segment may be among customers: as in published runs.

The most over-represented one, as the means have it, is held at the upper bound."""

_EVENNESS = 0.02
"""How much being near the population counts beside being near the published means."""

_AGER_ZEROS = 1500
"""Customers with AGER_TYP 0 instead of -1: a guess, both mean unknown."""

_NINE = 9
"""The code that stands for unknown within the published means of three attributes."""


@dataclass(frozen=True)
class Customers:
    """Shares of the segments, and by how much customers' traits are shifted."""

    segments: Floats
    shifts: dict[str, float]


@dataclass(frozen=True)
class _Mean:
    """The published mean of an attribute without unknown codes, and the classes it is over."""

    name: str
    mean: float
    classes: tuple[float, float, float]
    """Rows of each class that know the attribute, as shares."""


def fit_customers(traits: Traits, margins: Margins, fitted: FittedPatterns) -> Customers:
    """Shares of segments that come near the published means; shifts for what is left."""
    means = [*_published_means(fitted)]
    alone = np.eye(len(traits.shares))
    of_segment = np.array([[_mean(m, traits, margins, one) for one in alone] for m in means])
    spread = np.array([_deviation(margins[m.name]) for m in means])
    wanted = np.array([m.mean for m in means])
    effects = of_segment * traits.shares / spread[:, None]
    bounds = [INDEX_BOUNDS] * len(traits.shares)
    index = _likely_index(effects, wanted / spread, traits.shares, bounds)
    bounds[int(index.argmax())] = (INDEX_BOUNDS[1], INDEX_BOUNDS[1])
    index = _likely_index(effects, wanted / spread, traits.shares, bounds)
    shares = traits.shares * index / (traits.shares @ index)
    shifts = {
        m.name: float(
            brentq(lambda s, m=m: _mean(m, traits, margins, shares, s) - m.mean, -2.5, 2.5)
        )
        for m in means
    }
    return Customers(shares, shifts)


def _likely_index(
    effects: Floats, wanted: Floats, shares: Floats, bounds: list[tuple[float, float]]
) -> Floats:
    """Customers per person of each segment, 1 on average: near the means, and near 1.

    The problem is convex, so there is one answer, whatever the start.
    """

    def off(index: Floats) -> float:
        apart, unlike = effects @ index - wanted, shares @ (index * np.log(index))
        return float(apart @ apart + _EVENNESS * unlike)

    def slope(index: Floats) -> Floats:
        apart, unlike = effects @ index - wanted, shares * (np.log(index) + 1)
        return np.asarray(2 * apart @ effects + _EVENNESS * unlike)

    found = minimize(
        off,
        np.ones(len(shares)),
        jac=slope,
        method="SLSQP",
        bounds=bounds,
        constraints={
            "type": "eq",
            "fun": lambda index: shares @ index - 1,
            "jac": lambda _: shares,
        },
        options={"ftol": 1e-13, "maxiter": 1000},
    )
    if not found.success:
        raise ValueError(f"The segments' shares among customers do not settle: {found.message}.")
    return np.asarray(found.x)


def beside_default(name: str, known: Margin) -> Floats:
    """Shares among the rows set aside that do not carry the whole default profile."""
    if name not in DEFAULT_PROFILE:
        return known.set_aside
    left = np.maximum(known.set_aside - DEFAULT_SHARE * _is_default(name, known), 0)
    return np.asarray(left / left.sum())


def customer_margins(margins: Margins) -> Margins:
    """Marginals of sparse attributes with published customer counts."""
    before, after = _counts("before"), _counts("after")
    n, building = ROWS["customers"], before["GEBAEUDETYP"]
    housed = n - building
    title, height = "TITEL_KZ", "KBA05_BAUMAX"
    homeless = building - before[title]
    untitled = after[title] - before[title] - homeless
    titles = _with_first(margins[title], untitled / housed)
    unknown = after[height] - before[height]
    return {
        title: replace(titles, set_aside=margins[title].set_aside),
        height: _with_first(margins[height], unknown / (n - before[height])),
        "AGER_TYP": _traveller_types(margins["AGER_TYP"]),
    }


def _traveller_types(known: Margin) -> Margin:
    """The counts that give the published number missing, mean and standard deviation."""
    described = figures()["describe_customers"]["table"]["AGER_TYP"]
    n, mean, unknown = ROWS["customers"], described["mean"], _counts("after")["AGER_TYP"]
    below = unknown - _AGER_ZEROS
    squares = described["std"] ** 2 * (n - 1) + n * mean**2
    powers = np.array([[1, 1, 1], [1, 2, 3], [1, 4, 9]], dtype=np.float64)
    counts = np.linalg.solve(powers, [n - unknown, mean * n + below, squares - below])
    housed = [below - _counts("before")["GEBAEUDETYP"], _AGER_ZEROS, *counts]
    return margin(known.codes, housed, housed, known.set_aside)


def _with_first(known: Margin, first: float) -> Margin:
    """Another share of the first code, the others in proportion."""

    def changed(shares: Floats) -> Floats:
        others = shares[1:].sum()
        return np.asarray(np.r_[first, shares[1:] * (1 - first) / max(others, 1e-9)])

    return margin(
        known.codes, *(changed(s) for s in (known.complete, known.partial, known.set_aside))
    )


def _published_means(fitted: FittedPatterns) -> Iterator[_Mean]:
    n, before, after = ROWS["customers"], _counts("before"), _counts("after")
    aside = before["GEBAEUDETYP"] / n
    complete = float(fitted.cell_rows["customers"][fitted.cells.complete].sum() / n)
    for name, described in figures()["describe_customers"]["table"].items():
        if name in ("AGER_TYP", "KBA05_BAUMAX"):
            continue
        nines = 0
        if name in ("ALTERSKATEGORIE_GROB", "ARBEIT", "RELAT_AB"):
            nines = after[name] - before[name]
        known = described["count"] - nines
        mean = (described["mean"] * described["count"] - nines * _NINE) / known
        classes = [complete, 1 - complete - aside, aside]
        if name == "ALTERSKATEGORIE_GROB":
            classes[1] -= nines / n
        elif name != "CJT_GESAMTTYP" and described["count"] < n:
            classes[2] = 0.0
        total = sum(classes)
        yield _Mean(name, mean, (classes[0] / total, classes[1] / total, classes[2] / total))


def _mean(
    published: _Mean, traits: Traits, margins: Margins, segments: Floats, shift: float = 0.0
) -> float:
    """The mean of an attribute in a mix of segments with its trait shifted."""
    name = published.name
    known = margins[name]
    mean = 0.0
    for row_class, weight in zip(CLASSES, published.classes, strict=True):
        aside = row_class == "set_aside"
        of_class = beside_default(name, known) if aside else known.shares(row_class)
        below = segments @ traits.below(name, traits.cuts(name, of_class), shift=shift)
        shares = np.diff(np.r_[0, below, 1])
        if aside and name in DEFAULT_PROFILE:
            default = DEFAULT_SHARE * _is_default(name, known)
            shares = default + (1 - DEFAULT_SHARE) * shares
        mean += weight * float(shares @ known.numbers)
    return mean


def _is_default(name: str, known: Margin) -> Floats:
    return np.asarray(known.numbers == DEFAULT_PROFILE[name], dtype=np.float64)


def _deviation(known: Margin) -> float:
    mean = known.complete @ known.numbers
    return float(np.sqrt(known.complete @ known.numbers**2 - mean**2))


def _counts(when: str) -> dict[str, int]:
    counts: dict[str, int] = figures()["missing"][f"customers_{when}"]["counts"]
    return counts
