"""A refit on other features than those of the base."""

import numpy as np
import pytest

from segment_lib.model import FittedModel, Projection
from segment_lib.model.refit import Refit

BASE = FittedModel.from_arrays(
    {
        "mean": np.array([1.0, 2.0]),
        "variance": np.array([4.0, 16.0]),
        "scale": np.array([2.0, 4.0]),
        "components": np.eye(2),
        "explained_variance_ratio": np.array([0.6, 0.4]),
        "cluster_centers": np.array([[1, 0], [0, -1]], dtype=np.float32),
    }
)
"""Its centres are (3, 2) and (1, -2) in features A and B."""
NOW = Projection.from_arrays(
    {
        "mean": np.array([0.0, 5.0, 0.0]),
        "variance": np.array([1.0, 1.0, 4.0]),
        "scale": np.array([1.0, 1.0, 2.0]),
        "components": np.eye(3),
        "explained_variance_ratio": np.full(3, 1 / 3),
    }
)
REFIT = Refit(BASE, ("A", "B"), NOW, ("B", "NEW", "A"))


def test_a_refit_starts_from_the_centres_of_the_base_and_the_mean_of_what_is_new() -> None:
    # B is 2 and -2, NEW at its mean of 5, A is 3 and 1, of which the scale is 2.
    assert REFIT.starts == pytest.approx(np.array([[2, 0, 1.5], [-2, 0, 0.5]]), abs=1e-5)
    assert REFIT.starts.dtype == np.float32


def test_centres_compare_by_the_features_shared_in_units_of_the_base() -> None:
    before, after = REFIT.comparable(np.array([[2, 7, 1.5], [4, -7, 0]], dtype=np.float32))
    # B by its scale of 4, A by its scale of 2.
    assert before.tolist() == [[0.5, 1.5], [-0.5, 0.5]]
    assert after.tolist() == [[0.5, 1.5], [1.0, 0.0]]
