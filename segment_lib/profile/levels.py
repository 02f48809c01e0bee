"""Profile of the segments: shares of levels in each against the population, from exact counts."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from segment_lib.schema import Meaning
from segment_lib.schema.dates import day_of
from segment_lib.terms import MAX_LISTED

_BINS = 5
"""Of about equal population, of numbers with more values than are listed."""

COUNTS = {
    "segment": pl.Int32,
    "attribute": pl.String,
    "level": pl.String,
    "rows": pl.Int64,
}

PROFILE = {
    "segment": pl.Int32,
    "attribute": pl.String,
    "level": pl.String,
    "label": pl.String,
    "meaning": pl.String,
    "direction": pl.String,
    "population_rows": pl.Int64,
    "segment_share": pl.Float64,
    "population_share": pl.Float64,
    "index": pl.Float64,
    "effect": pl.Float64,
}


@dataclass(frozen=True)
class Levels:
    """Levels by which an attribute is profiled: its values, or bins of them with upper edges."""

    attribute: str
    number: bool = False
    """Whether the values are numbers, whose names are written without ``.0``."""
    edges: tuple[float, ...] = ()
    """Upper edges of all bins but the last."""
    names: tuple[str, ...] = ()
    """Names of the bins; empty where every value is a level."""

    def value(self) -> pl.Expr:
        """Expression to group rows by: the value itself, or the number of its bin."""
        value = pl.col(self.attribute)
        if not self.names:
            return value
        above = [(value > edge).cast(pl.UInt8) for edge in self.edges]
        bin_ = pl.sum_horizontal(above) if above else pl.lit(0, dtype=pl.UInt8)
        return pl.when(value.is_not_null()).then(bin_)

    def name(self, value: pl.Expr) -> pl.Expr:
        """Expression for the name of the level, from what `value` gives."""
        if self.names:
            numbers = list(range(len(self.names)))
            return value.replace_strict(numbers, list(self.names), return_dtype=pl.String)
        text = value.cast(pl.String)
        return text.str.replace(r"\.0+$", "") if self.number else text


def choose_levels(
    attribute: str, counts: Mapping[float | str, int], *, dates: bool = False
) -> Levels:
    """Levels for an attribute, from the counts of its values in the population.

    Parameters
    ----------
    dates : True if the values are years with their fractions; their bins are named by years, or by
        days where two bins would have one name
    """
    values = sorted(value for value in counts if not isinstance(value, str))
    if len(values) <= MAX_LISTED and not dates:
        return Levels(attribute, number=bool(values))
    total = np.cumsum([counts[value] for value in values])
    targets = [total[-1] * i / _BINS for i in range(1, _BINS)]
    edges = sorted({values[int(np.searchsorted(total, rows))] for rows in targets} - {values[-1]})
    above = [values[values.index(edge) + 1] for edge in edges]
    ends = list(zip([values[0], *above], [*edges, values[-1]], strict=True))
    write = _format_number
    if dates:
        years = [_format_range(*bin_, _format_year) for bin_ in ends]
        write = _format_year if len(set(years)) == len(years) else _format_day
    names = tuple(_format_range(*bin_, write) for bin_ in ends)
    return Levels(attribute, True, tuple(edges), names)


def count_levels(rows: pl.DataFrame, segments: pl.Series, levels: Sequence[Levels]) -> pl.DataFrame:
    """Count the rows of a part by segment, attribute and level; unknown values are left out.

    Parameters
    ----------
    rows : known codes of the attributes
    segments : the segment of each row
    """
    return pl.concat(
        rows.lazy()
        .select(pl.lit(segments).alias("segment"), level.value().alias("level"))
        .group_by("segment", "level")
        .agg(pl.len().cast(pl.Int64).alias("rows"))
        .drop_nulls("level")
        .select(
            "segment",
            pl.lit(level.attribute).alias("attribute"),
            level.name(pl.col("level")).alias("level"),
            "rows",
        )
        for level in levels
    ).collect()


def profile_segments(
    counts: pl.DataFrame,
    levels: Sequence[Levels],
    meanings: Mapping[str, Meaning],
    scales: Collection[str],
) -> pl.DataFrame:
    """Profile of every segment: the share of each level in it and in the whole population.

    Parameters
    ----------
    counts : the sums of `count_levels` over all parts
    scales : the attributes whose levels are in order, so that a direction can be stated

    Returns
    -------
    profile : columns of PROFILE. `effect` is Cohen's h, the difference of the arcsine-transformed
        shares (Cohen 1988, "Statistical power analysis", chapter 6): 0.2 is small, 0.8 large.
    """
    order = pl.DataFrame(
        {"attribute": [level.attribute for level in levels], "position": range(len(levels))}
    )
    everywhere = counts.group_by("attribute", "level").agg(pl.col("rows").sum().alias("level_rows"))
    grid = counts.select("segment").unique().join(everywhere, how="cross")
    share, expected = pl.col("segment_share"), pl.col("population_share")
    table = (
        grid.join(counts, on=["segment", "attribute", "level"], how="left")
        .with_columns(pl.col("rows").fill_null(0).alias("population_rows"))
        .with_columns(
            (
                pl.col("population_rows")
                / pl.col("population_rows").sum().over("segment", "attribute")
            ).alias("segment_share"),
            (pl.col("level_rows") / pl.col("level_rows").sum().over("segment", "attribute")).alias(
                "population_share"
            ),
        )
        .filter(share.is_not_nan())
        .with_columns(
            (100 * share / expected).alias("index"),
            (2 * share.sqrt().arcsin() - 2 * expected.sqrt().arcsin()).alias("effect"),
        )
        .join(order, on="attribute")
    )
    words = [
        {
            "attribute": attribute,
            "level": level,
            "label": meaning.label(level),
            "meaning": meaning.meaning,
            "direction": meaning.direction if attribute in scales else None,
        }
        for attribute, level in everywhere.select("attribute", "level").iter_rows()
        for meaning in [meanings.get(attribute, Meaning())]
    ]
    return (
        table.join(
            pl.DataFrame(words, schema_overrides={"direction": pl.String}),
            on=["attribute", "level"],
        )
        .sort("segment", "position", pl.col("level").cast(pl.Float64, strict=False), "level")
        .select(pl.col(name).cast(kind) for name, kind in PROFILE.items())
    )


def _format_range(first: float, last: float, write: Callable[[float], str]) -> str:
    start, end = write(first), write(last)
    return start if start == end else f"{start} to {end}"


def _format_year(value: float) -> str:
    return str(int(value))


def _format_day(value: float) -> str:
    return day_of(value).isoformat()


def _format_number(value: float) -> str:
    return str(int(value)) if value == int(value) else f"{value:.9g}"


def all_levels(
    counts: Mapping[str, Mapping[float | str, int]],
    base: Mapping[str, Levels],
    dates: Collection[str] = (),
) -> dict[str, Levels]:
    """Return how each attribute of more than one value is profiled; as in a base that has it.

    Parameters
    ----------
    dates : attributes whose values are years with their fractions
    """
    levels = {
        name: choose_levels(name, rows, dates=name in dates)
        for name, rows in counts.items()
        if len(rows) > 1
    }
    return levels | {name: own for name, own in base.items() if name in levels}


def level_order(counts: pl.DataFrame, levels: Mapping[str, Levels]) -> dict[str, list[str]]:
    """Return the levels counted, by attribute, in the order of bins, of numbers, or of text."""
    number = pl.col("level").cast(pl.Float64, strict=False)
    table = counts.select("attribute", "level").unique().sort("attribute", number, "level")
    order: dict[str, list[str]] = {}
    for attribute, level in table.iter_rows():
        order.setdefault(attribute, []).append(level)
    return {name: list(levels[name].names) or own for name, own in order.items()}


def levels_to_json(levels: Mapping[str, Levels]) -> dict[str, Any]:
    """Return the levels as plain JSON values."""
    return {
        name: {"number": level.number, "edges": level.edges, "names": level.names}
        for name, level in levels.items()
    }


def levels_from_json(entries: Mapping[str, Any]) -> dict[str, Levels]:
    """Return the levels that `levels_to_json` gave."""
    return {
        name: Levels(name, entry["number"], tuple(entry["edges"]), tuple(entry["names"]))
        for name, entry in entries.items()
    }
