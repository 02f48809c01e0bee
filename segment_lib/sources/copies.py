"""The same rows delivered twice: told by the hashes of what is in the files."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from segment_lib.errors import DataError

CERTAIN = 100
"""Two files of so many rows that are the same to the byte are one and its copy."""


@dataclass(frozen=True)
class Content:
    """What is in a delivered file."""

    extract: str
    file: Path
    digests: tuple[str, ...]
    """Of its pieces, as they give them."""
    rows: int


def refuse_copies(contents: Sequence[Content]) -> list[str]:
    """Remarks on files that are the same; few rows may be so by chance.

    Raises
    ------
    DataError
        If one of `CERTAIN` rows or more is there twice, in one extract or in both.
    """
    same: dict[tuple[str, ...], list[Content]] = defaultdict(list)
    for content in contents:
        # Behind the dash stand columns of the path, in which a copy may differ.
        same[tuple(digest.partition("-")[0] for digest in content.digests)].append(content)
    remarks = []
    for copies in same.values():
        if len(copies) == 1:
            continue
        one, other = copies[:2]
        names = f"{one.file} and {other.file}"
        if one.rows >= CERTAIN:
            if one.extract != other.extract:
                raise DataError(
                    f"{names}: the same rows, once as the {one.extract} and once as the "
                    f"{other.extract}. Set inputs.{one.extract} and inputs.{other.extract} to "
                    "files of their own."
                )
            raise DataError(f"{names}: the same rows twice. Take one of them out.")
        remarks.append(f"{one.file.name} and {other.file.name} hold the same rows. Is one a copy?")
    return remarks


def larger_customers(population: int, customers: int) -> list[str]:
    """A remark if there are more customers than people they could come from."""
    if customers <= population:
        return []
    return [
        "the customers are more than the population. Are inputs.population and inputs.customers "
        "exchanged?"
    ]
