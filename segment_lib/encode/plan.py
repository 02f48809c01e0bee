"""The plan: the rule by which each attribute becomes features; derived, then edited at will."""

import json
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from itertools import pairwise
from typing import Any

import polars as pl

from segment_lib.encode.recodings import RECODINGS, REDUNDANT
from segment_lib.encode.rules import Age, Binary, Drop, Log, Number, OneHot, Rank, Recode, Rule
from segment_lib.errors import ConfigError
from segment_lib.schema import Attribute, Meaning, Schema, canonical
from segment_lib.schema.dates import year_of
from segment_lib.schema.tails import choose_transform, log_unit, median
from segment_lib.storage.location import Location

MAX_LEVELS = 100
_UNCOUNTED, _TOO_MANY = "more levels than can be counted", f"levels, more than {MAX_LEVELS}"
"""Reasons to drop a categorical attribute of more levels, each of which would be a feature."""

_ABOUT = (
    "One rule per attribute; fill stands for missing values. Rules: number, age, log, rank, "
    "binary, one-hot, recode, drop. Edit, then run again: encode and what follows run anew. "
    "The entries meaning and labels only explain."
)
_RANKS = 100
"""Parts into which ranks divide the population."""
_LARGEST = (2 - 2**-23) * 2.0**127
"""The largest 32-bit float, as features are stored."""
_NOTES = {"meaning", "labels", "features", "unseen"}

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
    def transformed(self) -> dict[str, str]:
        """Amounts of heavy tails, and what each is taken as, in words."""
        words = {Log: "its logarithm", Rank: "its rank"}
        return {
            rule.attribute: f"{rule.attribute} (skewness {rule.skew:.1f}: {words[type(rule)]})"
            for rule in self.rules
            if isinstance(rule, Log | Rank)
        }

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
                **_write(rule),
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
) -> Plan:
    """Derive the default plan.

    Parameters
    ----------
    dropped : attribute to the reason why it is not kept
    counts : rows of the population by level, for each attribute
    levels : the levels each attribute can have; None for a plain number
    day : to which ages are reckoned, as yyyy-mm-dd
    """
    rules = []
    for attribute in schema:
        name = attribute.name
        kept_instead, why = REDUNDANT.get(name, ("", ""))
        if name in dropped:
            rule: Rule = Drop(name, dropped[name])
        elif kept_instead in schema.names and kept_instead not in dropped:
            rule = Drop(name, f"{kept_instead} is kept: {why}")
        elif name in RECODINGS and set(counts[name]) & set(_codes(RECODINGS[name])):
            rule = _recode_rule(name, RECODINGS[name], counts[name])
        elif attribute.type == "date":
            rule = _age_rule(name, counts[name], day)
        elif attribute.type == "amount" and levels[name] is None:
            rule = _amount_rule(name, counts[name])
        elif attribute.type in ("categorical", "mixed"):
            rule = _categorical_rule(name, tuple(levels[name] or ()), counts[name])
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
            rules.append(_read_rule(attribute, entries[attribute.name]))
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


def _categorical_rule(name: str, levels: tuple[str, ...], counts: Counts) -> Rule:
    if not levels:
        return Drop(name, _UNCOUNTED)
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


def _codes(tables: Mapping[str, Mapping[str, float | None]]) -> Iterator[str]:
    return (code for table in tables.values() for code in table)


def _write(rule: Rule) -> dict[str, Any]:
    """Write a rule as its entry of the plan."""
    kind, form = next((kind, form) for kind, form in _FORMS.items() if type(rule) is form.rule)
    entry = {"rule": kind, "features": rule.features}
    entry |= {key: getattr(rule, key) for key in form.keys}
    if isinstance(rule, Number) and not rule.levels:
        del entry["levels"]  # Any number is allowed: no code is unseen.
    elif form.unseen:
        entry["unseen"] = form.unseen
    return entry


def _read_rule(attribute: Attribute, entry: dict[str, Any]) -> Rule:
    kind = entry["rule"]
    if not isinstance(kind, str) or kind not in _FORMS:
        raise ValueError(f"rule {kind!r} is none of {', '.join(_FORMS)}")
    if unknown_keys := sorted(set(entry) - {*_FORMS[kind].keys} - _NOTES - {"rule"}):
        raise ValueError(f"a {kind} rule has no {', '.join(unknown_keys)}")
    rule = _FORMS[kind].read(attribute.name, entry)
    if "features" in entry and tuple(entry["features"]) != rule.features:
        raise ValueError("features follow from the rule; edit its levels or tables instead")
    unseen = _write(rule).get("unseen")
    if entry.get("unseen", unseen) != unseen:
        raise ValueError(f"unseen codes of a {kind} rule: {unseen!r} is all there is")
    if isinstance(rule, Age) and attribute.type != "date":
        raise ValueError(f"an {kind} rule is for dates, and it is {attribute.type}")
    if not attribute.is_number and isinstance(rule, Number) and rule.levels is None:
        raise ValueError(
            f"a number rule of a {attribute.type} attribute needs levels, its codes of numbers"
        )
    if not attribute.is_number and isinstance(rule, Log | Rank):
        raise ValueError(f"a {kind} rule is for numbers, and it is {attribute.type}")
    if attribute.storage == "number" or isinstance(rule, Number):
        for level in _rule_levels(rule):
            float(level)
    return rule


def _rule_levels(rule: Rule) -> Collection[str]:
    match rule:
        case Number(levels=levels):
            return levels or ()
        case Binary(zero=zero, one=one):
            return (zero, one)
        case OneHot(levels=levels):
            return levels
        case Recode(tables=tables):
            return set(_codes(tables))
        case Drop() | Log() | Rank() | Age():
            return ()


def _read_number(name: str, entry: dict[str, Any]) -> Number:
    levels = entry.get("levels")
    return Number(name, _finite(entry["fill"]), _levels(levels) if levels else None)


def _read_age(name: str, entry: dict[str, Any]) -> Age:
    return Age(name, date.fromisoformat(entry["at"]).isoformat(), _finite(entry["fill"]))


def _read_log(name: str, entry: dict[str, Any]) -> Log:
    unit, fill, skew = (_finite(entry[key]) for key in ("unit", "fill", "skew"))
    if unit <= 0:
        raise ValueError("unit must be above 0")
    return Log(name, unit, fill, skew)


def _read_rank(name: str, entry: dict[str, Any]) -> Rank:
    edges = tuple(_finite(edge) for edge in entry["edges"])
    if not edges or any(low > high for low, high in pairwise(edges)):
        raise ValueError("edges must be given, in their order")
    return Rank(name, edges, _finite(entry["fill"]), _finite(entry["skew"]))


def _read_binary(name: str, entry: dict[str, Any]) -> Binary:
    zero, one, fill = (canonical(str(entry[key])) for key in ("zero", "one", "fill"))
    if zero == one:
        raise ValueError("zero and one are the same level")
    if fill not in (zero, one):
        raise ValueError("fill is neither zero nor one")
    return Binary(name, zero, one, fill)


def _read_one_hot(name: str, entry: dict[str, Any]) -> OneHot:
    levels = _levels(entry["levels"])
    fill = None if entry["fill"] is None else canonical(str(entry["fill"]))
    if fill is not None and fill not in levels:
        raise ValueError("fill is none of the levels")
    return OneHot(name, levels, fill)


def _read_recode(name: str, entry: dict[str, Any]) -> Recode:
    tables = {
        str(feature): {
            canonical(str(code)): None if value is None else _finite(value)
            for code, value in table.items()
        }
        for feature, table in entry["tables"].items()
    }
    return Recode(name, tables, {feature: _finite(entry["fill"][feature]) for feature in tables})


def _levels(levels: Any) -> tuple[str, ...]:
    if not isinstance(levels, list):
        raise ValueError("levels must be a list")
    codes = tuple(canonical(str(level)) for level in levels)
    if not codes or len(set(codes)) < len(codes):
        raise ValueError("levels must be given, each once")
    return codes


def _finite(value: Any) -> float:
    if type(value) not in (int, float) or not abs(value) <= _LARGEST:
        raise ValueError("a fill or a value in a table must be a number up to 3.4e38")
    return float(value)


def _read_drop(name: str, entry: dict[str, Any]) -> Drop:
    return Drop(name, str(entry.get("reason", "dropped by the analyst")))


@dataclass(frozen=True)
class _Form:
    """Form of a kind of rule in the plan."""

    rule: type
    read: Callable[[str, dict[str, Any]], Rule]
    keys: tuple[str, ...]
    """Fields of the rule, in the order in which they are written."""
    unseen: str = ""
    """What a code that is no level becomes."""


_FORMS = {
    "number": _Form(Number, _read_number, ("fill", "levels"), "fill"),
    "age": _Form(Age, _read_age, ("fill", "at")),
    "log": _Form(Log, _read_log, ("fill", "unit", "skew")),
    "rank": _Form(Rank, _read_rank, ("fill", "edges", "skew")),
    "binary": _Form(Binary, _read_binary, ("fill", "zero", "one"), "fill"),
    "one-hot": _Form(OneHot, _read_one_hot, ("fill", "levels"), "zeros"),
    "recode": _Form(Recode, _read_recode, ("fill", "tables"), "fill"),
    "drop": _Form(Drop, _read_drop, ("reason",)),
}
