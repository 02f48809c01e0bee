"""People by their ids: who comes again is counted once, and who must not be mailed is marked.

Nothing is done, and nothing read, where neither inputs.id_column nor inputs.suppress_column is set.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from itertools import accumulate
from typing import Any

import numpy as np
import polars as pl
from dask import delayed

from jobs.legacy import Part, Parts, make_parts, part_key
from segment_lib.clean import Tally, tally_part
from segment_lib.clean.repeats import (
    BYTES_PER_ROW,
    ROWS_PER_BUCKET,
    RepeatCounts,
    RowsByOwner,
    assign_buckets,
    count_repeated,
    find_repeats,
    n_buckets,
    repeated_rows,
)
from segment_lib.errors import ConfigError, DataError, IntegrityError
from segment_lib.run.checkpoint import finish_part
from segment_lib.run.job import Job
from segment_lib.run.parts import reuse_part
from segment_lib.schema import Schema, suppress_column
from segment_lib.schema.ids import NO_ID, hash_ids, leading_zeros
from segment_lib.storage.files import StoredFile, read_metadata, read_part
from segment_lib.storage.location import Location
from segment_lib.terms import EXTRACTS

BYTES_PER_CELL = 15
"""Of a cell in memory while ids are read and attributes compared; measured."""
FREQUENT = 100
"""An id that so many rows have, and one in a hundred, may stand for none."""


@dataclass(frozen=True)
class Identified:
    """The ids of a part."""

    without_id: int
    keys: RowsByOwner
    """Key, row number, a hash of the attributes and leading zeros of the id, by bucket."""


@dataclass(frozen=True)
class People:
    """The parts of a run as they are published, and what was noticed of the people in them."""

    parts: Parts
    remarks: list[str] = field(default_factory=list)


def folder_of(job: Job) -> str:
    """The folder in which parts are made: not that in which they are published, if people repeat.

    So a run taken up again finds them whole, whatever was left out of them before.
    """
    inputs = job.config.inputs
    return "delivered" if inputs.id_column and inputs.repeated_ids == "once" else "raw"


def refuse_names(job: Job) -> None:
    """Raise a ConfigError if the columns about people are named so that they cannot serve."""
    inputs = job.config.inputs
    if inputs.suppress_column and inputs.suppress_column in ("row", inputs.id_column):
        raise ConfigError(
            f"inputs.suppress_column = {inputs.suppress_column}: is the id column or the row "
            "number. Name the column that says who must not be mailed."
        )


def settle(job: Job, made: Parts, work: Location) -> People:
    """The parts with each person once, by inputs.repeated_ids, and remarks on ids and marks."""
    remarks = mark_remarks(job, made, work)
    if not job.config.inputs.id_column:
        return People(made, remarks)
    scratch = job.scratch(work) / "ids"
    left_out: dict[str, int] = {}
    parts: list[Part] = []
    facts: dict[str, Any] = {}
    for name in EXTRACTS:
        files = [f for f in made.files if f.path.split("/")[1] == name]
        identified = identify(job, work, files, scratch, name)
        repeats, buckets = compare_ids(job, files, identified, scratch, name)
        without = sum(part.without_id for part in identified)
        facts[name] = {"without_id": without, **asdict(repeats)}
        remarks += id_remarks(job, name, repeats, without, sum(f.rows or 0 for f in files))
        parts += kept_parts(job, made, files, buckets, left_out, work)
    ids = {"ids": facts, "left_out": left_out}
    if folder_of(job) == "raw":
        return People(Parts(made.files, {**made.facts, **ids}), remarks)
    once = make_parts(job, "ingest", parts, work)
    return People(Parts(once.files, {**once.facts, **ids}), remarks)


def identify(
    job: Job, work: Location, files: Sequence[StoredFile], scratch: Location, name: str
) -> list[Identified]:
    """The ids of each part of an extract, on disk."""
    inputs = job.config.inputs
    n = n_buckets(sum(file.rows or 0 for file in files))
    tasks = [
        delayed(identify_part)(
            work, file, inputs.id_column, job.schema.names, n, scratch, f"{name}-{i:05d}"
        )
        for i, file in enumerate(files)
    ]
    largest = max(file.rows or 0 for file in files)
    return job.workers.run(tasks, at_once=job.at_once(BYTES_PER_CELL * len(job.schema), largest))


def identify_part(
    work: Location,
    file: StoredFile,
    column: str,
    attributes: Sequence[str],
    n: int,
    scratch: Location,
    path: str,
) -> Identified:
    """The ids of a part: those without one are nobody in particular."""
    rows = read_part(work, file)
    keys = hash_ids(rows[column])
    contents = rows.select(attributes).hash_rows(0).to_numpy()
    there = keys != NO_ID
    numbers = rows["row"].to_numpy().astype(np.uint64)
    table = np.column_stack([keys, numbers, contents, leading_zeros(rows[column])])[there]
    written = RowsByOwner.write(scratch, path, table, assign_buckets(keys[there], n), n)
    return Identified(int((~there).sum()), written)


def compare_ids(
    job: Job, files: Sequence[StoredFile], parts: Sequence[Identified], scratch: Location, name: str
) -> tuple[RepeatCounts, list[RowsByOwner]]:
    """What repeats in an extract, and the rows that do, by bucket."""
    firsts = list(accumulate((file.rows or 0 for file in files), initial=0))[:-1]
    tasks = [
        delayed(find_repeats)(
            [part.keys for part in parts], bucket, firsts, scratch, f"{name}-repeats-{bucket:05d}"
        )
        for bucket in range(n_buckets(sum(file.rows or 0 for file in files)))
    ]
    results = job.workers.run(tasks, at_once=job.at_once(BYTES_PER_ROW, ROWS_PER_BUCKET))
    return sum((found for found, _ in results), start=RepeatCounts()), [rows for _, rows in results]


def kept_parts(
    job: Job,
    made: Parts,
    files: Sequence[StoredFile],
    buckets: Sequence[RowsByOwner],
    left_out: dict[str, int],
    work: Location,
) -> list[Part]:
    """The parts of an extract without the rows that repeat an id; those that change are noted."""
    if folder_of(job) == "raw":
        return []
    counts = job.workers.run([delayed(count_repeated)(buckets, i) for i in range(len(files))])
    parts = []
    for i, (file, (rows, digest)) in enumerate(zip(files, counts, strict=True)):
        path, key = file.path.replace("delivered/", "raw/", 1), made.facts["keys"][file.path]
        if not rows:
            parts.append(Part(path, key, delayed(publish_part)(work, file, path)))
            continue
        left_out[path] = rows
        if rows == file.rows:
            continue  # Nobody is left: there is no part.
        task = delayed(keep_first)(work, file, buckets, i, job.schema, path)
        parts.append(Part(path, part_key("once", key, digest), task))
    return parts


def publish_part(work: Location, file: StoredFile, path: str) -> StoredFile:
    """A part in which nobody repeats, under the name by which it is published."""
    published = reuse_part(work, file, work, path)
    if published is None:
        raise IntegrityError(f"{work / file.path}: not the bytes that were written. Run again.")
    return published


def keep_first(
    work: Location,
    file: StoredFile,
    buckets: Sequence[RowsByOwner],
    i: int,
    schema: Schema,
    path: str,
) -> StoredFile:
    """A part without the rows that repeat an id, counted anew."""
    rows = read_part(work, file)
    gone = pl.Series(repeated_rows(buckets, i).astype(np.int64))
    kept = rows.filter(~pl.col("row").is_in(gone.implode()))
    notes = Tally.from_json(read_metadata(work, file)["tally"]).notes
    return finish_part(work, path, kept, {"tally": tally_part(kept, schema, notes).to_json()})


def id_remarks(job: Job, name: str, repeats: RepeatCounts, without: int, rows: int) -> list[str]:
    """What is worth a look in the ids of an extract.

    Raises
    ------
    DataError
        If ids repeat and are to be refused, one is no person's, or zeros leave two in doubt.
    """
    inputs = job.config.inputs
    source = f"{getattr(inputs, name)}, column {inputs.id_column}"
    if repeats.rows and inputs.repeated_ids == "refuse":
        raise DataError(
            f"{source}: {repeats.rows:,} of {rows:,} rows repeat an id of an earlier row. Deliver "
            'each person once, or set inputs.repeated_ids to "once" or "rows".'
        )
    many = repeats.most >= max(FREQUENT, rows / 100)
    if many and name == "population" and inputs.repeated_ids == "once":
        raise DataError(
            f"{source}: one id stands in {repeats.most:,} of {rows:,} rows, as if it stood for no "
            'id. List it in inputs.missing, or set inputs.repeated_ids to "rows".'
        )
    if repeats.padded:
        raise DataError(
            f"{source}: some ids differ in leading zeros alone, as 0123 and 123 do, and may be of "
            "one person or of two. Write the ids of one person alike and, of two, so that they "
            "differ in more than zeros."
        )
    few = job.config.fairness.min_cell
    remarks = []
    if without:
        remarks.append(
            f"{name}: {few_or(without, few)} rows have no id. They are counted as people, but "
            "cannot be recognised and are not listed."
        )
    if repeats.rows:
        kept = "left out" if inputs.repeated_ids == "once" else "taken as people"
        remarks.append(
            f"{name}: {few_or(repeats.rows, few)} of {rows:,} rows repeat an id of an earlier row "
            f"and are {kept} (inputs.repeated_ids); {few_or(repeats.differing, few)} of them "
            "differ from the first row of their id in an attribute."
        )
    if many:
        remarks.append(
            f"{name}: one id stands in {repeats.most:,} rows. If it stands for no id, list it in "
            "inputs.missing."
        )
    return remarks


def few_or(count: int, few: int) -> str:
    """A count, unless it is of so few people that it is not told."""
    return f"fewer than {few}" if 0 < count < few else f"{count:,}"


def mark_remarks(job: Job, made: Parts, work: Location) -> list[str]:
    """What is worth a look in the column that says who must not be mailed.

    Raises
    ------
    DataError
        If no extract has it, or what it says is not certain.
    """
    inputs = job.config.inputs
    column = inputs.suppress_column
    if not column:
        return []
    remarks, having = [], []
    for name in EXTRACTS:
        files = [f for f in made.files if f.path.split("/")[1] == name]
        if column not in job.schema.names and column not in columns_of(work, files[0]):
            continue
        having.append(name)
        missing = job.schema[column].missing if column in job.schema.names else ()
        tasks = [delayed(forms_of)(work, file, column, missing) for file in files]
        words = frozenset().union(*job.workers.run(tasks))
        if not suppress_column.is_unambiguous(words):
            raise DataError(
                f"{getattr(inputs, name)}, column {column}: does not say for certain who must not "
                "be mailed. Understood are J/N, ja/nein, Y/N, yes/no, true/false, 1/0, X or empty, "
                "and one other mark or empty."
            )
        if not any(word and word not in suppress_column.NO for word in words):
            remarks.append(f"{name}: {column} marks nobody (inputs.suppress_column).")
    if not having:
        raise DataError(
            f"inputs.suppress_column = {column}: neither extract has such a column. Check its name."
        )
    if "population" not in having:
        if not inputs.id_column:
            raise ConfigError(
                f"inputs.suppress_column = {column}: only the customers have it, and nobody of the "
                "population can be recognised without inputs.id_column."
            )
        remarks.append(f"only the customers have {column} (inputs.suppress_column).")
    if suppress_column.is_consent_name(column):
        remarks.append(
            f"{column}: by its name it says who may be mailed. inputs.suppress_column is for a "
            "column that says who must not."
        )
    return remarks


def columns_of(work: Location, file: StoredFile) -> list[str]:
    return read_part(work, file).columns


def forms_of(
    work: Location, file: StoredFile, column: str, missing: Sequence[str]
) -> frozenset[str]:
    return suppress_column.distinct_words(read_part(work, file, columns=[column])[column], missing)


def row_numbers(job: Job, raw: Sequence[StoredFile]) -> list[range | StoredFile]:
    """The row numbers of each part of an extract; the part itself where rows are left out."""
    folders = {path.rpartition("/")[0] for path in job.facts("ingest").get("left_out", {})}
    firsts = accumulate((file.rows or 0 for file in raw), initial=0)
    return [
        file if file.path.rpartition("/")[0] in folders else range(first, first + (file.rows or 0))
        for file, first in zip(raw, firsts, strict=False)
    ]


def numbers_in(root: Location, rows: range | StoredFile) -> np.ndarray:
    """The row numbers that `row_numbers` gives of a part, shape (n_rows,)."""
    if isinstance(rows, StoredFile):
        return read_part(root, rows, columns=["row"])["row"].to_numpy()
    return np.arange(rows.start, rows.stop, dtype=np.int64)
