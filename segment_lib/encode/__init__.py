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
