"""Customer-likeness against a density ratio that is known, and its arrays."""

from dataclasses import replace

import numpy as np
import pytest

from segment_lib.errors import IntegrityError
from segment_lib.model import (
    CompactRows,
    Likeness,
    LogisticSums,
    StandardScaler,
    newton,
    ridge,
    tally,
)
from segment_lib.terms import LIKENESS_BINS

N = 40_000
SHIFT = np.array([0.9, -0.5, 0.0])


@pytest.fixture(scope="module")
def people() -> np.ndarray:
    """Normal features; the last tells nothing."""
    return (5 + np.random.default_rng(1).normal(size=(N, 3))).astype(np.float32)


@pytest.fixture(scope="module")
def likeness(people: np.ndarray) -> Likeness:
    """Fitted to people and to customers, whose features are shifted, in two halves."""
    customers = (people[:8_000] + SHIFT).astype(np.float32)
    rows = np.concatenate([people, customers])
    cases = np.arange(len(rows)) >= N
    first = np.arange(len(rows)) % 2 == 0
    scaler = StandardScaler().fit(people)
    block = CompactRows.from_block(rows, scaler)

    def sums_at(coefficients: np.ndarray, curved: bool) -> LogisticSums:
        members = np.stack([first, ~first])
        return LogisticSums.from_block(block, cases, ~cases, coefficients, members, curved=curved)

    fit = newton(sums_at, np.zeros((2, 4)), np.stack([ridge(1.0, 4)] * 2))
    counts = tally(fit.log_ratios(block), cases, ~cases, first)
    return Likeness.from_fit(fit, scaler, np.ones(2), counts)


def test_likeness_is_the_density_ratio(people: np.ndarray, likeness: Likeness) -> None:
    """Of two normal distributions a shift apart: exp(shift · (x - 5) - |shift|² / 2)."""
    ratio = np.exp((people - 5.0) @ SHIFT - (SHIFT**2).sum() / 2)
    usual = np.abs((people - 5.0) @ SHIFT) < 2
    np.testing.assert_allclose(likeness.predict(people)[usual], 100 * ratio[usual], rtol=0.12)
    assert likeness.predict(people).mean() == pytest.approx(100, rel=0.02)


def test_both_fits_come_to_the_shift(likeness: Likeness) -> None:
    np.testing.assert_allclose(likeness.weights, [SHIFT, SHIFT], atol=0.06)


def test_bins_are_those_of_all_and_of_the_fit_that_has_not_seen_the_row(
    people: np.ndarray, likeness: Likeness
) -> None:
    first = np.arange(N) % 2 == 0
    listed, unseen = likeness.bins(people, first)
    width = np.log(likeness.predict(people) / 100) * LIKENESS_BINS - listed
    assert np.abs(width).max() <= 0.5 + 1e-9
    # With one fit gone, the half that it has seen stays as it is.
    weights = likeness.weights.copy()
    weights[0] = 0
    _, without = replace(likeness, weights=weights).bins(people, first)
    assert (without[first] == unseen[first]).all()
    assert (without[~first] != unseen[~first]).mean() > 0.9


@pytest.mark.parametrize("size", [1, 77, 5_000])
def test_any_blocks_give_the_bins_of_one(people: np.ndarray, likeness: Likeness, size: int) -> None:
    rows, first = people[:5_000], np.arange(5_000) % 2 == 0
    whole = likeness.bins(rows, first)
    blocks = [likeness.bins(rows[i : i + size], first[i : i + size]) for i in range(0, 5_000, size)]
    for together, apart in zip(whole, zip(*blocks, strict=True), strict=True):
        assert (together == np.concatenate(apart)).all()


def test_a_tally_counts_everybody_once(people: np.ndarray) -> None:
    first, cases = np.arange(N) % 2 == 0, np.arange(N) % 5 == 0
    counts = tally(people[:, :2].astype(float) - 5, cases, ~cases, first)
    assert counts.sum(axis=2).tolist() == [
        [(first & cases).sum(), (first & ~cases).sum()],
        [(~first & cases).sum(), (~first & ~cases).sum()],
    ]


def test_arrays_come_back(people: np.ndarray, likeness: Likeness) -> None:
    again = Likeness.from_arrays(likeness.arrays(), 3)
    assert (again.predict(people) == likeness.predict(people)).all()


@pytest.mark.parametrize("name", ["weights", "intercepts", "lines", "knots", "bends", "n_knots"])
def test_arrays_that_do_not_fit_are_refused(likeness: Likeness, name: str) -> None:
    arrays = likeness.arrays()
    for broken in (
        arrays | {name: arrays[name][:-1]},
        {key: array for key, array in arrays.items() if key != name},
    ):
        with pytest.raises(IntegrityError):
            Likeness.from_arrays(broken, 3)
    with pytest.raises(IntegrityError):
        Likeness.from_arrays(arrays, 4)


def test_compact_rows_are_the_scaled_rows() -> None:
    """Codes, numbers beyond a byte, fractions and numbers below 0."""
    draw = np.random.default_rng(3)
    rows = np.column_stack(
        [
            draw.integers(0, 256, 500),
            draw.integers(0, 3_000, 500),
            draw.normal(size=500),
            draw.integers(-3, 3, 500),
        ]
    ).astype(np.float32)
    scaler = StandardScaler().fit(rows)
    compact = CompactRows.from_block(rows, scaler)
    assert compact.places.tolist() == [1, 2, 3]
    expected = (rows.astype(np.float64) - scaler.mean_) / scaler.scale_
    some = np.array([3, 1, 400])
    np.testing.assert_allclose(compact[some], expected[some], rtol=1e-12, atol=1e-12)
    wider = np.full((3, 5), 7.0)
    compact.unpack(some, wider)
    np.testing.assert_allclose(wider[:, :4], expected[some], rtol=1e-12, atol=1e-12)
    assert (wider[:, 4] == 7).all()
