"""The ONNX model, run by onnxruntime against an assignment by scikit-learn and numpy."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.preprocessing import StandardScaler

from segment_lib.errors import IntegrityError
from segment_lib.model import Likeness
from segment_lib.model.curve import Curve
from segment_lib.model.onnx_export import (
    build_onnx,
    check_likeness,
    check_onnx,
    run_likeness,
    run_onnx,
)

DRAW = np.random.default_rng(3)
X = (DRAW.normal(size=(2000, 8)) * np.arange(1, 9) + DRAW.integers(0, 3, (2000, 1))).astype("f4")
SCALER = StandardScaler().fit(X)
REDUCED = PCA(5).fit(SCALER.transform(X))
SCORES = REDUCED.transform(SCALER.transform(X)).astype(np.float32)
FOUND = KMeans(6, n_init=1, random_state=0).fit(SCORES)
NAMES = [f"ä{i}" for i in range(8)]


PLACES = np.arange(6)


def model(centers: np.ndarray = FOUND.cluster_centers_, ids: np.ndarray | None = None) -> bytes:
    numbers = np.arange(len(centers)) if ids is None else ids
    metadata = {"n_clusters": "6"}
    return build_onnx(
        NAMES, SCALER.mean_, SCALER.scale_, REDUCED.components_, centers, numbers, metadata
    )


def check(content: bytes, places: np.ndarray, ids: np.ndarray = PLACES) -> int:
    centers = FOUND.cluster_centers_
    distances = np.linalg.norm(SCORES - centers[places], axis=1)
    return check_onnx(content, X, SCORES, centers, ids, ids[places], distances, Path("model.onnx"))


def test_segments_have_the_numbers_a_refresh_gave_them() -> None:
    ids = np.array([3, 0, 9, 1, 7, 4])
    content = model(ids=ids)
    assert (run_onnx(content, X)[0] == ids[FOUND.labels_]).all()
    assert check(content, FOUND.labels_, ids) == len(X)


def test_segments_and_distances_are_those_of_scikit_learn() -> None:
    segments, distances = run_onnx(model(), X)
    assert segments.dtype == np.int64
    assert (segments == FOUND.predict(SCORES)).all()
    assert distances == pytest.approx(FOUND.transform(SCORES).min(axis=1), rel=1e-4)


def test_the_file_names_its_input_outputs_and_features() -> None:
    proto = onnx.load_from_string(model())
    assert [value.name for value in proto.graph.input] == ["features"]
    assert [value.name for value in proto.graph.output] == ["segment", "distance"]
    props = {entry.key: entry.value for entry in proto.metadata_props}
    assert json.loads(props["features"]) == NAMES
    assert props["n_clusters"] == "6"


def test_the_same_model_is_the_same_bytes() -> None:
    assert model() == model()


def test_one_row_and_no_row_can_be_asked_for() -> None:
    assert run_onnx(model(), X[:1])[0].shape == (1,)
    assert run_onnx(model(), X[:0])[0].shape == (0,)


def test_a_model_that_agrees_passes() -> None:
    assert check(model(), FOUND.labels_) == len(X)


def test_a_model_that_disagrees_is_refused() -> None:
    moved = FOUND.cluster_centers_[[1, 0, 2, 3, 4, 5]]
    with pytest.raises(IntegrityError, match="not written"):
        check(model(moved), FOUND.labels_)


@pytest.mark.parametrize("where", ["the model", "what is known"])
def test_what_is_no_number_agrees_with_nothing(where: str) -> None:
    centers = FOUND.cluster_centers_.copy()
    distances = np.linalg.norm(SCORES - centers[FOUND.labels_], axis=1)
    given = model(np.full_like(centers, np.nan)) if where == "the model" else model()
    if where == "what is known":
        distances[7] = np.nan
    with pytest.raises(IntegrityError, match="not written"):
        check_onnx(given, X, SCORES, centers, PLACES, FOUND.labels_, distances, Path("m"))


def test_a_tie_may_go_either_way() -> None:
    """Two centres at one place: either is right, a third is not."""
    centers = np.concatenate([FOUND.cluster_centers_, FOUND.cluster_centers_[:1]])
    segments = np.where(FOUND.labels_ == 0, 6, FOUND.labels_)
    distances = np.linalg.norm(SCORES - centers[segments], axis=1)
    agreeing = check_onnx(
        model(centers), X, SCORES, centers, np.arange(7), segments, distances, Path("m")
    )
    assert agreeing == (FOUND.labels_ != 0).sum()


LIKENESS = Likeness(
    np.array([0.2 / SCALER.scale_, 0.3 / SCALER.scale_], dtype=np.float32),
    np.array([-1.0, -0.5]),
    np.ones(2),
    (
        Curve(np.array([-0.3, 0.9]), np.array([-1.0, 0.0, 1.0]), np.array([0.02, -0.04, 0.02])),
        Curve(np.array([-0.2, 0.8]), np.empty(0), np.empty(0)),
    ),
)


def with_likeness(likeness: Likeness = LIKENESS) -> bytes:
    return build_onnx(
        NAMES,
        SCALER.mean_,
        SCALER.scale_,
        REDUCED.components_,
        FOUND.cluster_centers_,
        PLACES,
        {},
        likeness,
    )


def test_likeness_is_a_third_output_and_that_of_the_run() -> None:
    content = with_likeness()
    proto = onnx.load_from_string(content)
    assert [value.name for value in proto.graph.output] == ["segment", "distance", "likeness"]
    likeness = run_likeness(content, X)
    assert (likeness.shape, likeness.dtype) == ((len(X),), np.float32)
    np.testing.assert_allclose(likeness, LIKENESS.predict(X), rtol=1e-4)
    check_likeness(content, X, LIKENESS, Path("model.onnx"))
    assert (run_onnx(content, X)[0] == FOUND.labels_).all()


def test_another_likeness_is_refused() -> None:
    other = replace(LIKENESS, intercepts=LIKENESS.intercepts + 0.01)
    with pytest.raises(IntegrityError, match="another likeness"):
        check_likeness(with_likeness(other), X, LIKENESS, Path("model.onnx"))
