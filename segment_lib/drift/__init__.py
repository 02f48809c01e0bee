"""Drift between two deliveries: of schema, attributes, segments and distances; matched segments."""

from segment_lib.drift.attributes import ATTRIBUTES, AttributeCounts, attribute_drift
from segment_lib.drift.changes import Change, Changes, compare_schemas
from segment_lib.drift.decision import Decision, Policy, decide, findings, refuse_other_features
from segment_lib.drift.distances import ASSIGNMENT_COUNTS, AssignmentCounts, distance_table
from segment_lib.drift.matching import SAME_SEGMENT, Match, match_segments
from segment_lib.drift.psi import PSI_BANDS, psi, psi_band, psi_by_chance
from segment_lib.drift.segments import SEGMENTS, index_change, segment_changes, segment_drift

__all__ = [
    "ASSIGNMENT_COUNTS",
    "ATTRIBUTES",
    "PSI_BANDS",
    "SAME_SEGMENT",
    "SEGMENTS",
    "AssignmentCounts",
    "AttributeCounts",
    "Change",
    "Changes",
    "Decision",
    "Match",
    "Policy",
    "attribute_drift",
    "compare_schemas",
    "decide",
    "distance_table",
    "findings",
    "index_change",
    "match_segments",
    "psi",
    "psi_band",
    "psi_by_chance",
    "refuse_other_features",
    "segment_changes",
    "segment_drift",
]
