"""Integrity check of a run folder: every file that run.json lists, to the byte, and no others."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from segment_lib.errors import IntegrityError
from segment_lib.model import FittedModel
from segment_lib.run.artifacts import ARRAYS, MODEL, PLAN
from segment_lib.run.manifest import Manifest
from segment_lib.run.results import Encoded
from segment_lib.storage.arrays import read_arrays
from segment_lib.storage.files import StoredFile, file_size, hash_file, read_json


@dataclass(frozen=True)
class Fault:
    """Fault of one file."""

    path: str
    what: str
    stage: str | None
    """The stage to run again; None for a file that no stage left."""


def faults(manifest: Manifest) -> list[Fault]:
    """List the faults of a run folder, in stage order. Every listed file is read once."""
    stages = {file: name for name, record in manifest.stages.items() for file in record.files}
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        wrong = pool.map(lambda file: _fault(manifest, file), stages)
        listed = [
            Fault(file.path, what, Encoded.stage if file.path == PLAN.path else stages[file])
            for file, what in zip(stages, wrong, strict=True)
            if what
        ]
    if MODEL.stage in manifest.stages and not any(fault.stage == MODEL.stage for fault in listed):
        listed += _model_faults(manifest)
    unlisted = (path.relative_to(manifest.root).as_posix() for path in manifest.unlisted())
    return listed + [Fault(path, "listed by no stage", None) for path in unlisted]


def _fault(manifest: Manifest, file: StoredFile) -> str | None:
    path = manifest.root / file.path
    if path.is_symlink() or not path.is_file():
        return "gone"
    size = file_size(path)
    if file.path == PLAN.path:
        # The analyst may edit it; then encode says which plan it went by.
        encoded = manifest.stages.get(Encoded.stage)
        plan = encoded.facts.get("plan", file.sha256) if encoded else file.sha256
        return None if hash_file(path) == plan else "not the plan that was followed"
    if size != file.bytes:
        return f"{size:,} bytes, {file.bytes:,} were written"
    return None if hash_file(path) == file.sha256 else "not the bytes that were written"


def _model_faults(manifest: Manifest) -> Iterator[Fault]:
    """Check the model as a whole: its bytes prove nothing if run.json was rewritten too."""
    try:
        summary = read_json(manifest.root, manifest.file(MODEL.stage, MODEL.path))
        arrays = manifest.file(ARRAYS.stage, ARRAYS.path)
        model = FittedModel.from_arrays(read_arrays(manifest.root, arrays))
        fits = model.kmeans.cluster_centers_.shape == (
            summary["n_clusters"],
            summary["n_components"],
        )
        n_features = model.projection.scaler.n_features_in_
        fits &= n_features == len(summary["features"]) == summary["n_features"]
    except (IntegrityError, ValueError, KeyError, TypeError, IndexError, AttributeError):
        fits = False
    if not fits:
        yield Fault(MODEL.path, "does not fit the arrays beside it", MODEL.stage)
