"""The correlation of traits that gives codes the correlation published, found by trial."""

from collections.abc import Mapping, Sequence

import numpy as np

from extracts.fitting.cells import Floats, Ints
from extracts.fitting.codes import observed_codes
from extracts.fitting.correlation import Target, nearest_correlation
from extracts.fitting.margins import IN_ORDER, Margins
from extracts.fitting.traits import (
    Segments,
    Traits,
    build_traits,
    columns_with_traits,
    trait_names,
)

ROUNDS = 24
ROWS = 60_000
_SEED = 11

_WHOLE_STEPS = 4
"""Rounds that correct a correlation by all it is off; later ones by half."""

_HELD = {("ANREDE_KZ", "SEMIO_VERT"): -0.96, ("ANREDE_KZ", "SEMIO_KULT"): -0.93}
"""Traits cut into two codes lose so much that only these reach the published pairs."""


def calibrate_traits(
    target: Target, segments: Segments, margins: Margins, *, rows: int = ROWS, rounds: int = ROUNDS
) -> Traits:
    """Draw rows, cut them into codes, compare, correct the correlation of traits; again."""
    own = columns_with_traits(target)
    wanted = target.of(own)
    correlation = nearest_correlation(wanted)
    rng = np.random.default_rng(_SEED)
    segment = rng.choice(len(segments.shares), rows, p=segments.shares)
    noise = rng.standard_normal((rows, len(trait_names(target))))
    for number in range(rounds):
        traits = build_traits(target, segments, correlation)
        drawn = traits.means[segment] + noise @ traits.loadings.T
        codes = observed_codes(dict(zip(traits.names, drawn.T, strict=True)), traits, margins)
        for name, order in IN_ORDER.items():
            codes[name] = np.array([order.find(str(code)) for code in range(9)])[codes[name]]
        found = code_correlation(codes, target.columns)
        places = [target.columns.index(name) for name in own]
        off = wanted - found[np.ix_(places, places)]
        step = off * (1.0 if number < _WHOLE_STEPS else 0.5)
        correlation = nearest_correlation(np.clip(correlation + step, -0.995, 0.995))
        correlation = _hold(correlation, own)
    return build_traits(target, segments, correlation)


def code_correlation(codes: Mapping[str, Ints], columns: Sequence[str]) -> Floats:
    """The correlation of codes as numbers, of shape (n_columns, n_columns)."""
    rows = np.column_stack([codes[name] for name in columns]).astype(np.float64)
    return np.asarray(np.corrcoef(rows.T))


def _hold(correlation: Floats, names: list[str]) -> Floats:
    """The held pairs set, and all others moved as little as that takes."""
    held = correlation.copy()
    for _ in range(12):
        for (left, right), value in _HELD.items():
            i, j = names.index(left), names.index(right)
            held[i, j] = held[j, i] = value
        held = nearest_correlation(held)
    np.fill_diagonal(held, 1)
    return held
