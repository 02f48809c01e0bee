"""Hold-out counts of a part: customers who rank segments, and customers who measure them."""

from collections.abc import Sequence

import numpy as np

from segment_lib.matrix import as_block
from segment_lib.model import KMeans, Projection, count_holdout, holdout_split
from segment_lib.storage.files import StoredFile, read_part
from segment_lib.storage.location import Location
from segment_lib.tasks.rows import RowNumbers, numbers_in


def count_customers(
    root: Location,
    encoded: StoredFile,
    features: Sequence[str],
    projection: Projection,
    models: Sequence[KMeans],
    random_state: int,
) -> list[np.ndarray]:
    """Count ranking and measuring customers by segment: (2, n_clusters) for each model."""
    rows = read_part(root, encoded)
    scores = projection.transform(as_block(rows, features))
    return count_holdout(scores, rows["row"].to_numpy(), models, random_state)


def count_split(root: Location, rows: RowNumbers, random_state: int) -> np.ndarray:
    """Count the ranking, measuring and other rows of a part, shape (3,)."""
    return np.bincount(holdout_split(numbers_in(root, rows), random_state), minlength=3)
