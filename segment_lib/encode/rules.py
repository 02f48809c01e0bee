"""The rules by which attributes become features; a rule is data.

Expressions expect missing codes to be null already, and return no nulls.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import polars as pl

from segment_lib.schema import Attribute
from segment_lib.schema.dates import year_of

OTHER = "other"
"""What levels that few have are called together."""


@dataclass(frozen=True)
class _OneNumber:
    """A rule that makes one feature, a number with the name of the attribute."""

    attribute: str

    @property
    def features(self) -> tuple[str, ...]:
        return (self.attribute,)


@dataclass(frozen=True)
class Number(_OneNumber):
    """A rule that keeps the attribute as a number."""

    fill: float
    """The value for a missing value, and for a code that is no level."""
    levels: tuple[str, ...] | None = None
    """The codes of the scale; None if any number is allowed."""

    def expressions(self, attribute: Attribute) -> list[pl.Expr]:
        # Text may hold words, which become null here; a rule of text has levels.
        number = pl.col(self.attribute).cast(pl.Float64, strict=False)
        if self.levels is not None:
            number = pl.when(number.is_in([float(level) for level in self.levels])).then(number)
        return [number.fill_null(self.fill).cast(pl.Float32).alias(self.attribute)]


@dataclass(frozen=True)
class Log(_OneNumber):
    """A rule that takes an amount as its signed logarithm, for heavy tails."""

    unit: float
    """The amount up to which the logarithm is about a line."""
    fill: float
    """The amount for a missing value."""
    skew: float
    """Skewness of the amounts, for which the rule was chosen."""

    def expressions(self, attribute: Attribute) -> list[pl.Expr]:
        amount = pl.col(self.attribute).fill_null(self.fill)
        log = (amount.abs() / self.unit).log1p() * amount.sign()
        return [log.cast(pl.Float32).alias(self.attribute)]


@dataclass(frozen=True)
class Rank(_OneNumber):
    """A rule that takes an amount as the share of the population below it, for heavy tails."""

    edges: tuple[float, ...]
    """Amounts that divide the population into equal parts, in their order."""
    fill: float
    """The amount for a missing value."""
    skew: float
    """Skewness of the amounts, for which the rule was chosen."""

    def expressions(self, attribute: Attribute) -> list[pl.Expr]:
        amount = pl.col(self.attribute).fill_null(self.fill)
        below = pl.lit(pl.Series(self.edges, dtype=pl.Float64)).search_sorted(amount)
        return [(below / (len(self.edges) + 1)).cast(pl.Float32).alias(self.attribute)]


@dataclass(frozen=True)
class Age(_OneNumber):
    """A rule that takes a date as the years from it to a stated day."""

    at: str
    """The day, as yyyy-mm-dd."""
    fill: float
    """The years for a missing date."""

    def expressions(self, attribute: Attribute) -> list[pl.Expr]:
        years = year_of(date.fromisoformat(self.at)) - pl.col(self.attribute)
        return [years.fill_null(self.fill).cast(pl.Float32).alias(self.attribute)]


@dataclass(frozen=True)
class Binary:
    """A rule that gives 1 for the level `one`, 0 for `zero`, and that of `fill` for all else."""

    attribute: str
    zero: str
    one: str
    fill: str

    @property
    def features(self) -> tuple[str, ...]:
        return (f"{self.attribute}={self.one}",)

    def expressions(self, attribute: Attribute) -> list[pl.Expr]:
        table = {self.zero: 0, self.one: 1}
        return [_look_up(attribute, table, table[self.fill]).cast(pl.UInt8).alias(self.features[0])]


@dataclass(frozen=True)
class OneHot:
    """A rule that gives an indicator per level; a code that is no level is all zeros."""

    attribute: str
    levels: tuple[str, ...]
    fill: str | None
    """The level of a missing value; None for all zeros."""

    @property
    def features(self) -> tuple[str, ...]:
        return tuple(f"{self.attribute}={level}" for level in self.levels)

    def expressions(self, attribute: Attribute) -> list[pl.Expr]:
        return [
            (pl.col(self.attribute) == _code(attribute, level))
            .fill_null(level == self.fill)
            .cast(pl.UInt8)
            .alias(feature)
            for level, feature in zip(self.levels, self.features, strict=True)
        ]


@dataclass(frozen=True)
class Pooled:
    """A rule that gives an indicator per level, and one for all others together."""

    attribute: str
    levels: tuple[str, ...]
    fill: str
    """The level of a missing value."""

    @property
    def features(self) -> tuple[str, ...]:
        return tuple(f"{self.attribute}={level}" for level in (*self.levels, OTHER))

    def expressions(self, attribute: Attribute) -> list[pl.Expr]:
        listed = OneHot(self.attribute, self.levels, self.fill).expressions(attribute)
        codes = [_code(attribute, level) for level in self.levels]
        other = ~pl.col(self.attribute).is_in(codes).fill_null(True)
        return [*listed, other.cast(pl.UInt8).alias(self.features[-1])]


@dataclass(frozen=True)
class Recode:
    """A rule that looks up new features in tables, one table per feature."""

    attribute: str
    tables: Mapping[str, Mapping[str, float | None]]
    """Feature to its table from code to value; None where the code says nothing on the feature."""
    fill: Mapping[str, float]
    """Feature to the value of a missing or unlisted code."""

    @property
    def features(self) -> tuple[str, ...]:
        return tuple(self.tables)

    def expressions(self, attribute: Attribute) -> list[pl.Expr]:
        return [
            _look_up(attribute, table, self.fill[feature])
            .cast(pl.UInt8 if {*table.values(), self.fill[feature]} <= {0, 1, None} else pl.Float32)
            .alias(feature)
            for feature, table in self.tables.items()
        ]


@dataclass(frozen=True)
class Drop:
    """A rule that drops the attribute, with the reason."""

    attribute: str
    reason: str

    @property
    def features(self) -> tuple[str, ...]:
        return ()

    def expressions(self, attribute: Attribute) -> list[pl.Expr]:
        return []


Rule = Number | Age | Log | Rank | Binary | OneHot | Pooled | Recode | Drop


def _look_up(attribute: Attribute, table: Mapping[str, float | None], fill: float) -> pl.Expr:
    known_values = {_code(attribute, code): float(v) for code, v in table.items() if v is not None}
    return (
        pl.col(attribute.name)
        .replace_strict(
            list(known_values), list(known_values.values()), default=None, return_dtype=pl.Float32
        )
        .fill_null(fill)
    )


def _code(attribute: Attribute, level: str) -> str | float:
    return level if attribute.storage == "text" else float(level)
