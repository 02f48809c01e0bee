"""The chi-square test of the table, against scipy's."""

import numpy as np
import pytest
from scipy.stats import chi2_contingency

from segment_lib.compare import chi_square_test


def test_statistic_p_and_v_are_those_of_scipy():
    population, customers = {-1: 500, 0: 300, 1: 200}, {-1: 40, 0: 20, 1: 40}
    theirs = chi2_contingency([[500, 300, 200], [40, 20, 40]], correction=False)
    association = chi_square_test(population, customers)
    assert association is not None
    assert (association.statistic, association.dof) == (pytest.approx(theirs.statistic), 2)
    assert association.p == pytest.approx(theirs.pvalue)
    assert association.cramers_v == pytest.approx(np.sqrt(theirs.statistic / 1100))
    assert association.least_expected == pytest.approx(theirs.expected_freq.min())


def test_extracts_alike_show_nothing():
    association = chi_square_test({0: 100, 1: 300}, {0: 10, 1: 30})
    assert association is not None
    assert (association.statistic, association.p, association.cramers_v) == (
        pytest.approx(0), pytest.approx(1), pytest.approx(0),
    )  # fmt: skip


def test_a_segment_nobody_has_is_left_out():
    assert chi_square_test({0: 5, 1: 5, 2: 0}, {0: 5, 1: 5}) == chi_square_test(
        {0: 5, 1: 5}, {0: 5, 1: 5}
    )


@pytest.mark.parametrize("counts", [({0: 5}, {0: 5}), ({0: 5, 1: 5}, {}), ({}, {})])
def test_a_table_of_a_single_row_or_column_has_no_test(counts):
    assert chi_square_test(*counts) is None
