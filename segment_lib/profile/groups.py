"""Groups of segments in words: their counts, names and figures from those of their segments."""

from collections.abc import Mapping

import polars as pl

GROUPS = {
    "group": pl.Int32,
    "segments": pl.String,
    "name": pl.String,
    "population_rows": pl.Int64,
    "population_share": pl.Float64,
    "customer_rows": pl.Int64,
    "customer_share": pl.Float64,
    "index": pl.Float64,
    "index_low": pl.Float64,
    "index_high": pl.Float64,
    "verdict": pl.String,
    "low": pl.Float64,
    "high": pl.Float64,
    "drawn_index": pl.Float64,
    "drawn_low": pl.Float64,
    "drawn_high": pl.Float64,
    "small": pl.Boolean,
}


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
    """Table of the groups, columns of GROUPS; a group of one segment has the name of that.

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
    return figures.with_columns(
        pl.col("segment").alias("group"),
        pl.Series("segments", [", ".join(map(str, segments)) for segments in listed]),
        pl.Series("name", [names.get(n) for names, n in zip(chosen, numbers, strict=True)]),
    ).select(pl.col(name).cast(kind) for name, kind in GROUPS.items())
