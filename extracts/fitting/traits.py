"""Traits: normal around the centre of a segment, so that they correlate as asked."""

from dataclasses import dataclass, replace

import numpy as np
from scipy.special import ndtr

from extracts.fitting.cells import Floats, Ints
from extracts.fitting.correlation import N_COMPONENTS, Target

N_SEGMENTS = 12
SCALE = 1 << 14
"""Means, loadings and cuts are kept as whole numbers in units of 1 / SCALE."""

BETWEEN = (0.80, 0.78, 0.75, 0.62, 0.45)
"""Share of each component's variance that lies between segments: more than in real ones."""

FOLLOWING: dict[str, dict[str, float]] = {
    "LP_FAMILIE_FEIN": {},
    "AGER_TYP": {"ALTERSKATEGORIE_GROB": 0.65, "PRAEGENDE_JUGENDJAHRE": -0.2},
    "GEBURTSJAHR": {"PRAEGENDE_JUGENDJAHRE": 0.65, "ALTERSKATEGORIE_GROB": -0.35},
    "TITEL_KZ": {"ANZ_TITEL": 0.85},
    "ALTER_HH": {"PRAEGENDE_JUGENDJAHRE": 0.7, "ALTERSKATEGORIE_GROB": -0.25},
    "KK_KUNDENTYP": {"FINANZ_VORSORGER": 0.25},
    "KBA05_BAUMAX": {"KBA05_ANTG3": 0.35, "KBA05_ANTG4": 0.6},
}
"""Traits nothing was published on, and how they are assumed to follow others."""

COLUMN_OF_TRAIT = {"CAMEO_STAGE": "CAMEO_INTL_2015_2"}
_WITHOUT_TRAIT = (
    "LP_LEBENSPHASE_GROB",
    "LP_FAMILIE_GROB",
    "LP_STATUS_GROB",
    "LP_FAMILIE_FEIN",
    "CAMEO_INTL_2015_1",
)
"""Columns that follow from others, or have a trait of their own among those following."""

_GRID = np.linspace(-7, 7, 14_001)


@dataclass(frozen=True)
class Segments:
    """The share of each segment, and its centre among the components."""

    shares: Floats
    centres: Floats
    """Of shape (N_SEGMENTS, N_COMPONENTS), their mean 0, their covariance `between`."""

    @property
    def between(self) -> Floats:
        """The covariance of the centres."""
        return np.asarray((self.centres * self.shares[:, None]).T @ self.centres)


@dataclass(frozen=True)
class Traits:
    """Traits are `means[segment] + loadings @ noise`."""

    names: tuple[str, ...]
    shares: Floats
    """Of the segments."""
    means: Floats
    """Of shape (n_segments, n_traits)."""
    loadings: Floats
    """Of shape (n_traits, n_traits), lower triangular."""

    def below(self, name: str, cuts: Floats, *, shift: float = 0.0) -> Floats:
        """The share of each segment below each cut, of shape (n_segments, n_cuts)."""
        trait = self.names.index(name)
        spread = np.sqrt((self.loadings[trait] ** 2).sum())
        return np.asarray(ndtr((cuts - shift - self.means[:, [trait]]) / spread))

    def cuts(self, name: str, shares: Floats, *, segments: Floats | None = None) -> Floats:
        """Where to cut a trait so that the codes get these shares, in the mix of segments."""
        weights = self.shares if segments is None else segments
        below = (weights[:, None] * self.below(name, _GRID)).sum(axis=0)
        return np.interp(np.clip(np.cumsum(shares)[:-1], 0, 1), below, _GRID)

    def rounded(self) -> "Traits":
        """The same in whole units of 1 / SCALE."""
        means, loadings = (np.round(a * SCALE) / SCALE for a in (self.means, self.loadings))
        return replace(self, means=means, loadings=loadings)


def columns_with_traits(target: Target) -> list[str]:
    """The published columns that have a trait of their own."""
    return [name for name in target.columns if name not in _WITHOUT_TRAIT]


def trait_names(target: Target) -> tuple[str, ...]:
    """Traits of published columns, then those that follow them."""
    renamed = {column: trait for trait, column in COLUMN_OF_TRAIT.items()}
    return (*(renamed.get(name, name) for name in columns_with_traits(target)), *FOLLOWING)


def spread_segments(target: Target, *, rows: int = 60_000, seed: int = 3) -> Segments:
    """Segments as k-means finds them among normal components, then spread out as `BETWEEN` asks."""
    rng = np.random.default_rng(seed)
    spread = np.sqrt(target.variances + 0.6)
    points = rng.standard_normal((rows, N_COMPONENTS)) * spread
    centres = points[rng.choice(rows, N_SEGMENTS, replace=False)]
    for _ in range(150):
        nearest = _nearest(points, centres)
        centres = np.array([points[nearest == k].mean(axis=0) for k in range(N_SEGMENTS)])
    shares = np.bincount(nearest, minlength=N_SEGMENTS) / rows
    centres = centres / spread
    centres -= shares @ centres
    values, vectors = np.linalg.eigh((centres * shares[:, None]).T @ centres)
    whitening = vectors / np.sqrt(np.maximum(values, 0.001)) @ vectors.T
    return Segments(shares, centres @ whitening @ np.sqrt(np.diag(BETWEEN)))


def build_traits(target: Target, segments: Segments, correlation: Floats) -> Traits:
    """Traits of this correlation, of shape (n_columns_with_traits,) twice, and those following.

    What the components explain lies between segments and within them, all else within.
    """
    own = columns_with_traits(target)
    axes = target.axes[[target.columns.index(name) for name in own]]
    values, vectors = np.linalg.eigh(axes.T @ correlation @ axes)
    factors = correlation @ ((vectors / np.sqrt(values) @ vectors.T) @ axes.T).T
    within = correlation - factors @ segments.between @ factors.T
    values, vectors = np.linalg.eigh((within + within.T) / 2)
    within = vectors * np.maximum(values, 1e-5) @ vectors.T
    names, n = trait_names(target), len(own)
    means = np.zeros((len(segments.shares), len(names)))
    means[:, :n] = segments.centres @ factors.T
    loadings = np.zeros((len(names), len(names)))
    loadings[:n, :n] = np.linalg.cholesky(within)
    for name, followed in FOLLOWING.items():
        trait, weights = names.index(name), np.zeros(len(names))
        weights[[names.index(other) for other in followed]] = [*followed.values()]
        means[:, trait] = means[:, :n] @ weights[:n]
        loadings[trait] = weights @ loadings
        explained = float(weights[:n] @ correlation @ weights[:n])
        loadings[trait, trait] += np.sqrt(max(1 - explained, 0.05))
    return Traits(names, segments.shares, means, loadings)


def _nearest(points: Floats, centres: Floats) -> Ints:
    squares = (points**2).sum(axis=1)[:, None] - 2 * points @ centres.T + (centres**2).sum(axis=1)
    return np.asarray(squares.argmin(axis=1))
