"""Rows that repeat an id, found in bounded memory: ids by bucket on disk, then repeats by part.

Ids are compared by 64-bit keys. Of a hundred million people, the chance that any two share a key is
below one in three thousand.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

import numpy as np

from segment_lib.storage.files import write_file
from segment_lib.storage.location import Location

ROWS_PER_BUCKET = 500_000
"""About how many rows are compared at a time."""
BYTES_PER_ROW = 130
"""Of a row of a bucket while repeats are looked for; measured."""


@dataclass(frozen=True)
class Sorted:
    """Whole numbers on disk, those of one owner after those of another."""

    path: Location
    edges: tuple[int, ...]
    """Where the numbers of each owner begin, and where the last ones end."""
    width: int
    """Numbers in a row."""

    @classmethod
    def write(
        cls, root: Location, path: str, rows: np.ndarray, owners: np.ndarray, n: int
    ) -> "Sorted":
        """Write rows, shape (n_rows, width) of uint64, in the order of their `n` owners."""
        order = np.argsort(owners, kind="stable")
        edges = np.searchsorted(owners[order], np.arange(n + 1))
        write_file(root, path, np.ascontiguousarray(rows[order], dtype=np.uint64).tobytes())
        return cls(root / path, tuple(edges.tolist()), rows.shape[1])

    def read(self, owner: int) -> np.ndarray:
        """The rows of an owner, shape (n_rows, width)."""
        first, stop = self.edges[owner], self.edges[owner + 1]
        if first == stop:
            return np.empty((0, self.width), dtype=np.uint64)
        size = 8 * self.width
        with self.path.open("rb") as file:
            file.seek(size * first)
            content = file.read(size * (stop - first))
        return np.frombuffer(content, dtype=np.uint64).reshape(-1, self.width)


@dataclass(frozen=True)
class Repeats:
    """What is known of the rows of an extract that repeat an id."""

    rows: int = 0
    """Rows whose id an earlier row has."""
    people: int = 0
    """Ids that more than one row has."""
    differing: int = 0
    """Of the rows, those that differ from the first of their id in an attribute."""
    padded: int = 0
    """Of the rows, those whose id has more or fewer leading zeros than the first of it."""
    most: int = 0
    """Rows that the most frequent id has."""

    def __add__(self, other: "Repeats") -> "Repeats":
        return Repeats(
            self.rows + other.rows,
            self.people + other.people,
            self.differing + other.differing,
            self.padded + other.padded,
            max(self.most, other.most),
        )


def n_buckets(rows: int) -> int:
    return max(1, -(-rows // ROWS_PER_BUCKET))


def bucket_of(keys: np.ndarray, buckets: int) -> np.ndarray:
    """The bucket of each key, by its upper half."""
    return np.asarray((keys >> np.uint64(32)) * np.uint64(buckets) >> np.uint64(32), dtype=np.int64)


def find_repeats(
    parts: Sequence[Sorted], bucket: int, firsts: Sequence[int], root: Location, path: str
) -> tuple[Repeats, Sorted]:
    """The repeats of a bucket; the numbers of the rows that repeat are written by part.

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
    same, alike = (of_row == np.repeat(of_row[starts], sizes) for of_row in (contents, zeros))
    repeated = np.sort(numbers[~is_first])
    owners = np.searchsorted(np.asarray(firsts, dtype=np.uint64), repeated, side="right") - 1
    found = Repeats(
        len(repeated),
        int((sizes > 1).sum()),
        int((~same).sum()),
        int((~alike).sum()),
        int(sizes.max(initial=0)),
    )
    return found, Sorted.write(root, path, repeated[:, None], owners, len(firsts))


def repeated_rows(buckets: Sequence[Sorted], part: int) -> np.ndarray:
    """The numbers of the rows of a part that repeat an id, in order."""
    return np.sort(np.concatenate([bucket.read(part)[:, 0] for bucket in buckets]))


def count_repeated(buckets: Sequence[Sorted], part: int) -> tuple[int, str]:
    """How many rows of a part repeat an id, and a hash that tells which."""
    rows = repeated_rows(buckets, part)
    return len(rows), sha256(rows.tobytes()).hexdigest()
