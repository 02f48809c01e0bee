"""Fit of customer-likeness: a sample for the penalty, then sums over all parts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import dask
import numpy as np
import polars as pl
from dask import delayed

from segment_lib.clean import parse_answers
from segment_lib.hashing import hashed_share, in_first_half, row_hash
from segment_lib.matrix import as_block
from segment_lib.model import (
    CompactRows,
    Likeness,
    LogisticSums,
    NewtonFit,
    StandardScaler,
    add_up,
    choose_penalty,
    newton,
    ridge,
    tally,
)
from segment_lib.storage.files import StoredFile, read_part
from segment_lib.storage.location import Location

BYTES_PER_FEATURE = 16
"""Bytes in memory per feature value while a part is added up (measured)."""
BYTES_KEPT = 1.5
"""Bytes per feature value kept in memory from pass to pass, most of them codes (measured)."""
SAMPLE_SIZE = 15_000
"""Rows of either kind on which penalties are chosen and starts are found."""
MIN_CASES = 10
"""Cases, and controls, of either half below which nothing is fitted."""
PENALTIES = (1.0, 10.0, 100.0, 1000.0, 10_000.0)
"""Of the squares of standardised coefficients, as multiples of a half: inverses of variances that
coefficients may have beforehand, so what holds for a sample holds for all rows."""
_FOLDS = 5
_TOL = 0.01
"""Length of the last step in standard errors: what is left after it is a small part of that."""


@dataclass(frozen=True)
class CasePart:
    """A part whose rows are cases, controls, or neither."""

    extract: str
    encoded: StoredFile
    response: str = ""
    """The column that is learned; empty to learn who is a customer."""
    raw: StoredFile | None = None
    """The part that has the column; None if its extract has none."""

    @property
    def of_customers(self) -> "CasePart":
        """The same part without a response."""
        return CasePart(self.extract, self.encoded)

    def read(self, root: Location, features: Sequence[str], scaler: StandardScaler) -> "Cases":
        """Read the cases and controls that have features, compactly."""
        rows = read_part(root, self.encoded, columns=["row", *features])
        cases, controls = self.roles(root, rows["row"].to_numpy())
        if not (cases | controls).all():
            rows = rows.filter(cases | controls)
            cases, controls = cases[cases | controls], controls[cases | controls]
        block = CompactRows.from_block(as_block(rows, features), scaler)
        return Cases(rows["row"].to_numpy(), block, cases, controls)

    def roles(self, root: Location, numbers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return which rows are cases, and which are controls.

        Customers are cases, all of the population controls, customers among them included. Of a
        response, those who responded are cases and all who were asked are controls: their density
        ratio is the rate of response over the average one.
        """
        if not self.response:
            customers = np.full(len(numbers), self.extract == "customers")
            return customers, ~customers
        if self.raw is None:
            return np.zeros(len(numbers), dtype=bool), np.zeros(len(numbers), dtype=bool)
        raw = read_part(root, self.raw, columns=["row", self.response])
        answers = pl.DataFrame({"row": raw["row"], "answer": parse_answers(raw[self.response])})
        rows = pl.DataFrame({"row": numbers}, schema={"row": raw["row"].dtype})
        answer = rows.join(answers, on="row", how="left", maintain_order="left")["answer"]
        return (answer == "1").fill_null(value=False).to_numpy(), answer.is_not_null().to_numpy()


@dataclass(frozen=True)
class Cases:
    """Rows with their features, and which of them are cases and controls."""

    numbers: np.ndarray
    block: np.ndarray | CompactRows
    cases: np.ndarray
    controls: np.ndarray


def learn_likeness(
    root: Location,
    parts: Sequence[CasePart],
    features: Sequence[str],
    scaler: StandardScaler,
    *,
    shares: Mapping[str, float],
    random_state: int,
    keep: bool,
) -> Likeness | None:
    """Fit the likeness to both halves, in the same passes; None if there are too few cases.

    Parameters
    ----------
    shares : by extract, how much of it is sampled to choose the penalties
    keep : whether all rows are kept in memory from pass to pass, else they are read for each
    """
    rows: list[Any] = [delayed(part.read)(root, features, scaler) for part in parts]
    if keep:
        rows = list(dask.persist(*rows))
    sampled = dask.persist(
        # Another seed than that of the halves: the smallest hashes of one seed are all in one half.
        *(
            delayed(sample_cases)(own, random_state + 1, shares[part.extract])
            for part, own in zip(parts, rows, strict=True)
        )
    )
    first, second = dask.compute(
        *(delayed(start_fit)(list(sampled), half, random_state) for half in (True, False))
    )
    del sampled
    if first is None or second is None:
        return None
    penalties, coefficients = np.array([first[0], second[0]]), np.stack([first[1], second[1]])
    # The sample has more of one kind than all rows have: the intercept makes up for it.
    coefficients[:, -1] += np.log(shares["population"] / shares["customers"])

    def sums_at(coefficients: np.ndarray, curved: bool) -> LogisticSums:
        sums = [delayed(sum_cases)(part, coefficients, curved, random_state) for part in rows]
        total: LogisticSums = dask.compute(add_up(sums))[0]
        return total

    penalty = np.stack([ridge(value, len(features) + 1) for value in penalties])
    fit = newton(sums_at, coefficients, penalty, tol=_TOL)
    tallies = [delayed(tally_cases)(part, fit, random_state) for part in rows]
    return Likeness.from_fit(fit, scaler, penalties, dask.compute(add_up(tallies))[0])


def sample_cases(rows: Cases, seed: int, share: float) -> Cases:
    """Sample the rows of a part by their hashes, scaled."""
    at = np.flatnonzero(hashed_share(rows.numbers, seed, share))
    scaled = rows.block[at].astype(np.float32)
    return Cases(rows.numbers[at], scaled, rows.cases[at], rows.controls[at])


def sum_cases(
    rows: Cases, coefficients: np.ndarray, curved: bool, random_state: int
) -> LogisticSums:
    """Sum over the rows of a part; the first fit has the first half, the second the others."""
    first = in_first_half(rows.numbers, random_state)
    members = np.stack([first, ~first])
    return LogisticSums.from_block(
        rows.block, rows.cases, rows.controls, coefficients, members, curved=curved
    )


def tally_cases(rows: Cases, fit: NewtonFit, random_state: int) -> np.ndarray:
    """Count cases and controls of a part by half and score, shape (2, 2, n_bins)."""
    first = in_first_half(rows.numbers, random_state)
    return tally(fit.log_ratios(rows.block), rows.cases, rows.controls, first)


def start_fit(
    sampled: Sequence[Cases], half: bool, random_state: int
) -> tuple[float, np.ndarray] | None:
    """Return penalty and coefficients of a half of the sample; None if its cases are too few."""
    numbers, block, cases, controls = (
        np.concatenate([getattr(rows, name) for rows in sampled])
        for name in ("numbers", "block", "cases", "controls")
    )
    own = in_first_half(numbers, random_state) == half
    if min(cases[own].sum(), controls[own].sum()) < MIN_CASES:
        return None
    folds = row_hash(numbers[own], random_state + 2) % np.uint64(_FOLDS)
    return choose_penalty(block[own], cases[own], controls[own], folds, PENALTIES)
