"""What comes of reading the extracts beside their rows: all their faults at once, and doubts."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence

from dask import delayed

from segment_lib.errors import DataError
from segment_lib.run.job import Job
from segment_lib.sources import (
    ColumnMapping,
    DelimitedPiece,
    Extract,
    Fault,
    PartitionedPiece,
    Piece,
    UnreadableError,
    ambiguous_points,
)
from segment_lib.storage.files import StoredFile, read_footer
from segment_lib.storage.location import Location


def all_faults(job: Job, extracts: Sequence[Extract], error: DataError) -> DataError:
    """The error that tells the faults of all pieces, once one of them could not be read."""
    if not isinstance(error, UnreadableError):
        return error
    tasks = [
        delayed(faults_of)(piece, extract.passthrough, job.delivery)
        for extract in extracts
        for piece in extract.pieces
    ]
    faults = [fault for of_piece in job.workers.run(tasks) for fault in of_piece]
    return UnreadableError(faults) if faults else error


def faults_of(piece: Piece, passthrough: Sequence[str], delivery: ColumnMapping) -> Sequence[Fault]:
    """What keeps a piece from being read."""
    try:
        delivery.read(piece, passthrough)
    except UnreadableError as error:
        return error.faults
    return ()


def notes_of(job: Job, files: Sequence[StoredFile], work: Location) -> dict[str, int]:
    """What was noticed while the rows of raw parts were read."""
    notes: Counter[str] = Counter()
    for of_part in job.workers.run([delayed(read_notes)(work, file) for file in files]):
        notes.update(of_part)
    return dict(notes)


def read_notes(work: Location, file: StoredFile) -> Mapping[str, int]:
    """The notes in the tally of a raw part that this job has just written, or just looked at."""
    notes: Mapping[str, int] = json.loads(read_footer(work / file.path)["tally"])["notes"]
    return notes


def refuse_doubtful_points(job: Job, extract: Extract, notes: Mapping[str, int]) -> None:
    """Raise a DataError if points of a column may part thousands or come before decimals.

    Where a part of the rows leaves no doubt, none of the others do.
    """
    if not (names := ambiguous_points(notes)):
        return
    own = [p.piece if isinstance(p, PartitionedPiece) else p for p in extract.pieces]
    pieces = [piece for piece in own if isinstance(piece, DelimitedPiece)]
    decimals: Counter[str] = Counter()
    for of_piece in job.workers.run([delayed(piece.decimals)(names) for piece in pieces]):
        decimals.update(of_piece)
    if names := ambiguous_points({**notes, **decimals}):
        raise DataError(
            f"{extract.files[0]}{' and others' * (len(extract.files) > 1)}, "
            f"column{'s' * (len(names) > 1)} {', '.join(names)}: all cells with a point have three "
            'digits behind it. Set inputs.decimal = "." if these are decimals, or '
            'inputs.thousands = "." if the point parts thousands.'
        )
