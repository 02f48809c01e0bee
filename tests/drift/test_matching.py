"""Segments carried over: permuted, split, born and vanished ones."""

from itertools import permutations

import numpy as np

from segment_lib.drift import match_segments

CENTERS = np.array([[0.0, 0.0], [5.0, 0.0], [0.0, 5.0]])


def test_permuted_segments_get_their_numbers_back() -> None:
    for order in permutations(range(3)):
        contingency = np.zeros((3, 3), dtype=int)
        contingency[list(order), range(3)] = 100
        match = match_segments(contingency, CENTERS, CENTERS[list(order)] + 0.1, (0, 1, 4), 5)
        assert match.ids == tuple((0, 1, 4)[old] for old in order)
        assert match.new == ()
        assert match.vanished == ()


def test_a_segment_that_shares_too_few_rows_is_new_and_the_old_one_vanished() -> None:
    contingency = np.array([[90, 0, 10], [0, 95, 5], [60, 20, 20]])
    centers = np.array([[0.0, 0.1], [5.0, 0.1], [9.0, 9.0]])
    match = match_segments(contingency, CENTERS, centers, (0, 1, 2), 7)
    assert match.ids == (0, 1, 7)
    assert match.new == (7,)
    assert match.vanished == (2,)
    assert match.overlap[0] == 90 / 160


def test_a_segment_that_shares_more_than_half_is_the_same_wherever_the_centres_lie() -> None:
    contingency, old, new = (
        np.array([[550, 400], [10, 0]]),
        np.array([[0.0], [-3.0]]),
        [[-2.0], [3.0]],
    )
    match = match_segments(contingency, old, np.array(new), (0, 1), 2)
    assert match.ids == (0, 2)
    assert match.overlap[0] == 550 / 960
    assert match.vanished == (1,)


def test_one_segment_more_is_new() -> None:
    contingency = np.array([[60, 0, 0, 40], [0, 100, 0, 0], [0, 0, 100, 0]])
    centers = np.vstack([CENTERS, [[0.5, 0.5]]])
    match = match_segments(contingency, CENTERS, centers, (0, 1, 2), 3)
    assert match.ids == (0, 1, 2, 3)
    assert match.vanished == ()


def test_one_segment_fewer_has_vanished() -> None:
    contingency = np.array([[100, 0], [0, 100], [0, 30]])
    match = match_segments(contingency, CENTERS, CENTERS[:2], (0, 1, 2), 3)
    assert match.ids == (0, 1)
    assert match.vanished == (2,)
