"""Cleaning: missing codes to nulls, counts of the extracts, sparse attributes and rows aside."""

from segment_lib.clean.codes import known
from segment_lib.clean.completeness import (
    Delivered,
    assess_attributes,
    count_missing,
    delivered,
    expected_levels,
    histogram,
    spelling,
)
from segment_lib.clean.remarks import refuse_unseen, remarks
from segment_lib.clean.response import NO_ANSWER, answers
from segment_lib.clean.tally import Tally, tally_part

__all__ = [
    "NO_ANSWER",
    "Delivered",
    "Tally",
    "answers",
    "assess_attributes",
    "count_missing",
    "delivered",
    "expected_levels",
    "histogram",
    "known",
    "refuse_unseen",
    "remarks",
    "spelling",
    "tally_part",
]
