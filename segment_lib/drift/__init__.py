"""What has moved between two deliveries: attributes, segments, distances; who is who now."""

from segment_lib.drift.attributes import ATTRIBUTES, Counts, attribute_drift
from segment_lib.drift.distances import Placed, distance_table
from segment_lib.drift.matching import SAME, Match, match_segments
from segment_lib.drift.psi import BANDS, band, psi, psi_by_chance
from segment_lib.drift.segments import SEGMENTS, index_change, segment_drift

__all__ = [
    "ATTRIBUTES",
    "BANDS",
    "SAME",
    "SEGMENTS",
    "Counts",
    "Match",
    "Placed",
    "attribute_drift",
    "band",
    "distance_table",
    "index_change",
    "match_segments",
    "psi",
    "psi_by_chance",
    "segment_drift",
]
