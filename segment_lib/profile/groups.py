"""Groups of segments in words: their counts, names and figures from those of their segments."""

from collections.abc import Mapping

import polars as pl

_OF_SEGMENTS = ("segment", "stability", "found_again")
"""Figures of a segment that a group has not."""


def count_by_group(people: pl.DataFrame, group_of: Mapping[int, int]) -> pl.DataFrame:
    """Rows by group, attribute and level; a column `segment` holds the number of the group.

    Parameters
    ----------
    people : rows by segment, attribute and level, columns of COUNTS
    group_of : segment to the number of its group; others stay what they are
    """
    keys = ["segment", "attribute", "level"]
    group = pl.col("segment").replace(dict(group_of))
    return people.with_columns(group).group_by(keys).agg(pl.col("rows").sum()).sort(keys)


def groups_table(
    figures: pl.DataFrame,
    own_names: pl.DataFrame,
    segment_names: pl.DataFrame,
    group_of: Mapping[int, int],
) -> pl.DataFrame:
    """Table of the groups, figures after names; a group of one segment has the name of that.

    Parameters
    ----------
    figures : the table of groups, customers against the population
    own_names, segment_names : the tables of `name_segments` of groups and of segments
    group_of : segment to the number of its group
    """
    members: dict[int, list[int]] = {}
    for segment, group in sorted(group_of.items()):
        members.setdefault(group, []).append(segment)
    names = dict(own_names.select("segment", "name").iter_rows())
    names_alone = dict(segment_names.select("segment", "name").iter_rows())
    numbers = figures["segment"].to_list()
    listed = [members.get(number, []) for number in numbers]
    chosen = [names_alone if len(segments) < 2 else names for segments in listed]
    return figures.select(
        pl.col("segment").alias("group"),
        pl.Series("segments", [", ".join(map(str, segments)) for segments in listed]),
        pl.Series(
            "name", [names.get(n) for names, n in zip(chosen, numbers, strict=True)], pl.String
        ),
        pl.exclude(_OF_SEGMENTS),
    )
