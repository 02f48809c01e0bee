"""Logistic regression by Newton's method, each pass a sum over blocks in block order."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any, Self

import dask
import dask.array as da
import dask_ml.linear_model
import numpy as np
from dask import delayed
from scipy.linalg import cho_factor, cho_solve
from scipy.special import expit
from sklearn.base import ClassifierMixin
from sklearn.utils import Tags, column_or_1d
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted

from segment_lib.errors import ParameterError, RowsError
from segment_lib.model.blocks import add_up, row_blocks
from segment_lib.model.compact import CompactRows
from segment_lib.model.validation import check_at_least, check_choice, check_rows

_SOLVERS = ("admm", "gradient_descent", "newton", "lbfgs", "proximal_grad")
_BITS = 32
"""Coefficients keep about 2^-32 of what a standard deviation of their feature is worth: sums added
in another order differ by a millionth of that (measured)."""
_TILE = 1024
"""Rows worked on at a time in float64; they stay in the cache."""
_ROUNDING = 1e-9
"""Relative difference of two losses that may be rounding."""


@dataclass(frozen=True)
class LogisticSums:
    """Losses of logistic regressions at given coefficients, and their derivatives.

    Sums of disjoint rows add up. The loss is minus the log-likelihood; gradient and Hessian are
    those of McCullagh and Nelder (1989), "Generalized Linear Models", section 4.4.
    """

    cases: np.ndarray
    """Rows counted as cases, shape (n_fits,)."""
    controls: np.ndarray
    """Rows counted as controls, shape (n_fits,)."""
    loss: np.ndarray
    """Shape (n_fits,)."""
    gradient: np.ndarray
    """Shape (n_fits, n_coefficients)."""
    hessian: np.ndarray
    """Shape (n_fits, n_coefficients, n_coefficients)."""

    @classmethod
    def from_block(
        cls,
        block: np.ndarray | CompactRows,
        cases: np.ndarray,
        controls: np.ndarray,
        coefficients: np.ndarray,
        members: np.ndarray | None = None,
        *,
        curved: bool = True,
    ) -> Self:
        """Sum over the rows of a block, tile by tile in float64.

        Parameters
        ----------
        block : shape (n_rows, n_features)
        cases, controls : how often each row counts as either, shape (n_rows,)
        coefficients : shape (n_fits, n_features), or a column more with the intercepts
        members : the rows of each fit, shape (n_fits, n_rows); by default all
        curved : whether the Hessian is wanted, which is most of the work; else it is 0
        """
        n_fits, width = coefficients.shape
        counts = np.zeros((3, n_fits))
        gradient, hessian = np.zeros((n_fits, width)), np.zeros((n_fits, width, width))
        room = np.empty((_TILE, width))
        for fit, theta in enumerate(coefficients):
            rows = np.arange(len(block)) if members is None else np.flatnonzero(members[fit])
            for start in range(0, len(rows), _TILE):
                at = rows[start : start + _TILE]
                design = _design(block, at, width, room)
                case, control = cases[at].astype(np.float64), controls[at].astype(np.float64)
                weight, logit = case + control, design @ theta
                chance = expit(logit)
                counts[:, fit] += case.sum(), control.sum(), _loss(logit, case, control)
                gradient[fit] += design.T @ (weight * chance - case)
                if curved:
                    design *= np.sqrt(weight * chance * (1 - chance))[:, None]
                    hessian[fit] += design.T @ design
        return cls(counts[0], counts[1], counts[2], gradient, hessian)

    def __add__(self, other: Self) -> Self:
        return type(self)(
            self.cases + other.cases,
            self.controls + other.controls,
            self.loss + other.loss,
            self.gradient + other.gradient,
            self.hessian + other.hessian,
        )


@dataclass(frozen=True)
class NewtonFit:
    """Coefficients at which penalised losses are least."""

    coefficients: np.ndarray
    """Shape (n_fits, n_coefficients)."""
    cases: np.ndarray
    """Rows counted as cases, shape (n_fits,)."""
    controls: np.ndarray
    """Rows counted as controls, shape (n_fits,)."""
    n_iter: int
    """Passes over the rows."""
    converged: bool

    def log_ratios(self, block: np.ndarray | CompactRows) -> np.ndarray:
        """Log density ratios of cases to controls by each fit, shape (n_rows, n_fits), float64.

        They are the log odds less those of the design: how many cases and controls there were.
        """
        ratios = np.empty((len(block), len(self.coefficients)))
        room = np.empty((_TILE, self.coefficients.shape[1]))
        for start in range(0, len(block), _TILE):
            at = np.arange(start, min(start + _TILE, len(block)))
            ratios[at] = _design(block, at, room.shape[1], room) @ self.coefficients.T
        return np.asarray(ratios - np.log(self.cases / self.controls))


def newton(
    sums_at: Callable[[np.ndarray, bool], LogisticSums],
    start: np.ndarray,
    penalty: np.ndarray,
    *,
    tol: float = 1e-4,
    max_iter: int = 100,
) -> NewtonFit:
    """Minimise losses with a ridge penalty by Newton's method, all fits in the same passes.

    Once a step is below one standard error, its Hessian serves for further steps as long as each is
    ten times shorter than the one before (Kelley 2003, "Solving Nonlinear Equations with Newton's
    Method", section 1.5: the chord method). A step that makes a loss larger is halved. The
    coefficients are rounded in the end (see _BITS), so that they do not depend on the order in
    which sums were added.

    Parameters
    ----------
    sums_at : from coefficients, and whether Hessians are wanted, to the sums over all rows
    start : shape (n_fits, n_coefficients)
    penalty : factor of half the square of each coefficient, of the shape of `start`
    tol : Newton's decrement, which is the length of the step in standard errors, at which a fit is
        done after that step (Boyd and Vandenberghe 2004, "Convex Optimization", section 9.5)
    """
    coefficients, before = start.astype(np.float64), start.astype(np.float64)
    least, length = np.full(len(start), np.inf), np.full(len(start), np.inf)
    hessian = np.empty((*start.shape, start.shape[1]))
    passes, done, curved = 0, False, True
    while not done and passes < max_iter:
        sums = sums_at(coefficients, curved)
        hessian = sums.hessian if curved else hessian
        passes, done, curved = passes + 1, True, False
        coefficients, at = coefficients.copy(), coefficients
        for fit, theta in enumerate(at):
            loss = float(sums.loss[fit] + 0.5 * penalty[fit] @ theta**2)
            if loss > least[fit] + _ROUNDING * abs(least[fit]):
                coefficients[fit], done, curved = (theta + before[fit]) / 2, False, True
                continue
            slope = sums.gradient[fit] + penalty[fit] * theta
            step = _solve(hessian[fit] + np.diag(penalty[fit]), slope)
            before[fit], least[fit], coefficients[fit] = theta, loss, theta - step
            now = float(np.sqrt(max(slope @ step, 0.0)))
            done &= now <= tol
            curved |= now > tol and now > min(1.0, length[fit] / 10)
            length[fit] = now
    rounded = _rounded(coefficients, hessian, sums.cases + sums.controls)
    return NewtonFit(rounded, sums.cases, sums.controls, passes, done)


def choose_penalty(
    block: np.ndarray,
    cases: np.ndarray,
    controls: np.ndarray,
    folds: np.ndarray,
    penalties: Sequence[float],
) -> tuple[float, np.ndarray]:
    """Choose the ridge penalty with the least loss on rows that were left out in turn.

    The fit without a fold is one Newton step from that to all rows, for which one pass has all that
    is needed (Pregibon 1981, "Logistic regression diagnostics", Annals of Statistics 9, 705-724).

    Parameters
    ----------
    block : features scaled alike, shape (n_rows, n_features)
    folds : the fold of each row, shape (n_rows,)
    penalties : to choose from

    Returns
    -------
    penalty, coefficients : the one chosen, and the coefficients of a fit with it to all rows,
        shape (n_features + 1,), the intercept last
    """
    order = sorted(penalties, reverse=True)
    path = [np.zeros((1, block.shape[1] + 1))]
    losses = []

    def sums_at(coefficients: np.ndarray, curved: bool) -> LogisticSums:
        return LogisticSums.from_block(block, cases, controls, coefficients, curved=curved)

    for value in order:
        penalty = ridge(value, block.shape[1] + 1)
        path.append(newton(sums_at, path[-1], penalty[None], tol=1.0).coefficients)
        (theta,) = path[-1]
        masks = np.stack([folds == fold for fold in np.unique(folds)])
        repeated = np.repeat(path[-1], len(masks), axis=0)
        sums = LogisticSums.from_block(block, cases, controls, repeated, masks)
        slopes = sums.gradient.sum(axis=0) - sums.gradient + penalty * theta
        curvatures = sums.hessian.sum(axis=0) - sums.hessian + np.diag(penalty)
        losses.append(0.0)
        for out, slope, curvature in zip(masks, slopes, curvatures, strict=True):
            design = _design(block, np.flatnonzero(out), len(theta))
            losses[-1] += _loss(
                design @ (theta - _solve(curvature, slope)), cases[out] * 1.0, controls[out] * 1.0
            )
    # The first of equals, the largest penalty: it claims least.
    best = int(np.argmin(losses))
    return order[best], path[best + 1][0]


def _loss(logit: np.ndarray, cases: np.ndarray, controls: np.ndarray) -> float:
    """Minus the log-likelihood of rows with these log odds."""
    return float((cases + controls) @ np.logaddexp(0, logit) - cases @ logit)


def ridge(penalty: float, width: int) -> np.ndarray:
    """Penalty of each coefficient, shape (width,); the intercept, which is last, has none."""
    return np.append(np.full(width - 1, penalty), 0.0)


def _design(
    block: np.ndarray | CompactRows, rows: np.ndarray, width: int, room: np.ndarray | None = None
) -> np.ndarray:
    """Return rows in float64, with a column of ones if an intercept belongs to them.

    Parameters
    ----------
    room : memory to return them in, of `width` columns and as many rows or more
    """
    design = np.empty((len(rows), width)) if room is None else room[: len(rows)]
    if isinstance(block, CompactRows):
        n_features = len(block.mean)
        block.unpack(rows, design)
    else:
        n_features = block.shape[1]
        design[:, :n_features] = block[rows]
    design[:, n_features:] = 1
    return design


def _solve(hessian: np.ndarray, slope: np.ndarray) -> np.ndarray:
    """Step to the least value of a quadratic; the shortest one where there are several."""
    try:
        return np.asarray(cho_solve(cho_factor(hessian), slope))
    except np.linalg.LinAlgError:
        return np.asarray(np.linalg.lstsq(hessian, slope, rcond=None)[0])


def _rounded(coefficients: np.ndarray, hessian: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Round the coefficients to a power of two near 2^-_BITS of a standard deviation."""
    curvature = np.diagonal(hessian, axis1=1, axis2=2) / np.maximum(rows, 1)[:, None]
    unit = 1 / np.sqrt(np.where(curvature > 0, curvature, 1.0))
    grid = 2.0 ** (np.floor(np.log2(unit)) - _BITS)
    # Plus 0, as what is rounded to -0 has other bits.
    return np.asarray(np.rint(coefficients / grid) * grid + 0.0)


class LogisticRegression(ClassifierMixin, dask_ml.linear_model.LogisticRegression):  # type: ignore[misc]
    """Logistic regression with a ridge penalty: dask-ml's LogisticRegression, exact.

    The coefficients are those of scikit-learn's LogisticRegression with the same C: the intercept
    is not penalised. Each pass over the rows is a sum over blocks in block order.

    Parameters
    ----------
    C : inverse of the penalty: the loss of all rows + ``|coef|² / 2C`` is least
    tol : length of the last step in standard errors
    fit_intercept : whether there is an intercept
    max_iter : passes at most
    penalty : "l2"
    solver : as dask-ml has them; the result is the exact one whatever it is
    dual, intercept_scaling, class_weight, random_state, multi_class, verbose, warm_start, n_jobs, \
solver_kwargs : without effect, as with dask-ml

    Attributes
    ----------
    coef_ : shape (n_features,)
    intercept_ : float
    classes_ : the two classes in order; the probability is that of the second
    n_iter_ : passes over the rows
    converged_ : whether the last step was within `tol`
    """

    def fit(self, X: Any, y: Any = None) -> Self:
        """Fit to `X`, shape (n_rows, n_features), and its classes `y`, shape (n_rows,).

        Raises
        ------
        ValueError
            If a value is not finite, a parameter nonsense, or there are not two classes.
        """
        self._check_parameters()
        X = check_rows(self, X, reset=True)
        labels, self.classes_ = _labels(self, y, len(X))
        width = X.shape[1] + bool(self.fit_intercept)
        penalty = ridge(1 / self.C, width) if self.fit_intercept else np.full(width, 1 / self.C)
        chunks = X.chunks[0] if isinstance(X, da.Array) else (len(X),)
        blocks = list(zip(row_blocks(X), row_blocks(labels.rechunk((chunks,))), strict=True))

        def sums_at(coefficients: np.ndarray, curved: bool) -> LogisticSums:
            case = self.classes_[1]
            sums = [delayed(_block_sums)(*block, case, coefficients, curved) for block in blocks]
            (total,) = dask.compute(add_up(sums))
            if not np.isfinite(total.gradient).all():
                raise RowsError("Input X contains NaN or infinity. Fill in or leave out such rows.")
            return total  # type: ignore[no-any-return]

        fit = newton(
            sums_at, np.zeros((1, width)), penalty[None], tol=self.tol, max_iter=self.max_iter
        )
        (self._coef,) = fit.coefficients
        self.coef_ = self._coef[: X.shape[1]]
        self.intercept_ = float(self._coef[-1]) if self.fit_intercept else 0.0
        self.n_iter_, self.converged_ = fit.n_iter, fit.converged
        return self

    def decision_function(self, X: Any) -> Any:
        """Log odds of the second class, shape (n_rows,); lazily for a Dask array."""
        check_is_fitted(self, "coef_")
        return check_rows(self, X) @ self.coef_ + self.intercept_

    def predict_proba(self, X: Any) -> Any:
        """Probabilities of both classes, shape (n_rows, 2); lazily for a Dask array."""
        logit = self.decision_function(X)
        if isinstance(logit, da.Array):
            return da.stack([da.map_blocks(expit, -logit), da.map_blocks(expit, logit)], axis=1)
        return np.stack([expit(-logit), expit(logit)], axis=1)

    def predict(self, X: Any) -> Any:
        """The likelier class of each row, shape (n_rows,); lazily for a Dask array."""
        second = self.decision_function(X) > 0
        if isinstance(second, da.Array):
            return second.map_blocks(_choose, self.classes_, dtype=self.classes_.dtype)
        return _choose(second, self.classes_)

    def _check_parameters(self) -> None:
        check_choice("penalty", self.penalty, ("l2",))
        check_choice("solver", self.solver, _SOLVERS)
        check_at_least("max_iter", self.max_iter, 1)
        check_at_least("tol", self.tol, 0, Real)
        check_at_least("C", self.C, 0, Real)
        if not self.C:
            raise ParameterError("C = 0 leaves no coefficient. Choose one above 0.")

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = tags.input_tags.allow_nan = tags.array_api_support = False
        tags.classifier_tags.multi_class = False
        return tags


def _labels(estimator: Any, y: Any, n_rows: int) -> tuple[da.Array, np.ndarray]:
    """Return the class of each row, lazily, and the two classes in order."""
    if y is None:
        raise RowsError(
            f"{type(estimator).__name__} requires y to be passed, but the target y is None."
        )
    if hasattr(y, "to_dask_array"):
        y = y.to_dask_array(lengths=True)
    if not isinstance(y, da.Array):
        y = column_or_1d(y, warn=True)
        check_classification_targets(y)
        y = da.from_array(y, chunks=len(y) or 1)
    if len(y) != n_rows:
        raise RowsError(
            f"Found input variables with inconsistent numbers of samples: {[n_rows, len(y)]}"
        )
    classes = np.asarray(da.unique(y).compute())
    if len(classes) > 2:
        raise RowsError(
            f"Only binary classification is supported. The type of the target is multiclass, with "
            f"{len(classes)} classes."
        )
    if len(classes) < 2:
        raise RowsError("Classifier can't train when only one class is present: y needs two.")
    return y, classes


def _block_sums(
    block: np.ndarray, labels: np.ndarray, case: Any, coefficients: np.ndarray, curved: bool
) -> LogisticSums:
    cases = labels == case
    # Values that are not finite are told of once, by their sum.
    with np.errstate(invalid="ignore"):
        return LogisticSums.from_block(block, cases, ~cases, coefficients, curved=curved)


def _choose(second: np.ndarray, classes: np.ndarray) -> np.ndarray:
    return np.asarray(classes[second.astype(np.intp)])
