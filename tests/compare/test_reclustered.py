"""The index of people clustered anew and its limits: sums by hand, and what chance gives."""

import math

import numpy as np
import pytest
from scipy.stats import t

from segment_lib.compare import ReclusteredIndex, compare_segments, index_interval, recluster_index
from segment_lib.compare.table import segment_table

PEOPLE, CUSTOMERS = {-1: 500, 0: 2_000, 1: 8_000}, {-1: 250, 0: 300, 1: 700}
VALUES = {0: np.array([120.0, 150.0, 180.0]), 1: np.array([90.0, 88.0, 86.0])}


def test_the_index_is_that_of_the_clusters_the_people_lie_in_by_hand():
    # First: the same two segments with their numbers exchanged. Then: the second segment cut in two
    # halves, one of them joined to the first.
    overlap = np.array([[[0, 200], [800, 0]], [[200, 0], [400, 400]]])
    customers = np.array([[40, 60], [80, 20]])
    # 60 % / 20 % and 40 % / 80 %; then 80 % / 60 %, and the mean of that and 20 % / 40 %.
    np.testing.assert_allclose(
        recluster_index(overlap, customers),
        [[300, 50], [100 * 8 / 6, 100 * (8 / 6 + 1 / 2) / 2]],
    )


def test_a_segment_drawn_alike_each_time_has_the_index_of_the_segment_as_drawn():
    people, customers = np.array([200, 300, 500]), np.array([40, 30, 30])
    values = recluster_index(np.stack([np.diag(people)] * 4), np.stack([customers] * 4))
    drawn = 100 * (customers / 100) / (people / 1000)
    np.testing.assert_allclose(values, np.broadcast_to(drawn, (4, 3)))


def test_where_customers_are_as_the_population_every_index_is_100():
    overlap = np.random.default_rng(0).integers(1, 100, (5, 3, 3))
    np.testing.assert_allclose(recluster_index(overlap, overlap.sum(axis=1)), 100)


def test_a_cluster_without_a_customer_counts_half_a_customer():
    # 0.5 / 100 over 50 %, so that the logarithm exists.
    values = recluster_index(np.array([[[50, 0], [0, 50]]]), np.array([[0, 100]]))
    np.testing.assert_allclose(values, [[1, 200]])
    assert np.isfinite(recluster_index(np.array([[[5, 0], [0, 0]]]), np.array([[0, 0]]))).all()


def test_point_and_limits_are_those_by_hand():
    values = np.array([100.0, 200.0, 400.0])
    index = ReclusteredIndex.from_values(values, drawn=250.0, counting=0.01)
    assert index.index == pytest.approx(200**2 / 250)
    spread = math.log(2) ** 2  # variance of -log 2, 0, log 2
    error = math.sqrt(2 * (spread + 0.01) + 4 * spread / 3)
    freedom = 2 * ((spread + 0.01) / spread) ** 2
    factor = math.exp(t.ppf(0.975, freedom) * error)
    assert index.limits(0.95) == (pytest.approx(160 / factor), pytest.approx(160 * factor))


@pytest.mark.parametrize(
    ("halves", "drawn", "index"),
    [(200, 200, 200), (200, 250, 160), (50, 40, 62.5), (120, 400, 100), (90, 25, 100)],
)
def test_the_index_moves_on_as_far_as_halves_lie_from_the_segment_drawn_though_not_past_100(
    halves: float, drawn: float, index: float
) -> None:
    values = np.full(8, float(halves))
    assert ReclusteredIndex.from_values(values, drawn, 0.0).index == pytest.approx(index)


def test_noise_about_a_true_index_is_taken_off_by_halves_that_hold_half_of_it():
    """Rows of one true index, drawn apart by a score that is noise about it.

    The segment is the rows of a high score; a half's score has twice the variance about the truth,
    and shares the whole's noise; another sample's has noise of its own.
    """
    rng = np.random.default_rng(0)
    truth, noise = rng.normal(0, 1, 200_000), rng.normal(0, 0.4, 200_000)
    log_rate = 0.8 * truth + noise
    segment = truth + noise > 1

    def index(score: np.ndarray) -> float:
        rates = {side: np.exp(log_rate[(score > 1) == side]).mean() for side in (True, False)}
        share = (score > 1)[segment].mean()
        return float(100 * (share * rates[True] + (1 - share) * rates[False]))

    halves = [index(truth + noise + rng.normal(0, 0.4, 200_000)) for _ in range(8)]
    others = [index(truth + rng.normal(0, 0.4, 200_000)) for _ in range(8)]
    values = np.array(halves) / np.exp(log_rate).mean()
    theirs = math.log(np.mean(others) / np.exp(log_rate).mean())
    drawn = index(truth + noise) / np.exp(log_rate).mean()
    ours = math.log(ReclusteredIndex.from_values(values, drawn, 0.0).index)
    assert abs(ours - theirs) < abs(math.log(values.mean()) - theirs) / 2


@pytest.mark.parametrize("spread", [0.0, 0.02, 0.1, 0.4])
@pytest.mark.parametrize("counting", [0.0, 0.05, 0.2])
def test_the_limits_hold_what_another_extract_gives_as_often_as_stated(
    spread: float, counting: float
) -> None:
    """Standard errors of the logarithm are known here; both extracts err, and so do the halves."""
    rng = np.random.default_rng(0)
    held, trials, error = 0, 4_000, math.hypot(spread, counting)
    if not error:
        steady = ReclusteredIndex.from_values(np.full(8, 150.0), 150.0, 0.0)
        assert steady.limits(0.95) == pytest.approx((150, 150))
        return
    for _ in range(trials):
        ours, theirs = rng.normal(0, error, 2)
        drawn = 150 * math.exp(ours)
        halves = drawn * np.exp(rng.normal(0, spread, 8))
        low, high = ReclusteredIndex.from_values(halves, drawn, counting**2).limits(0.95)
        held += low <= 150 * math.exp(theirs) <= high
    # Three standard errors of a share of 95 %; the degrees of freedom are approximate.
    assert 0.94 - 0.01 < held / trials < 0.96 + 0.01


def test_a_single_clustering_anew_leaves_the_counting_error_alone():
    index = ReclusteredIndex.from_values(np.array([150.0]), 150.0, counting=0.02)
    factor = math.exp(1.959963984540054 * math.sqrt(0.04))
    assert index.limits(0.95) == (pytest.approx(150 / factor), pytest.approx(150 * factor))


# In the table of segments


def row(table, segment: int) -> dict:
    return table.filter(segment=segment).row(0, named=True)


def test_index_and_limits_are_of_the_people_clustered_anew_and_drawn_ones_stand_beside():
    segment = row(compare_segments(PEOPLE, CUSTOMERS, reclustered=VALUES), 0)
    counting = 1 / 300 - 1 / 1000 + 1 / 2000 - 1 / 10_000
    theirs = ReclusteredIndex.from_values(VALUES[0], 150.0, counting)
    assert segment["index"] == pytest.approx((120 * 150 * 180) ** (2 / 3) / 150)
    assert (segment["index_low"], segment["index_high"]) == pytest.approx(theirs.limits(0.95))
    drawn = tuple(segment[name] for name in ("drawn_low", "drawn_index", "drawn_high"))
    assert drawn == pytest.approx(index_interval(300, 1000, 2000, 10_000))


def test_without_clusterings_anew_they_are_one():
    segment = row(compare_segments(PEOPLE, CUSTOMERS), 0)
    for limit in ("low", "high"):
        assert segment[f"index_{limit}"] == segment[f"drawn_{limit}"]
    assert segment["index"] == segment["drawn_index"]


def test_a_hundred_is_the_share_of_those_that_have_a_segment_or_of_all():
    placed = compare_segments(PEOPLE, CUSTOMERS, reclustered=VALUES)
    everyone = compare_segments(PEOPLE, CUSTOMERS, reclustered=VALUES, base="all")
    assert row(placed, 0)["drawn_index"] == pytest.approx(100 * 0.3 / 0.2)
    assert row(everyone, 0)["drawn_index"] == pytest.approx(100 * (300 / 1250) / (2000 / 10_500))
    assert row(placed, 0)["population_share"] == pytest.approx(0.2)
    assert row(everyone, 0)["population_share"] == pytest.approx(2000 / 10_500)
    # Both indices of a segment have one base.
    for name in ("index", "drawn_index"):
        ratio = row(everyone, 1)[name] / row(placed, 1)[name]
        assert ratio == pytest.approx((1000 / 1250) / (10_000 / 10_500))


@pytest.mark.parametrize("base", ["placed", "all"])
def test_the_rows_set_aside_have_shares_of_all_rows(base):
    aside = row(compare_segments(PEOPLE, CUSTOMERS, reclustered=VALUES, base=base), -1)
    assert aside["population_share"] == pytest.approx(500 / 10_500)
    assert aside["customer_share"] == pytest.approx(250 / 1250)
    drawn = index_interval(250, 1250, 500, 10_500)
    assert (aside["index_low"], aside["index"], aside["index_high"]) == pytest.approx(drawn)
    assert (aside["stability"], aside["found_again"]) == (None, None)


def test_more_rows_set_aside_do_not_move_the_hundred():
    few = compare_segments({**PEOPLE, -1: 10}, {**CUSTOMERS, -1: 0}, reclustered=VALUES)
    many = compare_segments({**PEOPLE, -1: 9_000}, {**CUSTOMERS, -1: 4_000}, reclustered=VALUES)
    assert few.filter(segment=0).equals(many.filter(segment=0))
    assert few.filter(segment=1).equals(many.filter(segment=1))


def test_the_limits_for_all_segments_count_the_segments_and_not_the_rows_set_aside():
    segment = row(compare_segments(PEOPLE, CUSTOMERS, reclustered=VALUES), 0)
    counting = 1 / 300 - 1 / 1000 + 1 / 2000 - 1 / 10_000
    theirs = ReclusteredIndex.from_values(VALUES[0], 150.0, counting)
    assert (segment["low"], segment["high"]) == pytest.approx(theirs.limits(1 - 0.05 / 2))


def test_the_verdict_is_that_of_the_people_clustered_anew():
    rows = {0: 20_000, 1: 80_000}, {0: 4_000, 1: 6_000}
    assert row(compare_segments(*rows), 0)["verdict"] == "over"
    wide = np.geomspace(120, 300, 8)
    segment = row(compare_segments(*rows, reclustered={0: wide}), 0)
    assert segment["verdict"] == "average"
    assert segment["low"] < 100 < segment["drawn_low"]


def test_few_customers_have_limits_no_narrower_than_the_exact_ones():
    rows = {0: 2_000, 1: 8_000}, {0: 8, 1: 92}
    steady = row(compare_segments(*rows, reclustered={0: np.full(8, 40.0)}), 0)
    low, _, high = index_interval(8, 100, 2_000, 10_000)
    assert steady["index"] == pytest.approx(40)
    assert steady["index_low"] <= low
    assert steady["index_high"] >= high


def test_a_segment_found_again_is_one_of_a_stability_of_three_quarters():
    stability = {0: 0.7499, 1: 0.75, 2: 1.0}
    segments = compare_segments({-1: 9, 0: 499, 1: 500, 2: 1}, {0: 5, 1: 5, 2: 5},
                                stability=stability, min_rows=500)  # fmt: skip
    assert segments["stability"].to_list() == [None, 0.7499, 0.75, 1.0]
    assert segments["found_again"].to_list() == [None, False, True, True]
    assert segments["small"].to_list() == [True, True, False, True]


def test_the_table_reads_indices_and_stability_by_the_number_of_each_segment():
    # Segments 7 and 3, in the order of the centres; the second clustering anew exchanges them.
    contingency = np.array([[[200, 0], [0, 800]], [[0, 200], [800, 0]]])
    sizes = np.array([[60, 40], [40, 60]])
    table = segment_table(
        {-1: 50, 7: 200, 3: 800}, {7: 60, 3: 40}, np.array([7, 3]),
        contingency=contingency, customer_sizes=sizes, jaccard=np.array([[1.0, 0.9], [0.8, 0.5]]),
        base="placed", min_rows=0,
    )  # fmt: skip
    assert table["segment"].to_list() == [-1, 3, 7]
    assert table["index"].to_list()[1:] == pytest.approx([50, 300])
    assert table["stability"].to_list()[1:] == pytest.approx([0.7, 0.9])
    assert table["found_again"].to_list() == [None, False, True]
