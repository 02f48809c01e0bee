"""Sensitive attributes per segment: shares by hand, small counts left out."""

import polars as pl

from segment_lib.compare import SEGMENTS, compare_segments
from segment_lib.profile import COUNTS
from segment_lib.profile.fairness import FAIRNESS, fairness_table
from segment_lib.schema import Meaning

LEVELS = {"SEX": ["1", "2", "3"]}
MEANINGS = {"SEX": Meaning("sex", {"1": "male", "2": "female"})}


def counts(*rows: tuple[int, str, int]) -> pl.DataFrame:
    return pl.DataFrame(
        [(segment, "SEX", level, n) for segment, level, n in rows], schema=COUNTS, orient="row"
    )


LARGE = {0: 1_000, 1: 1_000}


def table(
    population: pl.DataFrame,
    customers: pl.DataFrame,
    min_cell: int = 10,
    sizes: dict[int, int] = LARGE,
) -> pl.DataFrame:
    segments = compare_segments(sizes, sizes)
    return fairness_table(population, customers, segments, LEVELS, MEANINGS, min_cell=min_cell)


PEOPLE = counts((0, "1", 60), (0, "2", 40), (0, "3", 100), (1, "1", 20), (1, "2", 30), (1, "3", 50))


def test_shares_are_within_the_segment_and_at_large():
    theirs = counts(
        (0, "1", 30), (0, "2", 10), (0, "3", 10), (1, "1", 60), (1, "2", 20), (1, "3", 20)
    )
    fairness = table(PEOPLE, theirs)
    first = fairness.row(0, named=True)
    assert (first["segment"], first["label"], first["population_rows"]) == (0, "male", 60)
    assert (first["population_share"], first["population_at_large"]) == (0.3, 80 / 300)
    assert (first["customer_share"], first["customers_at_large"]) == (0.6, 0.6)
    assert fairness.columns == list(FAIRNESS)
    assert fairness["level"].to_list() == ["1", "2", "3"] * 2


def test_counts_of_few_people_are_left_out_with_their_shares():
    fairness = table(counts((0, "1", 9), (0, "2", 3), (0, "3", 88)), PEOPLE)
    assert fairness["population_rows"].to_list()[:3] == [None, None, 88]
    assert fairness["population_share"].to_list()[:3] == [None, None, 0.88]


def test_a_lone_small_count_does_not_follow_from_the_others():
    fairness = table(counts((0, "1", 9), (0, "2", 30), (0, "3", 61)), PEOPLE)
    assert fairness["population_rows"].to_list()[:3] == [None, None, 61]


def test_with_a_bound_of_zero_all_is_told():
    fairness = table(PEOPLE, counts((0, "1", 1)), min_cell=0)
    assert fairness["customer_rows"].to_list() == [1, 0, 0, 0, 0, 0]


def test_a_level_only_customers_have_is_told_too():
    fairness = table(counts((0, "1", 50), (0, "2", 50)), counts((0, "3", 40)), min_cell=0)
    assert fairness["population_rows"].to_list() == [50, 50, 0]
    assert fairness["customer_rows"].to_list() == [0, 0, 40]


def test_no_sensitive_attribute_gives_a_table_without_rows():
    empty = pl.DataFrame(schema=COUNTS)
    none = pl.DataFrame(schema=SEGMENTS)
    assert dict(fairness_table(empty, empty, none, {}, {}, min_cell=10).schema) == FAIRNESS


def test_where_no_level_is_known_there_are_no_shares():
    fairness = table(PEOPLE, counts(), min_cell=0)
    for name in ("customer_share", "customers_at_large"):
        assert fairness[name].to_list() == [None] * 6, name


def test_the_share_at_large_of_a_level_is_left_out_where_a_count_of_it_is():
    people = counts((0, "1", 500), (0, "2", 400), (0, "3", 300), (1, "1", 50), (1, "2", 60),
                    (1, "3", 3))  # fmt: skip
    fairness = table(people, people)
    assert fairness["population_rows"].to_list() == [500, 400, 300, None, 60, None]
    assert fairness["population_at_large"].to_list() == [None, 460 / 1313, None] * 2


def test_a_segment_whose_size_is_hidden_is_left_out_whole():
    """With all levels known, the counts of segment 1 would tell its size, and that of segment 2."""
    people = counts((0, "1", 500), (0, "2", 400), (0, "3", 300), (1, "1", 50), (1, "2", 60),
                    (1, "3", 70), (2, "1", 4))  # fmt: skip
    fairness = table(people, people, sizes={0: 1200, 1: 180, 2: 4})
    for name in ("population_rows", "population_share", "customer_rows", "customer_share"):
        assert fairness[name].is_null().to_list() == [False] * 3 + [True] * 6, name
    assert fairness["population_at_large"].null_count() == 9
