"""Coverage, misses and bias of indices, against small arrays worked out by hand."""

import numpy as np
import pytest

from benchmarks.coverage import Held, as_section, index_of_people

HELD = Held(
    sample=np.array([0, 0, 1]),
    index=np.array([200.0, 50.0, 120.0]),
    low=np.array([150.0, 40.0, 110.0]),
    high=np.array([250.0, 60.0, 130.0]),
    others=np.array([[140.0, 160.0], [45.0, 65.0], [120.0, 131.0]]),
)


def test_coverage_is_the_share_of_others_within_the_limits() -> None:
    coverage = HELD.coverage()
    assert coverage.mean == pytest.approx(3 / 6)
    # Both samples hold half of the others.
    assert coverage.error == 0


def test_a_limit_itself_is_within() -> None:
    edges = Held(*(np.array([v]) for v in (0, 100.0, 90.0, 110.0)), np.array([[90.0, 110.0]]))
    assert edges.coverage().mean == 1


def test_misses_are_towards_100_or_away_from_it() -> None:
    # 140 is below 150 and 65 above 60, so nearer to 100; 131 is above 130, so farther away.
    towards, away = HELD.misses()
    assert (towards, away) == (pytest.approx(2 / 6), pytest.approx(1 / 6))


def test_distance_and_bias_are_of_logarithms_to_the_geometric_mean() -> None:
    held = Held(
        np.array([0, 1]),
        *(np.array(v) for v in ([300.0, 80.0], [1.0, 1.0], [999.0, 999.0])),
        others=np.array([[90.0, 250.0], [25.0, 100.0]]),
    )
    # Others say 150 and 50: 2 times too far from 100, and 1.6 times too near.
    assert held.distance() == pytest.approx((np.log(2) + np.log(1.6)) / 2)
    assert held.bias() == pytest.approx((np.log(2) - np.log(1.6)) / 2)


def test_people_count_with_the_index_of_the_segment_another_run_puts_them_in() -> None:
    segments, others = np.array([0, 0, 0, 1]), np.array([5, 5, 6, 6])
    assert index_of_people(segments, others, {5: 100.0, 6: 400.0}) == {0: 200.0, 1: 400.0}


def test_what_is_promised_is_held_against_the_index_clustered_anew() -> None:
    section = as_section({"as drawn": HELD, "clustered anew": HELD})
    assert section.lines[1][:3] == ("as drawn", "3", "50.0% ± 0.0%")
    assert [claim.held for claim in section.claims] == [False, True, True, False, False]
