"""Parsing of responses in any words for yes and no."""

import polars as pl
import pytest

from segment_lib.clean import parse_answers
from segment_lib.clean.response import NO_ANSWER


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["1", "0", None], ["1", "0", None]),
        (["1.0", "0.0", ""], ["1", "0", None]),
        (["True", "false", " TRUE "], ["1", "0", "1"]),
        (["J", "n", "NA"], ["1", "0", None]),
        (["yes", "No", "-"], ["1", "0", None]),
        (["2", "maybe", "1"], [NO_ANSWER, NO_ANSWER, "1"]),
        ([None, None], [None, None]),
    ],
)
def test_answers_are_read_in_any_words(cells, expected):
    assert parse_answers(pl.Series(cells, dtype=pl.String)).to_list() == expected
