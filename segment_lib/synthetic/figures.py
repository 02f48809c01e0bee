"""The published figures the extracts are calibrated to, and the facts about each attribute, as data."""

import json
from dataclasses import dataclass
from functools import cache
from importlib import resources

JsonObject = dict[str, "Json"]
Json = str | int | float | bool | None | list["Json"] | JsonObject

OUTLIERS = ("AGER_TYP", "GEBURTSJAHR", "TITEL_KZ", "ALTER_HH", "KK_KUNDENTYP", "KBA05_BAUMAX")
"""The six attributes nobody keeps: row-missing counts are published over the other 79."""

ROWS = {"population": 891_221, "customers": 191_652}
"""Rows of the real extracts: the size all published counts refer to."""


@dataclass(frozen=True)
class Attribute:
    """One of the 85 delivered columns."""

    name: str
    kind: str
    """int (never empty), float (`3.0`, empty when missing) or text."""
    level: str
    meaning: str
    value_kind: str
    codes: dict[str, str]
    unknown: dict[str, str]
    note: str | None


@cache
def attributes() -> tuple[Attribute, ...]:
    """The delivered columns, in order."""
    return tuple(
        Attribute(
            name=entry["attribute"],
            kind=entry["kind"],
            level=entry["level"],
            meaning=entry["meaning"],
            value_kind=entry["value_kind"],
            codes=entry["codes"],
            unknown=entry["unknown"],
            note=entry["note"],
        )
        for entry in json.loads(read_text("attributes.json"))
    )


def read_text(name: str) -> str:
    """A data file of this package."""
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")


@cache
def figures() -> JsonObject:
    """Every published block, each with its source."""
    block = json.loads(read_text("figures.json"))
    assert isinstance(block, dict)
    return block


@cache
def missing_codes() -> dict[str, tuple[str, ...]]:
    """Each attribute's missing-or-unknown codes, as the feature summary lists them."""
    rows = [line.split(";") for line in read_text("feature_summary.csv").splitlines()[1:]]
    return {name: tuple(filter(None, codes.strip("[]").split(","))) for name, _, _, codes in rows}


def source(block: JsonObject) -> str:
    """Where a block was published: repository, notebook, commit, cell."""
    entry = block.get("source", block.get("sources", [None])[0]) or block.get("population_before_source")
    if entry is None:
        return "worked out from published figures"
    cell = f", cell {entry['cell_index']}" if "cell_index" in entry else ""
    return f"{entry['repo']}, {entry['notebook']} at {entry['commit'][:10]}{cell}"
