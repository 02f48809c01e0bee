"""How complete the delivery is, from the tallies alone: sparse attributes out, rows by gaps."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

import polars as pl

from segment_lib.clean.codes import known
from segment_lib.clean.tally import Tally, Value, Values
from segment_lib.schema import Attribute, Schema


@dataclass(frozen=True)
class Delivered:
    """What an extract holds, all parts together."""

    rows: int
    values: Mapping[str, Values]
    missing: Mapping[str, int]
    """Rows in which an attribute is empty or holds a missing code."""


def count_missing(attributes: Iterable[Attribute]) -> pl.Expr:
    """How many of the attributes a row lacks."""
    return pl.sum_horizontal(
        [known(attribute).is_null().cast(pl.UInt16) for attribute in attributes]
    )


def delivered(tallies: Iterable[Tally], schema: Schema) -> Delivered:
    """Add up the tallies of an extract's parts."""
    rows = 0
    values: dict[str, Values] = {}
    missing: Counter[str] = Counter(dict.fromkeys(schema.names, 0))
    for tally in tallies:
        rows += tally.rows
        for name, found in tally.values.items():
            values[name] = values[name] + found if name in values else found
        for pattern, count in tally.patterns.items():
            for bit, name in enumerate(schema.names):
                if pattern >> bit & 1:
                    missing[name] += count
    return Delivered(rows, values, missing)


def histogram(tally: Tally, schema: Schema, kept: Collection[str]) -> Counter[int]:
    """Rows of a part by how many of the kept attributes they lack."""
    mask = sum(1 << bit for bit, name in enumerate(schema.names) if name in kept)
    rows: Counter[int] = Counter()
    for pattern, count in tally.patterns.items():
        rows[(pattern & mask).bit_count()] += count
    return rows


def spelling(value: Value) -> str:
    """A value as its code is written: ``8`` for 8.0."""
    if isinstance(value, str):
        return value
    return str(int(value)) if value == int(value) else repr(value)


def expected_levels(
    attribute: Attribute, population: Values, dictionary: Mapping[str, Collection[str]]
) -> tuple[str, ...] | None:
    """The levels an attribute can have: the dictionary's, else those of the population.

    None for a plain number, which can have any value.
    """
    if levels := tuple(dictionary.get(attribute.name, ())):
        return levels
    if attribute.storage == "number":
        return None
    return tuple(spelling(value) for value in population.rows)


def assess_attributes(
    schema: Schema,
    population: Delivered,
    customers: Delivered,
    dictionary: Mapping[str, Collection[str]],
    *,
    max_missing_share: float,
) -> pl.DataFrame:
    """One row per attribute: missing cells, levels, codes never heard of, kept or why not.

    Whether an attribute is kept is decided on the population alone, and holds for the customers.

    Parameters
    ----------
    dictionary : attribute to the levels the dictionary gives it, where it does
    max_missing_share : attributes missing in a larger share of the population are dropped
    """
    rows = []
    for attribute in schema:
        name = attribute.name
        levels = expected_levels(attribute, population.values[name], dictionary)
        n_levels = len(population.values[name].rows)
        share = population.missing[name] / population.rows
        reason = None
        if share > max_missing_share:
            reason = f"missing in {share:.1%} of the population, more than {max_missing_share:.0%}"
        elif n_levels < 2 and not population.values[name].overflow:
            reason = "the same value in every row"
        here, there = (_counts(attribute, extract, levels) for extract in (population, customers))
        rows.append(
            {
                "attribute": name,
                "information_level": attribute.information_level,
                "type": attribute.type,
                "n_levels": n_levels,
                "missing": population.missing[name],
                "missing_share": share,
                "kept": reason is None,
                "reason": reason,
                **here,
                **{f"customers_{count}": value for count, value in there.items()},
            }
        )
    return pl.DataFrame(rows, schema_overrides={"reason": pl.String}, infer_schema_length=None)


def _counts(
    attribute: Attribute, extract: Delivered, levels: tuple[str, ...] | None
) -> dict[str, int | float]:
    values = extract.values[attribute.name]
    unseen = [
        rows
        for value, rows in values.rows.items()
        if levels is not None and spelling(value) not in levels
    ]
    return {
        "missing": extract.missing[attribute.name],
        "missing_share": extract.missing[attribute.name] / extract.rows,
        "missing_before": values.nulls,
        "unseen_levels": len(unseen),
        "unseen_rows": sum(unseen),
    }
