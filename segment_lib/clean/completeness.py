"""Completeness of the extracts, from the tallies alone: attributes kept, rows by missing cells."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

import polars as pl

from segment_lib.clean.codes import known
from segment_lib.clean.tally import Tally, Value, Values
from segment_lib.schema import Attribute, Schema

ID_REASON = "another value in nearly every row, as an id has"
"""The reason to drop an attribute that identifies people and does not describe them."""
_MIN_DISTINCT_SHARE, _MIN_IDS = 0.95, 100
"""Distinct values per row, and number of rows, from which on levels are taken for ids."""
_MIN_LONG_ID = 100_000


@dataclass(frozen=True)
class ExtractCounts:
    """The counts of an extract, all parts together."""

    rows: int
    values: Mapping[str, Values]
    missing: Mapping[str, int]
    """Number of rows, per attribute, that are empty or hold a missing code."""


def count_missing(attributes: Iterable[Attribute]) -> pl.Expr:
    """The number of attributes that are missing in a row."""
    return pl.sum_horizontal(
        [known(attribute).is_null().cast(pl.UInt16) for attribute in attributes]
    )


def sum_tallies(tallies: Iterable[Tally], schema: Schema) -> ExtractCounts:
    """Add up the tallies of an extract's parts."""
    rows = 0
    values: dict[str, Values] = {}
    missing: Counter[str] = Counter(dict.fromkeys(schema.names, 0))
    for tally in tallies:
        rows += tally.rows
        for name, part_values in tally.values.items():
            values[name] = values[name] + part_values if name in values else part_values
        for pattern, count in tally.patterns.items():
            for bit, name in enumerate(schema.names):
                if pattern >> bit & 1:
                    missing[name] += count
    return ExtractCounts(rows, values, missing)


def histogram(tally: Tally, schema: Schema, kept: Collection[str]) -> Counter[int]:
    """Count the rows of a part by their number of missing kept attributes."""
    mask = sum(1 << bit for bit, name in enumerate(schema.names) if name in kept)
    rows: Counter[int] = Counter()
    for pattern, count in tally.patterns.items():
        rows[(pattern & mask).bit_count()] += count
    return rows


def as_code(value: Value) -> str:
    """Write a value as a code: ``8`` for 8.0."""
    if isinstance(value, str):
        return value
    return str(int(value)) if value == int(value) else repr(value)


def spelled(values: Values) -> dict[str, int]:
    """Rows by value, each as its code is written."""
    return {as_code(value): rows for value, rows in values.rows.items()}


def expected_levels(
    attribute: Attribute, population: Values, dictionary: Mapping[str, Collection[str]]
) -> tuple[str, ...] | None:
    """The levels an attribute can have: the dictionary's, else those of the population.

    None for a plain number, which can have any value, and for too many levels to count.
    """
    if levels := tuple(dictionary.get(attribute.name, ())):
        return levels
    if attribute.storage == "number" or population.overflow:
        return None
    return tuple(spelled(population))


def unseen_codes(values: Values, levels: tuple[str, ...] | None) -> dict[str, int]:
    """Count the rows of each code that is no level; empty where any value is allowed."""
    known = set(levels or ())
    return {} if levels is None else {c: n for c, n in spelled(values).items() if c not in known}


def looks_like_id(attribute: Attribute, extract: ExtractCounts) -> bool:
    """True if nearly every row has a distinct value, as an id has and a measure has not.

    Numbers must be whole, without a gap or a repetition, and run on or have as many digits each:
    incomes may differ from each other too.
    """
    values = extract.values[attribute.name]
    rows = extract.rows - extract.missing[attribute.name]
    distinct = len(values.sample) / max(1, sum(values.sample.values()))
    if rows < _MIN_IDS:
        return False
    if attribute.storage == "text":
        return distinct >= _MIN_DISTINCT_SHARE
    numbers = [value for value in values.counted if not isinstance(value, str)]
    low, high = min(numbers), max(numbers)
    runs_on = high - low < 2 * rows
    as_long = low >= _MIN_LONG_ID and len(as_code(low)) == len(as_code(high))
    whole = all(value == int(value) for value in numbers)
    return distinct == 1 and rows == extract.rows and whole and low >= 0 and (runs_on or as_long)


def assess_attributes(
    schema: Schema,
    population: ExtractCounts,
    customers: ExtractCounts,
    dictionary: Mapping[str, Collection[str]],
    *,
    max_missing_share: float,
) -> pl.DataFrame:
    """Assess every attribute: missing cells, levels, unseen codes, and whether it is kept.

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
        elif name not in dictionary and looks_like_id(attribute, population):
            reason = ID_REASON
        population_counts, customer_counts = (
            _counts(attribute, extract, levels) for extract in (population, customers)
        )
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
                **population_counts,
                **{f"customers_{count}": value for count, value in customer_counts.items()},
            }
        )
    return pl.DataFrame(rows, schema_overrides={"reason": pl.String}, infer_schema_length=None)


def _counts(
    attribute: Attribute, extract: ExtractCounts, levels: tuple[str, ...] | None
) -> dict[str, int | float]:
    values = extract.values[attribute.name]
    unseen = unseen_codes(values, levels)
    if levels is not None and values.overflow:
        # No code is listed, and there are more codes than levels: nearly all are unseen.
        unseen = {"": extract.rows - extract.missing[attribute.name]}
    return {
        "missing": extract.missing[attribute.name],
        "missing_share": extract.missing[attribute.name] / extract.rows,
        "missing_before": values.nulls,
        "unseen_levels": len(unseen),
        "unseen_rows": sum(unseen.values()),
    }
