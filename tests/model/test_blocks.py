"""Blocks of rows: merged neighbours, whose order and number of rows stay."""

import dask.array as da
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from segment_lib.model import merge_blocks


@given(st.lists(st.integers(1, 9), min_size=1, max_size=30), st.integers(1, 12))
def test_neighbours_are_merged_up_to_a_number_of_rows_and_no_block_is_cut(
    heights: list[int], most: int
) -> None:
    rows = np.arange(2 * sum(heights)).reshape(-1, 2)
    merged = merge_blocks(da.from_array(rows, chunks=(tuple(heights), 2)), most)
    ends, merged_ends = set(np.cumsum(heights)), np.cumsum(merged.chunks[0])
    assert set(merged_ends) <= ends
    assert all(height <= max(most, *heights) for height in merged.chunks[0])
    # No two neighbours could be one.
    assert all(a + b > most for a, b in zip(merged.chunks[0], merged.chunks[0][1:], strict=False))
    np.testing.assert_array_equal(merged.compute(scheduler="synchronous"), rows)
