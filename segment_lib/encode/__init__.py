"""Attributes to features, by a plan that an analyst can read and edit."""

from segment_lib.encode.plan import Plan, decode_plan, derive_plan, plan_entries, read_plan
from segment_lib.encode.recodings import TOLD_TWICE
from segment_lib.encode.rules import Binary, Drop, Number, OneHot, Recode, Rule

__all__ = [
    "TOLD_TWICE",
    "Binary",
    "Drop",
    "Number",
    "OneHot",
    "Plan",
    "Recode",
    "Rule",
    "decode_plan",
    "derive_plan",
    "plan_entries",
    "read_plan",
]
