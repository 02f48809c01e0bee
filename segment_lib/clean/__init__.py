"""Cleaning: missing codes to nulls, counts of the extracts, sparse attributes and rows aside."""

from segment_lib.clean.assessment import Assessment, as_in_base
from segment_lib.clean.codes import known
from segment_lib.clean.completeness import (
    ExtractCounts,
    as_code,
    count_extract,
    count_missing,
    expected_levels,
    histogram,
)
from segment_lib.clean.remarks import refuse_unseen, remarks
from segment_lib.clean.response import NO_ANSWER, parse_answers
from segment_lib.clean.tally import Tally, tally_part

__all__ = [
    "NO_ANSWER",
    "Assessment",
    "ExtractCounts",
    "Tally",
    "as_code",
    "as_in_base",
    "count_extract",
    "count_missing",
    "expected_levels",
    "histogram",
    "known",
    "parse_answers",
    "refuse_unseen",
    "remarks",
    "tally_part",
]
