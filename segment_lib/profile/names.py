"""Short names of the segments, made of their strongest traits: same traits, same name."""

from collections.abc import Collection
from typing import Any

import polars as pl

from segment_lib.profile.traits import MIN_EFFECT
from segment_lib.schema.language import ENGLISH, N_, Language
from segment_lib.terms import SET_ASIDE

_PARTS = 3
_LONGEST = 8
NOT_CLUSTERED, PLAIN = N_("Rows set aside"), N_("Close to average")
TOO_FEW = N_("Too few people to describe")

_Row = dict[str, Any]

NAMES = {"segment": pl.Int32, "name": pl.String, "attributes": pl.String}


def name_segments(
    traits: pl.DataFrame,
    *,
    unnamed: Collection[str] = (),
    few: Collection[int] = (),
    min_cell: int = 0,
    language: Language = ENGLISH,
) -> pl.DataFrame:
    """Name each segment by its strongest traits, no two alike.

    Of each family of attributes one trait is taken, so that a name does not say one thing three
    times, and none that is less than half as strong as the first. Where two names would share most
    of their words, each begins with the trait in which the two segments differ most. Where they are
    alike all the same, the later one takes a trait more, or its number.

    Parameters
    ----------
    traits : the table of `segment_traits`
    unnamed : attributes that may not be part of a name
    few : segments of too few people to be described by their traits
    min_cell : traits of fewer people are not part of a name
    language : that of the traits

    Returns
    -------
    names : columns of NAMES, in the order of segments
    """
    distinctive = traits.filter(
        (pl.col("effect") >= MIN_EFFECT)
        & ~(pl.col("population_rows") < min_cell)
        & pl.col("plain")
        & ~pl.col("attribute").is_in(list(unnamed))
        & ~pl.col("segment").is_in(list(few))
    )
    numbers = traits["segment"].unique().sort().to_list()
    own = {number: distinctive.filter(pl.col("segment") == number).to_dicts() for number in numbers}
    usual = {number: _strongest(rows) for number, rows in own.items()}
    rows: list[tuple[int, str, str]] = []
    for segment in numbers:
        if segment == SET_ASIDE:
            rows.append((segment, language.gettext(NOT_CLUSTERED), ""))
            continue
        near = [n for n in numbers if n != segment and _sound_alike(usual[n], usual[segment])]
        neighbours = traits.filter(pl.col("segment").is_in(near))
        candidates = _one_of_each_family(_telling_first(own[segment], neighbours))
        taken = {name for _, name, _ in rows}
        name = language.gettext(TOO_FEW if segment in few else PLAIN)
        used = candidates[:0]
        for parts in range(len(usual[segment]), min(_LONGEST, len(candidates)) + 1):
            used = candidates[:parts]
            name = _capitalised_list([row["words"] for row in used]) or name
            if name not in taken:
                break
        if name in taken:
            name = f"{name} ({segment})"
        rows.append((segment, name, ", ".join(row["attribute"] for row in used)))
    return pl.DataFrame(rows, schema=NAMES, orient="row")


def _strongest(traits: list[_Row]) -> list[_Row]:
    """Traits that a segment is named by where no other has a name like it."""
    first = _one_of_each_family(traits)[:_PARTS]
    return [row for row in first if row["effect"] >= first[0]["effect"] / 2]


def _one_of_each_family(traits: list[_Row]) -> list[_Row]:
    """First trait of each family."""
    families: dict[str, _Row] = {}
    for row in traits:
        families.setdefault(row["family"], row)
    return list(families.values())


def _sound_alike(first: list[_Row], second: list[_Row]) -> bool:
    """Whether two names share most of their words."""
    shared = {row["words"] for row in first} & {row["words"] for row in second}
    return 2 * len(shared) > max(len(first), len(second))


def _telling_first(own: list[_Row], neighbours: pl.DataFrame) -> list[_Row]:
    """Traits of a segment, first that which differs most from its neighbours, if any does."""
    theirs = neighbours.rows_by_key("attribute", named=True)

    def difference(row: _Row) -> float:
        """Least difference from a neighbour, in Cohen's h: other words are on the other side."""
        signed = [
            other["effect"] if other["words"] == row["words"] else -max(other["effect"], 0.0)
            for other in theirs[row["attribute"]]
        ]
        return float(row["effect"] - max(signed, default=0.0))

    lead = max(own, key=difference, default=None) if not neighbours.is_empty() else None
    if lead is None or difference(lead) < MIN_EFFECT:
        return own
    return [lead, *(row for row in own if row is not lead)]


def _capitalised_list(phrases: list[str]) -> str:
    text = ", ".join(phrases)
    return text[:1].upper() + text[1:]


def keep_names(
    names: pl.DataFrame, before: pl.DataFrame, language: Language = ENGLISH
) -> pl.DataFrame:
    """Return the names of before for the segments that had one; new ones keep their own.

    So do those that had too few people to be named then.

    Parameters
    ----------
    names, before : the table of `name_segments`, now and of the base, in this language
    """
    before = before.with_columns(pl.col("segment").cast(names.schema["segment"]))
    before = before.filter(~pl.col("name").str.starts_with(language.gettext(TOO_FEW)))
    kept = before.join(names, on="segment", how="semi")
    new = names.join(before, on="segment", how="anti").with_columns(
        pl.when(pl.col("name").is_in(kept["name"].implode()))
        .then(pl.format("{} ({})", "name", "segment"))
        .otherwise("name")
        .alias("name")
    )
    return pl.concat([kept, new]).sort("segment")
