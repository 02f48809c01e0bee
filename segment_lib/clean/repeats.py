"""Search for rows that repeat an id, in bounded memory: ids by bucket on disk, then by part.

Ids are compared by 64-bit keys. Of a hundred million people, the chance that any two share a key is
below one in three thousand.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Self

import numpy as np

from segment_lib.storage.files import write_file
from segment_lib.storage.location import Location

ROWS_PER_BUCKET = 500_000
"""Rows of a bucket, about; a bucket is compared at a time."""
BYTES_PER_ROW = 130
"""Bytes per row of a bucket while repeats are searched (measured)."""


@dataclass(frozen=True)
class RowsByOwner:
    """Rows of whole numbers on disk, sorted by owner."""

    path: Location
    edges: tuple[int, ...]
    """Index of the first row of each owner, and the end of the last one."""
    width: int
    """Number of columns."""

    @classmethod
    def write(cls, root: Location, path: str, rows: np.ndarray, owners: np.ndarray, n: int) -> Self:
        """Write rows, shape (n_rows, width) of uint64, in the order of their `n` owners."""
        order = np.argsort(owners, kind="stable")
        edges = np.searchsorted(owners[order], np.arange(n + 1))
        write_file(root, path, np.ascontiguousarray(rows[order], dtype=np.uint64).tobytes())
        return cls(root / path, tuple(edges.tolist()), rows.shape[1])

    def read(self, owner: int) -> np.ndarray:
        """Read the rows of an owner, shape (n_rows, width)."""
        first, stop = self.edges[owner], self.edges[owner + 1]
        if first == stop:
            return np.empty((0, self.width), dtype=np.uint64)
        size = 8 * self.width
        with self.path.open("rb") as file:
            file.seek(size * first)
            content = file.read(size * (stop - first))
        return np.frombuffer(content, dtype=np.uint64).reshape(-1, self.width)


@dataclass(frozen=True)
class RepeatCounts:
    """Counts of the rows of an extract that repeat an id."""

    rows: int = 0
    """Number of rows whose id an earlier row has."""
    people: int = 0
    """Number of ids of more than one row."""
    differing: int = 0
    """Number of these rows that differ from the first row of their id in an attribute."""
    padded: int = 0
    """Number of these rows whose id has other leading zeros than in the first row of it."""
    most: int = 0
    """Number of rows of the most frequent id."""

    def __add__(self, other: "RepeatCounts") -> "RepeatCounts":
        return RepeatCounts(
            self.rows + other.rows,
            self.people + other.people,
            self.differing + other.differing,
            self.padded + other.padded,
            max(self.most, other.most),
        )


def n_buckets(rows: int) -> int:
    return max(1, -(-rows // ROWS_PER_BUCKET))


def assign_buckets(keys: np.ndarray, buckets: int) -> np.ndarray:
    """The bucket of each key, from its upper 32 bits."""
    return np.asarray((keys >> np.uint64(32)) * np.uint64(buckets) >> np.uint64(32), dtype=np.int64)


def find_repeats(
    parts: Sequence[RowsByOwner], bucket: int, firsts: Sequence[int], root: Location, path: str
) -> tuple[RepeatCounts, RowsByOwner]:
    """Count the repeats of a bucket, and write the numbers of the repeating rows by part.

    Parameters
    ----------
    parts : rows of key, row number, a hash of the attributes and leading zeros, by bucket
    firsts : the number of the first row of each part
    """
    rows = np.concatenate([part.read(bucket) for part in parts])
    keys, numbers, contents, zeros = rows[np.lexsort((rows[:, 1], rows[:, 0]))].T
    is_first = np.concatenate([[True], keys[1:] != keys[:-1]]) if len(keys) else keys.astype(bool)
    starts = np.flatnonzero(is_first)
    sizes = np.diff(np.append(starts, len(keys)))
    same_content, same_zeros = (c == np.repeat(c[starts], sizes) for c in (contents, zeros))
    repeated = np.sort(numbers[~is_first])
    owners = np.searchsorted(np.asarray(firsts, dtype=np.uint64), repeated, side="right") - 1
    repeats = RepeatCounts(
        len(repeated),
        int((sizes > 1).sum()),
        int((~same_content).sum()),
        int((~same_zeros).sum()),
        int(sizes.max(initial=0)),
    )
    return repeats, RowsByOwner.write(root, path, repeated[:, None], owners, len(firsts))


def repeated_rows(buckets: Sequence[RowsByOwner], part: int) -> np.ndarray:
    """Read the numbers of the rows of a part that repeat an id, in order."""
    return np.sort(np.concatenate([bucket.read(part)[:, 0] for bucket in buckets]))


def count_repeated(buckets: Sequence[RowsByOwner], part: int) -> tuple[int, str]:
    """Number of rows of a part that repeat an id, and a hash of their numbers."""
    rows = repeated_rows(buckets, part)
    return len(rows), sha256(rows.tobytes()).hexdigest()
