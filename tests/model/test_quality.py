"""Figures of quality, against scikit-learn on the same rows; the written rule for how many."""

from functools import reduce
from itertools import pairwise
from operator import add

import numpy as np
import pytest
import sklearn.metrics
from hypothesis import given, settings
from hypothesis import strategies as st

from segment_lib.model.lloyd import LocalRows, measure
from segment_lib.model.quality import (
    ClusterSums,
    calinski_harabasz,
    davies_bouldin,
    inertia,
    silhouette,
    simplified_silhouette,
)


def clustered(n: int = 500, k: int = 4, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows, labels and the means of the clusters."""
    random = np.random.default_rng(seed)
    labels = np.concatenate([np.arange(k), random.integers(0, k, n - k)])
    Z = (random.normal(size=(n, 3)) + labels[:, None] * [2, 1, 0]).astype(np.float32)
    return Z, labels, np.array([Z[labels == i].mean(axis=0, dtype=np.float64) for i in range(k)])


def sums(Z: np.ndarray, labels: np.ndarray, centers: np.ndarray) -> ClusterSums:
    """By hand."""
    exact = Z.astype(np.float64)
    own = labels[:, None] == np.arange(len(centers))
    to_all = np.sqrt(((exact[:, None] - centers) ** 2).sum(axis=2))
    apart = to_all[np.arange(len(Z)), labels]
    simple = np.zeros(len(Z))
    if len(centers) > 1:
        other = np.where(own, np.inf, to_all).min(axis=1)
        simple = (other - apart) / np.maximum(np.maximum(other, apart), 1e-300)
    return ClusterSums(
        own.sum(axis=0), own.T @ exact, apart @ own, simple @ own, float((exact**2).sum())
    )


@pytest.mark.parametrize("k", [1, 2, 4, 9])
def test_inertia_is_the_sum_of_squared_distances(k):
    Z, labels, means = clustered(k=k)
    centers = means + 0.3
    expected = ((Z.astype(np.float64) - centers[labels]) ** 2).sum()
    assert inertia(sums(Z, labels, centers), centers) == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize("k", [2, 4, 9])
def test_calinski_harabasz_is_that_of_scikit_learn(k):
    Z, labels, means = clustered(k=k)
    expected = sklearn.metrics.calinski_harabasz_score(Z.astype(np.float64), labels)
    assert calinski_harabasz(sums(Z, labels, means)) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("k", [2, 4, 9])
def test_davies_bouldin_is_that_of_scikit_learn(k):
    Z, labels, means = clustered(k=k)
    expected = sklearn.metrics.davies_bouldin_score(Z.astype(np.float64), labels)
    assert davies_bouldin(sums(Z, labels, means), means) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("k", [2, 4])
@pytest.mark.parametrize("n", [500, 1100])
def test_the_silhouette_is_that_of_scikit_learn(n, k):
    Z, labels, _ = clustered(n, k)
    score = silhouette(Z, labels, np.bincount(labels))
    assert score == pytest.approx(sklearn.metrics.silhouette_score(Z, labels), abs=1e-5)


def test_strata_count_as_the_rows_they_stand_for():
    Z, labels, _ = clustered(k=3)
    each = sklearn.metrics.silhouette_samples(Z, labels)
    means = [each[labels == cluster].mean() for cluster in range(3)]
    counts = np.array([900, 50, 50])
    assert silhouette(Z, labels, counts) == pytest.approx(means @ counts / 1000, abs=1e-5)


def test_a_row_alone_in_its_cluster_has_the_silhouette_zero_as_in_scikit_learn():
    Z, labels, _ = clustered(k=3)
    labels = np.where(labels == 2, 1, labels)
    labels[7] = 2
    score = silhouette(Z, labels, np.bincount(labels))
    assert score == pytest.approx(sklearn.metrics.silhouette_score(Z, labels), abs=1e-5)


def test_a_labelling_of_one_cluster_has_no_silhouette():
    Z, labels, _ = clustered()
    assert np.isnan(silhouette(Z, labels * 0, np.array([len(Z), 0])))


@pytest.mark.parametrize("k", [2, 4, 9])
def test_the_simplified_silhouette_is_that_of_distances_to_centres(k):
    Z, _, means = clustered(k=k)
    centers = means.astype(np.float32)
    (measured,) = measure(LocalRows([Z]), [centers])
    nearest = ((Z[:, None].astype(np.float64) - centers) ** 2).sum(axis=2).argmin(axis=1)
    expected = simplified_silhouette(sums(Z, nearest, centers.astype(np.float64)))
    assert simplified_silhouette(measured) == pytest.approx(expected, abs=1e-6)


def test_one_cluster_has_no_simplified_silhouette():
    Z, labels, means = clustered(k=1)
    assert np.isnan(simplified_silhouette(sums(Z, labels, means)))


def test_an_empty_cluster_changes_no_figure():
    Z, labels, means = clustered()
    more = np.concatenate([means, [[50.0, 50, 50]]])
    with_empty = sums(Z, labels, more)
    assert inertia(with_empty, more) == pytest.approx(inertia(sums(Z, labels, means), means))
    assert davies_bouldin(with_empty, more) == pytest.approx(
        davies_bouldin(sums(Z, labels, means), means)
    )


def test_one_cluster_has_no_calinski_harabasz():
    Z, labels, means = clustered(k=1)
    assert np.isnan(calinski_harabasz(sums(Z, labels, means)))


def test_clusters_of_rows_all_alike_have_a_davies_bouldin_of_zero():
    Z = np.repeat(np.array([[0.0, 0], [3, 0]]), 10, axis=0)
    labels = np.repeat([0, 1], 10)
    centers = np.array([[0.0, 0], [3, 0]])
    assert davies_bouldin(sums(Z, labels, centers), centers) == 0


def test_two_centres_in_one_place_raise_no_warning():
    Z, labels = np.zeros((20, 2)), np.repeat([0, 1], 10)
    centers = np.zeros((2, 2))
    assert not davies_bouldin(sums(Z, labels, centers), centers) < 0


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(1, 499), max_size=6))
def test_sums_of_any_partitioning_add_up_to_those_of_the_whole(marks):
    Z, _, means = clustered()
    centers = means.astype(np.float32)
    edges = sorted({0, 500, *marks})
    parts = [measure(LocalRows([Z[a:b]]), [centers])[0] for a, b in pairwise(edges)]
    total, (whole,) = reduce(add, parts), measure(LocalRows([Z]), [centers])
    np.testing.assert_array_equal(total.counts, whole.counts)
    np.testing.assert_allclose(total.sums, whole.sums, rtol=1e-12, atol=1e-9)
    np.testing.assert_allclose(total.distances, whole.distances, rtol=1e-12)
    np.testing.assert_allclose(total.silhouettes, whole.silhouettes, atol=1e-5)
    assert total.squares == pytest.approx(whole.squares, rel=1e-12)
