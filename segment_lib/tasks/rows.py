"""Row numbers of parts, consecutive or with gaps where rows are left out."""

from collections.abc import Collection, Sequence
from itertools import accumulate

import numpy as np

from segment_lib.storage.files import StoredFile, read_part
from segment_lib.storage.location import Location

RowNumbers = range | StoredFile
"""The numbers themselves, or the raw part that has them."""


def row_numbers(raw: Sequence[StoredFile], left_out: Collection[str]) -> list[RowNumbers]:
    """Return the row numbers of each part of an extract.

    Parameters
    ----------
    raw : the parts of the extract
    left_out : paths of parts from which rows are left out
    """
    folders = {path.rpartition("/")[0] for path in left_out}
    firsts = accumulate((file.rows or 0 for file in raw), initial=0)
    return [
        file if file.path.rpartition("/")[0] in folders else range(first, first + (file.rows or 0))
        for file, first in zip(raw, firsts, strict=False)
    ]


def numbers_in(root: Location, rows: RowNumbers) -> np.ndarray:
    """Return the row numbers of a part, shape (n_rows,)."""
    if isinstance(rows, StoredFile):
        return read_part(root, rows, columns=["row"])["row"].to_numpy()
    return np.arange(rows.start, rows.stop, dtype=np.int64)
