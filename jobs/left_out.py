"""Who is left out of a target list: known customers, and those in the suppression file."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from dask import delayed

from segment_lib.cluster.workers import Workers
from segment_lib.errors import ConfigError, DataError
from segment_lib.mailing.suppression import SuppressionFile, matching_columns, open_suppression
from segment_lib.mailing.targets import Exclusions, SortedPart
from segment_lib.run.manifest import Manifest
from segment_lib.run.progress import log
from segment_lib.schema import suppress_column
from segment_lib.schema.ids import NO_ID, hash_ids
from segment_lib.storage.files import StoredFile, read_part
from segment_lib.storage.location import Location

_NOBODY = np.empty(0, dtype=np.uint64)
_ALLOW = "or say --allow-unmatched to write the list all the same"


@dataclass(frozen=True)
class Columns:
    """The columns of a run that decide who is listed; empty if there is none."""

    ids: str
    marks: str
    """The column that says who must not be mailed."""
    missing: tuple[str, ...] = ()
    """Its codes that mean missing."""
    repeating: bool = False
    """True if an id may be that of several rows of the population."""

    @classmethod
    def of(cls, manifest: Manifest) -> "Columns":
        """Those of a finished run.

        Raises
        ------
        ConfigError
            If the run was made by an earlier version.
        """
        facts = manifest.stages["ingest"].facts
        if "id_column" not in facts:
            raise ConfigError(
                f"{manifest.root}: made by an earlier version, which compared ids by their "
                "spelling. Run python -m jobs.run with its config again."
            )
        marks = facts["suppress_column"]
        carried = facts["passthrough"]["population"]
        missing = {name: tuple(codes) for name, _, _, codes in facts["attributes"]}
        repeated = facts["ids"]["population"]["rows"] if facts["id_column"] else 0
        return cls(
            facts["id_column"],
            marks if marks in carried or marks in missing else "",
            missing.get(marks, ()),
            repeated > 0 and facts["repeated_ids"] == "rows",
        )

    def of_part(
        self, root: Location, file: StoredFile
    ) -> tuple[pl.Series | None, pl.Series | None]:
        """Ids of the rows of a raw part, and who of them must not be mailed."""
        names = [name for name in (self.ids, self.marks) if name]
        if not names:
            return None, None
        rows = read_part(root, file, columns=names)
        return (
            rows[self.ids] if self.ids else None,
            suppress_column.is_suppressed(rows[self.marks], self.missing) if self.marks else None,
        )


def left_out(
    manifest: Manifest, columns: Columns, suppress: Location | None, workers: Workers
) -> Exclusions:
    """The customers, if ids tell them, and the suppressed.

    Raises
    ------
    DataError
        If it is not certain which column of the suppression file holds the ids.
    """
    known = _customers(manifest, columns, workers) if columns.ids else _NOBODY
    if suppress is None:
        return Exclusions(known, _NOBODY)
    suppression = open_suppression(suppress, columns.ids or "row")
    if not columns.ids:
        return Exclusions(known, suppression.row_numbers())
    return Exclusions(known, suppression.keys(find_column(manifest, columns, suppression, workers)))


def find_column(
    manifest: Manifest, columns: Columns, suppression: SuppressionFile, workers: Workers
) -> int:
    """The column of a suppression file that holds ids of people.

    Raises
    ------
    DataError
        If several do.
    """
    first, *others = suppression.columns
    if not others:
        return first
    met = _matched(manifest, columns, suppression, workers)
    if len(met) > 1:
        raise DataError(
            f"{suppression.path}: columns {', '.join(str(i + 1) for i in met)} hold ids of people. "
            f"Call the right one {columns.ids}, or save it alone."
        )
    if not met:
        return first
    log(f"export   {suppression.path}: column {met[0] + 1} holds ids of people, and is read")
    return met[0]


def refuse_unmatched(
    manifest: Manifest,
    columns: Columns,
    suppress: Location | None,
    out: Exclusions,
    runs: Sequence[SortedPart],
    workers: Workers,
) -> None:
    """Raise a DataError if no suppressed or no customer's id is one of the population."""
    if suppress and not any(len(run.suppressed_matched) for run in runs):
        if not len(out.suppressed):
            raise DataError(f"{suppress}: holds no ids. Check --suppress, {_ALLOW}.")
        what = f"an id in {columns.ids}" if columns.ids else "a row number"
        hint = ""
        if columns.ids:
            suppression = open_suppression(suppress, columns.ids)
            if _matched(manifest, columns, suppression, workers, fold=True):
                hint = " Some are, but for upper and lower case."
        raise DataError(
            f"{suppress}: none of its {len(out.suppressed):,} ids is {what} of the population."
            f"{hint} Write them as the population has them, {_ALLOW}."
        )
    if len(out.customers) and not any(len(run.customers_matched) for run in runs):
        samples = {0: _customers(manifest, columns, workers, fold=True)}
        alike = _match(manifest, "raw/population/", columns, samples, workers, True)
        hint = " Some are, but for upper and lower case." if alike else ""
        raise DataError(
            f"{columns.ids}: none of the {len(out.customers):,} ids of the customers is one of the "
            f"population, so no known customer would be left out.{hint} Deliver both extracts with "
            f"the same ids and run again, {_ALLOW}."
        )


def left_out_words(summary: Mapping[str, Any]) -> list[str]:
    """Who was left out of a list, and how many ids were read and met, in words."""
    if summary["customer_ids"] is None:
        words = ["no customers (they cannot be known without inputs.id_column)"]
    else:
        words = [
            f"{summary['known_customers_left_out']:,} known customers ("
            f"{summary['customer_ids_met']:,} of the {summary['customer_ids']:,} ids of customers "
            "are of the population)"
        ]
    suppressed = f"{summary['suppressed_left_out']:,} suppressed"
    if summary["suppressed_told"]:
        suppressed += (
            f" ({summary['suppressed_met']:,} of the {summary['suppressed_told']:,} ids read are "
            "of the population)"
        )
    others = {
        "marked_left_out": "marked as not to be mailed",
        "without_id_left_out": "without an id",
        "repeated_left_out": "listed before",
    }
    rest = [f"{summary[key]:,} {what}" for key, what in others.items() if summary[key]]
    return [*words, suppressed, *rest]


def _matched(
    manifest: Manifest,
    columns: Columns,
    suppression: SuppressionFile,
    workers: Workers,
    *,
    fold: bool = False,
) -> list[int]:
    """The columns of a suppression file that hold ids of people, from 0."""
    for samples in suppression.samples(fold=fold):
        if met := _match(manifest, "raw/", columns, samples, workers, fold):
            return sorted(met)
    return []


def _match(
    manifest: Manifest,
    folder: str,
    columns: Columns,
    samples: Mapping[int, np.ndarray],
    workers: Workers,
    fold: bool,
) -> set[int]:
    tasks = [
        delayed(_match_part)(manifest.root, file, columns, samples, fold)
        for file in manifest.files("ingest", folder)
    ]
    return set().union(*workers.run(tasks))


def _match_part(
    root: Location,
    file: StoredFile,
    columns: Columns,
    samples: Mapping[int, np.ndarray],
    fold: bool,
) -> set[int]:
    return matching_columns(
        read_part(root, file, columns=[columns.ids])[columns.ids], samples, fold=fold
    )


def _customers(
    manifest: Manifest, columns: Columns, workers: Workers, *, fold: bool = False
) -> np.ndarray:
    """Keys of the ids of the customers, sorted."""
    files = manifest.files("ingest", "raw/customers/")
    tasks = [delayed(_keys)(manifest.root, file, columns.ids, fold) for file in files]
    keys = np.unique(np.concatenate(workers.run(tasks)))
    return np.asarray(keys[keys != NO_ID])


def _keys(root: Location, file: StoredFile, column: str, fold: bool) -> np.ndarray:
    return np.unique(hash_ids(read_part(root, file, columns=[column])[column], fold=fold))
