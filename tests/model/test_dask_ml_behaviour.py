"""What dask-ml documents of these three estimators, case by case, and where ours differ.

The cases are those that dask-ml tries of them (54, without those of functions of its own), put in
other words and on other rows; ours is compared with scikit-learn. `OTHERWISE` says of the rest what
ours does in place of it, and each of these is tried too.
"""

from collections.abc import Iterator

import dask.array as da
import dask.dataframe as dd
import numpy as np
import pandas as pd
import pytest
import sklearn.cluster
import sklearn.decomposition
import sklearn.preprocessing
from sklearn.datasets import load_iris, make_low_rank_matrix
from sklearn.metrics import adjusted_rand_score

from segment_lib.model import IncrementalPCA, KMeans, StandardScaler
from tests.estimators import FIGURES

OTHERWISE = (
    "6 compare with scikit-learn's IncrementalPCA, which forgets at each batch: ours is exact",
    "1 refuses another n_components between two partial_fits: ours knows all components",
    "1 leaves missing values out of mean and variance: ours refuses them",
    "1 begins from random rows: ours refuses init='random', which needs more restarts",
)
"""How many cases, what they are, and what ours does."""

SOLVERS = ["full", "auto", "randomized"]
solvers = pytest.mark.parametrize("svd_solver", SOLVERS)


@pytest.fixture(autouse=True)
def _counted(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    if "otherwise" not in request.node.name:
        FIGURES.behaviours += 1
    FIGURES.otherwise = OTHERWISE


def drawn(n: int = 120, p: int = 4, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, p)) + np.arange(p)


def lazy(X: np.ndarray, chunks: int = 30) -> da.Array:
    return da.from_array(X, chunks=(chunks, -1))


def same_axes(ours: np.ndarray, theirs: np.ndarray, atol: float = 1e-6) -> None:
    signs = np.sign((ours * theirs).sum(axis=1))[:, None]
    np.testing.assert_allclose(ours * signs, theirs, atol=atol)


def exact(X: np.ndarray, n_components: int | None = None, **more) -> sklearn.decomposition.PCA:
    return sklearn.decomposition.PCA(n_components, svd_solver="full", **more).fit(X)


# StandardScaler


def test_scaler_learns_the_attributes_of_scikit_learn():
    ours = StandardScaler().fit(lazy(drawn()))
    theirs = sklearn.preprocessing.StandardScaler().fit(drawn())
    for name in (name for name in vars(theirs) if name.endswith("_")):
        np.testing.assert_allclose(getattr(ours, name), getattr(theirs, name))


def test_scaler_learns_the_same_from_arrays_and_frames():
    frame = pd.DataFrame(drawn(), columns=list("abcd"))
    expected = StandardScaler().fit(drawn()).scale_
    for rows in (frame, dd.from_pandas(frame, npartitions=5), lazy(drawn())):
        np.testing.assert_allclose(StandardScaler().fit(rows).scale_, expected)


def test_scaler_undoes_what_it_did_lazily():
    X = lazy(drawn())
    scaler = StandardScaler()
    back = scaler.inverse_transform(scaler.fit_transform(X))
    assert isinstance(back, da.Array)
    np.testing.assert_allclose(back.compute(), X.compute())


# KMeans


def easy() -> np.ndarray:
    return np.concatenate([drawn(40, 2, i) * 0.1 + 7 * i for i in range(3)])


def test_kmeans_fits_few_rows_with_its_defaults():
    assert KMeans().fit(lazy(drawn(20, 2), 10)).cluster_centers_.shape == (8, 2)


def test_kmeans_refuses_rows_or_features_that_are_not_there():
    for shape in ((0, 1), (1, 0)):
        with pytest.raises(ValueError, match=r"0 (sample|feature)"):
            KMeans().fit(np.empty(shape))


def test_kmeans_gives_the_clusters_and_attributes_of_scikit_learn():
    ours = KMeans(3, random_state=0).fit(lazy(easy()))
    theirs = sklearn.cluster.KMeans(3, random_state=0, n_init=3).fit(easy())
    assert adjusted_rand_score(ours.labels_.compute(), theirs.labels_) == 1
    order, of_theirs = (m.cluster_centers_[:, 0].argsort() for m in (ours, theirs))
    np.testing.assert_allclose(
        ours.cluster_centers_[order], theirs.cluster_centers_[of_theirs], atol=1e-5
    )
    np.testing.assert_allclose(
        ours.transform(lazy(easy())).compute()[:, order],
        theirs.transform(easy())[:, of_theirs],
        atol=1e-4,
    )
    assert ours.inertia_ == pytest.approx(theirs.inertia_, rel=1e-5)
    np.testing.assert_array_equal(ours.predict(lazy(easy())).compute(), ours.labels_.compute())
    assert {name for name in vars(theirs) if name.endswith("_")} - set(vars(ours)) == set()


def test_kmeans_begins_from_the_centres_it_is_given():
    X = drawn(1000)
    init = X[[1, 200, 700]]
    theirs = sklearn.cluster.KMeans(3, init=init, n_init=1).fit(X)
    assert KMeans(3, init=init).fit(lazy(X, 500)).inertia_ == pytest.approx(theirs.inertia_, 1e-4)


def test_kmeans_begins_by_k_means_plus_plus():
    model = KMeans(3, init="k-means++", random_state=np.random.RandomState(0)).fit(lazy(easy()))
    theirs = sklearn.cluster.KMeans(3, n_init=3, random_state=0).fit(easy())
    assert (model.init, model.inertia_) == ("k-means++", pytest.approx(theirs.inertia_, 1e-5))


def test_kmeans_begins_by_k_means_plus_plus_of_any_seed():
    for seed in (None, 0):
        assert KMeans(3, init="k-means++", random_state=seed).fit(lazy(easy())).n_iter_ >= 1


@pytest.mark.parametrize("kind", ["numpy", "dask", "pandas"])
def test_kmeans_takes_arrays_and_frames(kind):
    X = {"numpy": drawn(), "dask": lazy(drawn(), 10), "pandas": pd.DataFrame(drawn())}[kind]
    assert KMeans(3).fit(X).transform(X).shape == (120, 3)


def test_kmeans_has_the_types_of_scikit_learn():
    for fitted in (np.float64, np.float32):
        ours = KMeans().fit(lazy(drawn(100, 2).astype(fitted), 50))
        theirs = sklearn.cluster.KMeans(n_init=1).fit(drawn(100, 2).astype(fitted))
        assert ours.cluster_centers_.dtype == theirs.cluster_centers_.dtype
        assert ours.labels_.dtype == theirs.labels_.dtype
        for given in (np.float64, np.float32):
            X = drawn(100, 2).astype(given)
            assert ours.transform(lazy(X)).dtype == theirs.transform(X).dtype
            assert ours.transform(lazy(X)).compute().dtype == theirs.transform(X).dtype


def test_kmeans_takes_dask_frames():
    frame = dd.from_pandas(pd.DataFrame(drawn()), npartitions=2)
    assert KMeans().fit(frame).labels_.shape == (120,)


def test_kmeans_passes_over_empty_chunks():
    X = da.from_array(drawn(100), chunks=((0, 5, 95), (4,)))
    assert KMeans(n_clusters=2).fit_transform(X).chunks == ((5, 95), (2,))


# IncrementalPCA


@solvers
def test_pca_shares_the_variance_as_scikit_learn_and_inverts_its_covariance(svd_solver):
    X = load_iris().data
    pca = IncrementalPCA(2, batch_size=50, svd_solver=svd_solver)
    assert pca.fit_transform(lazy(X, 3)).shape == (150, 2)
    theirs = exact(X, 2).explained_variance_ratio_
    np.testing.assert_allclose(pca.explained_variance_ratio_, theirs, rtol=1e-9)
    for n_components in (1, 2, 4):
        pca = IncrementalPCA(n_components, batch_size=50, svd_solver=svd_solver).fit(lazy(X, 3))
        identity = pca.get_covariance() @ pca.get_precision()
        np.testing.assert_allclose(identity, np.eye(4), atol=1e-11)


def test_pca_projects_another_row_onto_the_axis_of_its_group():
    X = drawn(100, 3) * 0.1
    X[:10] += [3, 4, 5]
    scores = IncrementalPCA(2).fit(lazy(X)).transform(lazy(np.array([[3.0, 4, 5]])))
    assert isinstance(scores, da.Array)
    scores = scores.compute()
    assert abs(scores[0, 0]) / np.linalg.norm(scores) == pytest.approx(1, abs=0.05)


def test_pca_leads_back_to_the_rows():
    X = drawn(50, 3) * [1, 1e-5, 1] + [5, 4, 3]
    pca = IncrementalPCA(2, batch_size=10).fit(lazy(X))
    np.testing.assert_allclose(pca.inverse_transform(pca.transform(lazy(X))), X, atol=1e-3)


def test_pca_refuses_numbers_of_components_that_cannot_be():
    for wanted, rows in ((-1, drawn(2, 3)), (0, drawn(2, 3)), (4, drawn(9, 3)), (3, drawn(2, 3))):
        with pytest.raises(ValueError, match=f"n_components = {wanted}"):
            IncrementalPCA(wanted).partial_fit(lazy(rows))


def test_pca_keeps_as_many_components_as_there_can_be():
    for shape in ((50, 10), (10, 50)):
        pca = IncrementalPCA().partial_fit(lazy(drawn(*shape)))
        assert pca.n_components_ == min(shape) == len(pca.components_)


def test_pca_refuses_another_number_of_features():
    with pytest.raises(ValueError, match="5 features"):
        IncrementalPCA().fit(lazy(drawn())).partial_fit(lazy(drawn(p=5)))


@pytest.mark.parametrize("seed", [1999, 32, 831])
def test_pca_has_the_same_signs_for_any_batches(seed):
    X = lazy(drawn(100, 3, seed), 40)
    signs = [np.sign(IncrementalPCA(batch_size=n).fit(X).components_) for n in range(10, 20)]
    assert all((sign == signs[0]).all() for sign in signs)


def test_pca_has_the_same_components_for_any_batches():
    X = lazy(drawn(100, 3), 40)
    fitted = [IncrementalPCA(batch_size=n).fit(X).components_ for n in range(20, 40, 3)]
    assert all((components == fitted[0]).all() for components in fitted)


def test_pca_keeps_all_components_for_any_batches():
    X = lazy(drawn(100, 20), 40)
    fitted = [IncrementalPCA(20, batch_size=n).fit(X).components_ for n in range(20, 90, 3)]
    assert all(components.shape == (20, 20) for components in fitted)
    np.testing.assert_allclose(fitted[0], fitted[-1])


def test_pca_adds_parts_to_what_all_at_once_gives():
    X = drawn(50, 3) * [1, 1e-5, 1] + [5, 4, 3]
    added = IncrementalPCA(2, batch_size=10)
    for start in range(0, 50, 10):
        added.partial_fit(lazy(X)[start : start + 10])
    same_axes(added.components_, IncrementalPCA(2).fit(lazy(X)).components_)


@solvers
def test_pca_has_the_scores_of_scikit_learn_of_iris(svd_solver):
    X = load_iris().data
    pca = IncrementalPCA(2, batch_size=25, svd_solver=svd_solver)
    scores = np.abs(pca.fit_transform(lazy(X, 50)).compute())
    np.testing.assert_allclose(scores, np.abs(exact(X, 2).transform(X)), atol=1e-9)


@solvers
def test_pca_has_the_scores_of_scikit_learn_of_drawn_rows(svd_solver):
    X = drawn(100, 3) * [1, 2, 3]
    pca = IncrementalPCA(3, batch_size=25, svd_solver=svd_solver)
    scores = np.abs(pca.fit_transform(lazy(X, 40)).compute())
    np.testing.assert_allclose(scores, np.abs(exact(X, 3).transform(X)), atol=1e-9)


def low_rank(n_features: int = 100, rank: int = 10) -> np.ndarray:
    return make_low_rank_matrix(
        1000, n_features, tail_strength=0.0, effective_rank=rank, random_state=0
    )


@solvers
def test_pca_explains_the_variance_of_few_directions_as_scikit_learn(svd_solver):
    X = low_rank()
    for n_components in (None, 99):
        ours = IncrementalPCA(n_components, svd_solver=svd_solver).fit(lazy(X, 400))
        theirs = exact(X, n_components)
        for name in ("explained_variance_", "explained_variance_ratio_", "noise_variance_"):
            np.testing.assert_allclose(getattr(ours, name), getattr(theirs, name), atol=1e-12)


@solvers
def test_pca_has_the_singular_values_of_scikit_learn_and_of_its_scores(svd_solver):
    X = low_rank()
    pca = IncrementalPCA(10, batch_size=100, svd_solver=svd_solver).fit(lazy(X, 200))
    np.testing.assert_allclose(pca.singular_values_, exact(X, 10).singular_values_, rtol=1e-6)
    scores = pca.transform(lazy(X, 200)).compute()
    np.testing.assert_allclose(np.linalg.norm(scores, axis=0), pca.singular_values_, rtol=1e-6)
    u, _ = np.linalg.qr(scores[:, :3] - scores[:, :3].mean(axis=0))
    wanted = [3.142, 2.718, 1.0]
    rebuilt = (u * wanted) @ np.eye(3, 110)
    again = IncrementalPCA(3, svd_solver=svd_solver).fit(lazy(rebuilt, 200))
    np.testing.assert_allclose(again.singular_values_, wanted, rtol=1e-12)


@solvers
def test_pca_whitens_as_scikit_learn_and_back(svd_solver):
    # Of rows with a share of 1e-9 in a direction, dask-ml's own test of it is marked as failing.
    X = drawn(1000, 10) @ np.diag(np.linspace(1, 3, 10))
    for n_components in (None, 9):
        pca = IncrementalPCA(n_components, whiten=True, svd_solver=svd_solver).fit(lazy(X, 200))
        theirs, scores = exact(X, n_components, whiten=True), pca.transform(lazy(X, 200))
        np.testing.assert_allclose(np.abs(scores), np.abs(theirs.transform(X)), atol=1e-7)
        expected = theirs.inverse_transform(theirs.transform(X))
        np.testing.assert_allclose(pca.inverse_transform(scores), expected, atol=1e-7)


def test_pca_goes_on_from_a_count_of_rows_that_is_no_whole_number():
    a, b = lazy(drawn(5, 3) + 2), lazy(drawn(7, 3) + 5)
    ours, whole = (IncrementalPCA(2).partial_fit(a) for _ in range(2))
    ours.n_samples_seen_ = float(ours.n_samples_seen_)
    expected = whole.partial_fit(b).singular_values_
    np.testing.assert_allclose(ours.partial_fit(b).singular_values_, expected)


# Otherwise


def test_otherwise_batches_change_nothing():
    X = load_iris().data
    pca = IncrementalPCA(2, batch_size=15).fit(lazy(X, 3))
    same_axes(pca.components_, exact(X, 2).components_, atol=1e-12)


def test_otherwise_the_number_of_components_may_change_between_parts():
    X = drawn()
    pca = IncrementalPCA(4).partial_fit(X[:60]).set_params(n_components=2).partial_fit(X[60:])
    same_axes(pca.components_, exact(X, 2).components_)


def test_otherwise_missing_values_are_refused():
    X = drawn()
    X[0, 0] = np.nan
    with pytest.raises(ValueError, match="NaN"):
        StandardScaler().fit(lazy(X))


def test_otherwise_a_start_from_random_rows_is_refused():
    with pytest.raises(ValueError, match="'random' is none of k-means"):
        KMeans(3, init="random").fit(lazy(easy()))


def test_otherwise_enough_is_left_of_the_54_cases():
    assert sum(int(case.split()[0]) for case in OTHERWISE) <= 54 - 44
