"""Short names of the segments, made of their strongest traits: same traits, same name."""

from collections.abc import Collection, Iterator
from typing import Any

import polars as pl

from segment_lib.profile.traits import MIN_EFFECT
from segment_lib.schema.language import ENGLISH, N_, Language
from segment_lib.terms import SET_ASIDE

_PARTS = 3
_LONGEST = 8
NOT_CLUSTERED, PLAIN = N_("Rows set aside"), N_("Close to average")
TOO_FEW = N_("Too few people to describe")

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
    times, and none that is less than half as strong as the first. Where two names would be alike,
    the later segment takes a trait more, or its number.

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
        (pl.col("effect") >= MIN_EFFECT) & ~(pl.col("population_rows") < min_cell) & pl.col("plain")
    )
    rows: list[tuple[int, str, str]] = []
    for segment in traits["segment"].unique().sort().to_list():
        if segment == SET_ASIDE:
            rows.append((segment, language.gettext(NOT_CLUSTERED), ""))
            continue
        own = distinctive.filter(pl.col("segment") == segment)
        candidates = [] if segment in few else list(_candidates(own, unnamed))
        taken = {name for _, name, _ in rows}
        name = language.gettext(TOO_FEW if segment in few else PLAIN)
        used = candidates[:0]
        strong = [row for row in candidates if row["effect"] >= candidates[0]["effect"] / 2]
        for parts in range(min(_PARTS, len(strong)), min(_LONGEST, len(candidates)) + 1):
            used = candidates[:parts]
            name = _capitalised_list([row["words"] for row in used]) or name
            if name not in taken:
                break
        if name in taken:
            name = f"{name} ({segment})"
        rows.append((segment, name, ", ".join(row["attribute"] for row in used)))
    return pl.DataFrame(rows, schema=NAMES, orient="row")


def _candidates(traits: pl.DataFrame, unnamed: Collection[str]) -> Iterator[dict[str, Any]]:
    """Yield the traits that may be part of a name, one of each family."""
    families: set[str] = set()
    for row in traits.iter_rows(named=True):
        if row["attribute"] not in unnamed and row["family"] not in families:
            families.add(row["family"])
            yield row


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
