"""Features as three notebooks encoded them, and how their variance is spread over components."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from sklearn.decomposition import PCA
from sklearn.preprocessing import StandardScaler

from extracts.figures import attributes, figures
from extracts.files import FILES
from extracts.read_back import Delivered, read_back
from extracts.spectra import Encoding, features, spectrum

ENCODINGS: list[Encoding] = figures()["spectra"]


@pytest.fixture(scope="module")
def population(extracts: Path) -> Delivered:
    return read_back(extracts / FILES["population"])


@pytest.mark.parametrize("encoding", ENCODINGS, ids=lambda encoding: str(encoding["columns"]))
def test_an_encoding_has_as_many_columns_as_its_notebook_printed(
    population: Delivered, encoding: Encoding
) -> None:
    assert features(population, encoding).shape[1] == encoding["columns"]


@pytest.mark.parametrize("encoding", ENCODINGS, ids=lambda encoding: str(encoding["columns"]))
def test_an_encoding_names_attributes_once(encoding: Encoding) -> None:
    names = [*encoding["dropped"], *encoding["one_hot"]]
    assert len(names) == len(set(names))
    assert set(encoding["dropped"]) <= {attribute.name for attribute in attributes()}


def test_the_published_eigenvalues_add_up_to_the_number_of_columns() -> None:
    block = figures()["loadings"]
    assert sum(block["eigenvalues"]) == pytest.approx(block["columns"], abs=0.2)


def test_the_spectrum_is_that_of_scikit_learn_on_standardised_features() -> None:
    rows = np.random.default_rng(0).standard_normal((500, 6)) @ np.diag([9, 1, 1, 3, 1, 1])
    rows[:, 1] += rows[:, 0]
    expected = PCA().fit(StandardScaler().fit_transform(rows)).explained_variance_ratio_
    assert spectrum(rows) == pytest.approx(expected)


def test_a_missing_code_has_a_dummy_of_its_own_or_none(population: Delivered) -> None:
    rows = Delivered(population.raw.head(4).with_columns(NATIONALITAET_KZ=pl.Series([1, 0, 2, 1])))
    kept = ("ANREDE_KZ", "NATIONALITAET_KZ")

    def dummies(levels: str) -> list[list[float]]:
        encoding: Encoding = {
            "columns": 2,
            "most_missing": 79,
            "levels": levels,
            "dropped": [a.name for a in attributes() if a.name not in kept],
            "added": [],
            "one_hot": ["NATIONALITAET_KZ"],
            "cumulative": [],
        }
        return features(rows, encoding)[:, 1:].tolist()

    assert dummies("all") == [[1, 0], [0, 0], [0, 1], [1, 0]]
    assert dummies("but the first") == [[0], [0], [1], [0]]
    assert dummies("all, and missing") == [[1, 0, 0], [0, 0, 1], [0, 1, 0], [1, 0, 0]]
