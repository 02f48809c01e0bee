"""Logistic regression against scikit-learn's, and the same bits for any blocks and threads."""

import dask
import dask.array as da
import numpy as np
import pytest
import sklearn.linear_model
from sklearn.model_selection import PredefinedSplit, cross_val_score
from threadpoolctl import threadpool_limits

from segment_lib.errors import ParameterError, RowsError
from segment_lib.model import LogisticRegression, LogisticSums, choose_penalty, newton, ridge

N, P = 6_000, 12


@pytest.fixture(scope="module")
def people() -> tuple[np.ndarray, np.ndarray]:
    """Standardised features, two of them each other's complement and one rare, and classes."""
    draw = np.random.default_rng(4)
    X = draw.normal(size=(N, P))
    X[:, 3] = draw.random(N) < 0.01
    X[:, 4] = draw.random(N) < 0.4
    X[:, 5] = 1 - X[:, 4]
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    chance = 1 / (1 + np.exp(2 - X @ draw.normal(size=P)))
    return X.astype(np.float32), draw.random(N) < chance


def theirs(X: np.ndarray, y: np.ndarray, C: float, **kwargs: bool) -> np.ndarray:
    model = sklearn.linear_model.LogisticRegression(
        C=C, solver="newton-cholesky", tol=1e-12, max_iter=1000, **kwargs
    ).fit(X.astype(np.float64), y)
    return np.append(model.coef_[0], model.intercept_)


@pytest.mark.parametrize("C", [100.0, 1.0, 0.01, 1e-4])
def test_coefficients_are_those_of_scikit_learn(people: tuple[np.ndarray, np.ndarray], C: float):
    X, y = people
    model = LogisticRegression(C=C).fit(da.from_array(X, chunks=(1_000, P)), y)
    assert model.converged_
    ours = np.append(model.coef_, model.intercept_)
    np.testing.assert_allclose(ours, theirs(X, y, C), rtol=0, atol=1e-5)


def test_without_an_intercept_too(people: tuple[np.ndarray, np.ndarray]):
    X, y = people
    model = LogisticRegression(C=0.1, fit_intercept=False).fit(X, y)
    expected = theirs(X, y, 0.1, fit_intercept=False)
    np.testing.assert_allclose(np.append(model.coef_, 0.0), expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("rows", [N, 3_000, 997, 100])
@pytest.mark.parametrize("threads", [1, 2, 4])
def test_any_blocks_and_threads_give_the_same_bits(
    people: tuple[np.ndarray, np.ndarray], rows: int, threads: int
):
    X, y = people
    with threadpool_limits(1):
        whole = LogisticRegression(C=0.1).fit(X, y)
        with dask.config.set(scheduler="threads", num_workers=threads):
            model = LogisticRegression(C=0.1).fit(da.from_array(X, chunks=(rows, P)), y)
    assert model.coef_.tobytes() == whole.coef_.tobytes()
    assert model.intercept_ == whole.intercept_


def test_lazy_rows_get_lazy_answers_that_are_those_of_arrays(
    people: tuple[np.ndarray, np.ndarray],
):
    X, y = people
    lazy = da.from_array(X, chunks=(1_000, P))
    classes = np.array(["no", "yes"])[y.astype(int)]
    model = LogisticRegression().fit(lazy, classes)
    assert model.classes_.tolist() == ["no", "yes"]
    for name in ("decision_function", "predict_proba", "predict"):
        answers = getattr(model, name)(lazy)
        assert isinstance(answers, da.Array)
        expected = getattr(model, name)(X)
        assert answers.compute().dtype == expected.dtype
        if name == "predict":
            assert (answers.compute() == expected).all()
        else:
            np.testing.assert_allclose(answers.compute(), expected, rtol=1e-6)
    assert model.predict_proba(X).sum(axis=1) == pytest.approx(1)
    assert model.score(X, classes) > 0.8


def test_several_fits_in_the_same_passes_are_those_of_each_alone(
    people: tuple[np.ndarray, np.ndarray],
):
    X, y = people
    first = np.arange(N) % 3 == 0
    members = np.stack([first, ~first])
    penalty = np.stack([ridge(value, P + 1) for value in (1.0, 50.0)])

    def sums_at(coefficients: np.ndarray, curved: bool) -> LogisticSums:
        return LogisticSums.from_block(X, y, ~y, coefficients, members, curved=curved)

    fit = newton(sums_at, np.zeros((2, P + 1)), penalty)
    assert fit.cases.tolist() == [y[first].sum(), y[~first].sum()]
    for half, C, ours in zip(members, (1.0, 1 / 50), fit.coefficients, strict=True):
        np.testing.assert_allclose(ours, theirs(X[half], y[half], C), rtol=0, atol=1e-5)


def test_a_start_far_off_comes_back(people: tuple[np.ndarray, np.ndarray]):
    X, y = people

    def sums_at(coefficients: np.ndarray, curved: bool) -> LogisticSums:
        return LogisticSums.from_block(X, y, ~y, coefficients, curved=curved)

    fit = newton(sums_at, np.full((1, P + 1), 5.0), ridge(1.0, P + 1)[None])
    np.testing.assert_allclose(fit.coefficients[0], theirs(X, y, 1.0), rtol=0, atol=1e-5)


def test_rows_that_count_as_both_count_twice(people: tuple[np.ndarray, np.ndarray]):
    """A customer is also one of the population: the same as two rows."""
    X, y = people
    theta = np.full((1, P + 1), 0.1)
    as_both = LogisticSums.from_block(X, y, np.ones(N, dtype=bool), theta)
    twice = np.concatenate([X, X[y]])
    cases = np.arange(len(twice)) >= N
    apart = LogisticSums.from_block(twice, cases, ~cases, theta)
    assert as_both.loss == pytest.approx(apart.loss)
    np.testing.assert_allclose(as_both.hessian, apart.hessian, rtol=1e-6, atol=1e-9)


def test_the_penalty_chosen_is_that_of_a_cross_validation_by_scikit_learn():
    """Few customers, many features, most of which tell nothing: little is to be believed."""
    draw = np.random.default_rng(8)
    X = draw.normal(size=(1_500, 60))
    y = draw.random(1_500) < 1 / (1 + np.exp(3 - X[:, 0]))
    folds = np.arange(1_500) % 5
    penalties = (1.0, 10.0, 100.0, 1000.0)
    chosen, theta = choose_penalty(X, y, ~y, folds, penalties)
    losses = {
        penalty: -cross_val_score(
            sklearn.linear_model.LogisticRegression(C=1 / penalty, max_iter=1000),
            X, y, cv=PredefinedSplit(folds), scoring="neg_log_loss",
        ).mean()
        for penalty in penalties
    }  # fmt: skip
    assert chosen == min(losses, key=losses.__getitem__)
    assert chosen > 1
    np.testing.assert_allclose(theta, theirs(X, y, 1 / chosen), rtol=0, atol=1e-2)


@pytest.mark.parametrize(
    "parameters", [{"C": 0}, {"C": "1"}, {"penalty": "l1"}, {"max_iter": 0}, {"solver": "sag"}]
)
def test_nonsense_is_refused(people: tuple[np.ndarray, np.ndarray], parameters: dict[str, object]):
    with pytest.raises(ParameterError):
        LogisticRegression(**parameters).fit(*people)


def test_classes_that_are_not_two_and_values_that_are_no_numbers_are_refused(
    people: tuple[np.ndarray, np.ndarray],
):
    X, _ = people
    for y in (np.zeros(N), np.arange(N) % 3):
        with pytest.raises(RowsError, match="class"):
            LogisticRegression().fit(X, y)
    broken = X.copy()
    broken[5, 2] = np.nan
    with pytest.raises(RowsError, match="NaN"):
        LogisticRegression().fit(da.from_array(broken, chunks=(1_000, P)), np.arange(N) % 2)
