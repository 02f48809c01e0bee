"""What estimators refuse and accept: as scikit-learn's do, with numbers from scikit-learn's."""

import dask.array as da
import dask.dataframe as dd
import numpy as np
import pandas as pd
import pytest
import sklearn.cluster
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline

from segment_lib.model import IncrementalPCA, KMeans, StandardScaler

ALL = [StandardScaler(), IncrementalPCA(2), KMeans(3)]
each = pytest.mark.parametrize("estimator", ALL, ids=lambda estimator: type(estimator).__name__)


def people(n: int = 300, dtype: type = np.float64) -> np.ndarray:
    """Three groups far apart."""
    random = np.random.default_rng(0)
    X = random.normal(size=(n, 4)) * [1, 2, 0.5, 1] + [5, 0, 1, 0]
    X += np.repeat([0, 20, 40], n // 3)[:, None]
    return random.permutation(X).astype(dtype)


def lazy(X: np.ndarray, chunks: int = 70) -> da.Array:
    return da.from_array(X, chunks=(chunks, X.shape[1]))


def applied(estimator, X):
    return estimator.predict(X) if isinstance(estimator, KMeans) else estimator.transform(X)


@each
def test_nobody_is_told_anything_before_the_fit(estimator):
    for X in (people(), lazy(people())):
        with pytest.raises(NotFittedError):
            applied(clone(estimator), X)


@each
@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("make", [np.asarray, lazy])
def test_values_that_are_not_finite_are_refused_in_fit(estimator, value, make):
    X = people()
    X[7, 2] = value
    with np.errstate(invalid="ignore"), pytest.raises(ValueError, match=r"NaN|infinity|inf"):
        clone(estimator).fit(make(X))


@each
@pytest.mark.parametrize("make", [np.asarray, lazy])
def test_values_that_are_not_finite_are_refused_when_applied(estimator, make):
    fitted, X = clone(estimator).fit(people()), people()
    X[250, 1] = np.nan
    with pytest.raises(ValueError, match="NaN"):
        np.asarray(applied(fitted, make(X)))


@each
@pytest.mark.parametrize("make", [np.asarray, lazy])
def test_another_number_of_columns_is_refused(estimator, make):
    fitted = clone(estimator).fit(people())
    with pytest.raises(ValueError, match=r"3 features, but .* is expecting 4"):
        applied(fitted, make(people()[:, :3]))


@each
@pytest.mark.parametrize(
    ("X", "what"),
    [
        (da.ones(20, chunks=10), "2D array"),
        (da.ones((20, 4), chunks=10).astype(complex), "complex"),
        (lazy(people())[lazy(people())[:, 0] > 5], "compute_chunk_sizes"),
        (da.ones((0, 4)), "required"),
    ],
)
def test_arrays_that_cannot_be_fitted_are_refused_in_words(estimator, X, what):
    with pytest.raises(ValueError, match=what):
        clone(estimator).fit(X)


@each
def test_weights_are_refused_in_words(estimator):
    with pytest.raises(TypeError, match="does not support sample_weight: every row counts once"):
        clone(estimator).fit(people(), sample_weight=np.ones(300))
    clone(estimator).fit(people(), sample_weight=None)


@each
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_numpy_and_dask_rows_give_the_same_in_their_own_type(estimator, dtype):
    X = people(dtype=dtype)
    local, blocks = clone(estimator).fit(X), clone(estimator).fit(lazy(X))
    from_numpy, from_dask = applied(local, X), applied(blocks, lazy(X))
    assert isinstance(from_numpy, np.ndarray)
    assert isinstance(from_dask, da.Array)
    np.testing.assert_allclose(from_dask.compute(), from_numpy, atol=1e-4)
    assert (
        from_numpy.dtype
        == from_dask.dtype
        == (np.int32 if isinstance(estimator, KMeans) else dtype)
    )


@each
def test_frames_and_whole_numbers_and_empty_blocks_are_taken(estimator):
    X = (people() * 10).astype(np.int64)
    expected = applied(clone(estimator).fit(X.astype(np.float64)), X)
    frame = pd.DataFrame(X, columns=list("abcd"))
    holes = da.concatenate([lazy(X)[:0], lazy(X)])
    for rows in (X, frame, dd.from_pandas(frame, npartitions=3), lazy(X), holes):
        result = applied(clone(estimator).fit(rows), rows)
        np.testing.assert_allclose(np.asarray(result), expected, atol=1e-4)


@pytest.mark.parametrize(
    ("parameters", "what"),
    [
        ({"init": "nonsense"}, "nonsense"),
        ({"init": "random"}, "none of k-means"),
        ({"init": 7}, "shape"),
        ({"init": np.zeros((2, 4))}, "shape"),
        ({"init": np.zeros((3, 5))}, "shape"),
        ({"init": np.full((3, 4), np.nan)}, "finite"),
        ({"init": np.full((3, 4), "a")}, "finite"),
        ({"n_clusters": 0}, "n_clusters"),
        ({"n_clusters": 2.5}, "n_clusters"),
        ({"n_clusters": 301}, "301 clusters of 300 rows"),
        ({"n_init": 0}, "n_init"),
        ({"max_iter": 0}, "max_iter"),
        ({"tol": "small"}, "tol"),
        ({"random_state": "seed"}, "seed"),
    ],
)
def test_nonsense_parameters_of_kmeans_are_refused(parameters, what):
    with pytest.raises(ValueError, match=what):
        KMeans(**{"n_clusters": 3, **parameters}).fit(people())


@pytest.mark.parametrize(
    ("parameters", "what"),
    [
        ({"n_components": 0}, "n_components"),
        ({"n_components": -1}, "n_components"),
        ({"n_components": 2.5}, "n_components"),
        ({"n_components": "mle"}, "n_components"),
        ({"n_components": 5}, "of 4 features"),
        ({"min_components": 0}, "min_components"),
        ({"svd_solver": "arpack"}, "svd_solver"),
    ],
)
def test_nonsense_parameters_of_pca_are_refused(parameters, what):
    with pytest.raises(ValueError, match=what):
        IncrementalPCA(**parameters).fit(people())


def test_moments_of_other_rows_are_refused():
    scaler = StandardScaler().fit(people())
    with pytest.raises(ValueError, match="not those of rows of shape"):
        IncrementalPCA().fit(people()[:100], moments=scaler.scaled_moments())


@pytest.mark.parametrize("random_state", [None, 3, np.int64(3), np.random.RandomState(3)])
def test_any_random_state_of_scikit_learn_is_taken(random_state):
    X = people()
    expected = sklearn.cluster.KMeans(3, n_init=4, random_state=0).fit(X).inertia_
    assert KMeans(3, random_state=random_state).fit(X).inertia_ == pytest.approx(expected, rel=1e-5)


def test_a_random_state_is_drawn_from_and_none_differs_each_time():
    X = np.random.default_rng(0).normal(size=(500, 5))
    state = np.random.RandomState(0)
    for random_state in (state, None):
        centers = {
            KMeans(9, n_init=1, random_state=random_state).fit(X).cluster_centers_.tobytes()
            for _ in range(4)
        }
        assert len(centers) > 1


def test_fit_predict_labels_and_score_are_those_of_scikit_learn():
    X = people()
    ours, theirs = KMeans(3, init=X[:3]), sklearn.cluster.KMeans(3, init=X[:3], n_init=1)
    np.testing.assert_array_equal(ours.fit_predict(X), theirs.fit_predict(X))
    assert ours.score(X[:50]) == pytest.approx(theirs.score(X[:50]), rel=1e-5)
    assert ours.score(lazy(X)) == pytest.approx(theirs.score(X), rel=1e-5)
    np.testing.assert_allclose(ours.transform(X), theirs.transform(X), atol=1e-4)


def test_distances_to_the_own_centre_are_the_least_of_all():
    X = people()
    model = KMeans(3).fit(X)
    for rows in (X, lazy(X)):
        labels, distances = model.predict(rows, return_distance=True)
        np.testing.assert_array_equal(labels, model.predict(X))
        np.testing.assert_allclose(distances, model.transform(X).min(axis=1), rtol=1e-4)


@pytest.mark.parametrize("make", [np.asarray, lazy])
def test_the_three_work_in_a_pipeline_of_scikit_learn(make):
    X = people()
    pipeline = make_pipeline(StandardScaler(), IncrementalPCA(2), KMeans(3, random_state=0))
    labels = np.asarray(pipeline.fit(make(X)).predict(make(X)))
    planted = np.digitize(X.mean(axis=1), [11, 31])
    pairs = set(zip(labels.tolist(), planted.tolist(), strict=True))
    assert len(pairs) == 3
    assert pipeline.score(make(X)) == pytest.approx(-pipeline[-1].inertia_, rel=1e-5)


def test_models_of_a_sweep_differ_in_their_number_of_clusters_alone():
    Z = lazy(people(dtype=np.float32))
    for models in ([KMeans(2), KMeans(2)], [KMeans(2), KMeans(3, max_iter=9)]):
        with pytest.raises(ValueError, match="differ in n_clusters"):
            KMeans.fit_sweep(models, Z)
