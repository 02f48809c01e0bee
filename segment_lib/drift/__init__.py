"""What has moved between two deliveries: attributes, segments, distances; who is who now."""

from segment_lib.drift.attributes import ATTRIBUTES, Counts, attribute_drift
from segment_lib.drift.changes import Change, Changes, compare_schemas
from segment_lib.drift.decision import Decision, Policy, decide, findings, refuse_other_features
from segment_lib.drift.distances import PLACED, AssignmentCounts, distance_table
from segment_lib.drift.matching import SAME, Match, match_segments
from segment_lib.drift.psi import BANDS, band, psi, psi_by_chance
from segment_lib.drift.segments import SEGMENTS, index_change, segment_drift, segment_table

__all__ = [
    "ATTRIBUTES",
    "BANDS",
    "PLACED",
    "SAME",
    "SEGMENTS",
    "AssignmentCounts",
    "Change",
    "Changes",
    "Counts",
    "Decision",
    "Match",
    "Policy",
    "attribute_drift",
    "band",
    "compare_schemas",
    "decide",
    "distance_table",
    "findings",
    "index_change",
    "match_segments",
    "psi",
    "psi_by_chance",
    "refuse_other_features",
    "segment_drift",
    "segment_table",
]
