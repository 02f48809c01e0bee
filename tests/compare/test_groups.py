"""Groups of segments: a planted tree, the rule by hand, and figures that add up."""

from collections import Counter

import numpy as np
import pytest
from scipy.cluster.hierarchy import ward

from segment_lib.compare import group_segments, group_table
from segment_lib.compare.groups import MOST, merge_nearest
from segment_lib.compare.table import segment_table

SAME = ["over"] * 20


def test_planted_groups_are_told_apart():
    random = np.random.default_rng(0)
    middles = random.normal(0, 10, (6, 4))
    planted = np.array([0, 1, 2, 3, 4, 5, 0, 1, 2, 3, 4, 0])
    centers = middles[planted] + random.normal(0, 0.3, (12, 4))
    groups = group_segments(centers, random.integers(900, 1100, 12), SAME)
    assert groups == ((0, 6, 11), (1, 7), (2, 8), (3, 9), (4, 10), (5,))


def test_nine_segments_or_fewer_are_groups_as_they_are():
    centers = np.zeros((MOST, 2))
    assert group_segments(centers, np.ones(MOST, dtype=int), SAME) == tuple(
        (place,) for place in range(MOST)
    )


def test_the_cut_is_at_the_widest_gap_by_hand():
    # On a line, ten people each, two that merge add 10 * 10 / 20 * distance²: the height is
    # the root of 10 times the distance. The three nearest pairs merge at 1, 2 and 3, the next at 9.
    places = [0, 1, 100, 102, 200, 203, 300, 309, 400, 500]
    centers, people = np.array(places, dtype=float)[:, None], np.full(10, 10)
    groups = group_segments(centers, people, SAME)
    assert groups == ((0, 1), (2, 3), (4, 5), (6, 7), (8,), (9,))


def test_heights_and_groups_are_those_of_scipy_where_all_segments_have_as_many_people():
    centers = np.random.default_rng(1).normal(0, 1, (14, 3))
    heights = ward(centers)[:, 2]
    # The tree has n groups after 14 - n mergings.
    gap = {n: heights[14 - n] - heights[13 - n] for n in range(5, MOST + 1)}
    assert len(group_segments(centers, np.full(14, 1), SAME)) == max(gap, key=gap.__getitem__)


def test_segments_of_few_people_join_before_nearer_ones_of_many():
    # 10 * 10 / 20 * 30² = 4,500 is added by the first two, 1000 * 1000 / 2000 * 4² = 8,000 else.
    centers, people = np.array([[0.0], [30], [200], [204]]), np.array([10, 10, 1000, 1000])
    step = merge_nearest(((0,), (1,), (2,), (3,)), centers, people, SAME)
    assert step is not None
    assert step.groups == ((0, 1), (2,), (3,))
    assert step.height == pytest.approx(9000**0.5)


def test_segments_of_other_verdicts_are_never_merged():
    centers = np.repeat(np.arange(6.0) * 100, 2)[:, None]
    verdicts = ["over", "under"] * 6
    groups = group_segments(centers, np.full(12, 10), verdicts)
    assert 5 <= len(groups) <= MOST
    for group in groups:
        assert len({verdicts[place] for place in group}) == 1


def test_more_verdicts_than_groups_end_the_merging():
    verdicts = [f"verdict {n}" for n in range(12)]
    assert len(group_segments(np.zeros((12, 1)), np.ones(12, dtype=int), verdicts)) == 12


@pytest.mark.parametrize("aside", [0, 50])
def test_a_group_has_the_figures_of_its_segments_together(aside: int):
    people = Counter({-1: aside, 3: 200, 4: 300, 5: 500})
    customers = Counter({-1: aside, 3: 22, 4: 39, 5: 39})
    random = np.random.default_rng(2)
    known = {
        "contingency": random.integers(1, 100, (4, 3, 3)),
        "customer_sizes": random.integers(1, 100, (4, 3)),
        "base": "placed",
        "min_rows": 0,
    }
    ids = np.array([3, 4, 5])
    groups = group_table(people, customers, ids, [(0,), (1, 2)], **known)
    assert groups["segment"].to_list() == [-1, 3, 4]
    assert groups["population_rows"].to_list() == [aside, 200, 800]
    assert groups["customer_share"].to_list()[1:] == [0.22, 0.78]
    # As drawn: 78 % of customers in 80 % of people.
    assert groups["drawn_index"][2] == pytest.approx(97.5)
    alone = segment_table(people, customers, ids, jaccard=np.ones((4, 3)), **known)
    columns = ["population_rows", "index", "low", "high", "verdict", "drawn_low"]
    assert groups.select(columns).row(1) == alone.select(columns).row(1)
    # The people of a group lie in clusterings anew as those of its segments do, by their number.
    # Another sample lies as far beyond their mean as that lies from the group as drawn.
    mean = np.exp(np.log(_values(known)).mean())
    assert groups["index"][2] == pytest.approx(mean**2 / 97.5)


def _values(known: dict) -> np.ndarray:
    """Index of the people of the last two segments in each clustering anew, person by person."""
    overlap, customers = known["contingency"], known["customer_sizes"]
    values = []
    for table, sizes in zip(overlap, customers, strict=True):
        index = 100 * (sizes / sizes.sum()) / (table.sum(axis=0) / table.sum())
        people = [i for row in table[1:] for i, n in zip(index, row, strict=True) for _ in range(n)]
        values.append(np.mean(people))
    return np.array(values)
