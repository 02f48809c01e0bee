"""Labels of attributes and levels; the project ships its own for the 85 known attributes."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources


@dataclass(frozen=True)
class Meaning:
    """The meaning of an attribute and the labels of its levels."""

    meaning: str = ""
    levels: dict[str, str] = field(default_factory=dict)
    """Level to label; empty if the attribute is a plain number or its levels are not known."""
    complete: bool = True
    """False if the attribute has more levels than those listed."""

    def label(self, level: str) -> str:
        return self.levels.get(level, level)

    @property
    def direction(self) -> str | None:
        """The direction of the scale, as in ``1 = very high … 5 = very low``."""
        if len(self.levels) < 3:
            return None
        first, *_, last = self.levels.items()
        return f"{first[0]} = {first[1]} … {last[0]} = {last[1]}"


def complete_levels(meanings: Mapping[str, Meaning]) -> dict[str, tuple[str, ...]]:
    """Return the levels of the attributes of which all are listed."""
    return {name: tuple(m.levels) for name, m in meanings.items() if m.complete}


@dataclass(frozen=True)
class Phrases:
    """Short words for people who have a trait, such as ``savers``."""

    words: dict[str, str] = field(default_factory=dict)
    """Keyed by ``low`` and ``high``, the ends of a scale by its codes, or by level; by ``number`` a
    template for numbers, such as ``{number} adults in the household``; by ``low 1`` and the like
    for an end of numbers that has words of its own."""
    topic: str = ""
    """The subject of a level that has no words of its own."""

    def get(self, key: str) -> str | None:
        return self.words.get(key)


@cache
def known_phrases() -> dict[str, Phrases]:
    """The phrases of the known attributes, and of the features made from mixed ones."""
    text = resources.files(__package__).joinpath("known_phrases.json").read_text("utf-8")
    return {
        name: Phrases(entry, topic=entry.pop("topic", ""))
        for name, entry in json.loads(text).items()
    }


@cache
def known_meanings() -> dict[str, Meaning]:
    """The labels of the attributes of the AZDIAS and CUSTOMERS extracts."""
    text = resources.files(__package__).joinpath("known_labels.json").read_text("utf-8")
    return {name: Meaning(**entry) for name, entry in json.loads(text).items()}


@cache
def known_families() -> dict[str, str]:
    """The family, such as "Attitudes", of each known attribute."""
    text = resources.files(__package__).joinpath("known_families.json").read_text("utf-8")
    return {name: family for family, names in json.loads(text).items() for name in names}
