"""Fitting at reduced size: counts add up, marginals and correlations come out as published."""

import json

import numpy as np
import pytest

from extracts.figures import ROWS, figures
from extracts.fitting.cells import FREE, Constraint, all_cells, scale_rows
from extracts.fitting.codes import cameo
from extracts.fitting.content import assemble_model, draw_columns, model_json
from extracts.fitting.correlation import Target, nearest_correlation, published_target
from extracts.fitting.customers import Customers, customer_margins, fit_customers
from extracts.fitting.margins import Margins, printed_margins, tilt
from extracts.fitting.numbers import APART, complete_rows, number_margins
from extracts.fitting.patterns import FittedPatterns, fit_patterns, patterns_csv
from extracts.fitting.scattered import scattered
from extracts.fitting.traits import (
    BETWEEN,
    Segments,
    Traits,
    build_traits,
    columns_with_traits,
    spread_segments,
)
from extracts.fitting.trials import calibrate_traits
from extracts.missing import EMPTY, marks
from extracts.model import model
from extracts.read_back import KEPT


@pytest.fixture(scope="module")
def fitted() -> FittedPatterns:
    """A tenth of the passes, which come within some per cent of the counts."""
    return fit_patterns(passes=25, passes_kept=25)


@pytest.fixture(scope="module")
def margins(fitted: FittedPatterns) -> Margins:
    return printed_margins(fitted, apart=APART) | number_margins()


@pytest.fixture(scope="module")
def target() -> Target:
    return published_target()


@pytest.fixture(scope="module")
def segments(target: Target) -> Segments:
    return spread_segments(target, rows=6_000)


@pytest.fixture(scope="module")
def traits(target: Target, segments: Segments, margins: Margins) -> Traits:
    return calibrate_traits(target, segments, margins, rows=8_000, rounds=5).rounded()


@pytest.fixture(scope="module")
def customers(traits: Traits, margins: Margins, fitted: FittedPatterns) -> Customers:
    return fit_customers(traits, margins, fitted)


def test_two_margins_scale_a_table_to_their_product() -> None:
    left, top = np.array([30.0, 70.0]), np.array([20.0, 50.0, 30.0])
    row, column = np.indices((2, 3)).reshape(2, -1)
    constraints = [Constraint(row, left), Constraint(column, top)]
    rows = scale_rows(np.ones(6), constraints, passes=5)
    assert rows.reshape(2, 3) == pytest.approx(np.outer(left, top) / 100)


def test_cells_a_constraint_leaves_free_keep_their_rows() -> None:
    constraint = Constraint(np.array([0, 0, FREE]), np.array([10.0]))
    rows = scale_rows(np.array([1.0, 3.0, 5.0]), [constraint], passes=3)
    assert rows.tolist() == [2.5, 7.5, 5.0]


def test_what_a_cell_misses_is_what_its_pattern_writes() -> None:
    cells = all_cells()
    for cell in np.random.default_rng(0).choice(len(cells.states), 300):
        written = marks(tuple(cells.states[cell].tolist()))
        assert cells.n_missing[cell] == len(set(written) & set(KEPT))
        assert cells.complete[cell] == (EMPTY not in written.values())


@pytest.mark.parametrize("extract", ROWS)
def test_patterns_add_up_to_the_missing_counts(fitted: FittedPatterns, extract: str) -> None:
    published = figures()["missing"][f"{extract}_after"]["counts"]
    found = dict.fromkeys(KEPT, 0.0)
    for pattern, rows in zip(fitted.patterns.tolist(), fitted.rows[extract], strict=True):
        for name in set(marks(tuple(pattern))) & set(KEPT):
            found[name] += rows
    counts = np.array([published[name] for name in KEPT])
    assert [*found.values()] == pytest.approx(counts, rel=0.02, abs=150)
    assert fitted.rows[extract].sum() == pytest.approx(ROWS[extract], rel=1e-3)


def test_patterns_are_spelled_one_per_line(fitted: FittedPatterns) -> None:
    header, first, *_ = lines = patterns_csv(fitted).splitlines()
    assert header.split(";")[0] == "region"
    assert header.split(";")[-2:] == ["population", "customers"]
    assert first.startswith("0;0;0;")
    assert len(lines) == 1 + len(fitted.patterns)


def test_tilted_shares_have_the_moments_asked_for() -> None:
    codes = np.arange(1.0, 8.0)
    shares, cost = tilt(codes, np.ones(7), 3.3, 1.6)
    mean = shares @ codes
    assert mean == pytest.approx(3.3, abs=1e-4)
    assert np.sqrt(shares @ (codes - mean) ** 2) == pytest.approx(1.6, abs=1e-4)
    assert cost < 1e-6


def test_margins_of_the_classes_are_shares_of_every_code(margins: Margins) -> None:
    for name, known in margins.items():
        for row_class in ("complete", "partial", "set_aside"):
            shares = known.shares(row_class)
            assert shares.min() >= 0, name
            assert shares.sum() == pytest.approx(1), name
            assert len(shares) == len(known.codes) == len(set(known.codes)), name


def test_classes_together_hold_the_printed_table(margins: Margins) -> None:
    """LP_STATUS_FEIN: complete and partial rows are those with few missing, by construction."""
    known, name = margins["LP_STATUS_FEIN"], "LP_STATUS_FEIN"
    few = figures()["marginals_low_missing"]["table"][name]
    complete = sum(figures()["marginals_complete"]["table"][name].values())
    partial = sum(few.values()) - complete
    together = complete * known.complete + partial * known.partial
    assert together == pytest.approx([few[code] for code in known.codes], abs=60)


@pytest.mark.parametrize("name", ["KBA13_ANZAHL_PKW", "ANZ_HAUSHALTE_AKTIV"])
def test_numbers_have_the_published_mean(margins: Margins, name: str) -> None:
    described = figures()["describe_population"]["table"][name]
    known, zeros = margins[name], 0
    if name == "ANZ_HAUSHALTE_AKTIV":
        zeros = 99_611 - 93_148
    complete = complete_rows() - figures()["marginals_complete"]["table"][name].get("0", 0)
    partial = described["count"] - zeros - complete
    total = complete * known.complete @ known.numbers + partial * known.partial @ known.numbers
    assert total / described["count"] == pytest.approx(described["mean"], rel=0.005)


def test_rows_set_aside_have_the_published_means(margins: Margins) -> None:
    for name, entry in figures()["default_profile"]["table"].items():
        if "mean" in entry:
            found = margins[name].set_aside @ margins[name].numbers
            assert found == pytest.approx(entry["mean"], abs=0.005), name


def test_the_target_has_the_published_components(target: Target) -> None:
    values, vectors = np.linalg.eigh(target.correlation)
    for number in range(3):
        axis = vectors[:, -1 - number]
        assert abs(axis @ target.axes[:, number]) > 0.95
        assert values[-1 - number] == pytest.approx(target.variances[number], rel=0.15)


def test_segments_spread_as_far_as_asked(segments: Segments) -> None:
    assert segments.shares @ segments.centres == pytest.approx(np.zeros(5), abs=1e-9)
    assert segments.between == pytest.approx(np.diag(BETWEEN), abs=1e-9)


def test_traits_correlate_as_asked(target: Target, segments: Segments) -> None:
    """Between and within segments together, by the law of total variance."""
    asked = nearest_correlation(target.of(columns_with_traits(target)))
    built = build_traits(target, segments, asked)
    means, n = built.means, len(asked)
    covariance = (means * built.shares[:, None]).T @ means + built.loadings @ built.loadings.T
    assert covariance[:n, :n] == pytest.approx(asked, abs=0.02)
    assert np.diag(covariance)[n:] == pytest.approx(np.ones(len(built.names) - n), abs=0.06)


def test_cuts_give_the_shares_asked_for_in_rows_drawn(traits: Traits) -> None:
    shares = np.array([0.1, 0.2, 0.4, 0.3])
    values = draw_columns(traits, 60_000)["LP_LEBENSPHASE_FEIN"]
    codes = np.searchsorted(traits.cuts("LP_LEBENSPHASE_FEIN", shares), values)
    assert np.bincount(codes) / len(codes) == pytest.approx(shares, abs=0.01)


def test_calibrated_traits_bring_codes_to_the_published_pair(
    traits: Traits, margins: Margins
) -> None:
    rng = np.random.default_rng(2)
    segment = rng.choice(len(traits.shares), 20_000, p=traits.shares)
    drawn = traits.means[segment] + rng.standard_normal((20_000, 81)) @ traits.loadings.T
    columns = []
    for name in ("FINANZ_SPARER", "FINANZ_VORSORGER"):
        cuts = traits.cuts(name, margins[name].complete)
        column = drawn[:, traits.names.index(name)]
        columns.append(margins[name].numbers[np.searchsorted(cuts, column)])
    assert np.corrcoef(columns)[0, 1] == pytest.approx(-0.855, abs=0.05)


def test_customers_drawn_have_a_published_mean(
    traits: Traits, margins: Margins, customers: Customers
) -> None:
    """PLZ8_ANTG1: no row set aside has it, and partial rows differ little from complete ones."""
    name = "PLZ8_ANTG1"
    rng = np.random.default_rng(4)
    segment = rng.choice(len(traits.shares), 60_000, p=customers.segments)
    trait = traits.names.index(name)
    spread = np.sqrt((traits.loadings[trait] ** 2).sum())
    drawn = traits.means[segment, trait] + spread * rng.standard_normal(60_000)
    cuts = traits.cuts(name, margins[name].complete)
    codes = margins[name].numbers[np.searchsorted(cuts, drawn + customers.shifts[name])]
    published = figures()["describe_customers"]["table"][name]["mean"]
    assert codes.mean() == pytest.approx(published, rel=0.03)


def test_customers_segments_are_shares_within_the_bounds(
    traits: Traits, customers: Customers
) -> None:
    assert customers.segments.sum() == pytest.approx(1)
    index = customers.segments / traits.shares
    assert index.min() > 0.0499
    assert index.max() < 4.001


def test_customers_traveller_types_have_the_published_moments(margins: Margins) -> None:
    known, described = (
        customer_margins(margins)["AGER_TYP"],
        figures()["describe_customers"]["table"]["AGER_TYP"],
    )
    aside = 49_927 / ROWS["customers"]
    shares = (1 - aside) * known.complete + aside * known.set_aside
    mean = shares @ known.numbers
    assert mean == pytest.approx(described["mean"], abs=1e-6)
    deviation = np.sqrt(shares @ (known.numbers - mean) ** 2)
    assert deviation == pytest.approx(described["std"], abs=1e-4)


def test_scattered_shares_add_up_to_the_missing_counts() -> None:
    """GEBURTSJAHR in every class; the population has 697,612 complete rows, 93,148 set aside."""
    complete, partial, aside = scattered()["GEBURTSJAHR"]["population"]
    lost = complete * 697_612 + partial * (891_221 - 93_148 - 697_612) + aside * 93_148
    assert lost == pytest.approx(392_318, abs=2)


def test_cameo_codes_stand_by_group_and_each_has_its_international_code() -> None:
    found = cameo()
    assert [code[0] for code in found.deu] == sorted(code[0] for code in found.deu)
    counts = figures()["marginals_full"]["table"]
    fine = counts["CAMEO_DEU_2015"]["counts"]
    for code, rows in counts["CAMEO_INTL_2015"]["counts"].items():
        inside = [d for d, i in zip(found.deu, found.intl.tolist(), strict=True) if str(i) == code]
        assert sum(fine[deu] for deu in inside) == rows or code == "XX"


def test_the_model_is_spelled_so_that_it_reads_back_with_what_is_drawn_from(
    traits: Traits, margins: Margins, customers: Customers
) -> None:
    assembled = assemble_model(traits, margins, customers, nesting_rows=20_000)
    read = json.loads(model_json(assembled))
    assert read == assembled
    shipped = {**model()}
    assert read.keys() == shipped.keys()
    for part in ("latents", "codes", "cameo_deu", "cameo_intl"):
        assert read[part] == shipped[part]
    for name, codes in read["codes"].items():
        for cuts in read["cuts"][name]["population"].values():
            assert len(cuts) == len(codes) - 1
            assert cuts == sorted(cuts)
