"""Customers against the population: index, its limits, chi-square test, sanity checks."""

from segment_lib.compare.association import Association, chi_square_test, chi_square_tests
from segment_lib.compare.groups import group_segments
from segment_lib.compare.index import SEGMENTS, compare_segments, index_interval
from segment_lib.compare.reclustered import ReclusteredIndex, recluster_index
from segment_lib.compare.sanity_checks import refuse_suspicious, sanity_checks
from segment_lib.compare.table import group_table, segment_table

__all__ = [
    "SEGMENTS",
    "Association",
    "ReclusteredIndex",
    "chi_square_test",
    "chi_square_tests",
    "compare_segments",
    "group_segments",
    "group_table",
    "index_interval",
    "recluster_index",
    "refuse_suspicious",
    "sanity_checks",
    "segment_table",
]
