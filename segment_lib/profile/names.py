"""A short name for each segment from its strongest traits: the same traits give the same name."""

from collections.abc import Collection, Iterator, Mapping

import polars as pl

from segment_lib.profile.traits import AT_LEAST, family, topic
from segment_lib.schema import Meaning, Phrases
from segment_lib.terms import SET_ASIDE

_PARTS = 3
_LONGEST = 8
NOT_CLUSTERED = "Rows set aside"
PLAIN = "Close to average"
TOO_FEW = "Too few people to describe"

NAMES = {"segment": pl.Int32, "name": pl.String, "attributes": pl.String}


def name_segments(
    traits: pl.DataFrame,
    meanings: Mapping[str, Meaning],
    phrases: Mapping[str, Phrases],
    *,
    unnamed: Collection[str] = (),
    few: Collection[int] = (),
    min_cell: int = 0,
) -> pl.DataFrame:
    """A name for each segment, no two alike.

    The strongest traits speak first, one of each family of attributes (those that share the word
    before the first underscore), so that a name does not say one thing three times. Where two names
    would be alike, the later segment takes a trait more, or its number.

    Parameters
    ----------
    traits : the table of `segment_traits`
    phrases : short words for the ends of known scales and levels
    unnamed : attributes that name no segment
    few : segments of too few people for a name to be made of what these are
    min_cell : traits of fewer people name no segment

    Returns
    -------
    names : columns of NAMES, in the order of segments
    """
    telling = traits.filter(
        (pl.col("effect") >= AT_LEAST) & ~(pl.col("population_rows") < min_cell)
    )
    rows: list[tuple[int, str, str]] = []
    for segment in traits["segment"].unique().sort().to_list():
        if segment == SET_ASIDE:
            rows.append((segment, NOT_CLUSTERED, ""))
            continue
        own = telling.filter(pl.col("segment") == segment)
        found = [] if segment in few else list(_phrases(own, meanings, phrases, unnamed))
        taken = {name for _, name, _ in rows}
        name, used = TOO_FEW if segment in few else PLAIN, found[:0]
        for parts in range(min(_PARTS, len(found)), min(_LONGEST, len(found)) + 1):
            used = found[:parts]
            name = _joined([phrase for _, phrase in used]) or name
            if name not in taken:
                break
        if name in taken:
            name = f"{name} ({segment})"
        rows.append((segment, name, ", ".join(attribute for attribute, _ in used)))
    return pl.DataFrame(rows, schema=NAMES, orient="row")


def _phrases(
    traits: pl.DataFrame,
    meanings: Mapping[str, Meaning],
    phrases: Mapping[str, Phrases],
    unnamed: Collection[str],
) -> Iterator[tuple[str, str]]:
    families: set[str] = set()
    for row in traits.iter_rows(named=True):
        attribute = row["attribute"]
        if attribute in unnamed or family(attribute) in families:
            continue
        families.add(family(attribute))
        yield attribute, _phrase(row, meanings.get(attribute, Meaning()), phrases.get(attribute))


def _phrase(row: Mapping[str, str], meaning: Meaning, known: Phrases | None) -> str:
    phrase = None
    if known is not None:
        phrase = known.get(row["levels"] if row["side"] == "level" else row["side"])
    if phrase is not None:
        return phrase
    told = row["words"].removeprefix(f"{topic(row['attribute'], meaning)}: ")
    if known is None or row["side"] == "middle":
        return f"{topic(row['attribute'], meaning)} {told}"
    return f"{known.topic} {told}" if known.topic else told


def _joined(phrases: list[str]) -> str:
    told = ", ".join(phrases)
    return told[:1].upper() + told[1:]
