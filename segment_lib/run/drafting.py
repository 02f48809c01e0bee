"""The draft of a job from two extracts alone: a line for each column, and the config."""

import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from dask.delayed import Delayed

from segment_lib.clean.columns import MAX_CODES
from segment_lib.clean.kinds import MAX_LEVELS, ColumnDraft, Kind, KnownColumn, draft_column
from segment_lib.clean.roles import Roles, assign_roles, id_draft
from segment_lib.clean.scales import Order, orders
from segment_lib.encode.recodings import RECODINGS
from segment_lib.schema import (
    Attribute,
    LabelTable,
    Meaning,
    Schema,
    known_meanings,
    known_phrases,
    read_dictionary,
    read_labels,
)
from segment_lib.schema.customer_mark import CustomerMark
from segment_lib.schema.drafted import format_codes, write_summary
from segment_lib.schema.language import Sentence
from segment_lib.sources import TextFormat, is_database
from segment_lib.sources.numbers import NATIVE_FORMAT
from segment_lib.storage.location import Location
from segment_lib.storage.stores import is_remote
from segment_lib.tasks.columns import CountedExtract, count_columns
from segment_lib.terms import EXTRACTS

CONFIG, SUMMARY = "my.toml", "feature_summary.csv"
"""Names of the files that are drafted."""
GIVEN = ("population_query", "customers_query", "customers_where")
"""Keys that say what the extracts are, and are taken over as they are given."""
_MIN_COMPLETE = 50
"""Attributes from which on the usual bound of missing ones in a row is left as it is."""
_COMPARED = 12_000
"""Rows of the sample in which columns are compared with each other, at most."""


@dataclass(frozen=True)
class Draft:
    """What was drafted of two extracts."""

    population: CountedExtract
    customers: CountedExtract
    columns: tuple[ColumnDraft, ...]
    """In the population's order, then those that only the customers have."""
    roles: Roles
    descriptions: Mapping[str, str] = field(default_factory=dict)
    """Key of the config to the file that describes columns or codes; empty if there is none."""
    remarks: tuple[Sentence, ...] = ()
    """What does not fit together in these files and the rows."""

    @property
    def attributes(self) -> list[ColumnDraft]:
        """The columns that people are segmented by."""
        return [column for column in self.columns if column.is_attribute]

    @property
    def known_customers(self) -> int | None:
        """Customers whose id the population has too; None without ids."""
        name = self.roles.id_column
        if not name:
            return None
        return len(np.intersect1d(self.population.ids[name], self.customers.ids[name]))

    def summary(self, min_cell: int) -> bytes:
        """The feature summary, with what was found of each column."""
        return write_summary(_line(column, min_cell) for column in self.columns)


def _line(column: ColumnDraft, min_cell: int) -> Sequence[str]:
    commonest = ", ".join(f"{code} ({share:.1%})" for code, share in column.commonest(min_cell))
    return (
        column.name,
        "",
        column.kind,
        format_codes(column.missing),
        column.counts.levels_in_words,
        _share_in_words(column.n_missing, column.counts.rows, min_cell),
        f"mostly {commonest}" if commonest else "",
        f"{column.why}; doubtful" if column.doubts else column.why,
    )


def _share_in_words(part: int, rows: int, min_cell: int) -> str:
    """A share of the rows; in words where few rows are in it, or out of it."""
    if 0 < part < min_cell:
        return "few"
    return "nearly all" if 0 < rows - part < min_cell else f"{part / max(1, rows):.1%}"


def known_columns(
    names: Sequence[str], dictionary: Path | None, table: LabelTable | None = None
) -> dict[str, KnownColumn]:
    """What is known of columns by dictionary and labels, and by name of those of AZDIAS.

    Raises
    ------
    DataError
        If the dictionary cannot be read, or has no section for any column.
    """
    shipped = {name: m for name, m in known_meanings().items() if name in names}
    labels = read_dictionary(dictionary, _codes(names)).meanings if dictionary else {}
    labels = table.meanings(labels) if table else labels
    known = {name: KnownColumn(meaning) for name, meaning in labels.items() if name in names}
    for name, meaning in shipped.items():
        levels = frozenset(meaning.levels) if meaning.complete else frozenset()
        known[name] = KnownColumn(labels.get(name), levels, _known_kind(name, meaning))
    return known


def _codes(names: Sequence[str]) -> Schema:
    """A schema of columns that may all be codes."""
    return Schema(tuple(Attribute(name, "", "categorical", ()) for name in names))


def _known_kind(name: str, meaning: Meaning) -> Kind:
    """The type of an attribute of AZDIAS."""
    if name in RECODINGS:
        return "mixed"
    if not meaning.levels:
        return "numeric"
    phrases = known_phrases().get(name)
    if phrases and "low" in phrases.words:
        return "interval" if len(meaning.levels) > MAX_CODES else "ordinal"
    return "categorical"


def draft_files(
    compute: Callable[[Sequence[Delayed]], list[Any]],
    patterns: Mapping[str, str],
    forms: Mapping[str, TextFormat],
    scratch: Location,
    *,
    mark: CustomerMark | None = None,
    dictionary: Path | None = None,
    labels: Path | None = None,
    min_cell: int,
    seed: int = 0,
) -> Draft:
    """Count the rows of two extracts, and draft their job.

    Parameters
    ----------
    patterns, forms : by extract, where its files lie and what is known of their text
    scratch : a folder for packed files while they are read
    mark, dictionary, labels : as `draft` takes them
    seed : of the sample

    Raises
    ------
    DataError
        If a file cannot be read.
    """
    counted = dict[str, CountedExtract]()
    for name in EXTRACTS:
        counted[name] = count_columns(
            compute,
            name,
            patterns[name],
            forms[name],
            folder=scratch / name,
            population=counted.get("population"),
            mark=mark,
            seed=seed,
        )
    population, customers = counted.values()
    return draft(
        population, customers, dictionary=dictionary, labels=labels, mark=mark, min_cell=min_cell
    )


def draft(
    population: CountedExtract,
    customers: CountedExtract,
    *,
    dictionary: Path | None,
    labels: Path | None = None,
    mark: CustomerMark | None = None,
    min_cell: int,
) -> Draft:
    """Draft the job that segments the population and compares the customers.

    Parameters
    ----------
    labels : a table ``column,code,label``
    mark : what tells the customers from others, if they have no files of their own
    """
    names = list(dict.fromkeys((*population.columns, *customers.columns)))
    shared = [name for name in names if name in population.columns and name in customers.columns]
    table = read_labels(labels, _codes(names)) if labels else None
    remarks = table.remarks(_held(names, population, customers)) if table else []
    known = known_columns(names, dictionary, table)
    order = _orders(population, shared, known, min_cell)
    columns = []
    for name in names:
        counts = population.columns.get(name), customers.columns.get(name)
        columns.append(
            id_draft(name, *counts, min_cell)
            or draft_column(
                name,
                *counts,
                known.get(name, KnownColumn()),
                order=order.get(name),
                min_cell=min_cell,
            )
        )
    marks = {
        column.name: ColumnDraft(column.name, "left out", "marks the customers", column.counts)
        for column in columns
        if mark and column.name == mark.column
    }
    roles, others = assign_roles([column for column in columns if column.name not in marks])
    by_name = {column.name: column for column in others} | marks
    columns = [by_name[name] for name in names]
    files = {"data_dictionary": str(dictionary or ""), "labels": str(labels or "")}
    return Draft(population, customers, tuple(columns), roles, files, tuple(remarks))


def _held(names: Iterable[str], *extracts: CountedExtract) -> dict[str, set[str] | None]:
    """Codes that rows hold, by column; None if there are too many to count."""
    held: dict[str, set[str] | None] = {}
    for name in names:
        counts = [extract.columns[name] for extract in extracts if name in extract.columns]
        codes = {code for own in counts for code in (*own.levels, *own.words)}
        held[name] = None if any(own.n_levels is None for own in counts) else codes
    return held


def _orders(
    population: CountedExtract,
    names: Iterable[str],
    known: Mapping[str, KnownColumn],
    min_cell: int,
) -> dict[str, Order]:
    """What the order of the numbers of columns says of other columns."""
    numbers = [
        name
        for name in names
        if population.columns[name].values and not population.columns[name].texts.overflow
    ]
    missing = {
        name: known.get(name, KnownColumn()).missing_codes(population.columns[name], min_cell).codes
        for name in numbers
    }
    codes = population.codes(numbers, missing, step=-(-len(population.sample) // _COMPARED))
    asked = [
        name
        for name in numbers
        if (name not in known or not known[name].kind)
        and 2 < len(population.columns[name].values) <= MAX_LEVELS
    ]
    return orders(codes, asked)


def write_config(
    draft: Draft, folder: Path, paths: Mapping[str, str], given: Mapping[str, str]
) -> str:
    """Write the config, with paths from its folder on, and a comment at each key to look at.

    Parameters
    ----------
    paths : where the extracts lie
    given : other keys of the inputs, to be written as they are
    """
    keys = {extract.name: _format_keys(extract) for extract in (draft.population, draft.customers)}
    located = {name: _value(_relative(path, folder)) for name, path in paths.items() if path}
    inputs, tables = list[str](), list[str]()
    if keys["population"] == keys["customers"]:
        inputs = [*(f"{name} = {path}" for name, path in located.items()), *keys["population"]]
    else:
        for name, path in located.items():
            tables += ["", f"[inputs.{name}]", f"path = {path}", *keys[name]]
    inputs += [f"{key} = {_value(value)}" for key, value in given.items() if value]
    inputs.append(f"feature_summary = {_value(SUMMARY)}")
    for key, path in draft.descriptions.items():
        if path:
            inputs.append(f"{key} = {_value(_relative(path, folder))}")
    for key in ("id_column", "suppress_column", "response"):
        if column := getattr(draft.roles, key):
            inputs.append(f"{key} = {_value(column)}")
    lines = [
        "# Drafted from the extracts; every key is described in docs/config.md.",
        "# What each column is stands in feature_summary.csv: correct it there.",
        "\n[inputs]",
        *inputs,
        *tables,
    ]
    if len(draft.attributes) < _MIN_COMPLETE:
        lines += ["\n[cleaning]", "max_missing_per_row = 0.5    # share of attributes"]
    sensitive = _value(draft.roles.sensitive)
    lines += ["\n[fairness]", f"attributes = {sensitive}    # sensitive, by their names"]
    return "\n".join(lines) + "\n"


def _format_keys(extract: CountedExtract) -> list[str]:
    """The keys that say how the text of an extract is written, where that is not found again."""
    numbers, keys = extract.reading.number_format, []
    if numbers != NATIVE_FORMAT:
        keys = [f"decimal = {_value(numbers.decimal)}", f"thousands = {_value(numbers.thousands)}"]
    form = extract.layout.form
    keys += [f"sheet = {_value(form.sheet)}"] if form.sheet else []
    return keys if form.header else [*keys, "header = false"]


def _relative(path: str, folder: Path) -> str:
    """A path as a config in the folder names it."""
    if is_remote(path) or is_database(path) or os.path.isabs(path):
        return path
    return os.path.relpath(path, folder)


def _value(value: object) -> str:
    """A value as TOML writes it."""
    return json.dumps(value, ensure_ascii=False)
