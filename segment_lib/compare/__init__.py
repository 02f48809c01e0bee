"""Customers against the population: index and interval, its spread, tests, what looks broken."""

from segment_lib.compare.association import Association, associate
from segment_lib.compare.index import SEGMENTS, compare_segments, index_interval
from segment_lib.compare.sanity_checks import sanity_checks
from segment_lib.compare.spread import index_spread

__all__ = [
    "SEGMENTS",
    "Association",
    "associate",
    "compare_segments",
    "index_interval",
    "index_spread",
    "sanity_checks",
]
