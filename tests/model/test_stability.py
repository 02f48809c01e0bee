"""Segments found again: Jaccard by scikit-learn, blobs that are, noise that is not."""

from functools import reduce
from operator import add

import dask
import dask.array as da
import numpy as np
import pytest
from sklearn.metrics import jaccard_score
from sklearn.metrics.cluster import contingency_matrix

from segment_lib.model import KMeans, overlap, resampled_centers, sample_blocks, segment_stability
from segment_lib.model.sample import Sample
from segment_lib.model.stability import contingency, jaccard, resample

MEANS = np.array([[0, 0, 0], [20, 0, 0], [0, 20, 0], [0, 0, 20]], dtype=np.float32)


def blobs(n: int = 4000, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return (MEANS[rng.integers(0, 4, n)] + rng.normal(size=(n, 3))).astype(np.float32)


def sampled(scores: np.ndarray, chunks: int | tuple[int, ...] = 1000):
    Z = da.from_array(scores, chunks=(chunks, scores.shape[1]))
    return sample_blocks(Z, da.arange(len(scores), chunks=Z.chunks[0]))


def test_the_coefficients_are_those_of_scikit_learn():
    rng = np.random.default_rng(2)
    own, other = rng.integers(0, 3, 200), rng.integers(0, 4, 200)
    coefficients = jaccard(contingency(own, other, 3, 4))
    for s in range(3):
        for t in range(4):
            assert coefficients[s, t] == pytest.approx(jaccard_score(own == s, other == t))


def test_blobs_far_apart_are_found_again_each():
    (stability,) = segment_stability(sampled(blobs()), [KMeans.from_centers(MEANS)], trials=4)
    assert stability.shape == (4, 4)
    np.testing.assert_allclose(stability, 1)


def test_a_blob_cut_in_two_is_not_found_again_while_the_others_are():
    halved = np.concatenate([MEANS[1:], [[-0.5, 0, 0], [0.5, 0, 0]]]).astype(np.float32)
    (stability,) = segment_stability(sampled(blobs()), [KMeans.from_centers(halved)], trials=6)
    mean = stability.mean(axis=0)
    assert mean[3:].max() < 0.75
    assert mean[:3].mean() > mean[3:].mean()


def test_segments_of_a_single_cloud_are_not_found_again():
    rng = np.random.default_rng(3)
    cloud = rng.normal(size=(4000, 20)).astype(np.float32)
    (model,) = resample(Sample(np.arange(4000, dtype=np.uint64), cloud), [6], 99, 0)
    (stability,) = segment_stability(sampled(cloud), [model], trials=4)
    assert stability.mean() < 0.5


def test_neither_partitioning_nor_threads_change_a_byte():
    scores = blobs(3000)
    outcomes = []
    for chunks, workers in ((3000, 1), (700, 2), (128, 2)):
        with dask.config.set(scheduler="threads", num_workers=workers):
            sample = sampled(scores, chunks)
            (stable,) = segment_stability(sample, [KMeans.from_centers(MEANS)], trials=3)
            outcomes.append((stable.tobytes(), resampled_centers(sample, 5, trials=3).tobytes()))
    assert len(set(outcomes)) == 1


def test_each_resampled_clustering_draws_other_rows_and_other_starts():
    resampled = resampled_centers(sampled(blobs()), 6, trials=3)
    assert resampled.shape == (3, 6, 3)
    assert not np.allclose(np.sort(resampled[0], axis=0), np.sort(resampled[1], axis=0))


def test_fewer_different_rows_than_segments_are_no_failure():
    scores = np.repeat(np.eye(3, dtype=np.float32), 5, axis=0)
    assert resampled_centers(sampled(scores), 6, trials=2).shape == (2, 6, 3)


def test_overlaps_of_parts_add_up_to_that_of_the_whole():
    scores, resampled = blobs(), resampled_centers(sampled(blobs()), 4, trials=3)
    whole = overlap(scores, MEANS, resampled)
    parts = [overlap(part, MEANS, resampled) for part in np.array_split(scores, 7)]
    np.testing.assert_array_equal(reduce(add, parts).contingency, whole.contingency)
    assert whole.contingency.sum(axis=(1, 2)).tolist() == [4000] * 3


def test_partners_are_the_same_segments_in_another_order():
    scores = blobs()
    order = np.array([2, 0, 3, 1])
    shared = overlap(scores, MEANS, MEANS[order][None])
    partners, alike = shared.partners()
    np.testing.assert_array_equal(order[partners[0]], np.arange(4))
    np.testing.assert_array_equal(alike, 1)
    own = overlap(scores, MEANS, MEANS[None]).sizes[0]
    np.testing.assert_array_equal(shared.sizes[0], own[order])


def test_rows_by_both_labels_are_the_contingency_table_of_scikit_learn():
    rng = np.random.default_rng(1)
    labels, others = rng.integers(0, 3, 100), rng.integers(0, 4, 100)
    np.testing.assert_array_equal(
        contingency(labels, others, 3, 4), contingency_matrix(labels, others)
    )


def test_labels_nobody_has_are_counted_as_none():
    assert contingency(np.array([0]), np.array([1]), 2, 3).tolist() == [[0, 1, 0], [0, 0, 0]]
