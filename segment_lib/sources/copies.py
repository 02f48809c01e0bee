"""Detection of rows that are delivered twice, by hashes of the contents of files."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from segment_lib.errors import DataError
from segment_lib.schema.language import N_, Sentence, sentence
from segment_lib.storage.location import Location

MIN_CUSTOMERS = 30
"""Number of customers below which the limits of an index are wide."""
MIN_ROWS = 100
"""Number of rows from which on two files of the same bytes are one and its copy."""


@dataclass(frozen=True)
class FileDigests:
    """The digests of a delivered file's contents, and its number of rows."""

    extract: str
    file: Location
    digests: tuple[str, ...]
    """One per piece, as `digest` of the piece returns it."""
    rows: int


def refuse_copies(contents: Sequence[FileDigests]) -> list[Sentence]:
    """Refuse files that are copies; remark on those of few rows, which may be alike by chance.

    Raises
    ------
    DataError
        If one of at least `MIN_ROWS` rows is there twice in an extract. In both it may be on
        purpose, to see that every index is 100.
    """
    by_digests: dict[tuple[str, ...], list[FileDigests]] = defaultdict(list)
    for content in contents:
        # Behind the dash stand columns of the path, in which a copy may differ.
        by_digests[tuple(digest.partition("-")[0] for digest in content.digests)].append(content)
    remarks = []
    for copies in (group for group in by_digests.values() if len(group) > 1):
        for first, second in pairwise(sorted(copies, key=lambda content: content.extract)):
            if first.extract == second.extract and first.rows >= MIN_ROWS:
                raise DataError(
                    f"{first.file} and {second.file}: the same rows twice. Take one of them out."
                )
        first, second = copies[0], copies[-1]
        names = list(dict.fromkeys([first.file.name, second.file.name]))
        remarks.append(
            sentence(N_("{names:listed}: the same rows twice. Is one a copy?"), names=names)
            if first.extract == second.extract
            else sentence(
                N_(
                    "{names:listed}: the same rows are the population and the customers. Is a path "
                    "wrong?"
                ),
                names=names,
            )
        )
    return remarks


def customer_remarks(population: int, customers: int) -> list[Sentence]:
    """Remarks on the number of customers, compared with that of the population."""
    remarks = []
    if customers > population:
        remarks.append(
            sentence(
                N_(
                    "the customers are more than the population. Are inputs.population and "
                    "inputs.customers exchanged?"
                )
            )
        )
    if customers < MIN_CUSTOMERS:
        remarks.append(
            sentence(
                N_(
                    "there are fewer than {n:count} customers: the limits of an index are wide, "
                    "and hardly a segment can be told from the average."
                ),
                n=MIN_CUSTOMERS,
            )
        )
    return remarks
