"""The one thing each attribute says of a segment, in words and the right way round."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from segment_lib.schema import Meaning

TRAITS = {
    "segment": pl.Int32,
    "attribute": pl.String,
    "side": pl.String,
    "levels": pl.String,
    "words": pl.String,
    "direction": pl.String,
    "population_rows": pl.Int64,
    "segment_share": pl.Float64,
    "population_share": pl.Float64,
    "index": pl.Float64,
    "effect": pl.Float64,
}
"""`side` is ``low`` or ``high`` for the end of a scale or number, ``middle`` for a band between its
ends, ``level`` for a single level."""

AT_LEAST = 0.2
"""Cohen's h of a difference worth telling: a small effect by Cohen's own words."""


_Row = dict[str, Any]


def segment_traits(
    profile: pl.DataFrame,
    levels: Mapping[str, Sequence[str]],
    ordered: Collection[str],
    meanings: Mapping[str, Meaning],
) -> pl.DataFrame:
    """One row per segment and attribute, the strongest first.

    Of a scale or a number the cut is taken that parts the segment from the population the most,
    and the side of it that the segment has more of: so a scale is read by what its codes mean,
    whichever way they run. Where the segment has less of both ends, the band between them is taken
    that it has more of. Of other attributes it is the level whose share differs most.

    Parameters
    ----------
    profile : the table of `profile_segments`
    levels : the levels of each attribute, in their order
    ordered : attributes whose levels are in order

    Returns
    -------
    traits : columns of TRAITS; `effect` is Cohen's h, negative for a level the segment lacks
    """
    rows = []
    keys = ("segment", "attribute")
    for (segment, attribute), part in profile.group_by(keys, maintain_order=True):
        name = str(attribute)
        position = {level: i for i, level in enumerate(levels[name])}
        of = sorted(part.to_dicts(), key=lambda row: position[row["level"]])
        pick = _side if name in ordered and len(of) > 2 else _level
        side, chosen, share, expected = pick(of)
        meaning = meanings.get(name, Meaning())
        rows.append(
            {
                "segment": segment,
                "attribute": name,
                "side": side,
                "levels": ", ".join(row["level"] for row in chosen),
                "words": words(
                    topic(name, meaning),
                    [row["label"] for row in chosen],
                    side="" if meaning.levels else side,
                    lacks=share < expected,
                ),
                "direction": chosen[0]["direction"],
                "population_rows": sum(row["population_rows"] for row in chosen),
                "segment_share": share,
                "population_share": expected,
                "index": 100 * share / expected if expected else None,
                "effect": float(_h(share, expected)),
            }
        )
    table = pl.DataFrame(rows, schema=TRAITS)
    strength = pl.col("effect").abs()
    return table.sort("segment", strength, "attribute", descending=[False, True, False])


def topic(name: str, meaning: Meaning) -> str:
    """What the attribute is about, short: the word the meaning puts in quotes, or its beginning."""
    quoted = meaning.meaning.split('"')
    if len(quoted) > 2 and quoted[1]:
        return quoted[1]
    first = meaning.meaning.split(" (")[0].split(";")[0].strip()
    return first or name


def family(attribute: str) -> str:
    """What attributes on one subject share: the word before the first underscore."""
    return attribute.partition("_")[0]


def words(about: str, labels: Sequence[str], *, side: str = "", lacks: bool = False) -> str:
    """A trait in words: ``money saver: very high or high``, ``number of adults: 2 or more``.

    Parameters
    ----------
    labels : of the levels, in their order; of numbers the levels themselves, or bins ``2 to 4``
    side : ``low`` or ``high`` if the labels are numbers from the least or up to the most,
        ``middle`` if they are numbers between
    """
    listed = " or ".join(labels) if len(labels) < 3 else f"{labels[0]} to {labels[-1]}"
    if side == "low":
        listed = f"{labels[-1].split(' to ')[-1]} or less"
    if side == "high":
        listed = f"{labels[0].split(' to ')[0]} or more"
    if side == "middle":
        first, last = labels[0].split(" to ")[0], labels[-1].split(" to ")[-1]
        listed = f"{first} to {last}" if first != last else first
    return f"{about}: {'seldom ' if lacks else ''}{listed}"


def _side(table: list[_Row]) -> tuple[str, list[_Row], float, float]:
    share = np.cumsum([row["segment_share"] for row in table])[:-1].clip(0, 1)
    expected = np.cumsum([row["population_share"] for row in table])[:-1].clip(0, 1)
    apart = _h(share, expected)
    # Rounded, so that the last digits of a sum do not choose between cuts as far apart.
    cut = int(np.argmax(np.abs(apart).round(9)))
    if band := _middle(share, expected, abs(float(apart[cut]))):
        first, last = band
        within = slice(first + 1, last + 1)
        between = float(share[last] - share[first]), float(expected[last] - expected[first])
        return "middle", table[within], *between
    if apart[cut] >= 0:
        return "low", table[: cut + 1], float(share[cut]), float(expected[cut])
    return "high", table[cut + 1 :], float(1 - share[cut]), float(1 - expected[cut])


def _middle(share: np.ndarray, expected: np.ndarray, to_beat: float) -> tuple[int, int] | None:
    """The two cuts around the band the segment has more of, if it has less of both ends.

    Parameters
    ----------
    share, expected : shape (n_cuts,); the share below each cut, of segment and population
    to_beat : Cohen's h of the best single cut
    """
    fewer_below = _h(share, expected) <= -AT_LEAST
    fewer_above = _h(1 - share, 1 - expected) <= -AT_LEAST
    bands = [
        (
            round(float(_h(share[last] - share[first], expected[last] - expected[first])), 9),
            first,
            last,
        )
        for first in np.flatnonzero(fewer_below)
        for last in np.flatnonzero(fewer_above)
        if first < last
    ]
    apart, first, last = max(bands, key=lambda band: band[0], default=(0.0, 0, 0))
    return (int(first), int(last)) if apart > round(to_beat, 9) else None


def _level(table: list[_Row]) -> tuple[str, list[_Row], float, float]:
    # Of two levels one mirrors the other: the one the segment has more of tells more.
    row = max(table, key=lambda row: (abs(round(row["effect"], 9)), row["effect"]))
    return "level", [row], row["segment_share"], row["population_share"]


def _h(share: np.ndarray | float, expected: np.ndarray | float) -> np.ndarray:
    return np.asarray(2 * np.arcsin(np.sqrt(share)) - 2 * np.arcsin(np.sqrt(expected)))
