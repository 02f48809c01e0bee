"""The reader of the data dictionary: Markdown, wrapped by hand, with labels of levels."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from segment_lib.errors import DataError
from segment_lib.schema.codes import canonical
from segment_lib.schema.labels import Meaning
from segment_lib.schema.summary import Schema
from segment_lib.schema.text import Readable, read_text

_HEADING = re.compile(r"\s{0,3}(#+)\s*(?:\d+(?:\.\d+)*[.)]?\s+)?(.*?)\s*#*\s*")
_ITEM = re.compile(r"\s*[-*+]\s+(.*)")
_CODE = re.compile(r"(-?\w[\w.]*)(?:\s*(?:-|–|\.\.)\s*(-?\w+))?\s*:\s+(.+)")
_OPEN = re.compile(r"(…|\.\.\.)\s*(:.*)?")
_NAME = re.compile(r"\w+")
_UPPER = re.compile(r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)+|[A-Z][A-Z0-9]{3,}")
_RULE = re.compile(r"\s*([-=*_]\s*){3,}")
_WIDEST_RANGE = 200


@dataclass(frozen=True)
class Dictionary:
    """The labels of a data dictionary, compared with the feature summary."""

    meanings: dict[str, Meaning]
    not_covered: tuple[str, ...]
    """Attributes of the feature summary the dictionary has no section for."""
    not_delivered: tuple[str, ...]
    """Attributes it has a section for that the feature summary lacks."""

    @property
    def gaps(self) -> list[str]:
        """What only one of dictionary and feature summary has, a line each."""
        gaps = {
            "the data dictionary lacks": self.not_covered,
            "only the dictionary has": self.not_delivered,
        }
        return [f"{words} {', '.join(names)}" for words, names in gaps.items() if names]


@dataclass
class _Section:
    """The attributes that a heading names, and the text below it."""

    names: list[str] = field(default_factory=list)
    text: list[str] = field(default_factory=list)
    """The first paragraph, which says what it means; further ones are remarks."""
    text_ended: bool = False
    items: list[str] = field(default_factory=list)


def read_dictionary(path: Readable, schema: Schema) -> Dictionary:
    """Read a section per attribute or family of attributes: a heading, a sentence, lists of codes.

    A list item is ``- CODE: label``, where the code may be a range of numbers. In a family,
    ``- SUFFIX: meaning`` names the member whose name ends in ``_SUFFIX``. An item ``…`` leaves a
    list open: it has labels for some levels, but there are more. All else is prose. A numeric
    attribute has no levels, whatever is listed below it.

    Raises
    ------
    DataError
        If the file is absent, no text, or has no section for any attribute.
    """
    text = read_text(path, key="inputs.data_dictionary")
    meanings: dict[str, Meaning] = {}
    for section in _sections(text.splitlines(), schema):
        meanings |= _meanings(section, schema)
    known = {name: meanings[name] for name in schema.names if name in meanings}
    if not known:
        raise DataError(
            f"{path}: no section for any attribute of the feature summary. Expected headings such "
            f"as '### 1.1. {schema.names[0]}'. Is this the right file?"
        )
    return Dictionary(
        meanings=known,
        not_covered=tuple(name for name in schema.names if name not in meanings),
        not_delivered=tuple(name for name in meanings if name not in schema.names),
    )


def _sections(lines: Sequence[str], schema: Schema) -> Iterator[_Section]:
    section, runs_on = _Section(), False
    for line in lines:
        heading = _HEADING.fullmatch(line)
        if heading:
            title = heading.group(2)
            names = _names(title, schema)
            if names and runs_on:
                section.names += names
            else:
                yield section
                section = _Section(names)
            runs_on = bool(names) and title.rstrip().endswith(",")
        elif line.strip() and not _RULE.fullmatch(line):
            runs_on = False
            _add(section, line)
        else:
            runs_on = False
            section.text_ended = bool(section.text)
    yield section


def _add(section: _Section, line: str) -> None:
    item = _ITEM.fullmatch(line)
    if item:
        section.items.append(item.group(1).strip())
    elif section.items and line[0].isspace():
        section.items[-1] += " " + line.strip()
    elif not section.items and not section.text_ended:
        section.text.append(line.strip())


def _names(title: str, schema: Schema) -> list[str]:
    """The attributes a heading names; empty if it is a chapter."""
    names = [name.strip(" `*:") for name in title.split(",")]
    names = [name for name in names if name]
    if all(name in schema.names or _UPPER.fullmatch(name) for name in names):
        return names
    first = _NAME.match(title.lstrip("`* "))
    return [first.group()] if first and first.group() in schema.names else []


def _meanings(section: _Section, schema: Schema) -> dict[str, Meaning]:
    text = " ".join(section.text).strip().rstrip(":.").strip()
    levels: dict[str, str] = {}
    members: dict[str, str] = {}
    complete = True
    for item in section.items:
        match = _CODE.fullmatch(item)
        if _OPEN.fullmatch(item):
            complete = False
        elif match:
            first, last, label = match.groups()
            member = [name for name in section.names if name.endswith(f"_{first}")]
            if len(section.names) > 1 and member and not last:
                members |= dict.fromkeys(member, label)
                continue
            codes, closed = _codes(first, last)
            complete = complete and closed
            levels |= dict.fromkeys(codes, label)
    return {
        name: Meaning(
            meaning=": ".join(filter(None, (text, members.get(name)))),
            levels=_levels_of(levels, name, schema),
            complete=complete,
        )
        for name in section.names
    }


def _codes(first: str, last: str | None) -> tuple[list[str], bool]:
    """The codes of a list item, and whether they are complete."""
    if last is None:
        return [canonical(first)], True
    try:
        start, stop = int(first), int(last)
    except ValueError:
        return [], False
    if not 0 <= stop - start <= _WIDEST_RANGE:
        return [], False
    return [str(code) for code in range(start, stop + 1)], True


def _levels_of(levels: dict[str, str], name: str, schema: Schema) -> dict[str, str]:
    if name not in schema.names:
        return levels
    if schema[name].type == "numeric":
        return {}
    return {code: label for code, label in levels.items() if code not in schema[name].missing}
