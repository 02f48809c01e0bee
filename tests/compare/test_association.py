"""The chi-square test of the table, against scipy's."""

import numpy as np
import pytest
from scipy.stats import chi2_contingency

from segment_lib.compare import associate


def test_statistic_p_and_v_are_those_of_scipy():
    population, customers = {-1: 500, 0: 300, 1: 200}, {-1: 40, 0: 20, 1: 40}
    theirs = chi2_contingency([[500, 300, 200], [40, 20, 40]], correction=False)
    found = associate(population, customers)
    assert found is not None
    assert (found.statistic, found.dof) == (pytest.approx(theirs.statistic), 2)
    assert found.p == pytest.approx(theirs.pvalue)
    assert found.cramers_v == pytest.approx(np.sqrt(theirs.statistic / 1100))
    assert found.least_expected == pytest.approx(theirs.expected_freq.min())


def test_extracts_alike_show_nothing():
    found = associate({0: 100, 1: 300}, {0: 10, 1: 30})
    assert found is not None
    assert (found.statistic, found.p, found.cramers_v) == (
        pytest.approx(0), pytest.approx(1), pytest.approx(0),
    )  # fmt: skip


def test_a_segment_nobody_has_is_left_out():
    assert associate({0: 5, 1: 5, 2: 0}, {0: 5, 1: 5}) == associate({0: 5, 1: 5}, {0: 5, 1: 5})


@pytest.mark.parametrize("counts", [({0: 5}, {0: 5}), ({0: 5, 1: 5}, {}), ({}, {})])
def test_a_table_of_a_single_row_or_column_has_no_test(counts):
    assert associate(*counts) is None
