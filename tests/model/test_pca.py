"""Principal components, against scikit-learn's exact PCA."""

from itertools import pairwise

import dask.array as da
import numpy as np
import pytest
import sklearn.decomposition
from hypothesis import given, settings
from hypothesis import strategies as st

from segment_lib.errors import ConfigError
from segment_lib.model import IncrementalPCA


def people(n: int = 600, seed: int = 0) -> np.ndarray:
    """Six correlated features off the origin."""
    random = np.random.default_rng(seed)
    mixing = random.normal(size=(6, 6)) * np.array([5, 3, 2, 1, 0.5, 0.1])[:, None]
    return (random.normal(size=(n, 6)) @ mixing + 3).astype(np.float32)


def lazy(X: np.ndarray, chunks: int = 100) -> da.Array:
    return da.from_array(X, chunks=(chunks, X.shape[1]))


def exact(X: np.ndarray, n_components=None) -> sklearn.decomposition.PCA:
    return sklearn.decomposition.PCA(n_components, svd_solver="full").fit(X.astype(np.float64))


def same_axes(ours: np.ndarray, theirs: np.ndarray, atol: float = 1e-6) -> None:
    signs = np.sign((ours * theirs).sum(axis=1))[:, None]
    np.testing.assert_allclose(ours * signs, theirs, atol=atol)


@pytest.mark.parametrize("n_components", [1, 3, 6, None, 0.5, 0.85, 0.999])
@pytest.mark.parametrize("chunks", [600, 97])
def test_components_and_variances_are_those_of_scikit_learn(n_components, chunks):
    X = people()
    ours, theirs = IncrementalPCA(n_components).fit(lazy(X, chunks)), exact(X, n_components)
    assert ours.n_components_ == theirs.n_components_
    for name in (
        "explained_variance_",
        "explained_variance_ratio_",
        "singular_values_",
        "mean_",
        "noise_variance_",
    ):
        np.testing.assert_allclose(getattr(ours, name), getattr(theirs, name), rtol=1e-6)
    same_axes(ours.components_, theirs.components_)


def test_the_largest_loading_of_a_component_is_positive():
    components = IncrementalPCA().fit(lazy(people())).components_
    largest = np.abs(components).argmax(axis=1)
    assert (components[np.arange(6), largest] > 0).all()


def test_the_shares_of_variance_of_all_components_add_up_to_one():
    pca = IncrementalPCA(2).fit(lazy(people()))
    assert len(pca.all_explained_variance_ratio_) == 6
    assert pca.all_explained_variance_ratio_.sum() == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.85, 0.99, 0.9999])
def test_as_few_components_as_hold_the_share_are_kept(share):
    pca = IncrementalPCA(share).fit(lazy(people()))
    held = np.cumsum(pca.all_explained_variance_ratio_)
    assert held[pca.n_components_ - 1] >= share - 1e-9
    assert pca.n_components_ == 1 or held[pca.n_components_ - 2] < share


def test_a_share_met_exactly_needs_no_component_more():
    # Four features of equal variance: three of them hold exactly three holdout_split.
    X = np.array([[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]], dtype=np.float32)
    X = np.concatenate([X, -X])
    assert IncrementalPCA(0.75).fit(lazy(X, 4)).n_components_ == 3


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(1, 299), max_size=6), st.integers(0, 3))
def test_parts_added_one_by_one_give_what_all_at_once_give(marks, seed):
    X = people(300, seed)
    edges = sorted({0, 300, *marks})
    ours = IncrementalPCA()
    for a, b in pairwise(edges):
        ours.partial_fit(X[a:b])
    theirs = exact(X)
    np.testing.assert_allclose(ours.explained_variance_, theirs.explained_variance_, rtol=1e-6)
    same_axes(ours.components_, theirs.components_, atol=1e-5)


def test_a_part_may_be_added_to_what_was_fitted():
    X = people()
    ours = IncrementalPCA(3).fit(lazy(X[:400])).partial_fit(X[400:])
    np.testing.assert_allclose(ours.explained_variance_, exact(X, 3).explained_variance_, rtol=1e-6)


def test_two_fits_merged_are_the_fit_of_all_rows():
    X = people()
    ours = IncrementalPCA(3).fit(lazy(X[:150])).merge(IncrementalPCA(3).fit(lazy(X[150:])))
    theirs = exact(X, 3)
    np.testing.assert_allclose(ours.explained_variance_, theirs.explained_variance_, rtol=1e-6)
    same_axes(ours.components_, theirs.components_, atol=1e-5)
    assert ours.n_samples_seen_ == len(X)


def test_it_has_every_fitted_attribute_of_scikit_learns():
    X = people()
    theirs = sklearn.decomposition.IncrementalPCA(3).fit(X)
    fitted = {name for name in vars(theirs) if name.endswith("_") and not name.startswith("_")}
    assert fitted <= set(vars(IncrementalPCA(3).fit(lazy(X))))


def test_fitting_anew_forgets_what_was_seen():
    X = people()
    ours = IncrementalPCA(3).fit(lazy(people(seed=1))).fit(lazy(X))
    np.testing.assert_allclose(ours.explained_variance_, exact(X, 3).explained_variance_, rtol=1e-6)


def test_scores_are_those_of_scikit_learn():
    X = people()
    ours, theirs = IncrementalPCA(3).fit(lazy(X)), exact(X, 3)
    signs = np.sign((ours.components_ * theirs.components_).sum(axis=1))
    scores = theirs.transform(X.astype(np.float64)) * signs
    np.testing.assert_allclose(ours.transform(X), scores, atol=1e-4)


def test_scores_of_blocks_are_lazy_and_those_of_rows_in_memory():
    X = people()
    pca = IncrementalPCA(3).fit(lazy(X))
    scores = pca.transform(lazy(X))
    assert (scores.chunks, scores.dtype) == (((100,) * 6, (3,)), np.float32)
    np.testing.assert_allclose(scores.compute(), pca.transform(X), atol=1e-5)


def test_fit_transform_is_fit_and_transform():
    X = lazy(people())
    expected = IncrementalPCA(3).fit(X).transform(X).compute()
    np.testing.assert_allclose(np.asarray(IncrementalPCA(3).fit_transform(X)), expected, atol=1e-5)


def test_scores_lead_back_to_the_rows():
    X = people()
    pca = IncrementalPCA(6).fit(lazy(X))
    np.testing.assert_allclose(pca.inverse_transform(pca.transform(X)), X, atol=1e-3)


def test_the_callers_array_stays_as_it_is():
    X = people()
    before = X.copy()
    IncrementalPCA(3).fit(lazy(X)).transform(X)
    np.testing.assert_array_equal(X, before)


def test_the_components_do_not_depend_on_the_chunks():
    X = people()
    by_chunks = [IncrementalPCA(3).fit(lazy(X, chunks)) for chunks in (600, 100, 7)]
    for pca in by_chunks[1:]:
        np.testing.assert_allclose(pca.components_, by_chunks[0].components_, atol=1e-9)


def test_a_constant_feature_has_no_loading():
    X = people()
    X[:, 4] = 7
    pca = IncrementalPCA(5).fit(lazy(X))
    np.testing.assert_allclose(pca.components_[:, 4], 0, atol=1e-6)


def test_rows_all_alike_have_no_variance_to_share():
    pca = IncrementalPCA(0.85).fit(lazy(np.ones((10, 3), dtype=np.float32), 3))
    assert pca.all_explained_variance_ratio_.tolist() == [0, 0, 0]


@pytest.mark.parametrize(("n", "wanted"), [(600, 7), (4, 5)])
def test_more_components_than_features_or_rows_are_refused(n, wanted):
    with pytest.raises(ConfigError, match=f"n_components = {wanted}, of 6 features"):
        IncrementalPCA(wanted).fit(lazy(people(n)))
