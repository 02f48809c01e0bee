"""Encoding of attributes as features, by a plan that an analyst can read and edit."""

from segment_lib.encode.plan import (
    MAX_LEVELS,
    Plan,
    decode_plan,
    derive_plan,
    plan_entries,
    read_plan,
)
from segment_lib.encode.proposal import propose_plan
from segment_lib.encode.recodings import with_redundant
from segment_lib.encode.rules import Binary, Drop, Number, OneHot, Recode, Rule

__all__ = [
    "MAX_LEVELS",
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
    "propose_plan",
    "read_plan",
    "with_redundant",
]
