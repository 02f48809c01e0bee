"""Groups of segments in words: counts added up, and names."""

import polars as pl

from segment_lib.compare import compare_segments
from segment_lib.profile.groups import count_by_group, groups_table
from segment_lib.profile.levels import COUNTS
from segment_lib.run import artifacts


def test_the_people_of_a_group_are_those_of_its_segments_and_others_stay():
    counts = pl.DataFrame(
        [(-1, "A", "x", 9), (0, "A", "x", 1), (0, "A", "y", 2), (3, "A", "x", 4), (5, "A", "x", 8)],
        schema=COUNTS,
        orient="row",
    )
    assert count_by_group(counts, {0: 0, 3: 0, 5: 5}).rows() == [
        (-1, "A", "x", 9),
        (0, "A", "x", 5),
        (0, "A", "y", 2),
        (5, "A", "x", 8),
    ]


def test_a_group_of_one_segment_has_its_name_and_others_one_of_their_own():
    figures = compare_segments({-1: 5, 0: 60, 5: 40}, {-1: 1, 0: 3, 5: 7})
    own = pl.DataFrame({"segment": [-1, 0, 5], "name": ["Rows set aside", "Savers", "Investors"]})
    names = pl.DataFrame(
        {"segment": [-1, 0, 3, 5], "name": ["Rows set aside", "Savers, dreamy", "X", "Kept name"]}
    )
    table = groups_table(figures, own, names, {0: 0, 3: 0, 5: 5})
    assert table.columns == list(artifacts.GROUPS.columns)
    assert table.select("group", "segments", "name", "population_rows").rows() == [
        (-1, "", "Rows set aside", 5),
        (0, "0, 3", "Savers", 60),
        (5, "5", "Kept name", 40),
    ]
