"""Calibration curve: from the scores of a fit to the log density ratio they turn out to have."""

from dataclasses import dataclass
from typing import Self

import numpy as np

from segment_lib.model.logistic import LogisticSums, newton, ridge

_KNOTS = (0.05, 0.275, 0.5, 0.725, 0.95)
"""Quantiles of the controls at which the curve may bend (Harrell 2015, table 2.3)."""
_PENALTY = 0.01
"""Keeps the slope finite where cases and controls share no score."""


@dataclass(frozen=True)
class Curve:
    """Restricted cubic spline: straight beyond its outer knots, rising.

    Harrell (2015), "Regression Modeling Strategies", section 2.4.5.
    """

    line: np.ndarray
    """Height at 0 and slope, shape (2,)."""
    knots: np.ndarray
    """Rising, shape (n_knots,)."""
    bends: np.ndarray
    """Factors of the cubes above each knot, shape (n_knots,); all 0 for a straight line."""

    def __call__(self, scores: np.ndarray) -> np.ndarray:
        """Calibrated scores of the same shape, float64."""
        height = self.line[0] + self.line[1] * scores
        for knot, bend in zip(self.knots, self.bends, strict=True):
            height += bend * np.maximum(scores - knot, 0.0) ** 3
        return np.asarray(height)

    @classmethod
    def fit(cls, scores: np.ndarray, cases: np.ndarray, controls: np.ndarray) -> Self:
        """Fit by logistic regression of cases against controls.

        A curve that falls somewhere is replaced by a straight line, and that by a flat one: then
        the scores tell nothing.

        Parameters
        ----------
        scores : rising, shape (n_scores,)
        cases, controls : rows of each score, shape (n_scores,)
        """
        share = np.cumsum(controls) / controls.sum()
        at = np.minimum(np.searchsorted(share, _KNOTS), len(scores) - 1)
        knots = scores[at].astype(np.float64)
        peopled = scores[(cases + controls) > 0]
        if (np.diff(knots) > 0).all():
            curve = cls._fitted(scores, cases, controls, knots)
            if (np.diff(curve(peopled)) >= 0).all():
                return curve
        curve = cls._fitted(scores, cases, controls, knots[:0])
        if curve.line[1] >= 0:
            return curve
        return cls(np.zeros(2), knots[:0], knots[:0])

    @classmethod
    def _fitted(
        cls, scores: np.ndarray, cases: np.ndarray, controls: np.ndarray, knots: np.ndarray
    ) -> Self:
        shapes = _natural(knots)
        cubes = np.maximum(scores[:, None] - knots, 0.0) ** 3 @ shapes
        design = np.column_stack([scores, cubes])
        width = design.shape[1] + 1

        def sums_at(coefficients: np.ndarray, curved: bool) -> LogisticSums:
            return LogisticSums.from_block(design, cases, controls, coefficients, curved=curved)

        fit = newton(sums_at, np.zeros((1, width)), ridge(_PENALTY, width)[None])
        slope, *bends, height = fit.coefficients[0]
        height -= np.log(fit.cases[0]) - np.log(fit.controls[0])
        return cls(np.array([height, slope]), knots, shapes @ np.array(bends))


def _natural(knots: np.ndarray) -> np.ndarray:
    """Combinations of cubes that are straight beyond the last knot, shape (n_knots, n_knots - 2).

    In units of the square of the span, as Harrell has them.
    """
    n = max(len(knots) - 2, 0)
    shapes = np.zeros((len(knots), n))
    for j in range(n):
        before, last = knots[-2], knots[-1]
        shapes[j, j] += 1
        shapes[-2, j] -= (last - knots[j]) / (last - before)
        shapes[-1, j] += (before - knots[j]) / (last - before)
    return shapes / (knots[-1] - knots[0]) ** 2 if n else shapes
