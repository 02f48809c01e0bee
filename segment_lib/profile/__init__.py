"""Profiles of the segments in decoded words: levels, traits, names, components, fairness."""

from segment_lib.profile.levels import (
    COUNTS,
    Levels,
    all_levels,
    count_levels,
    levels_from_json,
    levels_to_json,
)
from segment_lib.profile.tables import profile_tables
from segment_lib.profile.weights import label_weights, weights_table
