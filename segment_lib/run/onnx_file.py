"""The fitted model of a run as an ONNX file, checked on rows whose segments are known."""

import numpy as np
import polars as pl

from segment_lib.matrix import as_block
from segment_lib.model import Likeness, Projection, segment_ids
from segment_lib.model.onnx_export import build_onnx, check_likeness, check_onnx
from segment_lib.run.artifacts import ARRAYS, ASSIGNED, FEATURES, MODEL, RANKING
from segment_lib.run.context import RunReader
from segment_lib.run.progress import log
from segment_lib.storage.files import read_part, write_file
from segment_lib.storage.location import Location

CHECKED_ROWS = 10_000
"""Rows of the run on which an exported model is checked, at most."""
_CHECKED_PARTS = 10


def write_onnx(run: RunReader, target: Location) -> None:
    """Write the fitted model as ONNX, after checking it on rows whose segments are known."""
    description, arrays = run.json(MODEL), run.arrays(ARRAYS)
    projection, centers = Projection.from_arrays(arrays), arrays["cluster_centers"]
    features, ids = description["features"], segment_ids(arrays)
    likeness = None
    if run.has(RANKING):
        likeness = Likeness.from_arrays(run.arrays(RANKING), len(features))
    model = build_onnx(
        features,
        projection.scaler.mean_,
        projection.scaler.scale_,
        projection.pca.components_,
        centers,
        ids,
        {
            "n_clusters": str(description["n_clusters"]),
            "n_components": str(description["n_components"]),
            "set_aside": "rows lacking too many attributes are segment -1 and are not asked for",
        },
        likeness,
    )
    block, assigned = _known_rows(run, features)
    segments, distances = (assigned[name].to_numpy() for name in ("segment", "distance"))
    agreeing = check_onnx(
        model, block, projection.transform(block), centers, ids, segments, distances, target
    )
    if likeness is not None:
        check_likeness(model, block, likeness, target)
    write_file(target.parent, target.name, model)
    log(
        f"export   {target}: {agreeing:,} of {len(block):,} rows of the run get the same segment"
        + ("" if agreeing == len(block) else ", the others one as near to rounding"),
        rows=len(block),
        agreeing=agreeing,
    )


def _known_rows(run: RunReader, features: list[str]) -> tuple[np.ndarray, pl.DataFrame]:
    """Return features and segments of up to CHECKED_ROWS rows from a few of the parts."""
    parts = [
        (encoded, assigned)
        for _, (encoded, assigned) in run.aligned(FEATURES, ASSIGNED, extracts=["population"])
        if encoded.rows
    ]
    chosen = parts[:: -(-len(parts) // _CHECKED_PARTS)]
    blocks: list[np.ndarray] = []
    known = []
    for encoded, assigned in chosen:
        rows = read_part(run.root, encoded, columns=["row", *features])
        rows = rows.head(CHECKED_ROWS // len(chosen))
        segments = read_part(run.root, assigned)
        blocks.append(as_block(rows, features))
        known.append(rows.select("row").join(segments, on="row", how="left", maintain_order="left"))
    return np.concatenate(blocks), pl.concat(known)
