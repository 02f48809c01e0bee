"""What both extracts hold, as the dictionary declares it: levels, gaps, what to look at."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property

import polars as pl

from segment_lib.clean.completeness import (
    ExtractCounts,
    assess_attributes,
    expected_levels,
    histogram,
    spelled,
    sum_tallies,
)
from segment_lib.clean.remarks import refuse_unseen, remarks
from segment_lib.clean.tally import Tally
from segment_lib.schema import Schema, canonical


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
        return {name: sum_tallies([tally], self.schema) for name, tally in self.tallies.items()}

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

    @cached_property
    def levels(self) -> dict[str, tuple[str, ...] | None]:
        """The levels each attribute can have; None for a plain number."""
        population = self.extracts["population"].values
        return {
            a.name: expected_levels(a, population[a.name], self.dictionary) for a in self.schema
        }

    def attributes(self, max_missing_share: float) -> pl.DataFrame:
        """Return a row per attribute, as `assess_attributes` does."""
        population, customers = self.extracts.values()
        return assess_attributes(
            self.schema,
            population,
            customers,
            self.dictionary,
            max_missing_share=max_missing_share,
        )

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

    def remarks(
        self,
        attributes: pl.DataFrame,
        *,
        uncounted: Collection[str],
        max_unseen_share: float,
        everywhere: Collection[str],
        min_cell: int,
    ) -> list[str]:
        """Return what to look at in the delivery.

        Parameters
        ----------
        attributes : the table of `attributes`, with what is kept
        uncounted : attributes that make no feature, as they have too many levels
        max_unseen_share : the most rows that may hold codes the dictionary lacks
        everywhere : the missing codes that were declared for all attributes
        min_cell : counts of fewer rows are not told

        Raises
        ------
        DataError
            If more rows hold codes the dictionary lacks: it is not theirs.
        """
        refuse_unseen(
            self.schema,
            attributes,
            self.extracts,
            self.dictionary,
            max_unseen_share=max_unseen_share,
            uncounted=uncounted,
        )
        return remarks(
            self.schema,
            self.extracts,
            self.dictionary,
            everywhere=tuple(map(canonical, everywhere)),
            min_cell=min_cell,
        )


def as_in_base(
    attributes: pl.DataFrame, base: pl.DataFrame, absent: Collection[str]
) -> pl.DataFrame:
    """Return attributes kept, or not, as in the base; what is absent or new is not kept.

    Parameters
    ----------
    attributes, base : tables of `assess_attributes`
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
