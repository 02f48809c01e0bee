"""Rows chosen by a hash of their number."""

import numpy as np

from segment_lib.hashing import hashed_share, in_first_half, row_hash

ROWS = np.arange(100_000)


def test_the_first_numbers_of_splitmix_are_those_published() -> None:
    """The reference generator seeded with 1234567 gives 6457827717110365317 first."""
    golden = 0x9E3779B97F4A7C15
    inverse = pow(golden, -1, 2**64)
    # The generator's state after one step, undone to the row number that leads to it.
    state = (1234567 + golden) % 2**64
    row = (state * inverse - golden) % 2**64
    assert row_hash(np.array([row], dtype=np.uint64), 0)[0] == 6457827717110365317


def test_no_two_rows_share_a_hash() -> None:
    assert len(np.unique(row_hash(ROWS, 3))) == len(ROWS)


def test_halves_are_halves_and_another_seed_gives_others() -> None:
    first, other = in_first_half(ROWS, 0), in_first_half(ROWS, 1)
    assert abs(first.mean() - 0.5) < 0.01
    assert abs((first == other).mean() - 0.5) < 0.01


def test_a_share_is_a_share_and_a_larger_one_holds_it() -> None:
    small, large = hashed_share(ROWS, 0, 0.1), hashed_share(ROWS, 0, 0.3)
    assert abs(small.mean() - 0.1) < 0.01
    assert not (small & ~large).any()
    assert hashed_share(ROWS, 0, 1.5).all()
