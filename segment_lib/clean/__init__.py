"""Cleaning: missing codes to nulls, counts of the extracts, sparse attributes and rows aside."""

from segment_lib.clean.assessment import Assessment, as_in_base
from segment_lib.clean.codes import known
from segment_lib.clean.completeness import ExtractCounts, count_extract, count_missing
from segment_lib.clean.remarks import refuse_unseen, remarks
from segment_lib.clean.response import parse_answers
from segment_lib.clean.tally import Tally, tally_part
