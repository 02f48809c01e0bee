"""Schema changes between the base and a delivery, and what is done about each."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Literal

from segment_lib.schema import Attribute, Schema
from segment_lib.schema.language import N_, Sentence, sentence

Kind = Literal["gone", "new", "renamed", "retyped", "missing codes", "not described"]


@dataclass(frozen=True)
class Change:
    """One difference between the attributes of the base and those of a delivery."""

    attribute: str
    kind: Kind
    sentence: Sentence
    """The difference in words, with what is done about it."""
    refused: bool = False
    """Whether the analyst must decide before the delivery can be used."""

    def facts(self) -> dict[str, str | bool]:
        """The change as refresh/summary.json holds it."""
        return {
            "attribute": self.attribute,
            "kind": self.kind,
            "told": str(self.sentence),
            "refused": self.refused,
        }


@dataclass(frozen=True)
class Changes:
    """The schema changes of a delivery, and the schema to read it by."""

    schema: Schema
    """The attributes of the base with its types and the missing codes of the delivery, then the new
    ones."""
    renamed: Mapping[str, str]
    """Column of the delivery by attribute of the base, where they differ."""
    absent: tuple[str, ...]
    """Attributes of the base without a column in the delivery."""
    new: tuple[str, ...]
    listed: tuple[Change, ...]


def compare_schemas(
    base: Schema,
    now: Schema,
    columns: Collection[str],
    *,
    renamed: Mapping[str, str],
    used: Collection[str],
    proposal: str,
) -> Changes:
    """Compare the attributes of the base with the columns of a delivery.

    Parameters
    ----------
    base : the attributes of the base
    now : the feature summary of the delivery
    columns : the columns that both extracts have
    renamed : attribute of the base to column, as the config says
    used : attributes that make features
    proposal : the file with rules for new attributes
    """
    changes: list[Change] = []
    attributes: list[Attribute] = []
    absent: list[str] = []
    described = {attribute.name: attribute for attribute in now}
    column_of = {**{name: name for name in base.names}, **renamed}
    unknown = [c for c in columns if c not in base.names and c not in renamed.values()]
    for attribute in base:
        name, column = attribute.name, column_of[attribute.name]
        if column not in columns:
            absent.append(name)
            attributes.append(attribute)
            changes.append(_missing_column(name, column, unknown, used))
            continue
        if column != name:
            text = N_("{name} is delivered as {column}: read as {name}")
            changes.append(Change(name, "renamed", sentence(text, name=name, column=column)))
        description = described.get(column)
        if description is None:
            text = N_("{name} is not in the feature summary: the description of the base holds")
            changes.append(Change(name, "not described", sentence(text, name=name)))
            attributes.append(attribute)
            continue
        changes += _description_changes(attribute, description)
        codes, recoded = description.missing, description.recoded
        attributes.append(replace(attribute, missing=codes, recoded=recoded))
    new = [a for a in now if a.name in unknown]
    for attribute in new:
        text = N_("{name} is new: read and counted, but no feature; {proposal} has a rule for it")
        own = sentence(text, name=attribute.name, proposal=proposal)
        changes.append(Change(attribute.name, "new", own))
    return Changes(
        replace(now, attributes=(*attributes, *new)),
        {name: column for name, column in renamed.items() if column in columns},
        tuple(absent),
        tuple(attribute.name for attribute in new),
        tuple(changes),
    )


def _missing_column(name: str, column: str, unknown: list[str], used: Collection[str]) -> Change:
    if name not in used:
        text = N_("{column} is gone: it makes no feature, and counts as missing")
        return Change(name, "gone", sentence(text, column=column))
    texts, fields = [N_("{column} is gone, and the model uses it.")], {"column": column}
    for now in get_close_matches(name, unknown, n=1):
        texts.append(N_("If it is {now} now, say so: {setting}."))
        fields |= {"now": now, "setting": f'refresh.renamed = {{{name} = "{now}"}}'}
    return Change(name, "gone", sentence(*texts, **fields), refused=True)


def _description_changes(before: Attribute, now: Attribute) -> list[Change]:
    changes = []
    if now.type != before.type:
        text = N_("{name} is called {now}: read as {before}, as in the base")
        retyped = sentence(text, name=before.name, now=now.type, before=before.type)
        changes.append(Change(before.name, "retyped", retyped))
    if set(now.missing) != set(before.missing):
        text = N_("{name} has other missing codes, [{now}] for [{before}]: those of now hold")
        codes = {"now": ",".join(now.missing), "before": ",".join(before.missing)}
        other = sentence(text, name=before.name, **codes)
        changes.append(Change(before.name, "missing codes", other))
    return changes
