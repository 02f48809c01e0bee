"""The fitted model: learned once, applied unchanged."""

import dask.array as da
import numpy as np
import pytest
import sklearn.cluster
import sklearn.decomposition
import sklearn.preprocessing

from segment_lib.errors import IntegrityError
from segment_lib.model import FittedModel, IncrementalPCA, Projection, StandardScaler


def people(n: int = 500, seed: int = 0) -> np.ndarray:
    random = np.random.default_rng(seed)
    mixing = random.normal(size=(5, 5)) * [1, 10, 100, 1000, 0.1]
    return (random.normal(size=(n, 5)) @ mixing + [0, 50, 1960, 2e5, 1]).astype(np.float32)


def project(X: np.ndarray, n_components: int = 3) -> Projection:
    scaler = StandardScaler().fit(da.from_array(X, chunks=(100, 5)))
    pca = IncrementalPCA(n_components).fit(scaler.transform(X), moments=scaler.scaled_moments())
    return Projection(scaler, pca)


def test_scores_are_those_of_scikit_learns_scaler_and_pca():
    X = people()
    ours = project(X)
    scaled = sklearn.preprocessing.StandardScaler().fit_transform(X.astype(np.float64))
    theirs = sklearn.decomposition.PCA(3, svd_solver="full").fit(scaled)
    signs = np.sign((ours.pca.components_ * theirs.components_).sum(axis=1))
    np.testing.assert_allclose(ours.transform(X), theirs.transform(scaled) * signs, atol=2e-3)
    np.testing.assert_allclose(
        ours.pca.explained_variance_ratio_, theirs.explained_variance_ratio_, rtol=1e-6
    )


def test_scores_are_those_of_the_two_estimators_one_after_the_other():
    X = people()
    projection = project(X)
    apart = projection.pca.transform(projection.scaler.transform(X))
    np.testing.assert_allclose(projection.transform(X), apart, atol=1e-3)


def test_scores_of_blocks_are_lazy_and_those_of_rows_in_memory():
    X = people()
    projection = project(X)
    scores = projection.transform(da.from_array(X, chunks=(130, 5)))
    assert (scores.chunks, scores.dtype) == (((130, 130, 130, 110), (3,)), np.float32)
    np.testing.assert_allclose(scores.compute(), projection.transform(X), atol=1e-5)


def test_no_rows_have_no_scores():
    X = people()
    assert project(X).transform(X[:0]).shape == (0, 3)


def test_a_constant_feature_changes_no_score():
    X = people()
    with_constant = X.copy()
    with_constant[:, 4] = 7
    projection = project(with_constant)
    changed = with_constant.copy()
    changed[:, 4] = 9
    np.testing.assert_allclose(
        projection.transform(changed), projection.transform(with_constant), atol=1e-4
    )


def test_a_projection_comes_back_from_its_arrays_as_it_was():
    projection = project(people())
    restored = Projection.from_arrays(projection.arrays())
    np.testing.assert_array_equal(restored.transform(people()), projection.transform(people()))


def test_the_arrays_have_the_names_of_the_files_page():
    assert set(project(people()).arrays()) == {
        "mean",
        "variance",
        "scale",
        "components",
        "explained_variance_ratio",
    }


@pytest.mark.parametrize(
    ("name", "array"),
    [("scale", np.ones(4)), ("components", np.ones((3, 4))), ("mean", np.zeros(6))],
)
def test_arrays_that_do_not_fit_together_are_not_believed(name, array):
    with pytest.raises(IntegrityError, match="do not fit together"):
        Projection.from_arrays({**project(people()).arrays(), name: array})


@pytest.mark.parametrize(
    "name", ["mean", "variance", "scale", "components", "explained_variance_ratio"]
)
def test_a_model_that_lacks_an_array_is_not_believed(name):
    arrays = project(people()).arrays()
    del arrays[name]
    with pytest.raises(IntegrityError):
        Projection.from_arrays(arrays)


def model_of(projection, centers):
    return FittedModel.from_arrays({**projection.arrays(), "cluster_centers": centers})


def test_segments_have_the_numbers_a_refresh_gave_them():
    X = people()
    projection = project(X)
    arrays = {**projection.arrays(), "cluster_centers": projection.transform(X[:3])}
    places = FittedModel.from_arrays(arrays).predict(X)
    numbers = FittedModel.from_arrays(
        arrays | {"segment_ids": np.array([4, 0, 9], dtype=np.int32)}
    ).predict(X)
    np.testing.assert_array_equal(numbers, np.array([4, 0, 9])[places])


def test_rows_are_assigned_as_by_scikit_learn():
    X = people()
    projection = project(X)
    theirs = sklearn.cluster.KMeans(4, n_init=1, random_state=0).fit(projection.transform(X))
    labels, distances = model_of(projection, theirs.cluster_centers_).predict(
        X, return_distance=True
    )
    np.testing.assert_array_equal(labels, theirs.labels_)
    assert (distances.astype(np.float64) ** 2).sum() == pytest.approx(theirs.inertia_, rel=1e-5)


def test_an_assignment_does_not_depend_on_the_rows_around():
    X = people()
    projection = project(X)
    model = model_of(projection, projection.transform(X[:4]))
    alone = np.concatenate([model.predict(X[i : i + 1]) for i in range(50)])
    np.testing.assert_array_equal(alone, model.predict(X)[:50])


def test_customers_change_nothing_that_was_learned():
    X = people()
    projection = project(X)
    before = {name: array.copy() for name, array in projection.arrays().items()}
    model_of(projection, projection.transform(X[:4])).predict(people(seed=1) * 3)
    for name, array in projection.arrays().items():
        np.testing.assert_array_equal(array, before[name])


def test_the_callers_array_stays_as_it_is():
    X = people()
    before = X.copy()
    project(X).transform(X)
    np.testing.assert_array_equal(X, before)
