"""What both extracts hold, as the dictionary declares it: levels, gaps, what to look at."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property

import polars as pl

from segment_lib.clean.completeness import (
    ID_REASON,
    ExtractCounts,
    count_extract,
    expected_levels,
    histogram,
    looks_like_id,
    spelled,
    unseen_codes,
)
from segment_lib.clean.tally import NO_DATE, Tally
from segment_lib.schema import Schema
from segment_lib.schema.dates import day_of


@dataclass(frozen=True)
class Assessment:
    """The extracts of a delivery, seen through their tallies."""

    schema: Schema
    tallies: Mapping[str, Tally]
    """By extract, the population first."""
    dictionary: Mapping[str, Collection[str]]
    """The levels of the attributes of which the dictionary lists all."""

    @cached_property
    def extracts(self) -> dict[str, ExtractCounts]:
        """What each extract holds."""
        return {name: count_extract(tally, self.schema) for name, tally in self.tallies.items()}

    @property
    def rows(self) -> int:
        """Rows of both extracts."""
        return sum(extract.rows for extract in self.extracts.values())

    @cached_property
    def counts(self) -> dict[str, dict[str, int]]:
        """Rows of the population by level, of each attribute."""
        return {
            name: spelled(values) for name, values in self.extracts["population"].values.items()
        }

    @property
    def latest_day(self) -> str:
        """The latest date of the population, of all attributes; empty if it has none."""
        values = self.extracts["population"].values
        years = [
            year
            for attribute in self.schema
            if attribute.is_date
            for year in values[attribute.name].counted
            if not isinstance(year, str)
        ]
        return day_of(max(years)).isoformat() if years else ""

    @property
    def held(self) -> dict[str, frozenset[str] | None]:
        """Codes that rows of either extract hold, of each attribute; None if too many to count."""
        held: dict[str, frozenset[str] | None] = {}
        for name in self.schema.names:
            values = [extract.values[name] for extract in self.extracts.values()]
            codes = frozenset(code for own in values for code in spelled(own))
            held[name] = None if any(own.overflow for own in values) else codes
        return held

    @cached_property
    def levels(self) -> dict[str, tuple[str, ...] | None]:
        """The levels each attribute can have; None for a plain number."""
        population = self.extracts["population"].values
        return {
            a.name: expected_levels(a, population[a.name], self.dictionary) for a in self.schema
        }

    def attributes(self, max_missing_share: float) -> pl.DataFrame:
        """Assess every attribute: missing cells, levels, unseen codes, and whether it is kept.

        Whether it is kept is decided on the population alone, and holds for the customers.

        Parameters
        ----------
        max_missing_share : attributes missing in a larger share of the population are dropped
        """
        population = self.extracts["population"]
        rows = []
        for attribute in self.schema:
            name, values = attribute.name, population.values[attribute.name]
            share = population.missing[name] / population.rows
            reason = None
            if share > max_missing_share:
                reason = (
                    f"missing in {share:.1%} of the population, more than {max_missing_share:.0%}"
                )
            elif len(values.rows) < 2 and not values.overflow:
                reason = "the same value in every row"
            elif name not in self.dictionary and looks_like_id(attribute, population):
                reason = ID_REASON
            own, of_customers = (
                _counts(name, extract, self.levels[name]) for extract in self.extracts.values()
            )
            rows.append(
                {
                    "attribute": name,
                    "information_level": attribute.information_level,
                    "type": attribute.type,
                    "n_levels": len(values.rows),
                    "missing": own["missing"],
                    "missing_share": own["missing_share"],
                    "kept": reason is None,
                    "reason": reason,
                    **own,
                    **{f"customers_{count}": value for count, value in of_customers.items()},
                }
            )
        return pl.DataFrame(rows, schema_overrides={"reason": pl.String}, infer_schema_length=None)

    def missing_rows(self, kept: Collection[str]) -> pl.DataFrame:
        """Return extract, n_missing and rows: rows by how many kept attributes they lack."""
        return pl.DataFrame(
            [
                (extract, n_missing, rows)
                for extract, tally in self.tallies.items()
                for n_missing, rows in sorted(histogram(tally, self.schema, kept).items())
            ],
            schema={"extract": pl.String, "n_missing": pl.Int64, "rows": pl.Int64},
            orient="row",
        )


def as_in_base(
    attributes: pl.DataFrame, base: pl.DataFrame, absent: Collection[str]
) -> pl.DataFrame:
    """Return attributes kept, or not, as in the base; what is absent or new is not kept.

    Parameters
    ----------
    attributes, base : tables of `Assessment.attributes`
    absent : attributes that are delivered no more
    """
    gone = pl.col("attribute").is_in(list(absent))
    joined = attributes.drop("kept", "reason").join(
        base.select("attribute", "kept", "reason"),
        on="attribute",
        how="left",
        maintain_order="left",
    )
    reason = (
        pl.when(gone)
        .then(pl.lit("not delivered"))
        .when(pl.col("kept").is_null())
        .then(pl.lit("new since the base"))
        .otherwise("reason")
    )
    return joined.with_columns(
        (pl.col("kept").fill_null(False) & ~gone).alias("kept"), reason.alias("reason")
    ).select(attributes.columns)


def _counts(
    name: str, extract: ExtractCounts, levels: tuple[str, ...] | None
) -> dict[str, int | float]:
    values = extract.values[name]
    unseen = unseen_codes(values, levels)
    if levels is not None and values.overflow:
        # No code is listed, and there are more codes than levels: nearly all are unseen.
        unseen = {"": extract.rows - extract.missing[name]}
    if strangers := values.missing.get(NO_DATE):
        unseen = {"": strangers}
    return {
        "missing": extract.missing[name],
        "missing_share": extract.missing[name] / extract.rows,
        "missing_before": values.nulls,
        "unseen_levels": len(unseen),
        "unseen_rows": sum(unseen.values()),
    }
