"""The same rows delivered twice: told by the hashes of what is in the files."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from segment_lib.errors import DataError
from segment_lib.storage.location import Location

FEW_CUSTOMERS = 30
"""Of fewer customers little can be said: limits of so small counts are exact, and wide."""
CERTAIN = 100
"""Two files of so many rows that are the same to the byte are one and its copy."""


@dataclass(frozen=True)
class Content:
    """What is in a delivered file."""

    extract: str
    file: Location
    digests: tuple[str, ...]
    """Of its pieces, as they give them."""
    rows: int


def refuse_copies(contents: Sequence[Content]) -> list[str]:
    """Remarks on files that are the same; few rows may be so by chance.

    Raises
    ------
    DataError
        If one of `CERTAIN` rows or more is there twice in an extract. In both it may be on purpose,
        to see that every index is 100.
    """
    same: dict[tuple[str, ...], list[Content]] = defaultdict(list)
    for content in contents:
        # Behind the dash stand columns of the path, in which a copy may differ.
        same[tuple(digest.partition("-")[0] for digest in content.digests)].append(content)
    remarks = []
    for copies in (group for group in same.values() if len(group) > 1):
        for one, other in pairwise(sorted(copies, key=lambda content: content.extract)):
            if one.extract == other.extract and one.rows >= CERTAIN:
                raise DataError(
                    f"{one.file} and {other.file}: the same rows twice. Take one of them out."
                )
        one, other = copies[0], copies[-1]
        names = " and ".join(dict.fromkeys([one.file.name, other.file.name]))
        remarks.append(
            f"{names}: the same rows twice. Is one a copy?"
            if one.extract == other.extract
            else f"{names}: the same rows are the {one.extract} and the {other.extract}. Is a path "
            "wrong?"
        )
    return remarks


def customer_remarks(population: int, customers: int) -> list[str]:
    """Remarks on how many customers there are beside the people they could come from."""
    remarks = []
    if customers > population:
        remarks.append(
            "the customers are more than the population. Are inputs.population and "
            "inputs.customers exchanged?"
        )
    if customers < FEW_CUSTOMERS:
        remarks.append(
            f"there are fewer than {FEW_CUSTOMERS} customers: the limits of an index are wide, and "
            "hardly a segment can be told from the average."
        )
    return remarks
