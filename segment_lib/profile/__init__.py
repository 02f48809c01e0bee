"""Profiles of the segments in decoded words: levels, traits, names, components, fairness."""

from segment_lib.profile.components import FeatureWords, component_tables, feature_words
from segment_lib.profile.describe import describe_segments
from segment_lib.profile.fairness import fairness_table
from segment_lib.profile.levels import (
    COUNTS,
    PROFILE,
    Levels,
    choose_levels,
    count_levels,
    profile_segments,
)
from segment_lib.profile.names import TOO_FEW, name_segments
from segment_lib.profile.traits import segment_traits

__all__ = [
    "COUNTS",
    "PROFILE",
    "TOO_FEW",
    "FeatureWords",
    "Levels",
    "choose_levels",
    "component_tables",
    "count_levels",
    "describe_segments",
    "fairness_table",
    "feature_words",
    "name_segments",
    "profile_segments",
    "segment_traits",
]
