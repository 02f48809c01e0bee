"""Customers against the population: index, its limits, chi-square test, sanity checks."""

from segment_lib.compare.association import Association, chi_square_test
from segment_lib.compare.index import SEGMENTS, compare_segments, index_interval
from segment_lib.compare.sanity_checks import sanity_checks
from segment_lib.compare.spread import index_spread

__all__ = [
    "SEGMENTS",
    "Association",
    "chi_square_test",
    "compare_segments",
    "index_interval",
    "index_spread",
    "sanity_checks",
]
