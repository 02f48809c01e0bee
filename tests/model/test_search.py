"""The search: as good as many restarts of scikit-learn, and the same from other starts."""

import numpy as np
import pytest
import sklearn.cluster
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import adjusted_rand_score

from segment_lib.model.search import Clustering, agreement, fit_sample, search

GRID = np.array([[x, y] for x in range(4) for y in range(3)], dtype=np.float32) * 6


def grid(n: int = 3000, seed: int = 0) -> np.ndarray:
    """Twelve clusters around the origin, in which Lloyd's algorithm alone is often caught."""
    rng = np.random.default_rng(seed)
    rows = GRID[rng.integers(0, 12, n)] + rng.normal(size=(n, 2))
    return np.asarray(rows - GRID.mean(axis=0), dtype=np.float32)


def noise(n: int = 2000, width: int = 5, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, width)).astype(np.float32)


def clustering(rows: np.ndarray, centers: np.ndarray) -> Clustering:
    return Clustering.fit(rows, (rows.astype(np.float64) ** 2).sum(axis=1), centers, 0.0)


def squared(rows: np.ndarray, centers: np.ndarray) -> np.ndarray:
    return np.asarray(((rows.astype(np.float64)[:, None] - centers) ** 2).sum(axis=2))


@pytest.mark.parametrize("seed", range(5))
def test_planted_clusters_come_out_of_every_start(seed):
    rows = grid()
    centers = search(rows, range(2, 15), (seed,))[12].centers
    planted = squared(rows, GRID - GRID.mean(axis=0)).argmin(axis=1)
    assert adjusted_rand_score(planted, squared(rows, centers).argmin(axis=1)) > 0.99


@pytest.mark.parametrize("rows", [grid(), noise()], ids=["clusters", "noise"])
def test_a_search_is_as_good_as_twenty_restarts_of_scikit_learn(rows):
    ours = search(rows, range(2, 13), (0,))
    for k in (3, 7, 12):
        theirs = sklearn.cluster.KMeans(k, n_init=20, random_state=0).fit(rows)
        assert ours[k].cost <= 1.003 * theirs.inertia_


def test_figures_of_a_clustering_are_those_worked_out_by_hand():
    rows, centers = noise(300), noise(4, seed=1)
    apart = squared(rows, centers)
    own = clustering(rows, centers)
    assert own.cost == pytest.approx(apart.min(axis=1).sum(), rel=1e-5)
    for removed in range(4):
        without = np.delete(apart, removed, axis=1).min(axis=1).sum()
        assert own.removal[removed] == pytest.approx(without - apart.min(axis=1).sum(), rel=1e-4)


@given(seed=st.integers(0, 10**6), k=st.integers(1, 6))
@settings(max_examples=40, deadline=None)
def test_a_split_gains_what_it_promises_at_least(seed, k):
    rows = noise(200, 3, seed)
    best = search(rows, [k], (seed,))[k]
    promised = best.cost - best.gains.max()
    assert squared(rows, best.split()).min(axis=1).sum() <= promised * (1 + 1e-5)


@given(seed=st.integers(0, 10**6), k=st.integers(2, 6))
@settings(max_examples=40, deadline=None)
def test_a_merge_costs_what_it_promises_at_most(seed, k):
    rows = noise(200, 3, seed)
    best = search(rows, [k], (seed,))[k]
    promised = best.cost + best.removal.min()
    assert squared(rows, best.merged()).min(axis=1).sum() <= promised * (1 + 1e-5)


def test_swaps_keep_the_number_of_centres_and_change_two():
    best = search(noise(), [5], (0,))[5]
    swaps = best.swapped(3)
    assert len(swaps) == 3
    for centers in swaps:
        assert centers.shape == (5, 5)
        assert (centers == best.centers).all(axis=1).sum() == 3


def test_one_cluster_has_no_swap():
    best = search(noise(), [1], (0,))[1]
    assert best.swapped(3) == []
    np.testing.assert_allclose(best.centers[0], noise().mean(axis=0), atol=1e-6)


def test_fewer_different_rows_than_clusters_come_to_an_end():
    rows = np.repeat(np.eye(3, dtype=np.float32), 20, axis=0)
    best = search(rows, range(2, 7), (0,))
    assert best[3].cost == pytest.approx(0, abs=1e-6)
    assert best[6].centers.shape == (6, 3)


def test_searches_that_agree_are_not_searched_again_and_the_best_is_taken():
    rows = grid()
    searches = [search(rows, [12], (seed,)) for seed in range(2)]
    centers, agreements = fit_sample(rows, [12], searches, (0,), max_iter=300, tol=1e-4)
    assert agreements[12] > 0.99
    assert clustering(rows, centers[12]).cost <= min(s[12].cost for s in searches)


def test_a_search_that_is_alone_with_its_optimum_is_mended_by_further_ones():
    rows = grid()
    poor = {12: clustering(rows, rows[:12])}
    good = search(rows, [12], (0,))
    centers, agreements = fit_sample(rows, [12], [poor, good], (5,), max_iter=300, tol=1e-4)
    assert agreements[12] < 0.9
    assert clustering(rows, centers[12]).cost <= good[12].cost
    centers, _ = fit_sample(rows, [12], [poor, poor], (5,), max_iter=1, tol=1e-4)
    worse = clustering(rows, centers[12]).cost
    centers, _ = fit_sample(
        rows, [12], [poor, {12: clustering(rows, rows[12:24])}], (5,), max_iter=300, tol=1e-4
    )
    assert clustering(rows, centers[12]).cost < worse


def with_odd_rows() -> np.ndarray:
    """Three rows so far away that the best clustering gives them a cluster."""
    return np.concatenate([noise(3000), np.full((3, 5), 15, dtype=np.float32)])


def smallest(rows: np.ndarray, centers: np.ndarray) -> int:
    return int(np.bincount(squared(rows, centers).argmin(axis=1), minlength=len(centers)).min())


@pytest.mark.parametrize("k", [3, 5, 9])
def test_tiny_clusters_are_avoided_where_they_are_not_wanted(k):
    rows = with_odd_rows()
    assert smallest(rows, search(rows, range(2, 10), (0,))[k].centers) == 3
    avoided = search(rows, range(2, 10), (0,), min_share=0.01)[k].centers
    assert smallest(rows, avoided) >= 0.01 * len(rows)


def test_a_tiny_cluster_that_nothing_avoids_is_left():
    rows = np.repeat(np.array([[-9.0], [0.0], [9.0]], dtype=np.float32), [3, 500, 500], axis=0)
    assert smallest(rows, search(rows, [3], (0,), min_share=0.01)[3].centers) == 3


def test_a_single_clustering_agrees_with_nothing():
    assert np.isnan(agreement(noise(), [noise(3)]))
    assert agreement(noise(), [noise(3), noise(3)[::-1]]) == 1
