"""Outcomes that look broken are named, others are not."""

import pytest

from segment_lib.compare import compare_segments, sanity_checks


def warnings(population: dict[int, int], customers: dict[int, int], min_rows: int = 0) -> list[str]:
    shares = compare_segments(population, customers, min_rows=min_rows)
    return [str(warning) for warning in sanity_checks(shares, min_cell=10)]


def test_a_usual_outcome_is_not_suspicious():
    people = {-1: 100, 0: 200, 1: 300, 2: 400}
    assert warnings(people, {-1: 26, 0: 40, 1: 30, 2: 4}) == []


def test_most_customers_in_one_segment_is_suspicious():
    (warning,) = warnings({0: 250, 1: 250, 2: 500}, {0: 97, 1: 2, 2: 1})
    assert "segment 0 holds 97%" in warning


def test_rows_set_aside_do_not_hide_that_the_rest_fell_into_one_segment():
    (warning,) = warnings({-1: 10, 0: 250, 1: 250, 2: 500}, {-1: 50, 0: 48, 1: 1, 2: 1})
    assert "segment 0" in warning


def test_of_few_segments_one_may_hold_most_of_both():
    assert warnings({0: 470, 1: 530}, {0: 85, 1: 15}) == []
    assert warnings({0: 330, 1: 330, 2: 340}, {0: 73, 1: 20, 2: 7}) == []
    assert warnings({0: 240, 1: 250, 2: 250, 3: 260}, {0: 61, 1: 20, 2: 10, 3: 9}) == []
    assert warnings({0: 330, 1: 330, 2: 340}, {0: 97, 1: 2, 2: 1}) != []


def test_numbers_of_too_few_people_are_not_told():
    assert warnings({0: 5, 1: 450, 2: 545}, {0: 62, 1: 20, 2: 18}) == [
        "segment 0 holds 62% of the customers and hardly any of the population that have a segment",
        "segment 0 has an index above 600",
    ]
    (warning,) = warnings({0: 50, 1: 450, 2: 9_500}, {0: 9, 1: 41, 2: 200})
    assert warning == "segment 0 has an index above 600"


def test_an_index_above_six_hundred_is_suspicious_unless_the_segment_is_small():
    people, customers = {0: 50, 1: 450, 2: 500}, {0: 35, 1: 35, 2: 30}
    (warning,) = warnings(people, customers)
    assert "index of 700" in warning
    assert warnings(people, customers, min_rows=51) == []


def test_half_the_segments_without_a_customer_are_suspicious():
    (warning,) = warnings(dict.fromkeys(range(6), 100), {0: 40, 1: 30, 2: 30})
    assert "3 of 6 segments hold no customer" in warning


def test_the_rows_set_aside_are_suspicious_by_their_share_not_by_their_index():
    assert warnings({-1: 10, 0: 490, 1: 500}, {-1: 30, 0: 35, 1: 35}) == []
    (warning,) = warnings({-1: 500, 0: 250, 1: 250}, {-1: 70, 0: 15, 1: 15})
    assert "70% of the customers are set aside" in warning


@pytest.mark.parametrize("customers", [{-1: 100}, {0: 0}])
def test_no_customer_with_a_segment_is_no_failure(customers):
    warnings({-1: 100, 0: 100, 1: 100}, customers | {-1: 100})
