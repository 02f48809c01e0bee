"""Nearest centres under several clusterings at once, against scikit-learn and by hand."""

import numpy as np
import pytest
from sklearn.metrics import pairwise_distances_argmin
from sklearn.metrics.cluster import contingency_matrix

from segment_lib.model.labels import count_jointly, label_rows


@pytest.mark.parametrize("n_rows", [1, 255, 256, 1000])
def test_each_clustering_gets_the_labels_of_scikit_learn(n_rows):
    rng = np.random.default_rng(0)
    block = rng.normal(size=(n_rows, 5)).astype(np.float32)
    centers = [rng.normal(size=(k, 5)).astype(np.float32) for k in (2, 7, 3)]
    found = label_rows(block, centers)
    assert found.shape == (3, n_rows)
    for labels, these in zip(found, centers, strict=True):
        np.testing.assert_array_equal(labels, pairwise_distances_argmin(block, these))


def test_of_equally_near_centres_the_first_is_taken():
    block = np.zeros((1, 2), dtype=np.float32)
    centers = [np.array([[1, 0], [0, 1], [3, 0]], dtype=np.float32)]
    assert label_rows(block, centers).tolist() == [[0]]


def test_joint_counts_are_the_contingency_table_of_scikit_learn():
    rng = np.random.default_rng(1)
    labels, others = rng.integers(0, 3, 100), rng.integers(0, 4, 100)
    np.testing.assert_array_equal(
        count_jointly(labels, others, 3, 4), contingency_matrix(labels, others)
    )


def test_labels_nobody_has_are_counted_as_none():
    assert count_jointly(np.array([0]), np.array([1]), 2, 3).tolist() == [[0, 1, 0], [0, 0, 0]]
