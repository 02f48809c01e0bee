"""How many segments: the rule by example, the gain by hand and by simulation."""

import numpy as np
import pytest

from segment_lib.hashing import in_first_half
from segment_lib.model import (
    Gain,
    KMeans,
    Trial,
    choose_clusters,
    count_holdout,
    held_out_gain,
    holdout_split,
)
from segment_lib.model.choice import MIN_SHARE, STABLE, small_share


def trials(*figures: tuple[float, float, float]) -> list[Trial]:
    """Of 2, 3, … segments, from (stability, people in small ones, gain); standard error 0.01."""
    return [
        Trial(k, stability, stability, 0.5, small, Gain(gain, 0.01))
        for k, (stability, small, gain) in enumerate(figures, start=2)
    ]


@pytest.mark.parametrize(
    ("figures", "chosen"),
    [
        ([(0.9, 0.0, 0.3), (0.9, 0.0, 0.5), (0.9, 0.0, 0.4)], 3),
        ([(0.9, 0.0, 0.3), (0.9, 0.0, 0.495), (0.9, 0.0, 0.5)], 3),
        ([(0.9, 0.0, 0.3), (0.9, 0.0, 0.48), (0.9, 0.0, 0.5)], 4),
        ([(0.9, 0.0, 0.3), (0.5, 0.0, 0.5), (0.9, 0.0, 0.4)], 4),
        ([(0.9, 0.0, 0.3), (0.9, 0.02, 0.5), (0.9, 0.0, 0.4)], 4),
        ([(STABLE, MIN_SHARE, 0.3), (0.1, 0.0, 0.5)], 2),
        ([(0.4, 0.0, 0.3), (0.5, 0.0, 0.3), (0.5, 0.0, 0.5)], 3),
        ([(0.9, 0.02, 0.3), (0.8, 0.02, 0.5)], 2),
        ([(float("nan"), 0.0, 0.3), (0.7, 0.0, 0.2)], 3),
        ([(0.9, 0.0, float("nan")), (0.9, 0.0, float("nan"))], 2),
    ],
    ids=[
        "best gain", "tie to fewer", "no tie", "unstable left out", "small left out",
        "at the bounds", "none stable: the most stable", "none large: the most stable",
        "unknown stability", "unknown gain",
    ],
)  # fmt: skip
def test_the_best_gain_of_the_stable_and_large_is_chosen(figures, chosen):
    assert choose_clusters(trials(*figures))[0] == chosen


def test_people_in_small_segments_are_counted():
    assert small_share(np.array([500, 480, 9, 11])) == pytest.approx(0.009)
    assert small_share(np.array([500, 500])) == 0


def test_a_segment_of_nearly_everybody_does_not_hide_that_others_dissolve():
    all_but_one = Trial(2, 0.7, 0.45, 0.5, 0.0, Gain(0.9, 0.01))
    assert not all_but_one.is_stable
    assert choose_clusters([all_but_one, *trials((0.6, 0.0, 0.2), (0.7, 0.0, 0.2))[1:]])[0] == 3


def test_one_optimum_among_many_is_not_stable():
    by_luck = Trial(2, 0.8, 0.8, 0.2, 0.0, Gain(0.9, 0.01))
    assert not by_luck.is_stable
    assert Trial(2, 0.8, 0.8, float("nan"), 0.0, Gain(0.9, 0.01)).is_stable
    number, rule = choose_clusters([by_luck])
    assert number == 2
    assert "restarts agree by 0.20" in rule


def test_the_rule_says_what_it_asks_for_and_what_it_found():
    _, rule = choose_clusters(trials((0.9, 0.0, 0.3), (0.9, 0.0, 0.5)))
    for words in ("0.6", "1%", "50.0%", "20%", "fewer segments"):
        assert words in rule


def test_on_a_tie_the_rule_does_not_say_that_the_smaller_number_reaches_the_most():
    chosen, rule = choose_clusters(trials((0.9, 0.0, 0.498), (0.9, 0.0, 0.5)))
    assert chosen == 2
    assert rule.endswith(
        "the smallest whose best segments reach within one standard error of the most held-out "
        "customers: 49.8% at 20% of the population, where 3 segments reach 50.0%"
    )


def test_a_choice_below_the_bar_says_so():
    _, rule = choose_clusters(trials((0.5, 0.0, 0.3), (0.4, 0.0, 0.3)))
    assert "0.50" in rule
    assert "not stable" in rule


def test_a_choice_too_small_to_plan_with_says_so():
    _, rule = choose_clusters(trials((0.9, 0.02, 0.3)))
    assert "under 1%" in rule


def test_where_no_gain_is_measured_the_sentence_says_so():
    chosen, rule = choose_clusters(trials((0.9, 0.0, float("nan")), (0.9, 0.0, float("nan"))))
    assert chosen == 2
    assert "the smallest: no customer is held out to tell which" in rule
    assert "nan" not in rule


def test_the_gain_is_that_worked_out_by_hand():
    # Ratios 3, 1, 0.5: a mail-out to 20 of 100 takes all of the first (10) and half of the second.
    gain = held_out_gain(np.array([10, 20, 70]), np.array([30, 20, 35]), np.array([40, 30, 30]))
    assert gain.share == pytest.approx(0.4 + 0.3 / 2)
    drawn = np.repeat([1.0, 0.5, 0.0], [40, 30, 30])
    assert gain.error == pytest.approx(drawn.std() / 10)


def test_the_order_is_that_of_the_ranking_half_alone():
    people, backwards = np.array([50, 50]), np.array([1, 9])
    assert held_out_gain(people, backwards, np.array([9, 1])).share == pytest.approx(0.1 * 0.4)


def test_customers_like_the_population_are_reached_as_mailed():
    assert held_out_gain(*3 * [np.array([5, 25, 70])]).share == pytest.approx(0.2)


def test_the_standard_error_is_that_of_customers_drawn_again():
    rng = np.random.default_rng(0)
    people, chances = np.array([100, 300, 600]), np.array([0.5, 0.3, 0.2])
    ranking = np.array([50, 30, 20])
    drawn = [held_out_gain(people, ranking, rng.multinomial(400, chances)) for _ in range(2000)]
    spread = np.std([gain.share for gain in drawn])
    assert np.mean([gain.error for gain in drawn]) == pytest.approx(spread, rel=0.05)


def test_empty_segments_and_no_customers_are_no_failure():
    assert held_out_gain(np.array([0, 10]), np.array([3, 1]), np.array([0, 1])).share > 0
    assert np.isnan(held_out_gain(np.array([5, 5]), np.array([1, 1]), np.array([0, 0])).share)


def test_quarters_are_about_equal_and_stay_with_the_row():
    rows = np.arange(10_000)
    split = holdout_split(rows, 0)
    assert np.bincount(split) == pytest.approx([2500, 2500, 5000], rel=0.06)
    np.testing.assert_array_equal(holdout_split(rows[5000:], 0), split[5000:])
    assert (holdout_split(rows, 1) != split).any()


def test_rows_by_which_gains_are_measured_have_no_part_in_the_choice():
    rows = np.arange(10_000)
    assert ((holdout_split(rows, 3) < 2) == in_first_half(rows, 3)).all()


def test_customers_are_counted_by_split_and_nearest_centre():
    rng = np.random.default_rng(1)
    scores, rows = rng.normal(size=(300, 2)).astype(np.float32), np.arange(100, 400)
    centers = [np.array([[-1, 0], [1, 0]], np.float32), np.eye(2, dtype=np.float32)]
    counts = count_holdout(scores, rows, [KMeans.from_centers(means) for means in centers], 0)
    for table, means in zip(counts, centers, strict=True):
        own = ((scores[:, None] - means) ** 2).sum(axis=2).argmin(axis=1)
        expected = [
            [np.sum((holdout_split(rows, 0) == h) & (own == s)) for s in (0, 1)] for h in (0, 1)
        ]
        assert table.tolist() == expected
