"""Customer-likeness: a density ratio by logistic regression, fitted to two halves of the rows."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np

from segment_lib.errors import IntegrityError
from segment_lib.model.curve import Curve
from segment_lib.model.logistic import NewtonFit
from segment_lib.model.scale import StandardScaler, tiles
from segment_lib.terms import LIKENESS_BINS

_LARGEST = 8 * LIKENESS_BINS
"""The last bin: a likeness of some 3,000 times the average. Beyond it there is no evidence."""
_GRID = 2.0**32
"""Intercepts are multiples of its inverse, so that no order of adding decides their last digits."""


@dataclass(frozen=True)
class Likeness:
    """How much commoner a person's features are among customers than in the population.

    The logarithm of the density ratio is the log odds of a case-control study, where rows are
    sampled by outcome, less the log odds of its design (Prentice and Pyke 1979, "Logistic disease
    incidence models and case-control studies", Biometrika 66, 403-411). Two fits, each to one half
    of the rows, so that each row can be measured by the fit that has not seen it, and a curve to
    each half that says what ratio such scores turn out to have. People are ranked by the mean of
    both fits, which is linear too, and have the mean of both curves there.
    """

    weights: np.ndarray
    """Of the features as they are encoded, shape (2, n_features), float32."""
    intercepts: np.ndarray
    """Shape (2,)."""
    penalties: np.ndarray
    """The ridge penalties chosen, shape (2,)."""
    curves: tuple[Curve, Curve]
    """Each learned on one half, by the scores of the fit to the other."""

    @classmethod
    def from_fit(
        cls, fit: NewtonFit, scaler: StandardScaler, penalties: np.ndarray, counts: np.ndarray
    ) -> Self:
        """Build the likeness from a fit to scaled rows, the first half first.

        Parameters
        ----------
        counts : those of all rows by `tally`
        """
        weights = (fit.coefficients[:, :-1] / scaler.scale_).astype(np.float32)
        intercepts = fit.coefficients[:, -1] - np.log(fit.cases / fit.controls)
        intercepts = intercepts - weights.astype(np.float64) @ scaler.mean_
        middles = np.arange(-_LARGEST, _LARGEST + 1) / LIKENESS_BINS
        first, second = (Curve.fit(middles, *half) for half in counts)
        return cls(weights, np.rint(intercepts * _GRID) / _GRID, penalties, (first, second))

    def scores(self, block: np.ndarray) -> np.ndarray:
        """Log density ratios by both fits before calibration, shape (n_rows, 2), float64."""
        axes = self.weights.T.astype(np.float64)
        ratios = np.empty((len(block), 2))
        for tile in tiles(len(block)):
            ratios[tile] = block[tile].astype(np.float64) @ axes + self.intercepts
        return ratios

    def bins(self, block: np.ndarray, in_first_half: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the bin of each row by both fits together, and by the one that has not seen it.

        A bin is 1 / LIKENESS_BINS of the logarithm of the likeness ÷ 100, so counts by bin add up
        whatever the parts.

        Parameters
        ----------
        block : shape (n_rows, n_features)
        in_first_half : the half of each row, shape (n_rows,)
        """
        scores = self.scores(block)
        first, second = self.curves
        unseen = _unseen(scores, in_first_half)
        # The curve of the half that a row is not in: its own has seen it.
        unseen = np.where(in_first_half, second(unseen), first(unseen))
        return _binned(self.log_ratios(scores.mean(axis=1))), _binned(unseen)

    def predict(self, block: np.ndarray) -> np.ndarray:
        """Likeness of each row of features (n_rows, n_features), not binned; 100 is average."""
        return np.asarray(100 * np.exp(self.log_ratios(self.scores(block).mean(axis=1))))

    def log_ratios(self, scores: np.ndarray) -> np.ndarray:
        """Calibrate the mean scores of both fits, shape (n_rows,)."""
        first, second = self.curves
        return np.asarray((first(scores) + second(scores)) / 2)

    def arrays(self) -> dict[str, np.ndarray]:
        return {
            "weights": self.weights,
            "intercepts": self.intercepts,
            "penalties": self.penalties,
            "lines": np.array([curve.line for curve in self.curves]),
            "knots": np.concatenate([curve.knots for curve in self.curves]),
            "bends": np.concatenate([curve.bends for curve in self.curves]),
            "n_knots": np.array([len(curve.knots) for curve in self.curves]),
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray], n_features: int) -> Self:
        """From the arrays of a run.

        Raises
        ------
        IntegrityError
            If they do not fit together, or not the features.
        """
        shapes = {name: array.shape for name, array in arrays.items()}
        n_knots = int(arrays["n_knots"].sum()) if shapes.get("n_knots") == (2,) else -1
        if shapes != {
            "weights": (2, n_features),
            "intercepts": (2,),
            "penalties": (2,),
            "lines": (2, 2),
            "knots": (n_knots,),
            "bends": (n_knots,),
            "n_knots": (2,),
        }:
            raise IntegrityError("The ranking does not fit the features. Run gains again.")
        cut = arrays["n_knots"][:1]
        pieces = (np.split(arrays[name], cut) for name in ("knots", "bends"))
        first, second = (Curve(*curve) for curve in zip(arrays["lines"], *pieces, strict=True))
        return cls(arrays["weights"], arrays["intercepts"], arrays["penalties"], (first, second))


def tally(
    scores: np.ndarray, cases: np.ndarray, controls: np.ndarray, in_first_half: np.ndarray
) -> np.ndarray:
    """Count cases and controls by half and bin of the fit that has not seen them.

    Parameters
    ----------
    scores : log density ratios by both fits, shape (n_rows, 2)
    cases, controls, in_first_half : masks of shape (n_rows,)

    Returns
    -------
    counts : shape (2, 2, n_bins): of each half, cases and controls
    """
    bins = _binned(_unseen(scores, in_first_half)) + _LARGEST
    counts = [
        np.bincount(bins[rows & half], minlength=2 * _LARGEST + 1)
        for half in (in_first_half, ~in_first_half)
        for rows in (cases, controls)
    ]
    return np.stack(counts).reshape(2, 2, -1)


def _unseen(scores: np.ndarray, in_first_half: np.ndarray) -> np.ndarray:
    return np.where(in_first_half, scores[:, 1], scores[:, 0])


def _binned(log_ratio: np.ndarray) -> np.ndarray:
    bins = np.rint(log_ratio * LIKENESS_BINS).clip(-_LARGEST, _LARGEST)
    return np.asarray(bins, dtype=np.int32)
