"""How the columns of a delivery differ from those of the base, and what is done about it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Literal

from segment_lib.schema import Attribute, Schema

Kind = Literal["gone", "new", "renamed", "retyped", "missing codes", "not described"]


@dataclass(frozen=True)
class Change:
    """One difference."""

    attribute: str
    kind: Kind
    told: str
    """In words, with what is done about it."""
    refused: bool = False
    """True if the delivery cannot be used without the analyst's word."""


@dataclass(frozen=True)
class Changes:
    """A delivery against the base."""

    schema: Schema
    """The attributes of the base, by their types there and with the missing codes of now, then
    those that are new."""
    renamed: Mapping[str, str]
    """Attribute of the base to the column that holds it now."""
    absent: tuple[str, ...]
    """Attributes of the base that no column holds."""
    new: tuple[str, ...]
    listed: tuple[Change, ...]


def compare_schemas(
    base: Schema,
    now: Schema,
    columns: Collection[str],
    *,
    renamed: Mapping[str, str],
    used: Collection[str],
) -> Changes:
    """How the attributes of the base are found in a delivery.

    Parameters
    ----------
    base : the attributes of the base
    now : the feature summary of the delivery
    columns : those both extracts have
    renamed : attribute of the base to column, as the config says
    used : attributes that make features
    """
    listed: list[Change] = []
    attributes: list[Attribute] = []
    absent: list[str] = []
    described = {attribute.name: attribute for attribute in now}
    taken = {**{name: name for name in base.names}, **renamed}
    strangers = [c for c in columns if c not in base.names and c not in renamed.values()]
    for attribute in base:
        name, column = attribute.name, taken[attribute.name]
        if column not in columns:
            absent.append(name)
            attributes.append(attribute)
            listed.append(_gone(name, column, strangers, used))
            continue
        if column != name:
            told = f"{name} is delivered as {column}: read as {name}"
            listed.append(Change(name, "renamed", told))
        told_of = described.get(column)
        if told_of is None:
            told = f"{name} is not in the feature summary: the description of the base holds"
            listed.append(Change(name, "not described", told))
            attributes.append(attribute)
            continue
        listed += _differences(attribute, told_of)
        attributes.append(replace(attribute, missing=told_of.missing))
    new = [a for a in now if a.name in strangers]
    for attribute in new:
        told = (
            f"{attribute.name} is new: read and counted, but no feature; "
            "plan.proposed.json has a rule for it"
        )
        listed.append(Change(attribute.name, "new", told))
    return Changes(
        Schema((*attributes, *new)),
        {name: column for name, column in renamed.items() if column in columns},
        tuple(absent),
        tuple(attribute.name for attribute in new),
        tuple(listed),
    )


def _gone(name: str, column: str, strangers: list[str], used: Collection[str]) -> Change:
    if name not in used:
        return Change(name, "gone", f"{column} is gone: it makes no feature, and counts as missing")
    alike = get_close_matches(name, strangers, n=1)
    hints = [
        f' If it is {now} now, say so: refresh.renamed = {{{name} = "{now}"}}.' for now in alike
    ]
    told = f"{column} is gone, and the model uses it.{''.join(hints)}"
    return Change(name, "gone", told, refused=True)


def _differences(before: Attribute, now: Attribute) -> list[Change]:
    found = []
    if now.type != before.type:
        told = f"{before.name} is called {now.type}: read as {before.type}, as in the base"
        found.append(Change(before.name, "retyped", told))
    if set(now.missing) != set(before.missing):
        told = (
            f"{before.name} has other missing codes, [{','.join(now.missing)}] for "
            f"[{','.join(before.missing)}]: those of now hold"
        )
        found.append(Change(before.name, "missing codes", told))
    return found
