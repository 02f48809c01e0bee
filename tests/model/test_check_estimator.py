"""scikit-learn's own checks of an estimator: no fewer pass than of dask-ml's, counted alike."""

import dask_ml.cluster
import dask_ml.decomposition
import dask_ml.linear_model
import dask_ml.preprocessing
import pytest
from sklearn.utils.estimator_checks import check_estimator

from segment_lib.model import IncrementalPCA, KMeans, LogisticRegression, StandardScaler
from tests.estimators import FIGURES


def passed_and_run(estimator) -> tuple[int, int]:
    """Checks passed, and checks that could be run here."""
    checks = check_estimator(estimator, on_fail=None, on_skip=None)
    ends = [check["status"] for check in checks if check["status"] != "skipped"]
    return ends.count("passed"), len(ends)


# About ten seconds, most of it dask-ml's KMeans, which is checked in the same run.
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("ours", "theirs", "least"),
    [
        (StandardScaler, dask_ml.preprocessing.StandardScaler, 37),
        (IncrementalPCA, dask_ml.decomposition.IncrementalPCA, 31),
        (KMeans, dask_ml.cluster.KMeans, 45),
        (LogisticRegression, dask_ml.linear_model.LogisticRegression, 55),
    ],
)
def test_no_fewer_checks_pass_than_of_dask_ml(ours, theirs, least):
    passed, of_ours = passed_and_run(ours())
    expected, of_theirs = passed_and_run(theirs())
    FIGURES.checks.append(
        f"{ours.__name__}: {passed} of {of_ours} of scikit-learn's checks pass, "
        f"{expected} of {of_theirs} of dask-ml's"
    )
    assert passed >= max(expected, least)
