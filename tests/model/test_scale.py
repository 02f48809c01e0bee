"""Moments and the standard scaler, against numpy and scikit-learn."""

from functools import reduce
from itertools import pairwise
from operator import add

import dask.array as da
import numpy as np
import pytest
import sklearn.preprocessing
from hypothesis import given, settings
from hypothesis import strategies as st

from segment_lib.errors import ConfigError, DataError
from segment_lib.model import Moments, StandardScaler, compute_moments


def people(n: int = 1000, seed: int = 0) -> np.ndarray:
    """Features of very different means and spreads."""
    random = np.random.default_rng(seed)
    spread = np.array([1.0, 100.0, 0.01, 15.0])
    mean = np.array([0.0, 5000.0, 1.0, 1960.0])
    return (random.normal(size=(n, 4)) * spread + mean).astype(np.float32)


def cut(X: np.ndarray, marks: list[int]) -> list[np.ndarray]:
    edges = sorted({0, len(X), *(mark % len(X) for mark in marks)})
    return [X[a:b] for a, b in pairwise(edges)]


def close(moments: Moments, X: np.ndarray) -> None:
    exact = X.astype(np.float64)
    centred = exact - exact.mean(axis=0)
    scatter = centred.T @ centred
    assert moments.n == len(X)
    np.testing.assert_allclose(moments.mean, exact.mean(axis=0), rtol=1e-11, atol=1e-11)
    np.testing.assert_allclose(
        moments.scatter, scatter, rtol=1e-9, atol=1e-9 * np.abs(scatter).max()
    )


def test_moments_are_count_mean_and_scatter():
    close(Moments.from_block(people()), people())


def test_more_rows_than_a_tile_are_added_up():
    close(Moments.from_block(people(20_000)), people(20_000))


def test_a_single_row_has_no_scatter():
    moments = Moments.from_block(np.array([[1.0, 2.0]], dtype=np.float32))
    assert (moments.n, moments.mean.tolist(), moments.scatter.tolist()) == (
        1,
        [1, 2],
        [[0, 0], [0, 0]],
    )


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(0, 10_000), max_size=8), st.integers(2, 300), st.integers(0, 5))
def test_moments_of_any_partitioning_add_up_to_those_of_the_whole(marks, n, seed):
    X = people(n, seed)
    close(reduce(add, [Moments.from_block(part) for part in cut(X, marks)]), X)


@pytest.mark.parametrize("chunks", [1000, 333, 64, (100, 2), (1, 4)])
def test_moments_of_an_array_do_not_depend_on_its_chunks(chunks):
    X = people(300)
    chunks = (chunks, 4) if isinstance(chunks, int) else chunks
    close(compute_moments(da.from_array(X, chunks=chunks)), X)


def test_moments_survive_a_mean_far_from_zero():
    # The textbook sum of squares loses all digits here; Chan's update does not.
    X = np.array([[4.0], [7.0], [13.0], [16.0]]) + 1e9
    moments = reduce(add, [Moments.from_block(row[None]) for row in X])
    assert moments.scatter[0, 0] / 3 == pytest.approx(30.0, abs=1e-6)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_value_that_is_not_finite_is_refused_with_its_feature(value):
    X = people(100)
    X[70, 2] = value
    with np.errstate(invalid="ignore"), pytest.raises(DataError, match="Feature 2"):
        compute_moments(da.from_array(X, chunks=(30, 4)))


def test_scaled_moments_are_those_of_the_scaled_rows():
    X, mean, scale = people(), np.array([1.0, 2, 3, 4]), np.array([2.0, 4, 8, 16])
    moments = Moments.from_block(X).scaled(mean, scale)
    close(moments, (X.astype(np.float64) - mean) / scale)


# The scaler


@pytest.mark.parametrize("chunks", [1000, 100, 7])
def test_the_scaler_learns_what_scikit_learn_learns(chunks):
    X = people()
    ours = StandardScaler().fit(da.from_array(X, chunks=(chunks, 4)))
    theirs = sklearn.preprocessing.StandardScaler().fit(X.astype(np.float64))
    for name in ("mean_", "var_", "scale_"):
        np.testing.assert_allclose(getattr(ours, name), getattr(theirs, name), rtol=1e-9, atol=1e-9)
    assert ours.n_samples_seen_ == theirs.n_samples_seen_


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(1, 999), max_size=6))
def test_rows_added_part_by_part_or_by_merging_are_learned_as_all_at_once(marks):
    X = people()
    theirs = sklearn.preprocessing.StandardScaler().fit(X.astype(np.float64))
    added, merged = StandardScaler(), StandardScaler().partial_fit(cut(X, marks)[0])
    for i, part in enumerate(cut(X, marks)):
        added.partial_fit(part)
        if i:
            merged.merge(StandardScaler().partial_fit(part))
    for ours in (added, merged):
        np.testing.assert_allclose(ours.scale_, theirs.scale_, rtol=1e-9)
        assert ours.n_samples_seen_ == 1000


def test_the_scaler_scales_as_scikit_learn_does():
    X = people()
    ours = StandardScaler().fit(da.from_array(X, chunks=(100, 4))).transform(X)
    theirs = sklearn.preprocessing.StandardScaler().fit_transform(X.astype(np.float64))
    np.testing.assert_allclose(ours, theirs, atol=2e-4)


def test_blocks_are_scaled_lazily_as_rows_in_memory():
    X = people()
    lazy = da.from_array(X, chunks=(100, 4))
    scaler = StandardScaler().fit(lazy)
    scaled = scaler.transform(lazy)
    assert (scaled.chunks, scaled.dtype) == (lazy.chunks, np.float32)
    np.testing.assert_array_equal(scaled.compute(), scaler.transform(X))


def test_fit_transform_is_fit_and_transform():
    X = da.from_array(people(), chunks=(100, 4))
    expected = StandardScaler().fit(X).transform(X).compute()
    np.testing.assert_array_equal(np.asarray(StandardScaler().fit_transform(X)), expected)


def test_the_callers_array_stays_as_it_is():
    X = people()
    before = X.copy()
    StandardScaler().fit(da.from_array(X, chunks=(100, 4))).transform(X)
    np.testing.assert_array_equal(X, before)


@pytest.mark.parametrize("value", [0.0, 0.1, 1.0, 1e6, -3.3])
@pytest.mark.parametrize("chunks", [997, 10])
def test_a_constant_feature_keeps_the_scale_one(value, chunks):
    X = people(997)
    X[:, 1] = value
    scaler = StandardScaler().fit(da.from_array(X, chunks=(chunks, 4)))
    assert (scaler.scale_[1], scaler.constant_.tolist()) == (1.0, [False, True, False, False])


@pytest.mark.parametrize("value", [0.0, 0.1, 1e6])
def test_a_constant_feature_is_scaled_to_zero(value):
    X = np.full((100, 1), value, dtype=np.float32)
    scaler = StandardScaler().fit(da.from_array(X, chunks=(7, 1)))
    assert np.abs(scaler.transform(X)).max() == 0


def test_a_rare_indicator_is_not_constant():
    # GEBAEUDETYP 5 occurs in one row of 891,221.
    X = np.zeros((100_000, 1), dtype=np.float32)
    X[5] = 1
    assert not StandardScaler().fit(da.from_array(X, chunks=(10_000, 1))).constant_[0]


def test_scaling_can_be_undone():
    X = people()
    scaler = StandardScaler().fit(da.from_array(X, chunks=(100, 4)))
    np.testing.assert_allclose(scaler.inverse_transform(scaler.transform(X)), X, rtol=1e-4)


@pytest.mark.parametrize("option", ["with_mean", "with_std"])
def test_an_option_that_is_accepted_is_obeyed(option):
    try:
        scaler = StandardScaler(**{option: False})
    except TypeError:
        return
    X = people()
    scaler.fit(da.from_array(X, chunks=(100, 4)))
    theirs = sklearn.preprocessing.StandardScaler(**{option: False}).fit_transform(X)
    np.testing.assert_allclose(scaler.transform(X), theirs, rtol=1e-3, atol=1e-3)


def test_rows_in_memory_can_be_fitted_too():
    np.testing.assert_allclose(
        StandardScaler().fit(people()).mean_, people().mean(axis=0), rtol=1e-4
    )


def test_features_of_a_block_share_one_unit_of_variance():
    X = np.random.default_rng(0).normal(size=(500, 6)) * [1, 5, 2, 9, 3, 4]
    X[:, 5] = 7.0
    scaled = StandardScaler(blocks=["A", "B", "B", "B", "C", "C"]).fit_transform(X)
    variances = scaled.var(axis=0)
    np.testing.assert_allclose(variances, [1, 1 / 3, 1 / 3, 1 / 3, 1, 0], atol=1e-12)
    alone = sklearn.preprocessing.StandardScaler().fit_transform(X)
    np.testing.assert_allclose(scaled[:, 1:4] * 3**0.5, alone[:, 1:4])


def test_blocks_of_one_feature_each_change_nothing():
    X = people()
    for scaler in (StandardScaler(blocks=[4, 3, 2, 1]), StandardScaler(blocks=None)):
        np.testing.assert_array_equal(scaler.fit(X).scale_, StandardScaler().fit(X).scale_)


def test_blocks_of_merged_scalers_are_those_of_all_rows():
    X, blocks = people(), ["A", "A", "B", "B"]
    first, second = (StandardScaler(blocks=blocks).fit(part) for part in (X[:300], X[300:]))
    whole = StandardScaler(blocks=blocks).fit(X)
    np.testing.assert_allclose(first.merge(second).scale_, whole.scale_, rtol=1e-9)
    np.testing.assert_allclose(whole.inverse_transform(whole.transform(X)), X, rtol=1e-4, atol=1e-3)


def test_blocks_that_do_not_name_every_feature_are_refused():
    with pytest.raises(ConfigError, match="3 entries for 4 features"):
        StandardScaler(blocks=["A", "B", "C"]).fit(people())
