"""The correlation traits should have: five published components, a few published pairs."""

from dataclasses import dataclass

import numpy as np

from extracts.figures import figures
from extracts.fitting.cells import Floats

N_COMPONENTS = 5

RECODED = "PRAEGENDE_JUGENDJAHRE"
"""Its printed loadings make older people have later decades, so its codes were probably turned."""

_SHORT = (("FINANZ_SPARER", "FINANZ_VORSORGER"), ("SEMIO_VERT", "ANREDE_KZ"))
"""Published pairs the components fall short of."""
_AIMED_HIGHER = {("SEMIO_KULT", "ANREDE_KZ"): -0.85}
"""A further one, aimed at more than is published, as cutting traits into codes weakens it."""
_PULLED_ALONG = ("SEMIO_VERT", "SEMIO_KULT", 0.4)
"""Two columns that both follow ANREDE_KZ follow each other more than the components say."""


@dataclass(frozen=True)
class Target:
    """What was published on 79 columns of a notebook, some of them not delivered ones."""

    columns: tuple[str, ...]
    axes: Floats
    """Loadings made orthonormal, the recoded column turned, of shape (n_columns, N_COMPONENTS)."""
    variances: Floats
    correlation: Floats
    """Of shape (n_columns, n_columns)."""

    def of(self, names: list[str]) -> Floats:
        """The correlation of some of the columns."""
        chosen = [self.columns.index(name) for name in names]
        return np.asarray(self.correlation[np.ix_(chosen, chosen)])


def published_target() -> Target:
    """Components as published; beyond them nothing but what makes each column's variance one."""
    block = figures()["loadings"]
    columns = tuple(sorted(block["loadings"]["PC1"]))
    printed = np.array(
        [[block["loadings"][f"PC{k + 1}"][name] for name in columns] for k in range(N_COMPONENTS)]
    ).T
    printed[columns.index(RECODED)] *= -1
    axes, _ = np.linalg.qr(printed)
    axes *= np.sign((axes * printed).sum(axis=0))
    percent = np.array(block["explained_variance_percent"][:N_COMPONENTS])
    variances = percent * len(columns) / 100
    within = axes * variances @ axes.T
    beyond = np.eye(len(columns)) - axes @ axes.T
    unexplained = np.linalg.solve(beyond * beyond, 1 - np.diag(within))
    correlation = unit_diagonal(within + beyond * np.maximum(unexplained, 1e-3) @ beyond)
    place = columns.index
    published = {(left, right): value for left, right, value in figures()["correlations"]["pairs"]}
    aims = {pair: published[pair] for pair in _SHORT} | _AIMED_HIGHER
    for (left, right), value in aims.items():
        correlation = _with_pair(correlation, place(left), place(right), value)
    one, other, more = place(_PULLED_ALONG[0]), place(_PULLED_ALONG[1]), _PULLED_ALONG[2]
    correlation = _with_pair(correlation, one, other, correlation[one, other] + more)
    return Target(columns, axes, variances, correlation)


def unit_diagonal(covariance: Floats) -> Floats:
    """A covariance as a correlation."""
    scale = 1 / np.sqrt(np.diag(covariance))
    return np.asarray(covariance * scale * scale[:, None])


def nearest_correlation(matrix: Floats, *, smallest: float = 1e-4) -> Floats:
    """A correlation without negative eigenvalues: those below `smallest` are raised to it."""
    values, vectors = np.linalg.eigh((matrix + matrix.T) / 2)
    return unit_diagonal(vectors * np.maximum(values, smallest) @ vectors.T)


def _with_pair(correlation: Floats, i: int, j: int, value: float) -> Floats:
    changed = correlation.copy()
    changed[i, j] = changed[j, i] = value
    return changed
