"""The plan: the rule by which each attribute becomes features; derived, then edited at will."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any

import polars as pl

from segment_lib.encode.forms import codes_of, read_rule, write_rule
from segment_lib.encode.recodings import RECODINGS, REDUNDANT
from segment_lib.encode.rules import (
    OTHER,
    Age,
    Binary,
    Drop,
    Log,
    Number,
    OneHot,
    Pooled,
    Rank,
    Recode,
    Rule,
)
from segment_lib.errors import ConfigError
from segment_lib.schema import Meaning, Schema
from segment_lib.schema.dates import year_of
from segment_lib.schema.language import N_, Sentence, sentence
from segment_lib.schema.tails import choose_transform, log_unit, median
from segment_lib.storage.location import Location

MAX_LEVELS = 100
_UNCOUNTED, _TOO_MANY = "more levels than can be counted", f"levels, more than {MAX_LEVELS}"
"""Reasons to drop a categorical attribute of more levels, each of which would be a feature."""

_ABOUT = (
    "One rule per attribute; fill stands for missing values. Rules: number, age, log, rank, "
    "binary, one-hot, pooled, recode, drop. Edit, then run again: encode and what follows run "
    "anew. The entries meaning and labels only explain."
)
_POSTCODES = 0.005
"""Regions of postcodes that a smaller share of the population lives in are pooled in any case."""
_RANKS = 100
"""Parts into which ranks divide the population."""

Counts = Mapping[str, int]
"""Level to its rows, missing codes excluded."""


@dataclass(frozen=True)
class Plan:
    """The rules of all attributes, in the feature summary's order."""

    rules: tuple[Rule, ...]

    @cached_property
    def features(self) -> tuple[str, ...]:
        return tuple(feature for rule in self.rules for feature in rule.features)

    @property
    def used(self) -> frozenset[str]:
        """Attributes that make features."""
        return frozenset(rule.attribute for rule in self.rules if rule.features)

    @property
    def attributes(self) -> dict[str, str]:
        """The attribute that each feature is made from."""
        return {feature: rule.attribute for rule in self.rules for feature in rule.features}

    @property
    def redundant(self) -> frozenset[str]:
        """Attributes dropped because another, which is used, says the same."""
        return frozenset(
            name
            for name, (kept_instead, _) in REDUNDANT.items()
            if kept_instead in self.used and name not in self.used
        )

    @property
    def transformed(self) -> Sentence | None:
        """Which amounts have heavy tails, and what each is taken as."""
        words = {
            Log: N_("{name} (skewness {skew:one_decimal}: its logarithm)"),
            Rank: N_("{name} (skewness {skew:one_decimal}: its rank)"),
        }
        amounts = [
            sentence(words[type(rule)], name=rule.attribute, skew=rule.skew)
            for rule in self.rules
            if isinstance(rule, Log | Rank)
        ]
        text = N_("Amounts of which few are far larger than others: {amounts:items}.")
        return sentence(text, amounts=amounts) if amounts else None

    @property
    def uncounted(self) -> tuple[str, ...]:
        """Attributes that make no feature because they have more than MAX_LEVELS levels."""
        return tuple(
            rule.attribute
            for rule in self.rules
            if isinstance(rule, Drop) and rule.reason.endswith((_UNCOUNTED, _TOO_MANY))
        )

    def expressions(self, schema: Schema) -> list[pl.Expr]:
        """The expressions of all features, for rows whose missing codes are null."""
        return [e for rule in self.rules for e in rule.expressions(schema[rule.attribute])]

    def to_json(self, meanings: Mapping[str, Meaning]) -> str:
        """Write the plan with the meanings and labels that explain it."""
        entries = {}
        for rule in self.rules:
            meaning = meanings.get(rule.attribute, Meaning())
            entries[rule.attribute] = {
                **write_rule(rule),
                **({"meaning": meaning.meaning} if meaning.meaning else {}),
                **({"labels": meaning.levels} if meaning.levels else {}),
            }
        return json.dumps({"about": _ABOUT, "attributes": entries}, indent=1, ensure_ascii=False)


def derive_plan(
    schema: Schema,
    dropped: Mapping[str, str],
    counts: Mapping[str, Counts],
    levels: Mapping[str, Collection[str] | None],
    *,
    day: str = "",
    min_level_share: float = 0.0,
) -> Plan:
    """Derive the default plan.

    Parameters
    ----------
    dropped : attribute to the reason why it is not kept
    counts : rows of the population by level, for each attribute
    levels : the levels each attribute can have; None for a plain number
    day : to which ages are reckoned, as yyyy-mm-dd
    min_level_share : levels that a smaller share of the population has are pooled
    """
    rules = []
    for attribute in schema:
        name = attribute.name
        kept_instead, why = REDUNDANT.get(name, ("", ""))
        if name in dropped:
            rule: Rule = Drop(name, dropped[name])
        elif kept_instead in schema.names and kept_instead not in dropped:
            rule = Drop(name, f"{kept_instead} is kept: {why}")
        elif name in RECODINGS and set(counts[name]) & set(codes_of(RECODINGS[name])):
            rule = _recode_rule(name, RECODINGS[name], counts[name])
        elif attribute.is_date:
            rule = _age_rule(name, counts[name], day)
        elif attribute.type == "amount" and levels[name] is None:
            rule = _amount_rule(name, counts[name])
        elif attribute.type in ("categorical", "mixed", "postcode"):
            least = max(min_level_share, _POSTCODES * (attribute.type == "postcode"))
            rule = _categorical_rule(name, tuple(levels[name] or ()), counts[name], least)
        else:
            rule = _number_rule(name, levels[name], counts[name])
        rules.append(rule)
    return Plan(tuple(rules))


def decode_plan(content: bytes, path: Location) -> str:
    """Decode the text of a plan file.

    Raises
    ------
    ConfigError
        If it is not UTF-8.
    """
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ConfigError(f"{path}: not UTF-8. Save the plan as UTF-8.") from None


def plan_entries(
    text: str, where: str, instead: str = "delete it to get the derived one"
) -> dict[str, Any]:
    """Parse a plan to the entries of its attributes, without a check of the entries.

    Raises
    ------
    ConfigError
        If the text is not a plan.
    """
    try:
        content = json.loads(text)
        # JSON allows half of a surrogate pair, which can be neither a name nor a level.
        json.dumps(content, ensure_ascii=False).encode()
        entries = content.get("attributes")
        if not isinstance(entries, dict):
            raise TypeError
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        line = f", line {error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
        raise ConfigError(
            f'{where}{line}: no plan, which is {{"attributes": {{NAME: RULE, …}}}}. '
            f"Correct it, or {instead}."
        ) from None
    return entries


def read_plan(text: str, schema: Schema, where: str) -> Plan:
    """Read a plan, as derived or as edited.

    Raises
    ------
    ConfigError
        If the text is no plan for these attributes; all faults are listed.
    """
    entries = plan_entries(text, where)
    faults = [f"{name} is no attribute" for name in entries if name not in schema.names]
    faults += [f"{name} has no rule" for name in schema.names if name not in entries]
    rules = []
    for attribute in schema:
        if attribute.name not in entries:
            continue
        try:
            rules.append(read_rule(attribute, entries[attribute.name]))
        except KeyError as error:
            faults.append(f"{attribute.name} lacks {error.args[0]}")
        except ValueError as error:
            faults.append(f"{attribute.name}: {error}")
        except (TypeError, AttributeError):
            faults.append(f"{attribute.name}: no rule of the form that the derived plan has")
    plan = Plan(tuple(rules))
    features = plan.features
    faults += [f"feature {f} is made twice" for f in sorted(set(features)) if features.count(f) > 1]
    if "row" in features:
        faults.append("a feature cannot be called row, the name of the row number")
    if not features and not faults:
        faults.append("every attribute is dropped")
    if faults:
        # Names may hold line ends; the message is one line.
        raise ConfigError(f"{where}: {' '.join('; '.join(faults).split())}. Correct the plan.")
    return plan


def _recode_rule(
    name: str, tables: Mapping[str, Mapping[str, float | None]], counts: Counts
) -> Recode:
    fill = {}
    for feature, table in tables.items():
        rows: dict[float, int] = {}
        for code, n in counts.items():
            value = table.get(code)
            if value is not None:
                rows[value] = rows.get(value, 0) + n
        fill[feature] = median(rows) if rows else 0.0
    return Recode(name, tables, fill)


def _categorical_rule(name: str, levels: tuple[str, ...], counts: Counts, min_share: float) -> Rule:
    if not levels:
        return Drop(name, _UNCOUNTED)
    least = min_share * sum(counts.values())
    common = tuple(level for level in levels if counts.get(level, 0) >= least and level != OTHER)
    if least and 0 < len(common) <= MAX_LEVELS and {*levels} - {*common, OTHER}:
        return Pooled(name, common, fill=max(common, key=lambda level: counts.get(level, 0)))
    if len(levels) > MAX_LEVELS:
        return Drop(name, f"{len(levels)} {_TOO_MANY}")
    most_frequent = max(levels, key=lambda level: counts.get(level, 0))
    if len(levels) == 2:
        return Binary(name, zero=levels[0], one=levels[1], fill=most_frequent)
    return OneHot(name, levels, fill=most_frequent)


def _number_rule(name: str, levels: Collection[str] | None, counts: Counts) -> Rule:
    known = {float(code): n for code, n in counts.items() if levels is None or code in set(levels)}
    if not known:
        return Drop(name, "none of its codes is a level of its scale")
    return Number(name, median(known), tuple(levels) if levels is not None else None)


def _age_rule(name: str, counts: Counts, day: str) -> Rule:
    years = {float(year): n for year, n in counts.items()}
    if not years:
        return Drop(name, "none of its cells is a date")
    return Age(name, day, year_of(date.fromisoformat(day)) - median(years))


def _amount_rule(name: str, counts: Counts) -> Rule:
    rows = {float(code): n for code, n in counts.items()}
    transform, skew = choose_transform(rows)
    fill, skew = median(rows), round(skew, 2)
    if transform == "log":
        return Log(name, log_unit(rows), fill, skew)
    return Rank(name, _edges(rows), fill, skew) if transform == "rank" else Number(name, fill)


def _edges(rows: Mapping[float, int]) -> tuple[float, ...]:
    """The amounts that divide the rows into `_RANKS` equal parts; one of many rows comes again."""
    total, below = sum(rows.values()), 0
    edges = list[float]()
    for value, n in sorted(rows.items()):
        below += n
        edges += [value] * (min(below * _RANKS // total, _RANKS - 1) - len(edges))
    return tuple(edges)
