"""Segments carried over: permuted, split, born and vanished ones."""

from itertools import permutations

import numpy as np

from segment_lib.drift import match_segments

CENTERS = np.array([[0.0, 0.0], [5.0, 0.0], [0.0, 5.0]])


def test_permuted_segments_get_their_numbers_back() -> None:
    for order in permutations(range(3)):
        joint = np.zeros((3, 3), dtype=int)
        joint[list(order), range(3)] = 100
        found = match_segments(joint, CENTERS, CENTERS[list(order)] + 0.1, (0, 1, 4), 5)
        assert found.ids == tuple((0, 1, 4)[old] for old in order)
        assert found.new == ()
        assert found.vanished == ()


def test_a_segment_that_shares_too_few_rows_is_new_and_the_old_one_vanished() -> None:
    joint = np.array([[90, 0, 10], [0, 95, 5], [60, 20, 20]])
    centers = np.array([[0.0, 0.1], [5.0, 0.1], [9.0, 9.0]])
    found = match_segments(joint, CENTERS, centers, (0, 1, 2), 7)
    assert found.ids == (0, 1, 7)
    assert found.new == (7,)
    assert found.vanished == (2,)
    assert found.overlap[0] == 90 / 160


def test_a_segment_that_shares_more_than_half_is_the_same_wherever_the_centres_lie() -> None:
    joint, old, new = np.array([[550, 400], [10, 0]]), np.array([[0.0], [-3.0]]), [[-2.0], [3.0]]
    found = match_segments(joint, old, np.array(new), (0, 1), 2)
    assert found.ids == (0, 2)
    assert found.overlap[0] == 550 / 960
    assert found.vanished == (1,)


def test_one_segment_more_is_new() -> None:
    joint = np.array([[60, 0, 0, 40], [0, 100, 0, 0], [0, 0, 100, 0]])
    centers = np.vstack([CENTERS, [[0.5, 0.5]]])
    found = match_segments(joint, CENTERS, centers, (0, 1, 2), 3)
    assert found.ids == (0, 1, 2, 3)
    assert found.vanished == ()


def test_one_segment_fewer_has_vanished() -> None:
    joint = np.array([[100, 0], [0, 100], [0, 30]])
    found = match_segments(joint, CENTERS, CENTERS[:2], (0, 1, 2), 3)
    assert found.ids == (0, 1)
    assert found.vanished == (2,)
