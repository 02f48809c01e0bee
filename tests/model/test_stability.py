"""Segments found again: Jaccard by scikit-learn, blobs that are, noise that is not."""

from functools import reduce
from operator import add

import dask
import dask.array as da
import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score, jaccard_score
from sklearn.metrics.cluster import contingency_matrix

from segment_lib.model import (
    KMeans,
    compare_clusterings,
    cross_tables,
    overlap,
    recluster_samples,
    sample_blocks,
)
from segment_lib.model.stability import best_matches, contingency, jaccard

MEANS = np.array([[0, 0, 0], [20, 0, 0], [0, 20, 0], [0, 0, 20]], dtype=np.float32)


def blobs(n: int = 4000, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return (MEANS[rng.integers(0, 4, n)] + rng.normal(size=(n, 3))).astype(np.float32)


def sampled(scores: np.ndarray, chunks: int | tuple[int, ...] = 1000):
    Z = da.from_array(scores, chunks=(chunks, scores.shape[1]))
    return sample_blocks(Z, da.arange(len(scores), chunks=Z.chunks[0]))


def reclustered(scores: np.ndarray, k: int, trials: int = 3) -> np.ndarray:
    return recluster_samples(sampled(scores), [KMeans(k)], trials=trials)[k]


def stability(scores: np.ndarray, centers: np.ndarray, trials: int = 4) -> np.ndarray:
    anew = reclustered(scores, len(centers), trials)
    tables = cross_tables(sampled(scores), {len(centers): np.stack([centers, *anew])})
    return best_matches(tables[len(centers)][0, 1:])


def labels(scores: np.ndarray, centers: np.ndarray) -> np.ndarray:
    return ((scores[:, None] - centers) ** 2).sum(axis=2).argmin(axis=1)


def test_the_coefficients_are_those_of_scikit_learn():
    rng = np.random.default_rng(2)
    own, other = rng.integers(0, 3, 200), rng.integers(0, 4, 200)
    coefficients = jaccard(contingency(own, other, 3, 4))
    for s in range(3):
        for t in range(4):
            assert coefficients[s, t] == pytest.approx(jaccard_score(own == s, other == t))


def test_coefficients_of_several_tables_are_those_of_each():
    tables = np.random.default_rng(0).integers(0, 9, (3, 4, 4))
    np.testing.assert_array_equal(jaccard(tables), [jaccard(table) for table in tables])


def test_blobs_far_apart_are_found_again_each():
    coefficients = stability(blobs(), MEANS)
    assert coefficients.shape == (4, 4)
    np.testing.assert_allclose(coefficients, 1)


def test_a_blob_cut_in_two_is_not_found_again_while_the_others_are():
    halved = np.concatenate([MEANS[1:], [[-0.5, 0, 0], [0.5, 0, 0]]]).astype(np.float32)
    mean = stability(blobs(), halved, trials=6).mean(axis=0)
    assert mean[3:].max() < 0.75
    assert mean[:3].mean() > mean[3:].mean()


def test_segments_of_a_single_cloud_are_not_found_again():
    cloud = np.random.default_rng(3).normal(size=(4000, 20)).astype(np.float32)
    assert stability(cloud, reclustered(cloud, 6, 1)[0]).mean() < 0.5


def test_neither_partitioning_nor_threads_change_a_byte():
    scores = blobs(3000)
    outcomes = []
    for chunks, workers in ((3000, 1), (700, 2), (128, 2)):
        with dask.config.set(scheduler="threads", num_workers=workers):
            sample = sampled(scores, chunks)
            anew = recluster_samples(sample, [KMeans(4), KMeans(5)], trials=3)
            tables = cross_tables(sample, anew)
            outcomes.append(tuple(each[k].tobytes() for each in (anew, tables) for k in (4, 5)))
    assert len(set(outcomes)) == 1


def test_components_that_chance_would_give_in_a_half_count_for_nothing_there():
    scores = np.random.default_rng(5).normal(size=(4000, 3)).astype(np.float32) * [3, 1.1, 1.1]
    scores = scores.astype(np.float32)
    anew = recluster_samples(sampled(scores), [KMeans(4)], variance_needed=(1, 2, 2), trials=3)[4]
    for centers in anew:
        assert np.linalg.matrix_rank(centers, tol=1e-4) == 1
        alone = labels(scores[:, :1], centers[:, :1])
        assert adjusted_rand_score(labels(scores, centers), alone) > 0.95
    every = recluster_samples(sampled(scores), [KMeans(4)], variance_needed=(1, 1, 1), trials=3)[4]
    np.testing.assert_array_equal(every, reclustered(scores, 4))


def test_a_component_on_the_verge_of_chance_counts_in_some_halves():
    scores = np.random.default_rng(6).normal(size=(4000, 2)).astype(np.float32) * [3, 1]
    verge = scores[:, 1].var()
    anew = recluster_samples(
        sampled(scores.astype(np.float32)), [KMeans(4)], variance_needed=(1, verge), trials=12
    )[4]
    ranks = {int(np.linalg.matrix_rank(centers, tol=1e-4)) for centers in anew}
    assert ranks == {1, 2}


def test_each_clustering_anew_draws_another_half_of_the_rows():
    anew = reclustered(blobs(), 6)
    assert anew.shape == (3, 6, 3)
    assert not np.allclose(np.sort(anew[0], axis=0), np.sort(anew[1], axis=0))


def test_halves_spread_about_the_whole_as_samples_do_about_the_truth():
    """A mean has a variance that is known: that of one cluster's centre."""
    n = 2000
    cloud = np.random.default_rng(5).normal(size=(n, 3)).astype(np.float32)
    halves = reclustered(cloud, 1, trials=60)[:, 0]
    around = ((halves - cloud.mean(axis=0)) ** 2).mean()
    assert around == pytest.approx(1 / n, rel=0.25)


def test_fewer_different_rows_than_segments_are_no_failure():
    scores = np.repeat(np.eye(3, dtype=np.float32), 5, axis=0)
    assert reclustered(scores, 6, trials=2).shape == (2, 6, 3)


def test_clusterings_are_counted_against_each_other():
    rng = np.random.default_rng(0)
    scores = blobs(500)
    clusterings = np.stack([MEANS, rng.permutation(MEANS), MEANS + rng.normal(size=(4, 3)) * 5])
    tables = cross_tables(sampled(scores), {4: clusterings.astype(np.float32)})[4]
    for i in range(3):
        for j in range(3):
            expected = contingency_matrix(
                labels(scores, clusterings[i]), labels(scores, clusterings[j])
            )
            np.testing.assert_array_equal(tables[i, j], expected)


def test_clusterings_of_other_numbers_are_compared_as_scikit_learn_does():
    scores = blobs(500)
    ((table, agreement),) = compare_clusterings(sampled(scores), MEANS, [MEANS[:3]])
    own, theirs = labels(scores, MEANS), labels(scores, MEANS[:3])
    np.testing.assert_array_equal(table, contingency_matrix(own, theirs))
    assert agreement == pytest.approx(adjusted_rand_score(own, theirs))


def test_overlaps_of_parts_add_up_to_that_of_the_whole():
    scores = blobs()
    anew = reclustered(scores, 4)
    whole = overlap(scores, MEANS, anew)
    parts = [overlap(part, MEANS, anew) for part in np.array_split(scores, 7)]
    np.testing.assert_array_equal(reduce(add, parts).contingency, whole.contingency)
    assert whole.contingency.sum(axis=(1, 2)).tolist() == [4000] * 3


def test_the_same_segments_in_another_order_are_found_again():
    scores = blobs()
    order = np.array([2, 0, 3, 1])
    shared = overlap(scores, MEANS, MEANS[order][None])
    np.testing.assert_array_equal(shared.stability, 1)
    own = overlap(scores, MEANS, MEANS[None]).sizes[0]
    np.testing.assert_array_equal(shared.sizes[0], own[order])


def test_rows_by_both_labels_are_the_contingency_table_of_scikit_learn():
    rng = np.random.default_rng(1)
    own, others = rng.integers(0, 3, 100), rng.integers(0, 4, 100)
    np.testing.assert_array_equal(contingency(own, others, 3, 4), contingency_matrix(own, others))


def test_labels_nobody_has_are_counted_as_none():
    assert contingency(np.array([0]), np.array([1]), 2, 3).tolist() == [[0, 1, 0], [0, 0, 0]]
