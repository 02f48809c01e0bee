"""The correlation traits should have: five published components, a few published pairs."""

from dataclasses import dataclass

import numpy as np

from extracts.figures import attributes, figures
from extracts.fitting.cells import Floats

N_COMPONENTS = 5

ROUNDS = 200
"""Turns taken by eigenvalues and variances."""

WORDS = ("SEMIO", "FINANZ", "LP", "KBA05", "PLZ8", "CAMEO", "KBA13")
"""First words of names that share a topic."""

LEVELS = {a.name: a.level for a in attributes()}

HIGHER = 1.03
"""How much higher the variances of the components are aimed, as dummies fall short of them."""
HIGHER_BEYOND = 1.12
N_BEYOND = 15
"""The same of the next ones; the others make up for both."""

FROM_DUMMIES = {
    "PRAEGENDE_JUGENDJAHRE": (0.27, -0.82, -0.09, 0.09, -0.19),
    "FINANZTYP": (-0.42, 0.67, 0.35, 0.0, 0.0),
    "ZABEOTYP": (-0.12, 0.67, -0.02, 0.0, 0.0),
    "CJT_GESAMTTYP": (0.11, -0.47, -0.11, 0.12, -0.06),
    "WOHNLAGE": (-0.45, -0.1, -0.1, -0.27, 0.47),
}
"""Correlations with the components as dummies or decades have them, of codes as in `IN_ORDER`.

The notebook of the loadings kept nominal codes as numbers, and had recoded the youth code.
"""

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
    """Loadings made orthonormal, of shape (n_columns, N_COMPONENTS)."""
    variances: Floats
    correlation: Floats
    """Of shape (n_columns, n_columns)."""

    def of(self, names: list[str]) -> Floats:
        """The correlation of some of the columns."""
        chosen = [self.columns.index(name) for name in names]
        return np.asarray(self.correlation[np.ix_(chosen, chosen)])


def published_target() -> Target:
    """Components as published, and beyond them the published eigenvalues, within topics."""
    block = figures()["loadings"]
    columns = tuple(sorted(block["loadings"]["PC1"]))
    printed = np.array(
        [[block["loadings"][f"PC{k + 1}"][name] for name in columns] for k in range(N_COMPONENTS)]
    ).T
    eigenvalues = np.array(block["eigenvalues"])
    loadings = printed * np.sqrt(eigenvalues[:N_COMPONENTS])
    for name, with_components in FROM_DUMMIES.items():
        loadings[columns.index(name)] = with_components
    axes, _ = np.linalg.qr(loadings)
    axes *= np.sign((axes * loadings).sum(axis=0))
    variances = HIGHER * (loadings**2).sum(axis=0)
    within = axes * variances @ axes.T
    others = eigenvalues[N_COMPONENTS:].copy()
    others[:N_BEYOND] *= HIGHER_BEYOND
    left = len(columns) - variances.sum() - others[:N_BEYOND].sum()
    others[N_BEYOND:] *= left / others[N_BEYOND:].sum()
    correlation = unit_diagonal(within + _beyond(columns, axes, within, others))
    place = columns.index
    published = {(left, right): value for left, right, value in figures()["correlations"]["pairs"]}
    aims = {pair: published[pair] for pair in _SHORT} | _AIMED_HIGHER
    for (left, right), value in aims.items():
        correlation = _with_pair(correlation, place(left), place(right), value)
    one, other, more = place(_PULLED_ALONG[0]), place(_PULLED_ALONG[1]), _PULLED_ALONG[2]
    correlation = _with_pair(correlation, one, other, correlation[one, other] + more)
    return Target(columns, axes, variances, correlation)


def _beyond(columns: tuple[str, ...], axes: Floats, within: Floats, eigenvalues: Floats) -> Floats:
    """What is left beyond the components: the published eigenvalues, most of it within topics.

    Attributes of one topic go together beyond the components as they do within them (the
    elementwise product of two covariances is one). By turns the eigenvalues and the variances
    left to each column are set.
    """
    left = 1 - np.diag(within)
    projection = np.eye(len(columns)) - axes @ axes.T
    same = np.array([[_topic(a) == _topic(b) for b in columns] for a in columns])
    covariance = projection @ (np.where(same, within, 0) + 0.02 * np.eye(len(columns))) @ projection
    for _ in range(ROUNDS):
        scale = np.sqrt(np.maximum(left, 1e-3) / np.diag(covariance))
        covariance = projection @ (covariance * scale * scale[:, None]) @ projection
        _, vectors = np.linalg.eigh(covariance)
        vectors = vectors[:, ::-1][:, : len(eigenvalues)]
        covariance = vectors * eigenvalues @ vectors.T
    scale = np.sqrt(np.maximum(left, 1e-3) / np.diag(covariance))
    return covariance * scale * scale[:, None]


def _topic(name: str) -> str:
    """The first word of a name, or the information level of those that stand alone."""
    start = name.split("_")[0]
    return start if start in WORDS else LEVELS.get(name, start)


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
