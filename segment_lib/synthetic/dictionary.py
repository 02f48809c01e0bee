"""The data dictionary as a Markdown file in the form delivered, in the project's own words."""

from itertools import groupby
from textwrap import wrap

from segment_lib.synthetic.figures import Attribute, attributes

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
WIDTH = 80


def data_dictionary() -> str:
    """One section per attribute, one chapter per information level."""
    lines = ["# Data dictionary", "", "What the attributes of the two extracts hold.", ""]
    lines += ["## Contents", ""]
    lines += [f"{number}. {title}" for number, title in enumerate(CHAPTERS.values(), 1)]
    for number, (level, group) in enumerate(groupby(attributes(), lambda a: a.level), 1):
        lines += ["", "-----", "", f"## {number}. {CHAPTERS[level]}"]
        for position, attribute in enumerate(group, 1):
            lines += _section(f"{number}.{position}", attribute)
    return "\n".join(lines) + "\n"


def _section(number: str, attribute: Attribute) -> list[str]:
    meaning = attribute.meaning[0].upper() + attribute.meaning[1:]
    lines = ["", f"### {number}. {attribute.name}", *wrap(meaning, WIDTH), ""]
    for code, label in {**attribute.unknown, **attribute.codes}.items():
        lines += wrap(f"- {code:>2}: {label}", WIDTH, subsequent_indent="      ")
    return lines
