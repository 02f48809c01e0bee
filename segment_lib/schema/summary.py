"""The feature summary: the attributes of an extract, their types and their missing codes."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal, cast, get_args

from segment_lib.errors import DataError
from segment_lib.schema.codes import canonical, is_number, read_codes, read_recoded
from segment_lib.schema.small_table import read_table
from segment_lib.schema.text import Readable

AttributeType = Literal[
    "categorical",
    "ordinal",
    "numeric",
    "interval",
    "amount",
    "mixed",
    "date",
    "us date",
    "postcode",
]
NoAttribute = Literal["id", "text", "left out"]
"""Types of columns that are listed and make no feature."""
_CARRIED = ("id", "text")
"""Those of them that are carried along, for the lists of people."""
Storage = Literal["number", "text"]

COLUMNS = ("attribute", "information_level", "type", "missing_or_unknown")
_TEXT_TYPES = ("categorical", "mixed", "date", "us date", "postcode")
_MOST_FAULTS = 20


@dataclass(frozen=True)
class Attribute:
    """A column of the extracts, as the feature summary describes it."""

    name: str
    information_level: str
    type: AttributeType
    missing: tuple[str, ...]
    """Codes that stand for missing or unknown, in canonical spelling."""
    recoded: tuple[tuple[float, float], ...] = ()
    """Numbers that stand for another, and that other."""

    @property
    def storage(self) -> Storage:
        """The stored type of the column: numbers as numbers, levels as text.

        It follows from the feature summary alone, so that every extract gets the same columns.
        """
        return "text" if self.type in _TEXT_TYPES else "number"

    @property
    def is_date(self) -> bool:
        """True if its codes are dates, of whatever order."""
        return self.type in ("date", "us date")

    @property
    def is_number(self) -> bool:
        """True if its known values are numbers: those of a date are years."""
        return self.storage == "number" or self.is_date

    @property
    def missing_numbers(self) -> tuple[float, ...]:
        """The missing codes that are numbers."""
        return tuple(float(code) for code in self.missing if is_number(code))

    @property
    def missing_words(self) -> tuple[str, ...]:
        """The missing codes that are no numbers, such as ``?``; NaN in a number column."""
        return tuple(code for code in self.missing if not is_number(code))


@dataclass(frozen=True)
class Schema:
    """The attributes of the extracts, in the feature summary's order."""

    attributes: tuple[Attribute, ...]
    columns: tuple[str, ...] = ()
    """All columns in order, where the feature summary lists some that are no attributes."""
    carried: tuple[str, ...] = ()
    """Columns that are no attributes and are carried along as text where an extract has them."""
    texts: tuple[str, ...] = ()
    """Those of them of type `text`, such as remarks and addresses."""

    @cached_property
    def _by_name(self) -> dict[str, Attribute]:
        return {attribute.name: attribute for attribute in self.attributes}

    @cached_property
    def names(self) -> tuple[str, ...]:
        return tuple(attribute.name for attribute in self.attributes)

    @property
    def listed(self) -> tuple[str, ...]:
        """All columns that the feature summary lists, in its order."""
        return self.columns or self.names

    @property
    def numbers(self) -> tuple[Attribute, ...]:
        """The attributes whose columns hold numbers."""
        return tuple(attribute for attribute in self.attributes if attribute.storage == "number")

    def without(self, name: str) -> "Schema":
        """Return the schema with a column of that name as no attribute."""
        if name not in self.names:
            return self
        return replace(
            self, attributes=tuple(a for a in self if a.name != name), columns=self.listed
        )

    def __getitem__(self, name: str) -> Attribute:
        return self._by_name[name]

    def __iter__(self) -> Iterator[Attribute]:
        return iter(self.attributes)

    def __len__(self) -> int:
        return len(self.attributes)


def read_feature_summary(path: Readable, missing: Sequence[str] = ()) -> Schema:
    """Read a feature summary: a table of ``attribute;information_level;type;missing_or_unknown``.

    The separator may be a semicolon, comma, tab or bar; header and types may have capitals.

    Parameters
    ----------
    missing : codes and words that mean missing in every attribute

    Raises
    ------
    DataError
        If the file is absent, is no such table, or has faults; all of them are listed.
    """
    header, rows = read_table(path, COLUMNS, "inputs.feature_summary")
    everywhere = tuple(canonical(code) for code in missing)
    attributes, listed, kinds = list[Attribute](), list[str](), dict[str, str]()
    faults = list[str]()
    for line, row in rows:
        try:
            name, kind, attribute = _attribute(header, row, everywhere)
            listed.append(name)
            attributes += [attribute] if attribute else []
            kinds |= {name: kind} if kind in _CARRIED else {}
        except ValueError as error:
            faults.append(f"line {line}: {error}")
    counts = Counter(listed)
    faults += [f"{name} is listed {n} times" for name, n in counts.items() if n > 1]
    if not attributes and not faults:
        faults = ["it lists no attribute"]
    if faults:
        more = len(faults) - _MOST_FAULTS
        listed = faults[:_MOST_FAULTS] + ([f"and {more} more"] if more > 0 else [])
        raise DataError(f"{path}: {'; '.join(listed)}. Correct the feature summary.")
    columns = tuple(listed) if len(listed) > len(attributes) else ()
    texts = tuple(name for name, kind in kinds.items() if kind == "text")
    return Schema(tuple(attributes), columns, tuple(kinds), texts)


def _attribute(
    header: list[str], row: list[str], everywhere: tuple[str, ...]
) -> tuple[str, str, Attribute | None]:
    """Build the attribute of a row; return its name and type with it, None for one that is none.

    Raises
    ------
    ValueError
        That says what is wrong with the row.
    """
    if len(row) <= max(map(header.index, COLUMNS)) or any(row[len(header) :]):
        hint = "; put a list of codes in brackets" if len(row) > len(header) else ""
        raise ValueError(f"{len(row)} cells, expected {len(header)}{hint}")
    cells = dict(zip(header, row, strict=False))
    if any(len(cells[column].splitlines()) > 1 for column in COLUMNS):
        raise ValueError("a quote is opened and not closed")
    name, kind = cells["attribute"], cells["type"].lower()
    if not name:
        raise ValueError("no attribute name")
    if name == "row":
        raise ValueError("an attribute cannot be called row, the name of the row number")
    if kind in get_args(NoAttribute):
        return name, kind, None
    if kind not in get_args(AttributeType):
        raise ValueError(f"unknown type of {name}; use {', '.join(get_args(AttributeType))}")
    numbers = kind not in _TEXT_TYPES
    try:
        codes = read_codes(cells["missing_or_unknown"], numbers=numbers)
        recoded = read_recoded(cells["missing_or_unknown"]) if numbers else ()
    except ValueError as error:
        raise ValueError(f"missing_or_unknown of {name} {error}") from None
    attribute = Attribute(
        name=name,
        information_level=cells["information_level"],
        type=cast(AttributeType, kind),
        missing=tuple(dict.fromkeys((*codes, *everywhere))),
        recoded=recoded,
    )
    return name, kind, attribute
