"""The depth slider of the page, which is a table without scripts: what each depth brings."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from statistics import NormalDist
from typing import Any

import polars as pl
from markupsafe import Markup

from segment_lib.report.quantities import RANGE, at_depth, quantity, ranged
from segment_lib.report.tables import Table, table
from segment_lib.schema.language import NOTHING, Language
from segment_lib.terms import CONFIDENCE, DEPTH

SHOWN = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
"""Depths of the table; the slider has every percent."""


@dataclass(frozen=True)
class DepthPlan:
    """Depths to choose from, and the one that stands there at first."""

    depths: pl.DataFrame
    """gains/depths.csv"""
    costs: Mapping[str, Any] | None
    """gains/depth.json, if the config has costs"""
    language: Language

    @cached_property
    def at(self) -> int:
        """Row of the depth that pays, or of the depth at which gains are compared."""
        return self._nearest(self.costs["recommended_depth"] if self.costs else DEPTH)

    def _nearest(self, depth: float) -> int:
        return int((self.depths["depth"] - depth).abs().arg_min() or 0)

    @property
    def last(self) -> int:
        return self.depths.height - 1

    @property
    def values(self) -> dict[str, Markup | str]:
        """What stands at first beside the slider, by what it is."""
        row, language = self.depths.row(self.at, named=True), self.language
        depth = row["depth"]
        shown: dict[str, Markup | str] = {
            "depth": quantity(at_depth("depth", depth), language.percent_tenths(depth)),
            "pieces": quantity(at_depth("pieces", depth), language.count(row["pieces"])),
            "reached": NOTHING,
            "orders": NOTHING,
            "cost": NOTHING,
            "profit": NOTHING,
        }
        if row["customers_reached"] is not None:
            shown["reached"] = reached_text(row, language)
        if self.costs:
            cost = language.money(row["cost"])
            shown |= {
                "orders": earned_text(row, "orders", language.short_number, language),
                "cost": quantity(at_depth("cost", depth), cost),
                "profit": earned_text(row, "profit", language.money, language),
            }
        return shown

    @property
    def typed(self) -> dict[str, str]:
        """What stands at first where money is typed in, by its name in gains/depth.json."""
        names = ("cost_per_piece", "margin_per_order", "base_response_rate")
        if self.costs is None:
            return dict.fromkeys(names, "")
        amounts = {name: self.costs[name] * (100 if name == names[-1] else 1) for name in names}
        sign = str(self.language.vega["decimal"])
        return {name: f"{amount:.10g}".replace(".", sign) for name, amount in amounts.items()}

    @property
    def table(self) -> Table:
        """The depths as a table: some of them, and the one that pays."""
        wanted = {self._nearest(depth) for depth in SHOWN} | {self.at}
        rows = self.depths[sorted(wanted)].filter(pl.col("pieces") > 0)
        _, tenths = self.language.gettext, self.language.percent_tenths
        columns: list[tuple[str, str, Callable[[float | None], str]]] = [
            (_("Mailed"), "depth", tenths),
            (_("Pieces"), "pieces", self.language.count),
            (_("Customers ranked so high"), "customers_reached", tenths),
            (_("At least"), "low", tenths),
            (_("At most"), "high", tenths),
        ]
        if self.costs:
            columns += [
                (_("Orders"), "orders", self.language.short_number),
                (_("Cost"), "cost", self._money),
                (_("Profit"), "profit", self._money),
                (_("Profit at least"), "profit_low", self._money),
                (_("Profit at most"), "profit_high", self._money),
            ]
        return table("depths", _("What each depth of the mailing brings"), rows, columns, _meaning)

    def _money(self, amount: float | None) -> str:
        return NOTHING if amount is None else self.language.money(amount)

    @property
    def data(self) -> str:
        """The depths for the script, as JSON that is safe inside a script element."""
        columns = {
            name: [None if value is None else round(value, 12) for value in self.depths[name]]
            for name in ("depth", "pieces", "customers_reached", "low", "high", "average_pieces")
        }
        return json.dumps(
            columns
            | {
                "range": self.language.gettext(RANGE),
                "decimal": self.language.vega["decimal"],
                "z": NormalDist().inv_cdf(0.5 + CONFIDENCE / 2),
            },
            separators=(",", ":"),
            allow_nan=False,
        )


def reached_text(row: Mapping[str, Any], language: Language) -> Markup:
    """Customers ranked as high as a depth, with range; row of the depths or of the gains."""
    meaning = at_depth("reached", row["depth"])
    limits = row["low"], row["high"]
    return ranged(meaning, row["customers_reached"], *limits, language.percent_tenths, language)


def earned_text(
    row: Mapping[str, Any], name: str, form: Callable[[float], str], language: Language
) -> Markup:
    """Orders or profit of a depth, with their range; row of the depths."""
    meaning = at_depth(name, row["depth"])
    return ranged(meaning, row[name], row[f"{name}_low"], row[f"{name}_high"], form, language)


def _meaning(column: str, row: Mapping[str, Any]) -> str:
    """Meaning of a number of the table of depths."""
    names = {"low": "reached_low", "high": "reached_high", "customers_reached": "reached"}
    name, _, end = names.get(column, column).partition("_")
    meaning = at_depth(name, row["depth"])
    return f"{meaning}-{end}" if end else meaning
