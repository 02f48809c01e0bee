"""Drift between two deliveries: of schema, attributes, segments and distances; matched segments."""

from segment_lib.drift.attributes import ATTRIBUTES, AttributeCounts, attribute_drift
from segment_lib.drift.decision import Policy, decide, findings, refuse_other_features
from segment_lib.drift.distances import ASSIGNMENT_COUNTS, AssignmentCounts, distance_table
from segment_lib.drift.matching import match_segments
from segment_lib.drift.segments import segment_changes, segment_drift
