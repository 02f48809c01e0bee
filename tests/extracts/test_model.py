"""The shipped model against the published figures it was fitted to."""

import numpy as np
import pytest

from extracts.figures import ROWS, figures
from extracts.missing import EMPTY, marks, patterns
from extracts.model import model
from extracts.read_back import KEPT


@pytest.mark.parametrize("extract", ROWS)
def test_patterns_add_up_to_the_missing_counts(extract: str) -> None:
    published = figures()["missing"][f"{extract}_after"]["counts"]
    missing = dict.fromkeys(KEPT, 0.0)
    for pattern, rows in zip(patterns().tuples(), patterns().rows[extract], strict=True):
        for name in marks(pattern).keys() & missing:
            missing[name] += rows
    assert missing == pytest.approx({name: published[name] for name in KEPT}, rel=0.002, abs=15)
    assert patterns().rows[extract].sum() == pytest.approx(ROWS[extract], rel=1e-4)


def test_as_many_patterns_have_no_empty_cell_as_rows_were_published_complete() -> None:
    complete = [EMPTY not in marks(pattern).values() for pattern in patterns().tuples()]
    rows = patterns().rows["population"][complete].sum()
    assert rows == pytest.approx(figures()["marginals_complete"]["rows"], rel=1e-3)


def test_scattered_shares_add_up_to_the_missing_counts() -> None:
    """GEBURTSJAHR in every class; the population has 697,612 complete rows, 93,148 set aside."""
    complete, partial, aside = model()["scattered"]["GEBURTSJAHR"]["population"]
    lost = complete * 697_612 + partial * (891_221 - 93_148 - 697_612) + aside * 93_148
    assert lost == pytest.approx(392_318, abs=2)


def test_every_attribute_has_a_cut_between_each_two_codes_in_order() -> None:
    for name, codes in model()["codes"].items():
        for by_class in model()["cuts"][name].values():
            for cuts in by_class.values():
                assert len(cuts) == len(codes) - 1, name
                assert cuts == sorted(cuts), name


def test_segments_are_shares_and_customers_stay_within_5_and_504_per_100() -> None:
    population, customers = (np.array(model()["segments"][extract]) for extract in ROWS)
    assert [population.sum(), customers.sum()] == pytest.approx([1, 1], abs=1e-5)
    index = customers / population
    assert index.min() > 0.0499
    assert index.max() == pytest.approx(5.04, abs=1e-3)


def test_each_cameo_code_stands_in_its_group_and_has_its_international_code() -> None:
    deu, intl = model()["cameo_deu"], model()["cameo_intl"]
    assert [code[0] for code in deu] == sorted(code[0] for code in deu)
    counts = figures()["marginals_full"]["table"]
    fine = counts["CAMEO_DEU_2015"]["counts"]
    for code, rows in counts["CAMEO_INTL_2015"]["counts"].items():
        inside = [german for german, other in zip(deu, intl, strict=True) if str(other) == code]
        assert sum(fine[german] for german in inside) == rows or code == "XX"
