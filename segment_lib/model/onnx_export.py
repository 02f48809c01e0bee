"""Export of the fitted model as ONNX, and its check against known rows."""

import json
from collections.abc import Sequence
from importlib.util import find_spec

import numpy as np

from segment_lib.errors import ConfigError, IntegrityError
from segment_lib.model.likeness import Likeness
from segment_lib.storage.location import Location

INPUT, SEGMENT, DISTANCE, LIKENESS = "features", "segment", "distance", "likeness"
"""Names of the input and the outputs."""
OPSET, IR_VERSION = 17, 8
"""Old enough for any runtime since 2022."""
TOLERANCE = 1e-4
"""Of distances and likeness, relative: the model computes in float32."""


def require_onnx() -> None:
    """Raise a ConfigError unless the packages of the extra `onnx` are installed."""
    if absent := [name for name in ("onnx", "onnxruntime") if find_spec(name) is None]:
        raise ConfigError(
            f"--onnx needs {' and '.join(absent)}. Install them: pip install 'segment_lib[onnx]'."
        )


def build_onnx(
    features: Sequence[str],
    mean: np.ndarray,
    scale: np.ndarray,
    components: np.ndarray,
    cluster_centers: np.ndarray,
    segment_ids: np.ndarray,
    metadata: dict[str, str],
    likeness: Likeness | None = None,
) -> bytes:
    """Build the ONNX model from encoded features to segment, distance and likeness.

    Parameters
    ----------
    mean, scale : shape (n_features,)
    components : shape (n_components, n_features)
    cluster_centers : shape (n_segments, n_components)
    segment_ids : the numbers of the segments, shape (n_segments,)
    metadata : written in the file beside the names of the features

    Returns
    -------
    model : the file; outputs `segment` int64 and `distance` float32, both of shape (n_rows,), and
        `likeness` float32 where there is one; 100 is average
    """
    from onnx import TensorProto, checker, helper, numpy_helper

    axes = (components / scale).T.astype(np.float32)
    centers = cluster_centers.astype(np.float32)
    constants = {
        "mean": mean.astype(np.float32),
        "axes": axes,
        "centers": centers,
        "segment_ids": segment_ids.astype(np.int64),
        "minus_two_centers": np.ascontiguousarray(-2 * centers.T),
        "norms": (centers.astype(np.float64) ** 2).sum(axis=1).astype(np.float32),
    }
    nodes = [
        helper.make_node("Sub", [INPUT, "mean"], ["centred"]),
        helper.make_node("MatMul", ["centred", "axes"], ["scores"]),
        # |z - c|² less |z|², which is the same for all centres: the first of equals is the nearest.
        helper.make_node("MatMul", ["scores", "minus_two_centers"], ["products"]),
        helper.make_node("Add", ["products", "norms"], ["nearness"]),
        helper.make_node("ArgMin", ["nearness"], ["place"], axis=1, keepdims=0),
        helper.make_node("Gather", ["segment_ids", "place"], [SEGMENT], axis=0),
        helper.make_node("Gather", ["centers", "place"], ["own"], axis=0),
        helper.make_node("Sub", ["scores", "own"], ["apart"]),
        helper.make_node("ReduceL2", ["apart"], [DISTANCE], axes=[1], keepdims=0),
    ]
    outputs = [(SEGMENT, TensorProto.INT64), (DISTANCE, TensorProto.FLOAT)]
    if likeness is not None:
        outputs.append((LIKENESS, TensorProto.FLOAT))
        constants |= _likeness_constants(likeness, mean)
        nodes += [helper.make_node(*node) for node in _LIKENESS_NODES]
    graph = helper.make_graph(
        nodes,
        "segments",
        [helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, ["rows", len(features)])],
        [helper.make_tensor_value_info(name, kind, ["rows"]) for name, kind in outputs],
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    model = helper.make_model(
        graph,
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="segment_lib",
    )
    properties = {"features": json.dumps(list(features), ensure_ascii=False)} | metadata
    helper.set_model_props(model, dict(sorted(properties.items())))
    checker.check_model(model, full_check=True)
    return bytes(model.SerializeToString(deterministic=True))


_LIKENESS_NODES = (
    ("MatMul", ["centred", "likeness_weights"], ["weighed"]),
    ("Add", ["weighed", "likeness_intercept"], ["score"]),
    # The mean of two splines: a line, and cubes above each knot (see Curve).
    ("Sub", ["score", "likeness_knots"], ["past"]),
    ("Relu", ["past"], ["above"]),
    ("Mul", ["above", "above"], ["squares"]),
    ("Mul", ["squares", "above"], ["cubes"]),
    ("MatMul", ["cubes", "likeness_bends"], ["bent"]),
    ("Mul", ["score", "likeness_slope"], ["sloped"]),
    ("Add", ["sloped", "likeness_height"], ["line"]),
    ("Add", ["line", "bent"], ["curve"]),
    ("Exp", ["curve"], ["ratio"]),
    ("Mul", ["ratio", "hundred"], ["indices"]),
    ("Squeeze", ["indices", "columns"], [LIKENESS]),
)


def _likeness_constants(likeness: Likeness, mean: np.ndarray) -> dict[str, np.ndarray]:
    """Constants of the nodes above, of the mean of both fits and both curves."""
    weights = likeness.weights.mean(axis=0, dtype=np.float64)
    line = np.mean([curve.line for curve in likeness.curves], axis=0)
    bends = np.concatenate([curve.bends for curve in likeness.curves])[:, None] / 2
    numbers = {
        "likeness_weights": weights[:, None],
        "likeness_intercept": likeness.intercepts.mean() + weights @ mean,
        "likeness_knots": np.concatenate([curve.knots for curve in likeness.curves]),
        "likeness_bends": bends,
        "likeness_height": line[0],
        "likeness_slope": line[1],
        "hundred": np.array(100.0),
    }
    constants = {name: np.asarray(array, dtype=np.float32) for name, array in numbers.items()}
    return constants | {"columns": np.array([1], dtype=np.int64)}


def run_likeness(model: bytes, block: np.ndarray) -> np.ndarray:
    """Predict the likeness of features (n_rows, n_features) by onnxruntime, shape (n_rows,)."""
    return np.asarray(_run(model, [LIKENESS], block)[0])


def check_likeness(model: bytes, block: np.ndarray, likeness: Likeness, where: Location) -> None:
    """Run the model on rows, and compare their likeness with that of the run.

    Raises
    ------
    IntegrityError
        If one differs beyond rounding.
    """
    expected = likeness.predict(block)
    fits = np.abs(run_likeness(model, block) - expected) <= TOLERANCE * (1 + expected)
    if not fits.all():
        raise IntegrityError(
            f"{where}: not written, as {int((~fits).sum()):,} of {len(block):,} rows of the run "
            "get another likeness from it. Run gains again; if they still do, report it."
        )


def run_onnx(model: bytes, block: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Predict segment and distance of features (n_rows, n_features) by onnxruntime."""
    segments, distances = _run(model, [SEGMENT, DISTANCE], block)
    return segments, distances


def _run(model: bytes, outputs: list[str], block: np.ndarray) -> list[np.ndarray]:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    return list(session.run(outputs, {INPUT: block}))


def check_onnx(
    model: bytes,
    block: np.ndarray,
    scores: np.ndarray,
    cluster_centers: np.ndarray,
    segment_ids: np.ndarray,
    segments: np.ndarray,
    distances: np.ndarray,
    where: Location,
) -> int:
    """Run the model on rows whose segment and distance are known.

    A row may have another segment only where both centres are equally near, to rounding.

    Parameters
    ----------
    scores : of the same rows, shape (n_rows, n_components)
    segments, distances : what is known, shape (n_rows,)

    Returns
    -------
    agreeing : rows with the very same segment

    Raises
    ------
    IntegrityError
        If a row disagrees beyond rounding.
    """
    onnx_segments, onnx_distances = run_onnx(model, block)
    near = TOLERANCE * (1 + distances.astype(np.float64))
    # Asked for what agrees, as no number agrees with NaN.
    fits = np.abs(onnx_distances - distances) <= near
    order = np.argsort(segment_ids)
    for numbers in (onnx_segments, segments):
        at = np.searchsorted(segment_ids, numbers, sorter=order).clip(max=len(order) - 1)
        places = order[at]
        apart = scores.astype(np.float64) - cluster_centers.astype(np.float64)[places]
        fits &= segment_ids[places] == numbers
        fits &= np.abs(np.sqrt((apart**2).sum(axis=1)) - distances) <= near
    if not fits.all():
        raise IntegrityError(
            f"{where}: not written, as {int((~fits).sum()):,} of {len(block):,} rows of the run "
            "get another segment or distance from it. Run assign again; if they still do, report "
            "it."
        )
    return int((onnx_segments == segments).sum())
