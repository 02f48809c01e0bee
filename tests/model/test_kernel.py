"""The inner loops, against distances in float64 by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import pairwise_distances_argmin

from segment_lib.model.kernel import (
    doubtful_rows,
    label_rows,
    measure_rows,
    nearest,
    squares,
    tally_rows,
    unknown_labels,
)


def noise(n: int, seed: int = 0, d: int = 3) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, d)).astype(np.float32)


def apart(Z: np.ndarray, centers: np.ndarray) -> np.ndarray:
    """Distances of all rows to all centres."""
    return np.sqrt(((Z.astype(np.float64)[:, None] - centers.astype(np.float64)) ** 2).sum(axis=2))


def strangers(n_clusterings: int, n_rows: int) -> tuple[np.ndarray, np.ndarray]:
    labels = unknown_labels(n_clusterings, n_rows, most=40)
    return labels, np.full(labels.shape, -np.inf, dtype=np.float32)


@pytest.mark.parametrize("n", [0, 1, 31, 100, 5000])
@pytest.mark.parametrize("k", [1, 2, 7, 40])
def test_each_row_goes_to_its_nearest_centre(n, k):
    Z, centers = noise(n, d=90), noise(k, seed=1, d=90)
    labels, distances = nearest(Z, centers)
    assert (labels.dtype, distances.dtype) == (np.int32, np.float32)
    np.testing.assert_array_equal(labels, apart(Z, centers).argmin(axis=1))
    np.testing.assert_allclose(distances, apart(Z, centers).min(axis=1), rtol=1e-6)


def test_the_first_of_equally_near_centres_takes_the_row():
    centers = np.array([[1, 0], [-1, 0], [1, 0]], dtype=np.float32)
    assert nearest(np.zeros((1, 2), dtype=np.float32), centers)[0].tolist() == [0]


@pytest.mark.parametrize("offset", [0.0, 30.0, 1000.0])
def test_what_float32_cannot_tell_float64_decides(offset):
    # Centres so close together, and so far out, that products in float32 cannot tell them apart.
    centers = (
        noise(1, seed=1, d=50) + np.float32(offset) + noise(6, seed=2, d=50) * np.float32(1e-3)
    )
    Z = noise(2000, d=50) + np.float32(offset)
    products = (centers**2).sum(axis=1) - 2 * Z @ centers.T
    exact = apart(Z, centers).argmin(axis=1)
    assert offset < 100 or (products.argmin(axis=1) != exact).any()
    np.testing.assert_array_equal(nearest(Z, centers)[0], exact)


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 600), st.integers(1, 40), st.integers(0, 5))
def test_a_row_alone_goes_where_it_goes_among_others(n, k, seed):
    Z, centers = np.round(noise(n, seed, d=5), 1), np.round(noise(k, seed + 1, d=5), 1)
    among = nearest(Z, centers)[0]
    assert [nearest(Z[i : i + 1], centers)[0][0] for i in range(n)] == among.tolist()


@pytest.mark.parametrize("n_rows", [1, 255, 256, 1000])
def test_each_clustering_gets_the_labels_of_scikit_learn(n_rows):
    rng = np.random.default_rng(0)
    block = rng.normal(size=(n_rows, 5)).astype(np.float32)
    centers = [rng.normal(size=(k, 5)).astype(np.float32) for k in (2, 7, 3)]
    labelings = label_rows(block, centers)
    assert labelings.shape == (3, n_rows)
    for labels, means in zip(labelings, centers, strict=True):
        np.testing.assert_array_equal(labels, pairwise_distances_argmin(block, means))


@pytest.mark.parametrize("n", [0, 1, 1000])
def test_doubtful_rows_are_those_whose_limit_the_drift_of_their_cluster_has_reached(n):
    rng = np.random.default_rng(n)
    labels = rng.integers(0, 4, n).astype(np.uint16)
    bound_slack = rng.integers(0, 5, n).astype(np.float32)
    center_shift = np.array([0.0, 1.0, 3.0, 9.0])
    doubtful = doubtful_rows(labels, bound_slack, center_shift)
    assert doubtful.tolist() == [i for i in range(n) if bound_slack[i] <= center_shift[labels[i]]]


def test_of_equally_near_centres_the_first_is_taken():
    block = np.zeros((1, 2), dtype=np.float32)
    centers = [np.array([[1, 0], [0, 1], [3, 0]], dtype=np.float32)]
    assert label_rows(block, centers).tolist() == [[0]]


def test_changes_of_rows_never_seen_are_the_sums_of_each_clustering():
    Z, several = noise(5000), [noise(k, seed=k) for k in (2, 5, 9)]
    labels, bound_slack = strangers(3, len(Z))
    changes = tally_rows(Z, several, [np.zeros(k) for k in (2, 5, 9)], labels, bound_slack)
    for i, centers in enumerate(several):
        own = apart(Z, centers).argmin(axis=1)[:, None] == np.arange(len(centers))
        np.testing.assert_array_equal(labels[i], own.argmax(axis=1))
        np.testing.assert_array_equal(changes[i][0], own.sum(axis=0))
        np.testing.assert_allclose(changes[i][1], own.T @ Z.astype(np.float64), atol=1e-9)


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 1200), st.integers(0, 5), st.floats(0, 1))
def test_some_rows_of_each_clustering_come_out_as_when_all_are_looked_at(n, seed, share):
    draw = np.random.default_rng(seed)
    Z, before = noise(n, seed), [noise(k, seed=k) for k in (2, 5, 9)]
    after = [centers + np.float32(0.1) for centers in before]
    shifts = [draw.random(len(centers)) for centers in before]
    labels, bound_slack = strangers(4, n)
    tally_rows(Z, before, shifts, labels, bound_slack, np.array([0, 1, 3]))
    all_labels = labels.copy()
    tally_rows(Z, after, shifts, all_labels, bound_slack.copy(), np.array([0, 1, 3]))
    some = [np.flatnonzero(draw.random(n) < share) for _ in before]
    old_labels, old_slack = labels.copy(), bound_slack.copy()
    changes = tally_rows(Z, after, shifts, labels, bound_slack, np.array([0, 1, 3]), some)
    for place, centers, shift, rows, (counts, sums) in zip(
        (0, 1, 3), after, shifts, some, changes, strict=True
    ):
        others = np.setdiff1d(np.arange(n), rows)
        assert (labels[place, rows] == all_labels[place, rows]).all()
        two = np.sort(apart(Z[rows], centers), axis=1)
        promised = bound_slack[place, rows] - shift[labels[place, rows]]
        assert (promised <= two[:, 1] - two[:, 0] + 1e-12).all()
        assert (labels[place, others] == old_labels[place, others]).all()
        assert (bound_slack[place, others] == old_slack[place, others]).all()
        k = len(counts)
        was, now = (each[place][:, None] == np.arange(k) for each in (old_labels, labels))
        assert (counts == now.sum(axis=0) - was.sum(axis=0)).all()
        moved = now.astype(float) - was
        np.testing.assert_allclose(sums, moved.T @ Z.astype(np.float64), atol=1e-9)
    assert (labels[2] == unknown_labels(1, n, most=40)).all()


def test_rows_that_stay_change_nothing():
    Z, centers = noise(500), noise(4, seed=1)
    labels, bound_slack = strangers(1, len(Z))
    tally_rows(Z, [centers], [np.zeros(4)], labels, bound_slack)
    ((counts, sums),) = tally_rows(Z, [centers], [np.zeros(4)], labels, bound_slack)
    assert not counts.any()
    assert not sums.any()


def test_rows_that_move_leave_their_old_cluster():
    Z, before, after = noise(500), noise(4, seed=1), noise(4, seed=2)
    labels, bound_slack = strangers(1, len(Z))
    ((counts, sums),) = tally_rows(Z, [before], [np.zeros(4)], labels, bound_slack)
    ((more, more_sums),) = tally_rows(Z, [after], [np.zeros(4)], labels, bound_slack)
    own = apart(Z, after).argmin(axis=1)[:, None] == np.arange(4)
    np.testing.assert_array_equal(counts + more, own.sum(axis=0))
    np.testing.assert_allclose(sums + more_sums, own.T @ Z.astype(np.float64), atol=1e-9)


@pytest.mark.parametrize("offset", [0.0, 100.0])
def test_a_limit_never_promises_more_than_the_gap_between_the_two_nearest(offset):
    Z, centers = noise(3000, d=20) + np.float32(offset), noise(6, seed=1, d=20) + np.float32(offset)
    labels, bound_slack = strangers(1, len(Z))
    center_shift = np.linspace(1, 7, 6)
    tally_rows(Z, [centers], [center_shift], labels, bound_slack)
    two = np.sort(apart(Z, centers), axis=1)
    gap = two[:, 1] - two[:, 0]
    promised = bound_slack[0] - center_shift[labels[0]]
    assert (promised <= gap).all()
    assert offset or (promised >= gap - 0.01).all()


def test_measures_are_the_sums_of_each_clustering():
    Z, several = noise(3000), [noise(k, seed=k) for k in (2, 5)]
    for centers, measures in zip(several, measure_rows(Z, several), strict=True):
        distances = apart(Z, centers)
        own = distances.argmin(axis=1)[:, None] == np.arange(len(centers))
        mine, other = np.sort(distances, axis=1)[:, :2].T
        np.testing.assert_array_equal(measures[0], own.sum(axis=0))
        np.testing.assert_allclose(measures[1], own.T @ Z.astype(np.float64), atol=1e-9)
        np.testing.assert_allclose(measures[2], mine @ own, rtol=1e-6)
        np.testing.assert_allclose(measures[3], ((other - mine) / other) @ own, rtol=1e-4)


def test_squares_are_added_up_in_float64():
    Z = noise(5000) * np.float32(1e4)
    assert squares(Z) == pytest.approx((Z.astype(np.float64) ** 2).sum(), rel=1e-13)


def test_a_centre_far_away_leaves_the_rows_near_others_as_sure_as_before():
    Z, near = noise(2000, d=90), noise(6, seed=1, d=90)
    far = np.zeros((1, 90), dtype=np.float32)
    far[0, 0] = 900
    centers = np.concatenate([near, far])
    labels, bound_slack = strangers(1, len(Z))
    tally_rows(Z, [centers], [np.zeros(7)], labels, bound_slack)
    first, second = np.sort(apart(Z, near), axis=1)[:, :2].T
    assert (bound_slack[0] <= second - first).all()
    np.testing.assert_allclose(bound_slack[0], second - first, atol=1e-3)
