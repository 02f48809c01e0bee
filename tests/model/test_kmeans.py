"""KMeans, against scikit-learn; the same for any partitioning."""

import pickle
from itertools import pairwise

import dask
import dask.array as da
import numpy as np
import pytest
import sklearn.cluster
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import adjusted_rand_score, silhouette_score

from segment_lib.errors import ConfigError
from segment_lib.model import KMeans, sample_blocks, sample_silhouettes, sample_size
from segment_lib.model.sample import seeding

CENTERS = np.array([[0, 0, 0], [6, 0, 0], [0, 6, 0], [0, 0, 6]], dtype=np.float32)


def blobs(n: int = 1200, seed: int = 0, spread: float = 1.0) -> np.ndarray:
    random = np.random.default_rng(seed)
    own = random.integers(0, 4, n)
    return (CENTERS[own] + random.normal(size=(n, 3)) * spread).astype(np.float32)


def noise(n: int = 1200, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, 3)).astype(np.float32)


def lazy(Z: np.ndarray, chunks: int = 250) -> da.Array:
    return da.from_array(Z, chunks=(chunks, Z.shape[1]))


def sweep(Z: da.Array, models, **given) -> list[KMeans]:
    """Models of these numbers of clusters, or these very models, fitted together."""
    models = [model if isinstance(model, KMeans) else KMeans(model) for model in models]
    KMeans.fit_sweep(models, Z, **given)
    return models


def theirs(Z: np.ndarray, start: np.ndarray, max_iter: int = 300) -> sklearn.cluster.KMeans:
    return sklearn.cluster.KMeans(
        len(start), init=start, n_init=1, max_iter=max_iter, algorithm="lloyd"
    ).fit(Z.astype(np.float64))


def by_hand(Z: np.ndarray, centers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    apart = ((Z.astype(np.float64)[:, None] - centers.astype(np.float64)) ** 2).sum(axis=2)
    return apart.argmin(axis=1), np.sqrt(apart.min(axis=1))


# Fitting


@pytest.mark.parametrize("k", [2, 4, 7])
@pytest.mark.parametrize("make", [blobs, noise])
def test_the_same_starting_centres_end_as_in_scikit_learn(k, make):
    Z = make()
    start = Z[:: len(Z) // k][:k]
    ours, expected = KMeans(k, init=start).fit(lazy(Z)), theirs(Z, start)
    assert ours.inertia_ == pytest.approx(expected.inertia_, rel=1e-4)
    assert np.mean(ours.labels_.compute() == expected.labels_) >= 0.999
    np.testing.assert_allclose(ours.cluster_centers_, expected.cluster_centers_, atol=1e-2)


def test_centres_at_rest_are_the_means_of_their_rows():
    Z = blobs()
    model = KMeans(4, init=Z[:4], tol=0).fit(lazy(Z))
    labels = model.labels_.compute()
    means = np.array([Z[labels == k].mean(axis=0, dtype=np.float64) for k in range(4)])
    np.testing.assert_allclose(model.cluster_centers_, means, atol=1e-5)


@pytest.mark.parametrize("max_iter", [1, 2, 5])
def test_the_inertia_is_that_of_the_final_centres(max_iter):
    Z = noise()
    model = KMeans(5, init=Z[:5], max_iter=max_iter).fit(lazy(Z))
    _, distances = by_hand(Z, model.cluster_centers_)
    assert model.inertia_ == pytest.approx((distances**2).sum(), rel=1e-6)
    assert model.n_iter_ <= max_iter


@pytest.mark.parametrize("max_iter", [1, 2, 5])
def test_a_limit_on_the_iterations_is_obeyed_as_in_scikit_learn(max_iter):
    Z = noise()
    ours = KMeans(5, init=Z[:5], max_iter=max_iter, tol=0).fit(lazy(Z))
    expected = theirs(Z, Z[:5], max_iter=max_iter)
    np.testing.assert_allclose(ours.cluster_centers_, expected.cluster_centers_, atol=1e-4)


@pytest.mark.parametrize("offset", [10.0, 1000.0, 10_000.0])
def test_rows_far_from_the_origin_are_told_apart_as_in_scikit_learn(offset):
    Z = blobs(spread=0.5) + np.float32(offset)
    ours, expected = KMeans(4, init=Z[:4]).fit(lazy(Z)), theirs(Z, Z[:4])
    assert adjusted_rand_score(ours.labels_.compute(), expected.labels_) > 0.999


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3])
def test_the_tolerance_is_relative_to_the_spread_of_the_rows(scale):
    Z = noise()
    model = KMeans(5, init=Z[:5] * np.float32(scale)).fit(lazy(Z * np.float32(scale)))
    assert model.n_iter_ == KMeans(5, init=Z[:5]).fit(lazy(Z)).n_iter_


def test_planted_clusters_are_found_without_a_start():
    Z = blobs(spread=0.5)
    labels = KMeans(4).fit(lazy(Z)).labels_.compute()
    planted, _ = by_hand(Z, CENTERS)
    assert adjusted_rand_score(labels, planted) == 1.0


def test_one_cluster_is_the_mean():
    Z = noise()
    model = KMeans(1, init=Z[:1]).fit(lazy(Z))
    np.testing.assert_allclose(model.cluster_centers_[0], Z.mean(axis=0), atol=1e-5)


def test_an_empty_cluster_moves_to_the_farthest_row_as_in_scikit_learn():
    Z = blobs()
    start = np.concatenate([CENTERS[:3], [[500, 500, 500]]]).astype(np.float32)
    ours, expected = KMeans(4, init=start).fit(lazy(Z)), theirs(Z, start)
    np.testing.assert_allclose(ours.cluster_centers_, expected.cluster_centers_, atol=1e-2)


def test_several_empty_clusters_are_all_filled():
    Z = blobs()
    start = np.full((4, 3), 500, dtype=np.float32) + np.arange(4, dtype=np.float32)[:, None]
    model = KMeans(4, init=start).fit(lazy(Z))
    assert sorted(set(model.labels_.compute().tolist())) == [0, 1, 2, 3]


@pytest.mark.parametrize("chunks", [200, 7])
def test_more_clusters_than_different_rows_come_to_an_end(chunks):
    Z = np.repeat(np.array([[0, 0], [5, 5]], dtype=np.float32), 100, axis=0)
    model = KMeans(3, init=np.array([[0, 0], [5, 5], [9, 9]], dtype=np.float32), max_iter=20)
    assert model.fit(lazy(Z, chunks)).inertia_ == pytest.approx(0, abs=1e-6)


def test_more_clusters_than_different_rows_raise_no_warning():
    Z = np.repeat(np.array([[0, 0], [5, 5]], dtype=np.float32), 100, axis=0)
    assert KMeans(3, max_iter=20).fit(lazy(Z)).inertia_ == pytest.approx(0, abs=1e-6)


def test_more_clusters_than_rows_are_refused():
    with pytest.raises(ConfigError, match="5 clusters of 4 rows"):
        KMeans(5, init=noise(5)).fit(lazy(noise(4)))


def test_labels_of_new_rows_are_lazy_for_blocks():
    Z = blobs()
    model = KMeans(4, init=Z[:4]).fit(lazy(Z))
    labels = model.predict(lazy(Z))
    assert isinstance(labels, da.Array)
    np.testing.assert_array_equal(labels.compute(), model.predict(Z))


def test_the_callers_array_stays_as_it_is():
    Z = blobs()
    before = Z.copy()
    KMeans(4, init=Z[:4]).fit(lazy(Z))
    np.testing.assert_array_equal(Z, before)


def test_a_pickled_model_holds_no_rows():
    Z = blobs(100_000)
    model = KMeans(4, init=Z[:4], max_iter=2).fit(lazy(Z, 50_000))
    assert len(pickle.dumps(model)) < 20_000


def test_rows_in_memory_can_be_fitted_too():
    Z = blobs()
    assert KMeans(4, init=Z[:4]).fit(Z).inertia_ == pytest.approx(
        theirs(Z, Z[:4]).inertia_, rel=1e-4
    )


# The same for any partitioning


@settings(max_examples=15, deadline=None)
@given(st.integers(20, 1200), st.sampled_from([2, 5, 8]))
def test_the_answer_does_not_depend_on_the_chunks(chunks, k):
    Z = noise()
    whole, cut = (KMeans(k).fit(lazy(Z, size)) for size in (1200, chunks))
    np.testing.assert_allclose(cut.cluster_centers_, whole.cluster_centers_, atol=1e-5)
    assert cut.inertia_ == pytest.approx(whole.inertia_, rel=1e-7)
    np.testing.assert_array_equal(cut.labels_.compute(), whole.labels_.compute())


def test_the_seed_decides():
    Z = lazy(noise())
    first, again, other = (KMeans(8, n_init=1, random_state=s).fit(Z) for s in (1, 1, 2))
    np.testing.assert_array_equal(first.cluster_centers_, again.cluster_centers_)
    assert not np.array_equal(first.cluster_centers_, other.cluster_centers_)


@pytest.mark.parametrize("threads", [1, 2])
def test_the_answer_does_not_depend_on_the_threads(threads):
    Z = lazy(noise(), 100)
    with dask.config.set(scheduler="threads", num_workers=threads):
        model = KMeans(6).fit(Z)
    with dask.config.set(scheduler="synchronous"):
        np.testing.assert_array_equal(model.cluster_centers_, KMeans(6).fit(Z).cluster_centers_)


def sampled(Z: np.ndarray, rows: np.ndarray, chunks: int, size: int, seed: int = 0) -> list:
    numbers = da.from_array(rows, chunks=chunks)
    sample = sample_blocks(lazy(Z, chunks), numbers, size=size, random_state=seed)
    return sample.compute().scores.tolist()


@pytest.mark.parametrize("chunks", [5000, 700, 33])
def test_the_sample_does_not_depend_on_the_chunks(chunks):
    Z, rows = noise(5000), np.arange(5000)
    assert sampled(Z, rows, chunks, 300) == sampled(Z, rows, 1250, 300)


def test_the_sample_does_not_depend_on_the_order_of_the_rows():
    Z, rows = noise(5000), np.arange(5000)
    mixed = np.random.default_rng(1).permutation(5000)
    assert sampled(Z[mixed], rows[mixed], 500, 300) == sampled(Z, rows, 500, 300)


def test_the_sample_has_the_size_asked_for():
    assert len(sampled(noise(5000), np.arange(5000), 500, 300)) == 300


def test_the_sample_of_fewer_rows_is_all_of_them():
    assert len(sampled(noise(50), np.arange(50), 7, 300)) == 50


def test_the_sample_depends_on_the_seed():
    Z, rows = noise(5000), np.arange(5000)
    assert sampled(Z, rows, 500, 300, seed=1) != sampled(Z, rows, 500, 300, seed=0)


@pytest.mark.parametrize("step", [1, 2, 1000, 2**20])
def test_regular_row_numbers_are_sampled_evenly(step):
    n = 20_000
    Z = np.arange(n, dtype=np.float32)[:, None]
    chosen = np.array(sampled(Z, np.arange(n, dtype=np.int64) * step, n, 2000)).ravel()
    counts = np.histogram(chosen, bins=10, range=(0, n))[0]
    # 200 expected in each tenth, standard deviation about 13.
    assert (np.abs(counts - 200) < 70).all()


def test_the_sample_grows_with_the_rows_but_slower():
    assert [sample_size(n) for n in (7, 100_000, 10**6, 10**8)] == [7, 100_000, 100_000, 10**6]


# Starting centres


def potential(Z: np.ndarray, rows: np.ndarray) -> float:
    return float(((Z[:, None] - rows) ** 2).sum(axis=2).min(axis=1).sum())


@pytest.mark.parametrize("k", [2, 4, 12])
def test_a_seeding_is_as_good_as_that_of_scikit_learn_at_every_length(k):
    Z = noise(3000)
    ours = [potential(Z, seeding(Z, 12, (0, trial))[:k]) for trial in range(40)]
    theirs = [
        potential(Z, sklearn.cluster.kmeans_plusplus(Z, k, random_state=trial)[0])
        for trial in range(40)
    ]
    assert np.mean(ours) <= np.mean(theirs)


def test_a_seeding_takes_rows_each_once():
    Z = noise(300)
    rows = seeding(Z, 40, (7,))
    assert len(np.unique(rows, axis=0)) == 40
    assert (rows[:, None] == Z).all(axis=2).any(axis=1).all()


def test_a_seeding_of_fewer_different_rows_takes_all_of_them():
    Z = np.repeat(np.eye(3, dtype=np.float32) + 7, 50, axis=0)
    rows = seeding(Z, 5, (0,))
    assert rows.shape == (5, 3)
    assert len(np.unique(rows, axis=0)) == 3


# The sweep


@pytest.fixture(scope="module")
def swept():
    Z = lazy(noise(3000))
    sample = sample_blocks(Z, da.arange(3000, chunks=250))
    return Z.compute(), sample, sweep(Z, range(2, 13), sample=sample)


def test_more_clusters_never_fit_worse(swept):
    inertias = [clustering.inertia_ for clustering in swept[2]]
    assert all(b <= a for a, b in pairwise(inertias))


def test_more_clusters_never_fit_worse_even_from_a_bad_start():
    Z = blobs(spread=0.2)
    bad = np.repeat(CENTERS[:1], 5, axis=0) + noise(5) / 1000
    four, five = sweep(lazy(Z), [KMeans(4, init=CENTERS), KMeans(5, init=bad)])
    assert five.inertia_ <= four.inertia_


def test_a_sweep_fits_as_well_as_each_fitted_alone(swept):
    Z, _, models = swept
    assert models[4].inertia_ <= 1.001 * KMeans(6).fit(lazy(Z)).inertia_


def test_a_sweep_that_begins_on_some_of_the_rows_ends_on_all_of_them(swept):
    Z, _, models = swept
    some = sample_blocks(lazy(Z), da.arange(3000, chunks=250), size=1000)
    begun = sweep(lazy(Z), range(2, 13), sample=some)
    for from_some, from_all in zip(begun, models, strict=True):
        assert from_some.converged_
        assert from_some.sums_.counts.sum() == 3000
        assert from_some.inertia_ <= 1.02 * from_all.inertia_


def test_a_sweep_is_as_good_as_scikit_learn(swept):
    Z, _, models = swept
    expected = sklearn.cluster.KMeans(8, n_init=4, random_state=0).fit(Z).inertia_
    assert models[6].inertia_ <= 1.02 * expected


def test_every_row_is_in_a_cluster(swept):
    assert [clustering.sums_.counts.sum() for clustering in swept[2]] == [3000] * 11


def test_clusters_by_size_are_the_same_clusters(swept):
    clustering = swept[2][5]
    ordered = clustering.by_size()
    assert (np.diff(ordered.sums_.counts) <= 0).all()
    assert ordered.inertia_ == pytest.approx(clustering.inertia_, rel=1e-12)


def test_planted_clusters_are_found_again_from_other_starts():
    Z = lazy(blobs(spread=0.5))
    sample = sample_blocks(Z, da.arange(1200, chunks=250))
    four, nine = sweep(Z, [4, 9], sample=sample)
    assert four.restarts_agree_ == pytest.approx(1.0)
    assert nine.restarts_agree_ < 0.9


def test_the_silhouette_is_that_of_scikit_learn(swept):
    Z, sample, models = swept
    labels, _ = by_hand(Z, models[3].cluster_centers_)
    (ours,) = sample_silhouettes(sample, [models[3]])
    assert ours == pytest.approx(silhouette_score(Z, labels), abs=1e-4)


def test_passes_are_told_until_none_is_running():
    reports: list[tuple[int, int]] = []
    Z = blobs()
    sweep(
        lazy(Z),
        [KMeans(k, init=Z[:k]) for k in (2, 4)],
        on_pass=lambda passes, running: reports.append((passes, running)),
    )
    assert reports[-1][1] == 0
    assert [passes for passes, _ in reports] == list(range(1, len(reports) + 1))


def test_each_block_is_read_once_a_pass_for_all_clusterings():
    reads: list[int] = []
    Z = noise(900)

    def block(i: int) -> np.ndarray:
        reads.append(i)
        return Z[i * 300 : (i + 1) * 300]

    array = da.concatenate(
        [
            da.from_delayed(dask.delayed(block, pure=False)(i), shape=(300, 3), dtype=np.float32)
            for i in range(3)
        ]
    )
    passes: list[int] = []
    models = [KMeans(k, init=Z[:k]) for k in (2, 3, 4)]
    sweep(array, models, on_pass=lambda done, _: passes.append(done))
    # One reading more for the squares of the scores, and one to measure all at their final centres.
    assert len(reads) == 3 * (len(passes) + 2)
