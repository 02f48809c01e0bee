"""Rows that segments of the base and of now share, counted in one part."""

from pathlib import Path

import numpy as np
import polars as pl

from segment_lib.model import Projection
from segment_lib.storage.files import write_part
from segment_lib.tasks.matching import count_shared


def test_rows_are_counted_by_old_and_new_segment_whatever_the_numbers(tmp_path: Path) -> None:
    features = pl.DataFrame({"row": [0, 2, 3, 4], "A": [0.0, 0.1, 9.0, 9.1]})
    # Row 1 is set aside: it has no features.
    placed = pl.DataFrame({"row": [0, 1, 2, 3, 4], "segment": [7, -1, 3, 3, 3]})
    projection = Projection.from_arrays(
        {
            "mean": np.zeros(1),
            "variance": np.ones(1),
            "scale": np.ones(1),
            "components": np.ones((1, 1)),
            "explained_variance_ratio": np.ones(1),
        }
    )
    shared = count_shared(
        tmp_path,
        write_part(tmp_path, "features.parquet", features),
        write_part(tmp_path, "placed.parquet", placed),
        ["A"],
        projection,
        np.array([[0], [9]], dtype=np.float32),
        np.array([7, 3], dtype=np.int32),
    )
    assert shared.tolist() == [[1, 0], [1, 2]]
