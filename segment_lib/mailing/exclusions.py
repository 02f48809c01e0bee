"""People to leave out of a target list: known customers, and those of the suppression file."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from dask import delayed
from dask.delayed import Delayed

from segment_lib.errors import ConfigError, DataError
from segment_lib.mailing.suppression import SuppressionFile, matching_columns, open_suppression
from segment_lib.mailing.targets import Exclusions, SortedPart
from segment_lib.schema import suppress_column
from segment_lib.schema.customer_mark import CustomerMark
from segment_lib.schema.ids import NO_ID, hash_ids
from segment_lib.storage.files import StoredFile, read_part
from segment_lib.storage.location import Location

_NOBODY = np.empty(0, dtype=np.uint64)
_ALLOW = "or say --allow-unmatched to write the list all the same"


@dataclass(frozen=True)
class IdColumns:
    """The columns of a run that decide who is listed; empty if there is none."""

    ids: str
    marks: str
    """The column that says who must not be mailed."""
    missing: tuple[str, ...] = ()
    """Its codes that mean missing."""
    repeating: bool = False
    """True if an id may be that of several rows of the population."""
    customer_mark: CustomerMark | None = None
    """What marks customers among the population, where that and no id tells them."""

    @property
    def customers_by(self) -> str | None:
        """What customers are known by among the population: ``id``, ``mark``, or nothing."""
        return "id" if self.ids else "mark" if self.customer_mark else None

    def read(self, root: Location, raw: StoredFile) -> tuple[pl.Series | None, pl.Series | None]:
        """Return the ids of the rows of a raw part, and who of them must not be mailed."""
        names = [name for name in (self.ids, self.marks) if name]
        if not names:
            return None, None
        rows = read_part(root, raw, columns=names)
        return (
            rows[self.ids] if self.ids else None,
            suppress_column.is_suppressed(rows[self.marks], self.missing) if self.marks else None,
        )


@dataclass(frozen=True)
class RunIds:
    """The ids of a run, part by part."""

    root: Location
    raw: Mapping[str, Sequence[StoredFile]]
    """The raw parts of each extract."""
    columns: IdColumns
    compute: Callable[[Sequence[Delayed]], Sequence[Any]]
    """Computes tasks, one for each part."""
    log: Callable[[str], None]
    listed: str = "population"
    """The extract whose people are listed."""

    def exclusions(self, suppress: Location | None) -> Exclusions:
        """Return the customers, if ids tell them of the population, the suppressed and the marked.

        Raises
        ------
        ConfigError
            If customers are listed who have no ids.
        DataError
            If it is not certain which column of the suppression file holds the ids.
        """
        ids, is_population = self.columns.ids, self.listed == "population"
        customers = _NOBODY
        if is_population:
            customers = self._customers() if ids else self._rows_of_customers()
        marked = self._marked() if self.columns.marks and self.columns.repeating else _NOBODY
        if suppress is None:
            return Exclusions(customers, _NOBODY, marked)
        suppression = open_suppression(suppress, ids or "row")
        if ids:
            return Exclusions(customers, suppression.keys(self._id_column(suppression)), marked)
        if not is_population:
            raise ConfigError(
                "--suppress: the customers have no ids, so nobody can say who of them is "
                "suppressed. Name inputs.id_column and run again."
            )
        return Exclusions(customers, suppression.row_numbers())

    def refuse_unmatched(
        self, suppress: Location | None, excluded: Exclusions, parts: Sequence[SortedPart]
    ) -> None:
        """Raise a DataError if no suppressed or no customer's id is one of the population."""
        if suppress and not any(len(part.suppressed_matched) for part in parts):
            raise self._no_suppressed(suppress, len(excluded.suppressed))
        n = len(excluded.customers)
        if n and not any(len(part.customers_matched) for part in parts):
            folded = {0: self._customers(fold=True)}
            hint = _case_hint(self._match(["population"], folded, fold=True))
            raise DataError(
                f"{self.columns.ids}: none of the {n:,} ids of the customers is one of the "
                f"population, so no known customer would be left out.{hint} Deliver both extracts "
                f"with the same ids and run again, {_ALLOW}."
            )

    def _no_suppressed(self, suppress: Location, n: int) -> DataError:
        if not n:
            return DataError(f"{suppress}: holds no ids. Check --suppress, {_ALLOW}.")
        ids = self.columns.ids
        suppression = open_suppression(suppress, ids) if ids else None
        hint = _case_hint(self._matching(suppression, fold=True)) if suppression else ""
        return DataError(
            f"{suppress}: none of its {n:,} ids is {f'an id in {ids}' if ids else 'a row number'} "
            f"of the {self.listed}.{hint} Write them as the extract has them, {_ALLOW}."
        )

    def _id_column(self, suppression: SuppressionFile) -> int:
        """Return the column of a suppression file that holds ids of people.

        Raises
        ------
        DataError
            If several do.
        """
        first, *others = suppression.columns
        if not others:
            return first
        matching = self._matching(suppression)
        if len(matching) > 1:
            raise DataError(
                f"{suppression.path}: columns {', '.join(str(i + 1) for i in matching)} hold ids "
                f"of people. Call the right one {self.columns.ids}, or save it alone."
            )
        if not matching:
            return first
        (column,) = matching
        self.log(f"{suppression.path}: column {column + 1} holds ids of people, and is read")
        return column

    def _matching(self, suppression: SuppressionFile, *, fold: bool = False) -> list[int]:
        """Return the columns of a suppression file that hold ids of people, from 0."""
        for samples in suppression.samples(fold=fold):
            if columns := self._match(list(self.raw), samples, fold=fold):
                return sorted(columns)
        return []

    def _match(
        self, extracts: Sequence[str], samples: Mapping[int, np.ndarray], *, fold: bool
    ) -> set[int]:
        tasks = [
            delayed(_match_part)(self.root, file, self.columns.ids, samples, fold)
            for extract in extracts
            for file in self.raw[extract]
        ]
        return set().union(*self.compute(tasks))

    def _customers(self, *, fold: bool = False) -> np.ndarray:
        """Return the keys of the ids of the customers, sorted."""
        tasks = [
            delayed(_keys)(self.root, file, self.columns.ids, fold)
            for file in self.raw["customers"]
        ]
        keys = np.unique(np.concatenate(self.compute(tasks)))
        return np.asarray(keys[keys != NO_ID])

    def _rows_of_customers(self) -> np.ndarray:
        """Return the numbers of the population's rows that are marked as customers, sorted."""
        mark, files = self.columns.customer_mark, self.raw["population"]
        tasks = [delayed(_rows_marked)(self.root, file, mark) for file in files if mark]
        return np.concatenate([_NOBODY, *self.compute(tasks)])

    def _marked(self) -> np.ndarray:
        """Return the keys of the ids of those marked as not to be mailed, sorted."""
        tasks = [
            delayed(_marked_keys)(self.root, file, self.columns) for file in self.raw[self.listed]
        ]
        keys = np.unique(np.concatenate(self.compute(tasks)))
        return np.asarray(keys[keys != NO_ID])


def _case_hint(matching: object) -> str:
    return " Some are, but for upper and lower case." if matching else ""


def exclusion_words(summary: Mapping[str, Any]) -> list[str]:
    """Return who was left out of a list, and how many ids were read and matched, in words."""
    words: list[str] = []
    if summary["list"] != "customers" and summary["customer_ids"] is None:
        words = ["no customers (they cannot be known without inputs.id_column)"]
    elif summary["customers_by"] == "mark":
        words = [f"{summary['known_customers_left_out']:,} customers, marked as such"]
    elif summary["list"] != "customers":
        words = [
            f"{summary['known_customers_left_out']:,} known customers ("
            f"{summary['customer_ids_met']:,} of the {summary['customer_ids']:,} ids of customers "
            "are of the population)"
        ]
    suppressed = f"{summary['suppressed_left_out']:,} suppressed"
    if summary["suppressed_told"]:
        suppressed += (
            f" ({summary['suppressed_met']:,} of the {summary['suppressed_told']:,} ids read are "
            f"of the {'customers' if summary['list'] == 'customers' else 'population'})"
        )
    others = {
        "marked_left_out": "marked as not to be mailed",
        "without_id_left_out": "without an id",
        "without_segment_left_out": "without a segment",
        "repeated_left_out": "listed before",
    }
    rest = [f"{summary[key]:,} {what}" for key, what in others.items() if summary[key]]
    return [*words, suppressed, *rest]


def _match_part(
    root: Location, raw: StoredFile, column: str, samples: Mapping[int, np.ndarray], fold: bool
) -> set[int]:
    return matching_columns(read_part(root, raw, columns=[column])[column], samples, fold=fold)


def _rows_marked(root: Location, raw: StoredFile, mark: CustomerMark) -> np.ndarray:
    rows = read_part(root, raw, columns=["row", mark.column])
    return rows["row"].filter(mark.matches(rows[mark.column])).to_numpy().astype(np.uint64)


def _marked_keys(root: Location, raw: StoredFile, columns: IdColumns) -> np.ndarray:
    ids, marked = columns.read(root, raw)
    assert ids is not None
    assert marked is not None
    return np.unique(hash_ids(ids.filter(marked)))


def _keys(root: Location, raw: StoredFile, column: str, fold: bool) -> np.ndarray:
    return np.unique(hash_ids(read_part(root, raw, columns=[column])[column], fold=fold))
