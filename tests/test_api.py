"""The page on use from a program: its code is run, and what it gives is compared."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import sklearn.cluster
import sklearn.decomposition
import sklearn.linear_model
import sklearn.preprocessing
from sklearn.metrics import adjusted_rand_score

import segment_lib
from segment_lib.errors import ConfigError
from tests.conftest import ROOT


@pytest.fixture(scope="module")
def shown(small_run: Path) -> dict[str, Any]:
    """The names that the code of docs/api.md defines, run from its top to its end."""
    names: dict[str, Any] = {"run_folder": str(small_run)}
    text = (ROOT / "docs/api.md").read_text()
    for block in re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL):
        exec(block, names)
    return names


def test_an_array_of_ones_own_comes_to_the_segments_of_scikit_learn(shown: dict[str, Any]) -> None:
    assert adjusted_rand_score(shown["labels"].compute(), shown["groups"]) > 0.99
    assert adjusted_rand_score(shown["segments"], shown["groups"]) > 0.99
    scaled = sklearn.preprocessing.StandardScaler().fit_transform(shown["table"])
    scaled /= np.sqrt(3)  # The blocks have three features each.
    # Four groups lie in a space of three dimensions.
    theirs = sklearn.decomposition.PCA(3).fit(scaled)
    signs = np.sign((shown["pca"].components_ * theirs.components_).sum(axis=1))
    scores = shown["scores"].compute()
    np.testing.assert_allclose(scores, theirs.transform(scaled) * signs, atol=1e-9)
    assert shown["shares"].sum() == pytest.approx(1)


def test_chances_are_those_of_scikit_learn(shown: dict[str, Any]) -> None:
    rows, classes = shown["Z"].compute(), shown["groups"] == 1
    theirs = sklearn.linear_model.LogisticRegression(C=0.01, tol=1e-10).fit(rows, classes)
    expected = theirs.predict_proba(rows)[:, 1]
    np.testing.assert_allclose(shown["chances"].compute(), expected, atol=1e-5)


def test_models_fitted_together_are_as_good_as_those_of_scikit_learn(shown: dict[str, Any]) -> None:
    scores = shown["scores"].compute()
    for k, inertia in shown["inertia"].items():
        theirs = sklearn.cluster.KMeans(k, n_init=4, random_state=0).fit(scores)
        assert inertia <= 1.02 * theirs.inertia_


def test_parts_added_up_are_all_rows_at_once(shown: dict[str, Any]) -> None:
    scale = shown["table"].std(axis=0)
    np.testing.assert_allclose(shown["added"].scale_, scale)
    np.testing.assert_allclose(shown["merged"].scale_, scale)


def test_the_tables_of_a_run_are_those_on_the_disk(shown: dict[str, Any], small_run: Path) -> None:
    plain = pl.read_csv(small_run / "compare/segments.csv")
    assert shown["index"]["index"].to_list() == plain["index"].sort(descending=True).to_list()
    parts = pl.read_parquet(small_run / "segments/customers/*.parquet")
    assert shown["assigned"].equals(parts)
    run = shown["run"]
    read = [run.table(name) for name in run.tables if name.endswith(("csv", "parquet"))]
    assert {"model/sweep.csv", "assess/attributes.parquet", "features"} <= set(run.tables)
    assert all(table.width for table in read)


def test_the_model_of_a_run_gives_its_people_their_segments(
    shown: dict[str, Any], small_run: Path
) -> None:
    assigned = pl.read_parquet(small_run / "segments/population/*.parquet").drop_nulls()
    assert shown["people"]["row"].equals(assigned["row"])
    np.testing.assert_array_equal(shown["segments_again"], assigned["segment"])
    np.testing.assert_array_equal(shown["distances"], assigned["distance"])
    apart = shown["scores_of_people"][:, None, :] - shown["centers"]
    np.testing.assert_array_equal((apart**2).sum(axis=2).argmin(axis=1), assigned["segment"])
    assert shown["loadings"].shape[1] == len(shown["run"].features)


def test_what_a_run_has_not_is_refused_in_words(shown: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no run is there"):
        segment_lib.open_run(str(tmp_path))
    with pytest.raises(ConfigError, match=r"no table compare/nothing.csv. It has: raw, "):
        shown["run"].table("compare/nothing.csv")
    with pytest.raises(ConfigError, match="parts of population and customers"):
        shown["run"].table("segments")
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = segment_lib.nothing


def test_the_package_is_imported_without_its_libraries() -> None:
    tried = "import sys, segment_lib; print({'dask', 'polars', 'sklearn'} & set(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", tried], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == "set()\n"
