"""Chi-square test of independence of segment and extract, and Cramér's V."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np
import polars as pl
from scipy.stats import chi2
from scipy.stats.contingency import association, expected_freq

from segment_lib.terms import SET_ASIDE


@dataclass(frozen=True)
class Association:
    """Result of Pearson's chi-square test of segment by extract, with the strength of relation."""

    statistic: float
    dof: int
    p: float
    """The p-value; 0 where it is too small for a float."""
    cramers_v: float
    """From 0 to 1; 0: independent (Cramér 1946, "Mathematical methods of statistics", 21.9)."""
    least_expected: float
    """Smallest expected count; below 5 the p-value is rough."""
    rows: int


def chi_square_test(
    population: Mapping[int, int], customers: Mapping[int, int]
) -> Association | None:
    """Test of the two rows of counts; None if fewer than two segments or extracts have rows.

    The extracts are taken as two independent samples.
    """
    segments = sorted(
        segment
        for segment in {*population, *customers}
        if population.get(segment, 0) + customers.get(segment, 0)
    )
    table = np.array([[counts.get(s, 0) for s in segments] for counts in (population, customers)])
    if len(segments) < 2 or not table.sum(axis=1).all():
        return None
    expected = expected_freq(table)
    statistic = float(((table - expected) ** 2 / expected).sum())
    dof = len(segments) - 1
    return Association(
        statistic=statistic,
        dof=dof,
        p=float(chi2.sf(statistic, dof)),
        cramers_v=float(association(table, method="cramer")),
        least_expected=float(expected.min()),
        rows=int(table.sum()),
    )


def chi_square_tests(segments: pl.DataFrame) -> dict[str, dict[str, float] | None]:
    """Return the tests of a table of segments, with and without the rows set aside.

    Parameters
    ----------
    segments : columns segment, population_rows and customer_rows
    """
    tables = {
        "all_segments": segments,
        "without_set_aside": segments.filter(pl.col("segment") != SET_ASIDE),
    }
    tests = {}
    for name, table in tables.items():
        test = chi_square_test(
            *(
                dict(table.select("segment", rows).iter_rows())
                for rows in ("population_rows", "customer_rows")
            )
        )
        tests[name] = asdict(test) if test else None
    return tests
