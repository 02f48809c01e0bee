"""The forms of rules in a plan: how each is written as an entry, and read back with its faults."""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Any

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
from segment_lib.schema import Attribute, canonical

_LARGEST = (2 - 2**-23) * 2.0**127
"""The largest 32-bit float, as features are stored."""
_NOTES = {"meaning", "labels", "features", "unseen"}


def codes_of(tables: Mapping[str, Mapping[str, float | None]]) -> Iterator[str]:
    """Yield the codes of recoding tables."""
    return (code for table in tables.values() for code in table)


def write_rule(rule: Rule) -> dict[str, Any]:
    """Write a rule as its entry of the plan."""
    kind, form = next((kind, form) for kind, form in _FORMS.items() if type(rule) is form.rule)
    entry = {"rule": kind, "features": rule.features}
    entry |= {key: getattr(rule, key) for key in form.keys}
    if isinstance(rule, Number) and not rule.levels:
        del entry["levels"]  # Any number is allowed: no code is unseen.
    elif form.unseen:
        entry["unseen"] = form.unseen
    return entry


def read_rule(attribute: Attribute, entry: dict[str, Any]) -> Rule:
    """Read the rule of an attribute.

    Raises
    ------
    ValueError, KeyError, TypeError or AttributeError
        If the entry is no rule for it.
    """
    kind = entry["rule"]
    if not isinstance(kind, str) or kind not in _FORMS:
        raise ValueError(f"rule {kind!r} is none of {', '.join(_FORMS)}")
    if unknown_keys := sorted(set(entry) - {*_FORMS[kind].keys} - _NOTES - {"rule"}):
        raise ValueError(f"a {kind} rule has no {', '.join(unknown_keys)}")
    rule = _FORMS[kind].read(attribute.name, entry)
    if "features" in entry and tuple(entry["features"]) != rule.features:
        raise ValueError("features follow from the rule; edit its levels or tables instead")
    unseen = write_rule(rule).get("unseen")
    if entry.get("unseen", unseen) != unseen:
        raise ValueError(f"unseen codes of a {kind} rule: {unseen!r} is all there is")
    if isinstance(rule, Age) and not attribute.is_date:
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
        case OneHot(levels=levels) | Pooled(levels=levels):
            return levels
        case Recode(tables=tables):
            return set(codes_of(tables))
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


def _read_pooled(name: str, entry: dict[str, Any]) -> Pooled:
    levels, fill = _levels(entry["levels"]), canonical(str(entry["fill"]))
    if OTHER in levels or fill not in levels:
        raise ValueError(f"fill must be one of the levels, and {OTHER!r} none")
    return Pooled(name, levels, fill)


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
    "pooled": _Form(Pooled, _read_pooled, ("fill", "levels"), OTHER),
    "recode": _Form(Recode, _read_recode, ("fill", "tables"), "fill"),
    "drop": _Form(Drop, _read_drop, ("reason",)),
}
