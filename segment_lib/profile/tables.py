"""All tables that say what sets segments apart, from the counts of levels by segment."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass

import numpy as np
import polars as pl

from segment_lib.profile.components import explain_components
from segment_lib.profile.describe import describe_segments
from segment_lib.profile.fairness import fairness_table
from segment_lib.profile.groups import count_by_group, groups_table
from segment_lib.profile.levels import Levels, level_order, profile_segments
from segment_lib.profile.names import keep_names, name_segments
from segment_lib.profile.traits import segment_traits
from segment_lib.schema import Meaning, Schema
from segment_lib.schema.language import Language
from segment_lib.schema.translated import phrases_in


@dataclass(frozen=True)
class ProfileTables:
    """Tables of segments in decoded words."""

    profile: pl.DataFrame
    """A row per segment, attribute and level."""
    traits: pl.DataFrame
    """A row per segment and attribute, the strongest first."""
    names: pl.DataFrame
    group_traits: pl.DataFrame
    """A row per group and attribute, the strongest first."""
    groups: pl.DataFrame
    """A row per group: its segments, name and figures."""
    fairness: pl.DataFrame
    """Sensitive attributes by segment."""
    describe: pl.DataFrame
    """A row per segment for a spreadsheet."""
    components: pl.DataFrame
    loadings: pl.DataFrame


def profile_tables(
    people: pl.DataFrame,
    customers: pl.DataFrame,
    segments: pl.DataFrame,
    *,
    schema: Schema,
    levels: Mapping[str, Levels],
    meanings: Mapping[str, Meaning],
    language: Language,
    telling: Set[str],
    sensitive: Sequence[str],
    describe_sensitive: bool,
    group_figures: pl.DataFrame,
    group_of: Mapping[int, int],
    min_cell: int,
    arrays: Mapping[str, np.ndarray],
    features: Mapping[str, str],
    names_before: pl.DataFrame | None = None,
) -> ProfileTables:
    """Return the tables.

    Parameters
    ----------
    people, customers : rows by segment, attribute and level, columns of COUNTS; of the customers
        for sensitive attributes alone
    segments : the table of segments, customers against the population
    levels : how each attribute was counted
    meanings : those of the attributes, in the language
    language : what names, traits and readings are written in
    telling : the attributes whose traits name and describe a segment
    sensitive : attributes that name none, and describe none unless `describe_sensitive`
    group_figures : the table of groups, customers against the population
    group_of : segment to the number of its group
    min_cell : counts of fewer people are suppressed
    arrays : those of the model; its components are explained
    features : feature to the attribute it is made from, in the order of the model
    names_before : names that segments keep
    """
    scales = {a.name for a in schema if a.type == "ordinal"}
    ordered = {a.name for a in schema if a.is_number}
    order, phrases = level_order(people, levels), phrases_in(language)

    def described(counts: pl.DataFrame, figures: pl.DataFrame) -> tuple[pl.DataFrame, ...]:
        """Profile, traits and names of segments or groups."""
        profile = profile_segments(counts, list(levels.values()), meanings, scales)
        traits = segment_traits(profile, order, ordered, meanings, phrases, language)
        names = name_segments(
            traits.filter(pl.col("attribute").is_in(telling)),
            unnamed=sensitive,
            few=figures.filter(pl.col("population_rows") < min_cell)["segment"].to_list(),
            min_cell=min_cell,
            language=language,
        )
        return profile, traits, names

    profile, traits, names = described(people, segments)
    if names_before is not None:
        names = keep_names(names, names_before, language)
    _, group_traits, own_names = described(count_by_group(people, group_of), group_figures)
    groups = groups_table(group_figures, own_names, names, group_of)
    spoken = telling if describe_sensitive else telling - set(sensitive)
    counted = [name for name in sensitive if name in levels]
    people = people.filter(pl.col("attribute").is_in(counted))
    order = level_order(pl.concat([people, customers]), levels)
    fairness = fairness_table(
        people,
        customers,
        segments,
        {name: order[name] for name in counted},
        meanings,
        min_cell=min_cell,
    )
    strong = traits.filter(pl.col("attribute").is_in(spoken))
    describe = describe_segments(segments, names, strong, language, min_cell=min_cell)
    explained = explain_components(
        arrays["components"], arrays["explained_variance_ratio"], features, meanings, language
    )
    return ProfileTables(
        profile, traits, names, group_traits, groups, fairness, describe, *explained
    )
