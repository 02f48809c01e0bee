"""The data dictionary as a Markdown file in the form delivered, in the project's own words."""

from collections.abc import Iterator
from itertools import groupby
from textwrap import wrap

from extracts.figures import Attribute, attributes

WIDTH = 80

CHAPTERS = {
    "person": "Person",
    "household": "Household",
    "building": "Building",
    "microcell_rr4": "Neighbourhood, fine grid (RR4)",
    "microcell_rr3": "Neighbourhood, wide grid (RR3)",
    "postcode": "Postcode area",
    "region_rr1": "Region (RR1)",
    "macrocell_plz8": "Postcode district (PLZ8)",
    "community": "Community",
}

FAMILIES = {
    "FINANZ_": "How strongly each type of financial behaviour is marked in a person.",
    "SEMIO_": "How strongly a person leans towards each mindset.",
}
"""Attributes that share one list of codes, by what their names begin with."""


def data_dictionary() -> str:
    """One chapter per information level, one section per attribute or family."""
    lines = ["# Data dictionary", "", "What the attributes of the two extracts hold.", ""]
    lines += ["## Contents", ""]
    lines += [f"{number}. {title}" for number, title in enumerate(CHAPTERS.values(), 1)]
    for number, (level, group) in enumerate(groupby(attributes(), lambda a: a.level), 1):
        lines += ["", "-----", "", f"## {number}. {CHAPTERS[level]}"]
        for position, (_, members) in enumerate(groupby(group, _family), 1):
            lines += ["", *_section(f"{number}.{position}", list(members))]
    return "\n".join(lines) + "\n"


def _family(attribute: Attribute) -> str:
    return next((f for f in FAMILIES if attribute.name.startswith(f)), attribute.name)


def _section(number: str, members: list[Attribute]) -> Iterator[str]:
    """The heading, meaning and codes; after a family, a second list that names its members."""
    first, family = members[0], _family(members[0])
    yield from _heading(number, [member.name for member in members])
    yield from wrap(FAMILIES.get(family) or _sentence(first.meaning), WIDTH)
    yield ""
    if first.is_number:
        yield from _number_notes(first)
    else:
        for code, label in {**first.unknown, **first.codes}.items():
            yield from _item(f"{code:>2}", label)
    if family in FAMILIES:
        yield from ("", "The dimensions are:", "")
        for member in members:
            yield from _item(member.name.removeprefix(family), member.meaning)


def _heading(number: str, names: list[str]) -> Iterator[str]:
    start = f"### {number}. "
    lines = wrap(", ".join(names), WIDTH - len(start))
    yield start + lines[0]
    yield from ("###" + " " * (len(start) - 3) + line for line in lines[1:])


def _number_notes(attribute: Attribute) -> Iterator[str]:
    for values, label in attribute.codes.items():
        yield from wrap(f"{values}: {label}.", WIDTH)
    for code in attribute.unknown:
        yield from ("", f"- missing values are coded {code}")


def _item(key: str, text: str) -> list[str]:
    start = f"- {key}: "
    return wrap(text, WIDTH, initial_indent=start, subsequent_indent=" " * len(start))


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."
