"""Agreement of clusterings, against small ones worked out by hand."""

import math

import numpy as np
import pytest

from benchmarks.agreement import Estimate, agreement, pairwise_difference, pairwise_rand


def test_the_same_clustering_under_other_numbers_is_found_again() -> None:
    one = agreement(np.array([0, 0, 1, 1, 2]), np.array([7, 7, 3, 3, 5]))
    assert (one.jaccard, one.found_again) == (1, 1)


def test_each_person_counts_with_the_best_match_of_their_segment_from_either_side() -> None:
    # Segments of 4 and 4 people against 5 and 3: Jaccard 4/5 and 3/4, from either side.
    labels, others = np.repeat([0, 1], [4, 4]), np.repeat([0, 1], [5, 3])
    one, back = agreement(labels, others), agreement(others, labels)
    assert one.jaccard == pytest.approx(((0.8 + 0.75) / 2 + (5 * 0.8 + 3 * 0.75) / 8) / 2)
    assert one.found_again == 1
    assert one == back


def test_a_segment_that_is_split_is_not_found_again() -> None:
    # Six stay together; four are split in halves: Jaccard 1/2 from either side.
    labels, others = np.repeat([0, 1], [6, 4]), np.repeat([0, 1, 2], [6, 2, 2])
    one = agreement(labels, others)
    assert one.found_again == 0.6
    assert one.jaccard == pytest.approx(0.6 + 0.4 * 0.5)


def test_an_estimate_has_the_standard_error_of_the_mean() -> None:
    estimate = Estimate.over([1, 2, 3])
    assert estimate.mean == 2
    assert estimate.error == pytest.approx(1 / math.sqrt(3))
    assert estimate.text() == "2.00 ± 0.58"


def test_an_estimate_from_one_value_has_no_error() -> None:
    assert Estimate.over([0.5]).text() == "0.50"


def test_pairs_are_compared_each_with_each() -> None:
    a, b, c = np.array([0, 0, 1, 1]), np.array([1, 1, 0, 0]), np.array([0, 1, 0, 1])
    assert pairwise_rand([a, b, c]) == [1.0, -0.5, -0.5]
    assert pairwise_difference([a, b, c]) == [1.0, 0.5, 0.5]
