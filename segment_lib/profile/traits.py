"""Traits of the segments: per attribute the level or range that differs most, in words."""

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from segment_lib.schema import Meaning, Phrases, known_families
from segment_lib.schema.language import ENGLISH, N_, Language

TRAITS = {
    "segment": pl.Int32,
    "attribute": pl.String,
    "family": pl.String,
    "side": pl.String,
    "levels": pl.String,
    "words": pl.String,
    "direction": pl.String,
    "population_rows": pl.Int64,
    "segment_share": pl.Float64,
    "population_share": pl.Float64,
    "index": pl.Float64,
    "effect": pl.Float64,
    "plain": pl.Boolean,
}
"""`side` is ``low`` or ``high`` for the end of a scale or number, ``middle`` for a band between its
ends, ``level`` for a single level. A band of labels is not `plain`: no short words describe it."""

MIN_EFFECT = 0.2
"""The least Cohen's h that counts as a difference: a small effect (Cohen 1988)."""

LEVEL, EITHER, RANGE, INNER = (
    N_("{topic} “{label}”"),
    N_("{topic} “{first}” or “{last}”"),
    N_("{topic} “{first}” to “{last}”"),
    N_("between “{low}” and “{high}”"),
)
BETWEEN = N_("{first} to {last}")
AMOUNT_ENDS = {"low": N_("up to {last}"), "high": N_("{first} or more")}
TIME_ENDS = {"low": N_("{last} or earlier"), "high": N_("{first} or later")}
NUMBER, LESS_OFTEN = N_("{topic} {number}"), N_("less often: {trait}")
_TIME = re.compile(r"(1[89]|20)\d\d(-\d\d-\d\d)?( to (1[89]|20)\d\d(-\d\d-\d\d)?)?")
"""Name of a level that is a year, a day, or a bin of them."""

_Row = dict[str, Any]


def segment_traits(
    profile: pl.DataFrame,
    levels: Mapping[str, Sequence[str]],
    ordered: Collection[str],
    meanings: Mapping[str, Meaning],
    phrases: Mapping[str, Phrases],
    language: Language = ENGLISH,
) -> pl.DataFrame:
    """Traits by segment and attribute, the strongest of a segment first.

    For a scale or a number the cut is taken at which segment and population differ most, and the
    end that is commoner in the segment: so a scale is read by what its codes mean, whichever way
    they run. An end with short words is always the same half of the levels, so that the same words
    stand for the same people in all segments; of another scale with labels it is at most half.
    Where both ends are rarer in the segment, the band between them is taken: of a scale with short
    words its middle third, so that the words "between" stand for the same people too. For other
    attributes it is the level whose share differs most, one that is commoner if any is.

    Parameters
    ----------
    profile : the table of `profile_segments`
    levels : the levels of each attribute, in their order
    ordered : attributes whose levels are in order
    phrases : short words for the ends of known scales and levels
    language : that of meanings and phrases, for the words between

    Returns
    -------
    traits : columns of TRAITS; `effect` is Cohen's h, negative for a level the segment lacks
    """
    rows = []
    keys = ("segment", "attribute")
    for (segment, attribute), part in profile.group_by(keys, maintain_order=True):
        name = str(attribute)
        position = {level: i for i, level in enumerate(levels[name])}
        shares = sorted(part.to_dicts(), key=lambda row: position[row["level"]])
        meaning = meanings.get(name, Meaning())
        short = phrases.get(name)
        if name in ordered and len(shares) > 2:
            sizes = _end_sizes(len(shares), short, labelled=bool(meaning.levels))
            side, chosen, share, expected = _best_end(shares, sizes)
        else:
            side, chosen, share, expected = _best_level(shares)
        words = trait_words(
            topic(name, meaning),
            [row["label"] for row in chosen],
            side=side,
            labelled=bool(meaning.levels),
            known=_true_phrases(short, side, len(chosen), len(shares)),
            level=chosen[0]["level"],
            is_time=all(_TIME.fullmatch(row["label"]) for row in shares),
            language=language,
        )
        rows.append(
            {
                "segment": segment,
                "attribute": name,
                "family": family(name),
                "side": side,
                "levels": ", ".join(row["level"] for row in chosen),
                "words": words if share >= expected else language.gettext(LESS_OFTEN, trait=words),
                "direction": chosen[0]["direction"],
                "population_rows": sum(row["population_rows"] for row in chosen),
                "segment_share": share,
                "population_share": expected,
                "index": 100 * share / expected if expected else None,
                "effect": float(_cohens_h(share, expected)),
                "plain": side != "middle" or not meaning.levels,
            }
        )
    table = pl.DataFrame(rows, schema=TRAITS)
    strength = pl.col("effect").abs()
    return table.sort("segment", strength, "attribute", descending=[False, True, False])


def topic(name: str, meaning: Meaning) -> str:
    """Short subject of an attribute: the quoted word of its meaning, or the beginning of it."""
    quoted = meaning.meaning.split('"')
    if len(quoted) > 2 and quoted[1]:
        return quoted[1]
    first = meaning.meaning.split(" (")[0].split(";")[0].strip()
    return first or name.replace("_", " ")


def family(attribute: str) -> str:
    """Family of attributes on one subject: of unknown ones the word before the underscore."""
    return known_families().get(attribute) or attribute.partition("_")[0]


def trait_words(
    about: str,
    labels: Sequence[str],
    *,
    side: str,
    labelled: bool = True,
    known: Phrases | None = None,
    level: str = "",
    is_time: bool = False,
    language: Language = ENGLISH,
) -> str:
    """A trait in words: ``rarely dreamy``, ``2 or more adults in the household``, ``colour “red”``.

    Parameters
    ----------
    about : the subject, where `known` has none
    labels : of the levels, in their order; of numbers the levels themselves, or bins ``2 to 4``
    side : as in TRAITS
    labelled : whether the levels have labels and are no plain numbers
    known : short words that hold for this end, level or number
    level : the level, where it is one
    is_time : whether the numbers are years or days
    """
    phrases = known or Phrases()
    about = phrases.topic or about
    first, last = (
        _grouped(text, language)
        for text in (labels[0].split(" to ")[0], labels[-1].split(" to ")[-1])
    )
    phrase = phrases.get(level if side == "level" else side)
    if not labelled and side != "level" and (phrase is None or phrases.get("number")):
        exact = phrases.get(f"{side} {last if side == 'low' else first}")
        if exact and (side != "middle" or first == last):
            return exact
        form = BETWEEN if first != last else "{first}"
        form = (TIME_ENDS if is_time else AMOUNT_ENDS).get(side, form)
        number = language.gettext(form, first=first, last=last)
        return (phrases.get("number") or language.gettext(NUMBER)).format(
            topic=about, number=number
        )
    if phrase is not None:
        return phrase
    if side == "middle" and {"low", "high"} <= phrases.words.keys():
        ends = {end: phrases.words[end] for end in ("low", "high")}
        return language.gettext(INNER, **ends)
    if len(labels) == 1:
        return language.gettext(LEVEL, topic=about, label=labels[0])
    form = EITHER if len(labels) == 2 else RANGE
    return language.gettext(form, topic=about, first=labels[0], last=labels[-1])


def _grouped(number: str, language: Language) -> str:
    """The number with thousands marks from 10,000, which no year is."""
    return language.count(int(number)) if number.isdecimal() and len(number) > 4 else number


def _end_sizes(n_levels: int, phrases: Phrases | None, *, labelled: bool) -> range:
    """How many levels an end may hold: with short words always as many, as they name no level."""
    half = n_levels // 2
    words = phrases.words if phrases else {}
    if "number" not in words and {"low", "high"} & words.keys():
        return range(half, half + 1)
    return range(1, half + 1 if labelled else n_levels)


def _true_phrases(
    phrases: Phrases | None, side: str, n_chosen: int, n_levels: int
) -> Phrases | None:
    """The phrases but those of ends, where the end is not the half that these stand for."""
    if phrases is None or side in ("level", "middle") or n_chosen == n_levels // 2:
        return phrases
    numbers = {k: v for k, v in phrases.words.items() if k not in ("low", "high")}
    return Phrases(numbers, phrases.topic)


def _best_end(table: list[_Row], sizes: range) -> tuple[str, list[_Row], float, float]:
    """Side, levels and shares of the end or band that differs most.

    An end holds one of `sizes` of levels. Where no such end is commoner, it is one of another size,
    or, if ends have but one size, the middle third.
    """
    share = np.cumsum([row["segment_share"] for row in table])[:-1].clip(0, 1)
    expected = np.cumsum([row["population_share"] for row in table])[:-1].clip(0, 1)
    effect = _cohens_h(share, expected)
    # Rounded, so that the last digits of a sum do not choose between cuts as far apart.
    cut = int(np.argmax(np.abs(effect).round(9)))
    third = (len(table) // 3 - 1, len(table) - len(table) // 3 - 1) if len(sizes) == 1 else None
    if band := _best_band(share, expected, abs(float(effect[cut])), third):
        return _band(table, share, expected, *band)
    below = np.arange(1, len(table))
    is_allowed = np.isin(np.where(effect >= 0, below, len(table) - below), sizes)
    if is_allowed.any():
        cut = int(np.argmax(np.where(is_allowed, np.abs(effect).round(9), -1.0)))
    elif third:
        return _band(table, share, expected, *third)
    if effect[cut] >= 0:
        return "low", table[: cut + 1], float(share[cut]), float(expected[cut])
    return "high", table[cut + 1 :], float(1 - share[cut]), float(1 - expected[cut])


def _band(
    table: list[_Row], share: np.ndarray, expected: np.ndarray, first: int, last: int
) -> tuple[str, list[_Row], float, float]:
    """Side, levels and shares of the band between two cuts."""
    between = float(share[last] - share[first]), float(expected[last] - expected[first])
    return "middle", table[first + 1 : last + 1], *between


def _best_band(
    share: np.ndarray, expected: np.ndarray, to_beat: float, only: tuple[int, int] | None
) -> tuple[int, int] | None:
    """Cuts around the band that is commoner in the segment, if both ends are rarer; else None.

    Parameters
    ----------
    share, expected : shape (n_cuts,); the share below each cut, of segment and population
    to_beat : Cohen's h at the best single cut
    only : the one band that may be taken, if not any
    """
    fewer_below = _cohens_h(share, expected) <= -MIN_EFFECT
    fewer_above = _cohens_h(1 - share, 1 - expected) <= -MIN_EFFECT
    bands = [
        (
            round(
                float(_cohens_h(share[last] - share[first], expected[last] - expected[first])), 9
            ),
            first,
            last,
        )
        for first in np.flatnonzero(fewer_below)
        for last in np.flatnonzero(fewer_above)
        if first < last and (only is None or only == (int(first), int(last)))
    ]
    effect, first, last = max(bands, key=lambda band: band[0], default=(0.0, 0, 0))
    return (int(first), int(last)) if effect > round(to_beat, 9) else None


def _best_level(table: list[_Row]) -> tuple[str, list[_Row], float, float]:
    # A level that is commoner in the segment is easier to read than one that is rarer.
    row = max(
        table,
        key=lambda row: (row["effect"] >= MIN_EFFECT, abs(round(row["effect"], 9)), row["effect"]),
    )
    return "level", [row], row["segment_share"], row["population_share"]


def _cohens_h(share: np.ndarray | float, expected: np.ndarray | float) -> np.ndarray:
    """Cohen's h: difference of the arcsine-transformed shares (Cohen 1988, chapter 6)."""
    return np.asarray(2 * np.arcsin(np.sqrt(share)) - 2 * np.arcsin(np.sqrt(expected)))
