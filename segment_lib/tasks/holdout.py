"""Hold-out counts of a part: customers by the quarter they compare segments with."""

from collections.abc import Mapping, Sequence

import numpy as np

from segment_lib.matrix import as_block
from segment_lib.model import Projection, count_holdout
from segment_lib.storage.files import StoredFile, read_part
from segment_lib.storage.location import Location


def count_part(
    root: Location,
    encoded: StoredFile,
    features: Sequence[str],
    projection: Projection,
    clusterings: Mapping[int, np.ndarray],
    random_state: int,
) -> dict[int, np.ndarray]:
    """Count customers by holdout split and segment of each clustering.

    Returns
    -------
    counts : by number of clusters, shape (n_clusterings, 3, n_clusters)
    """
    rows = read_part(root, encoded)
    scores = projection.transform(as_block(rows, features))
    return count_holdout(scores, rows["row"].to_numpy(), clusterings, random_state)
