"""The index over matched re-clusterings, by hand."""

import numpy as np

from segment_lib.compare import compare_segments, index_spread


def test_the_spread_is_that_worked_out_by_hand():
    # First: the same two segments with their numbers exchanged. Then: the second segment cut in two
    # halves, one of them joined to the first.
    overlap = np.array([[[0, 200], [800, 0]], [[200, 0], [400, 400]]])
    customers = np.array([[40, 60], [80, 20]])
    low, high = index_spread(
        overlap, customers, all_population=1000, all_customers=100, own=np.array([300.0, 50.0])
    )
    # 60 % / 20 % and 40 % / 80 %; then 80 % / 60 %, and the mean of that and 20 % / 40 %.
    np.testing.assert_allclose(low, [100 * 8 / 6, 50])
    np.testing.assert_allclose(high, [300, 100 * (8 / 6 + 1 / 2) / 2])


def test_of_twenty_the_lowest_and_the_highest_are_left_out():
    customers = np.column_stack([np.arange(20), 100 - np.arange(20)])
    overlap = np.broadcast_to(np.diag([50, 50]), (20, 2, 2))
    low, high = index_spread(
        overlap, customers, all_population=100, all_customers=100, own=np.array([20.0, 180.0])
    )
    np.testing.assert_allclose([low[0], high[0]], [2, 36])
    np.testing.assert_allclose([low[1], high[1]], [164, 198])


def test_where_all_segments_have_the_index_of_the_population_there_is_no_spread():
    rng = np.random.default_rng(0)
    overlap = rng.integers(1, 100, (5, 3, 3))
    low, high = index_spread(
        overlap, overlap.sum(axis=1), all_population=7, all_customers=7, own=np.full(3, 100.0)
    )
    np.testing.assert_allclose([low, high], 100)


def test_the_wider_of_spread_and_interval_decides():
    rows = {0: 20_000, 1: 80_000}, {0: 4_000, 1: 6_000}
    narrow = compare_segments(*rows).row(0, named=True)
    assert narrow["verdict"] == "over"
    assert (narrow["spread_low"], narrow["spread_high"]) == (None, None)
    wide = compare_segments(*rows, spread={0: (90.0, 201.0)}).row(0, named=True)
    assert wide["verdict"] == "average"
    assert (wide["low"], wide["high"]) == (90.0, narrow["high"])
    assert (wide["index_low"], wide["index_high"]) == (narrow["index_low"], narrow["index_high"])


def test_stability_and_smallness_are_told():
    segments = compare_segments(
        {-1: 10, 0: 499, 1: 500}, {0: 5, 1: 5}, stability={0: 0.5, 1: 0.9}, min_rows=500
    )
    assert segments["stability"].to_list() == [None, 0.5, 0.9]
    assert segments["small"].to_list() == [True, True, False]
