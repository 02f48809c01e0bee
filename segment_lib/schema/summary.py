"""The feature summary: the attributes of an extract, their types, the codes that mean missing."""

import csv
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from math import isfinite
from pathlib import Path
from typing import Literal, cast, get_args

from segment_lib.errors import DataError

AttributeType = Literal["categorical", "ordinal", "numeric", "interval", "mixed"]
Storage = Literal["number", "text"]

COLUMNS = ("attribute", "information_level", "type", "missing_or_unknown")
_WHOLE = re.compile(r"([+-]?\d+)\.0+")


def canonical(code: str) -> str:
    """The one spelling of a code: ``8``, ``8.0`` and `` 8`` are the same level.

    >>> canonical(" 8.0"), canonical("8.5"), canonical("W")
    ('8', '8.5', 'W')
    """
    code = code.strip()
    whole = _WHOLE.fullmatch(code)
    return whole.group(1) if whole else code


@dataclass(frozen=True)
class Attribute:
    """A column of the extracts, as the feature summary describes it."""

    name: str
    information_level: str
    type: AttributeType
    missing: tuple[str, ...]
    """Codes that stand for missing or unknown, in canonical spelling."""

    @property
    def storage(self) -> Storage:
        """Numbers are stored as numbers, levels as text.

        It follows from the feature summary alone, so that every extract gets the same columns.
        """
        return "text" if self.type in ("categorical", "mixed") else "number"

    @property
    def missing_numbers(self) -> tuple[float, ...]:
        """The missing codes that are numbers."""
        return tuple(float(code) for code in self.missing if _is_number(code))

    @property
    def missing_words(self) -> tuple[str, ...]:
        """The missing codes that are none, such as ``?``. A number column holds them as NaN."""
        return tuple(code for code in self.missing if not _is_number(code))


@dataclass(frozen=True)
class Schema:
    """The attributes of the extracts, in the feature summary's order."""

    attributes: tuple[Attribute, ...]

    @cached_property
    def _by_name(self) -> dict[str, Attribute]:
        return {attribute.name: attribute for attribute in self.attributes}

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(attribute.name for attribute in self.attributes)

    def __getitem__(self, name: str) -> Attribute:
        return self._by_name[name]

    def __iter__(self) -> Iterator[Attribute]:
        return iter(self.attributes)

    def __len__(self) -> int:
        return len(self.attributes)


def read_feature_summary(path: Path) -> Schema:
    """Read ``attribute;information_level;type;missing_or_unknown``.

    Raises
    ------
    DataError
        If the file is absent, is no such table, or has faults; all of them are listed.
    """
    text = read_text(path, key="inputs.feature_summary")
    rows = csv.DictReader(text.splitlines(), delimiter=";")
    header = tuple(name.strip() for name in rows.fieldnames or ())
    if absent := [name for name in COLUMNS if name not in header]:
        raise DataError(
            f"{path}, line 1: no column {', '.join(absent)}; "
            f"expected the header {';'.join(COLUMNS)}."
        )
    rows.fieldnames = list(header)
    attributes, faults = [], []
    for row in rows:
        line = rows.line_num
        cells = {name: (row[name] or "").strip() for name in COLUMNS}
        if found := _fault(cells):
            faults.append(f"line {line}: {found}")
            continue
        codes = cells["missing_or_unknown"].strip("[]").split(",")
        attributes.append(
            Attribute(
                name=cells["attribute"],
                information_level=cells["information_level"],
                type=cast(AttributeType, cells["type"]),
                missing=tuple(canonical(code) for code in codes if code.strip()),
            )
        )
    counts = Counter(attribute.name for attribute in attributes)
    faults += [f"{name} is listed {n} times" for name, n in counts.items() if n > 1]
    if not attributes and not faults:
        faults = ["it lists no attribute"]
    if faults:
        raise DataError(f"{path}: {'; '.join(faults)}. Mend the feature summary.")
    return Schema(tuple(attributes))


def read_text(path: Path, key: str) -> str:
    """A file of the delivery that is read whole; `key` is where the config names it.

    Raises
    ------
    DataError
        If it is absent, may not be read or is not UTF-8.
    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise DataError(f"{path}: no such file. Set {key} to it.") from None
    except OSError as error:
        raise DataError(
            f"{path}: cannot be read ({error.strerror}). Ask for leave to read it, or set {key} to "
            "another."
        ) from None
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise DataError(f"{path}, line {line}: not UTF-8. Save the file as UTF-8.") from None


def _fault(cells: dict[str, str]) -> str | None:
    if not cells["attribute"]:
        return "no attribute name"
    if cells["attribute"] == "row":
        return "an attribute cannot be called row, the name of the row number"
    if cells["type"] not in get_args(AttributeType):
        return f"unknown type of {cells['attribute']}; use {', '.join(get_args(AttributeType))}"
    codes = cells["missing_or_unknown"]
    if not (codes.startswith("[") and codes.endswith("]")):
        return f"missing_or_unknown of {cells['attribute']} is no list such as [-1,0] or []"
    return None


def _is_number(code: str) -> bool:
    try:
        return isfinite(float(code))
    except ValueError:
        return False
