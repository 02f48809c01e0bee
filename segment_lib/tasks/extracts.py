"""Opening, hashing and reading of the extracts, piece by piece."""

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Any

from dask import delayed

from segment_lib.errors import DataError
from segment_lib.schema.customer_mark import CustomerMark
from segment_lib.schema.language import Sentence, about_extract
from segment_lib.schema.suppress_column import is_suppress_name, suspected_remarks
from segment_lib.sources import (
    ColumnMapping,
    DeliveredFiles,
    Extract,
    FileDigests,
    TextFormat,
    UnreadableError,
    ambiguous_points,
    expand,
    is_packed,
    memory_to_expand,
    open_extract,
    refuse_shared,
    remarks,
)
from segment_lib.storage.files import StoredFile, read_footer
from segment_lib.storage.location import Location
from segment_lib.tasks.compute import Compute
from segment_lib.tasks.raw import TALLY, RawPart


@dataclass(frozen=True)
class RawParts:
    """An extract, the tasks of its parts, and the parts once they are made."""

    extract: Extract
    delivered: DeliveredFiles
    tasks: Sequence[RawPart]
    files: Sequence[StoredFile] = ()

    @property
    def name(self) -> str:
        """Name of the extract."""
        return self.extract.name

    @property
    def rows(self) -> int:
        """Rows of the extract."""
        return sum(task.n_rows for task in self.tasks)

    @property
    def contents(self) -> list[FileDigests]:
        """What is in each file."""
        return self.extract.contents([(task.digest, task.n_rows) for task in self.tasks])

    def among(self, files: Sequence[StoredFile]) -> "RawParts":
        """Return this with the parts, which are among some files."""
        paths = {task.path for task in self.tasks}
        return replace(self, files=[file for file in files if file.path in paths])


def open_extracts(
    compute: Compute,
    delivered: Mapping[str, DeliveredFiles],
    delivery: ColumnMapping,
    formats: Mapping[str, TextFormat],
    path: Callable[[str, int], str],
    scratch: Location,
    root: Location,
    *,
    id_column: str,
    response: str,
    missing: tuple[str, ...],
    mark: CustomerMark | None,
    **options: Any,
) -> list[RawParts]:
    """Check the extracts, cut them into pieces, and hash these; compressed files are unpacked.

    Parameters
    ----------
    delivered : the files of each extract
    formats : what is said of the text of each
    path : gives where a part goes from its extract and its number
    scratch : where compressed files are unpacked
    root : the run folder
    missing : words for a missing id
    mark : what tells the customers from others, where the files of both extracts are the same
    options : of `open_extract`

    Raises
    ------
    DataError
        If a file cannot be read or is of both extracts, or neither has the response.
    """
    refuse_shared(*(list(own.fingerprints) for own in delivered.values()))
    sheets = {(f, formats[name].sheet) for name, own in delivered.items() for f in own.fingerprints}
    packed = sorted((file, sheet) for file, sheet in sheets if is_packed(file))
    unpacked = compute(
        [delayed(expand)(file, scratch, root, sheet) for file, sheet in packed],
        bytes_per_row=1,
        rows=max((memory_to_expand(file) for file, _ in packed), default=0),
    )
    plain = dict(zip(packed, unpacked, strict=True))
    options |= {"id_column": id_column, "response": response, "mark": mark}
    extracts = []
    for name, own in delivered.items():
        files, form = tuple(own.fingerprints), formats[name]
        expanded = {f: plain[f, form.sheet] for f in files if (f, form.sheet) in plain}
        options["expanded"] = expanded
        extracts.append(open_extract(name, files, delivery.columns, form=form, **options))
    if response and not any(response in extract.passthrough for extract in extracts):
        raise DataError(
            f"inputs.response = {response}: neither extract has such a column. Check its name."
        )
    read_as = delivery, id_column, missing
    parts = [_raw_parts(compute, own, delivered[own.name], path, *read_as) for own in extracts]
    if mark:
        population, customers = parts
        mark.refuse_extent(population.delivered.pattern, customers.rows, population.rows)
    return parts


def _raw_parts(
    compute: Compute,
    extract: Extract,
    delivered: DeliveredFiles,
    path: Callable[[str, int], str],
    delivery: ColumnMapping,
    id_column: str,
    missing: tuple[str, ...],
) -> RawParts:
    """Hash and count the pieces of an extract; those without rows are left out."""
    digests = compute([delayed(piece.digest)() for piece in extract.pieces])
    extract = extract.with_rows([rows for _, rows in digests])
    digests = [(digest, rows) for digest, rows in digests if rows]
    firsts = accumulate((rows for _, rows in digests), initial=0)
    read_as = (extract.passthrough, id_column, missing, delivery)
    tasks = [
        RawPart(path(extract.name, i), digest, first, *read_as, piece, rows)
        for i, (piece, (digest, rows), first) in enumerate(
            zip(extract.pieces, digests, firsts, strict=False)
        )
    ]
    return RawParts(extract, delivered, tasks)


def all_faults(compute: Compute, tasks: Sequence[RawPart], error: DataError) -> DataError:
    """Return an error that lists the faults of all pieces."""
    if not isinstance(error, UnreadableError):
        return error
    listed = compute([delayed(RawPart.faults)(task) for task in tasks])
    faults = list(dict.fromkeys(fault for faults in listed for fault in faults))
    return UnreadableError(faults) if faults else error


def reading_remarks(
    compute: Compute, root: Location, extracts: Sequence[RawParts]
) -> list[Sentence]:
    """Return remarks on the files of the extracts and on how they were read.

    Raises
    ------
    DataError
        If points of a column may separate either thousands or decimals.
    """
    left_out = [about_extract(p.name, r) for p in extracts for r in p.delivered.remarks()]
    reading = [remark for p in extracts for remark in _reading_remarks(compute, root, p)]
    return [*left_out, *reading]


def _reading_remarks(compute: Compute, root: Location, parts: RawParts) -> list[Sentence]:
    extract = parts.extract
    notes: Counter[str] = Counter()
    for counts in compute([delayed(_read_notes)(root, file) for file in parts.files]):
        notes.update(counts)
    if names := ambiguous_points(notes):
        # A column is in no doubt once a cell anywhere in it is in none.
        for counts in compute([delayed(piece.decimals)(names) for piece in extract.delimited]):
            notes.update(counts)
        extract.refuse_ambiguous_points(notes)
    return [
        *suspected_remarks(name for name in extract.extra if is_suppress_name(name)),
        *(about_extract(extract.name, r) for r in (*extract.remarks, *remarks(notes))),
    ]


def _read_notes(root: Location, file: StoredFile) -> Mapping[str, int]:
    """Return the notes in the tally of a part that this job has just written, or checked."""
    notes: Mapping[str, int] = json.loads(read_footer(root / file.path)[TALLY])["notes"]
    return notes
