"""Codes to nulls, tallies of what was delivered, sparse attributes out, sparse rows aside."""

from segment_lib.clean.assessment import Assessment, as_in_base
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
    "Assessment",
    "Delivered",
    "Tally",
    "answers",
    "as_in_base",
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
