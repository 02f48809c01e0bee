"""Contingency table of a part: segments of the base by segments of the new model."""

from collections.abc import Sequence

import numpy as np

from segment_lib.matrix import as_block
from segment_lib.model import KMeans, Projection
from segment_lib.model.stability import contingency
from segment_lib.storage.files import StoredFile, read_part
from segment_lib.storage.location import Location


def count_shared(
    root: Location,
    encoded: StoredFile,
    placed: StoredFile,
    features: Sequence[str],
    projection: Projection,
    centers: np.ndarray,
    segment_ids: np.ndarray,
) -> np.ndarray:
    """Return rows by segment of the base and of the new model, shape (n_base, n_now).

    Parameters
    ----------
    placed : the segments of the rows by the model of the base
    centers : those of now, shape (n_now, n_components)
    segment_ids : the numbers of the segments of the base, shape (n_base,)
    """
    block = read_part(root, encoded)
    rows = block.select("row").join(read_part(root, placed), on="row", maintain_order="left")
    order = np.argsort(segment_ids)
    before = order[np.searchsorted(segment_ids, rows["segment"].to_numpy(), sorter=order)]
    scores = projection.transform(as_block(block, features))
    now = KMeans.from_centers(centers).predict(scores)
    return contingency(before, now, len(segment_ids), len(centers))
