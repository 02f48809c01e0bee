"""The published figures the extracts are calibrated to, and the facts about each attribute."""

import json
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, TypedDict

import numpy as np
from numpy.typing import NDArray

OUTLIERS = ("AGER_TYP", "GEBURTSJAHR", "TITEL_KZ", "ALTER_HH", "KK_KUNDENTYP", "KBA05_BAUMAX")
"""The six attributes nobody keeps: row-missing counts are published over the other 79."""

ROWS = {"population": 891_221, "customers": 191_652}
"""Rows of the real extracts: the size all published counts refer to."""

Block = dict[str, Any]
"""One published block as stored: its shape is as varied as the notebooks it comes from."""


@dataclass(frozen=True)
class Attribute:
    """One of the 85 delivered columns."""

    name: str
    kind: str
    """int (never empty), float (`3.0`, empty when missing) or text."""
    level: str
    meaning: str
    codes: dict[str, str]
    unknown: dict[str, str]
    is_number: bool
    """A count or a year; `codes` then holds ranges."""


class _Entry(TypedDict):
    attribute: str
    kind: str
    level: str
    meaning: str
    codes: dict[str, str]
    unknown: dict[str, str]
    value_kind: str


@cache
def attributes() -> tuple[Attribute, ...]:
    """The delivered columns, in order."""
    entries: list[_Entry] = json.loads(read_text("attributes.json"))
    return tuple(
        Attribute(
            name=entry["attribute"],
            kind=entry["kind"],
            level=entry["level"],
            meaning=entry["meaning"],
            codes=entry["codes"],
            unknown=entry["unknown"],
            is_number=entry["value_kind"] == "number",
        )
        for entry in entries
    )


@cache
def missing_codes() -> dict[str, tuple[str, ...]]:
    """Each attribute's missing-or-unknown codes, as the feature summary lists them."""
    rows = [line.split(";") for line in read_text("feature_summary.csv").splitlines()[1:]]
    return {name: tuple(filter(None, codes.strip("[]").split(","))) for name, _, _, codes in rows}


@cache
def figures() -> Block:
    """Every published block, each with its source."""
    blocks: Block = json.loads(read_text("figures.json"))
    return blocks


@cache
def coarse_codes(name: str, key: str) -> NDArray[np.int64]:
    """The coarse code of each fine code, where coarse codes are runs of fine ones."""
    ends: dict[str, int] = figures()["derived"][name][key]
    table = np.zeros(max(ends.values()) + 1, dtype=np.int64)
    for coarse, last in sorted(ends.items(), key=lambda end: -end[1]):
        table[: last + 1] = int(coarse)
    return table


def source(block: Block) -> str:
    """The place a block was published: repository, notebook, commit, cell."""
    entry = block["source"] if "source" in block else block.get("sources", [None])[0]
    if entry is None:
        return "worked out from published figures"
    cell = f", cell {entry['cell_index']}" if "cell_index" in entry else ""
    return f"{entry['repo']}, {entry['notebook']} at {entry['commit'][:10]}{cell}"


def read_text(name: str) -> str:
    """A data file of this package."""
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")
