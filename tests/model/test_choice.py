"""How many segments: the rule by example, the gain by hand and by simulation."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics.cluster import contingency_matrix

from segment_lib.hashing import in_first_half
from segment_lib.model import (
    Gain,
    Trial,
    Tried,
    choose_clusters,
    count_holdout,
    cross_fitted_gain,
    held_out_gain,
    holdout_split,
    numbers_to_choose,
)
from segment_lib.model.choice import MIN_SHARE, MOST_PEOPLE, found_again_share
from segment_lib.model.stability import jaccard


def trials(*figures: tuple[float, float, float]) -> list[Trial]:
    """Of 2, 3, … segments, from (people found again, smallest, gain); standard error 0.01."""
    return [
        Trial(k, 0.9, again, smallest, Gain(gain, 0.01))
        for k, (again, smallest, gain) in enumerate(figures, start=2)
    ]


@pytest.mark.parametrize(
    ("figures", "chosen"),
    [
        ([(0.9, 0.1, 0.3), (0.9, 0.1, 0.5), (0.9, 0.1, 0.4)], 3),
        ([(0.9, 0.1, 0.3), (0.9, 0.1, 0.495), (0.9, 0.1, 0.5)], 3),
        ([(0.9, 0.1, 0.3), (0.9, 0.1, 0.48), (0.9, 0.1, 0.5)], 4),
        ([(0.9, 0.1, 0.3), (0.7, 0.1, 0.5), (0.9, 0.1, 0.4)], 4),
        ([(0.9, 0.1, 0.3), (0.9, 0.009, 0.5), (0.9, 0.1, 0.4)], 4),
        ([(MOST_PEOPLE, MIN_SHARE, 0.3), (0.1, 0.1, 0.5)], 2),
        ([(0.5, 0.1, 0.3), (0.7, 0.1, 0.3), (0.65, 0.1, 0.5)], 4),
        ([(0.5, 0.1, 0.3), (0.7, 0.1, 0.3), (0.59, 0.1, 0.5)], 3),
        ([(0.9, 0.005, 0.3), (0.8, 0.005, 0.5)], 3),
        ([(0.9, 0.1, float("nan")), (0.9, 0.1, float("nan"))], 2),
    ],
    ids=[
        "best gain", "tie to fewer", "no tie", "unstable left out", "small left out",
        "at the bounds", "none stable: the gain of those nearly as stable",
        "none stable: not that of others", "none large: the nearly stable", "unknown gain",
    ],
)  # fmt: skip
def test_the_fewest_with_the_best_gain_of_the_stable_and_large_are_chosen(figures, chosen):
    assert choose_clusters(trials(*figures))[0] == chosen


def test_people_in_segments_found_again_are_counted():
    people = np.array([500, 300, 200])
    assert found_again_share(np.array([0.9, 0.74, 0.75]), people) == 0.7
    assert found_again_share(np.array([float("nan")] * 3), people) == 0


def test_at_most_twelve_are_chosen_unless_asked_for():
    assert numbers_to_choose(range(2, 21), "auto") == list(range(2, 13))
    assert numbers_to_choose(range(15, 21), "auto") == list(range(15, 21))
    assert numbers_to_choose(range(2, 21), 18) == [18]


def test_the_rule_says_what_it_asks_for():
    _, rule = choose_clusters(trials((0.9, 0.1, 0.3), (0.9, 0.1, 0.5)))
    for words in ("up to 3", "80%", "found again", "1%", "fewest", "within one standard error"):
        assert words in str(rule)


def test_a_population_without_clear_borders_is_called_a_continuum():
    _, rule = choose_clusters(trials((0.5, 0.1, 0.3), (0.4, 0.1, 0.3)))
    assert "continuum" in str(rule)
    assert "50%" in str(rule)
    assert "under 1%" not in str(rule)
    _, rule = choose_clusters(trials((0.5, 0.005, 0.3)))
    assert "Segments of under 1% could not be avoided" in str(rule)


def test_where_nothing_stands_out_from_chance_nothing_is_stable():
    (noise,) = trials((1.0, 0.3, 0.2))
    noise = replace(noise, stands_out=False)
    assert not noise.is_stable
    _, rule = choose_clusters([noise])
    assert "what its attributes share is no more than chance gives" in str(rule)


def test_where_no_gain_is_measured_the_sentence_says_so():
    chosen, rule = choose_clusters(trials((0.9, 0.1, float("nan")), (0.9, 0.1, float("nan"))))
    assert chosen == 2
    assert "the fewest: no customer is held out" in str(rule)
    assert "nan" not in str(rule)


def tried(customers: np.ndarray, seed: int = 0) -> Tried:
    """Counts of 300 rows by three clusterings, of which the last differs in its borders."""
    rng = np.random.default_rng(seed)
    own = rng.integers(0, 3, 300)
    other = np.where(rng.random(300) < 0.3, rng.integers(0, 3, 300), own)
    clusterings = [own, own, other]
    tables = [[contingency_matrix(a, b) for b in clusterings] for a in clusterings]
    return Tried(np.array(tables), customers)


def test_each_clustering_is_judged_by_the_others():
    customers = np.random.default_rng(1).integers(5, 60, (3, 3, 3))
    counts = tried(customers)
    people = np.array([900, 1100, 1000])
    judged = counts.trials(people)
    gains = [cross_fitted_gain(people, customers[0, :2]).share] + [
        cross_fitted_gain(counts.tables[i, i].sum(axis=1), customers[i, :2]).share for i in (1, 2)
    ]
    assert [trial.gain.share for trial in judged] == pytest.approx(gains)
    assert min(trial.gain.error for trial in judged) >= np.std(gains[1:], ddof=1)
    model = (1 + jaccard(counts.tables[0, 2]).max(axis=1)) / 2
    assert judged[0].stability == pytest.approx(np.average(model, weights=people))
    assert judged[2].stability < judged[0].stability
    assert judged[0].smallest_share == 0.3


def test_without_clusterings_anew_nothing_is_known_of_stability():
    counts = tried(np.full((3, 3, 3), 10))
    (alone,) = Tried(counts.tables[:1, :1], counts.customers[:1]).trials(np.array([1, 1, 1]))
    assert np.isnan(alone.stability)
    assert not alone.is_stable


def test_gains_of_both_quarters_are_averaged():
    people = np.array([10, 20, 70])
    first, second = np.array([30, 20, 35]), np.array([40, 30, 30])
    gains = [held_out_gain(people, first, second), held_out_gain(people, second, first)]
    crossed = cross_fitted_gain(people, np.stack([first, second]))
    assert crossed.share == pytest.approx((gains[0].share + gains[1].share) / 2)
    assert crossed.error == pytest.approx((gains[0].error ** 2 + gains[1].error ** 2) ** 0.5 / 2)


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
    centers = np.stack([np.array([[-1, 0], [1, 0]]), np.eye(2)]).astype(np.float32)
    counts = count_holdout(scores, rows, {2: centers}, 0)[2]
    for table, means in zip(counts, centers, strict=True):
        own = ((scores[:, None] - means) ** 2).sum(axis=2).argmin(axis=1)
        expected = [
            [np.sum((holdout_split(rows, 0) == h) & (own == s)) for s in (0, 1)] for h in (0, 1, 2)
        ]
        assert table.tolist() == expected
