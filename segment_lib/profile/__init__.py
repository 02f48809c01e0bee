"""Profiles of the segments in decoded words: levels, traits, names, components, fairness."""

from segment_lib.profile.components import (
    FeatureWords,
    component_tables,
    explain_components,
    feature_words,
)
from segment_lib.profile.describe import describe_segments
from segment_lib.profile.fairness import fairness_table
from segment_lib.profile.levels import (
    COUNTS,
    PROFILE,
    Levels,
    all_levels,
    choose_levels,
    count_levels,
    level_order,
    levels_from_json,
    levels_to_json,
    profile_segments,
)
from segment_lib.profile.names import TOO_FEW, keep_names, name_segments
from segment_lib.profile.tables import ProfileTables, profile_tables
from segment_lib.profile.traits import segment_traits
from segment_lib.profile.weights import weights_table

__all__ = [
    "COUNTS",
    "PROFILE",
    "TOO_FEW",
    "FeatureWords",
    "Levels",
    "ProfileTables",
    "all_levels",
    "choose_levels",
    "component_tables",
    "count_levels",
    "describe_segments",
    "explain_components",
    "fairness_table",
    "feature_words",
    "keep_names",
    "level_order",
    "levels_from_json",
    "levels_to_json",
    "name_segments",
    "profile_segments",
    "profile_tables",
    "segment_traits",
    "weights_table",
]
