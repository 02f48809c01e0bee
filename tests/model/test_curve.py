"""Calibration curves against a planted bend and scikit-learn's logistic regression."""

import numpy as np
import pytest
import sklearn.linear_model

from segment_lib.model.curve import Curve

SCORES = np.arange(-300, 301) / 100


def counts(true: np.ndarray, rows: int = 2_000_000) -> tuple[np.ndarray, np.ndarray]:
    """Cases and controls of each score if its density ratio is exp(true)."""
    controls = rows * np.exp(-(SCORES**2) / 2) / np.exp(-(SCORES**2) / 2).sum()
    return np.rint(controls * np.exp(true) / 5), np.rint(controls)


def test_a_bend_is_found() -> None:
    bent = 0.5 * SCORES + np.maximum(SCORES, 0) - 0.8
    cases, controls = counts(bent)
    scale = np.log(cases.sum() / controls.sum()) - np.log(1 / 5)
    curve = Curve.fit(SCORES, cases, controls)
    middle = np.abs(SCORES) < 2
    np.testing.assert_allclose(curve(SCORES)[middle], (bent - scale)[middle], atol=0.08)


def test_the_average_ratio_of_controls_is_one() -> None:
    cases, controls = counts(1.2 * SCORES - 0.7)
    ratio = np.exp(Curve.fit(SCORES, cases, controls)(SCORES))
    assert (ratio * controls).sum() / controls.sum() == pytest.approx(1, abs=0.01)


def test_it_is_straight_beyond_the_outer_knots() -> None:
    curve = Curve.fit(SCORES, *counts(SCORES + 0.1 * SCORES**2 - 0.7))
    assert len(curve.knots) == 5
    assert np.abs(curve.bends).max() > 0
    for far in (np.linspace(-20, -10, 5), np.linspace(10, 20, 5)):
        np.testing.assert_allclose(np.diff(curve(far), 2), 0, atol=1e-6)


def test_a_straight_one_is_that_of_scikit_learn() -> None:
    """Of two scores alone there is no bend to be had."""
    scores, cases, controls = np.array([-1.0, 1.0]), np.array([20, 60]), np.array([70, 50])
    curve = Curve.fit(scores, cases, controls)
    y = np.repeat([1, 1, 0, 0], [*cases, *controls])
    X = np.repeat([*scores, *scores], [*cases, *controls])[:, None]
    model = sklearn.linear_model.LogisticRegression(C=100, tol=1e-10).fit(X, y)
    assert curve.line[1] == pytest.approx(model.coef_[0, 0], abs=1e-4)
    assert curve.line[0] == pytest.approx(model.intercept_[0] - np.log(80 / 120), abs=1e-4)
    assert not curve.bends.size


def test_scores_that_tell_nothing_or_the_contrary_get_a_flat_line() -> None:
    curve = Curve.fit(SCORES, *counts(-SCORES))
    assert curve(SCORES).tolist() == [0] * len(SCORES)
