"""What the comparison counts part by part: segments, levels, overlaps. Sums in part order."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import polars as pl
from dask import delayed

from jobs.assign import placed_rows
from jobs.legacy import Part, Parts, make_parts, part_key
from segment_lib.clean import known
from segment_lib.matrix import as_block
from segment_lib.model import Overlap, Projection, overlap
from segment_lib.profile import COUNTS, Levels, count_levels
from segment_lib.run.job import Job
from segment_lib.schema import Schema
from segment_lib.storage.files import StoredFile, read_file, read_metadata, read_part, write_part
from segment_lib.storage.location import Location
from segment_lib.terms import EXTRACTS

BYTES_PER_CELL = 30
"""Of a raw cell in memory while its levels are counted; measured."""
BYTES_PER_FEATURE = 12
"""Of a feature value in memory while overlaps are counted; measured."""
_OVERLAP = "overlap"
"""The key of the footer that holds the overlap of a part."""


@dataclass(frozen=True)
class Counted:
    """All that is counted of one extract."""

    levels: pl.DataFrame
    """Rows by segment, attribute and level: columns of COUNTS."""
    overlap: Overlap


def segment_rows(job: Job) -> dict[str, Counter[int]]:
    """Rows of each extract by segment."""
    files = {name: job.manifest.files("assign", f"segments/{name}/") for name in EXTRACTS}
    tasks = [delayed(placed_rows)(job.root, files[name]) for name in EXTRACTS]
    found = job.workers.run(tasks)
    return {name: Counter(placed.rows) for name, placed in zip(EXTRACTS, found, strict=True)}


def count_extracts(
    job: Job,
    projection: Projection,
    centers: np.ndarray,
    anew: np.ndarray,
    levels: Mapping[str, Sequence[Levels]],
    work: Location,
) -> tuple[dict[str, Counted], Parts]:
    """Levels of each extract by segment, and how segments share their rows with clusterings anew.

    Parameters
    ----------
    levels : of each extract, the attributes counted
    """
    features = list(job.facts("encode")["features"])
    models = [job.manifest.file("sweep", f"model/{name}.npz") for name in _MODELS]
    parts = []
    for name in EXTRACTS:
        told = [asdict(level) for level in levels[name]]
        missing = {a.name: a.missing for a in job.schema}
        for raw, assigned, encoded in zip(
            job.manifest.files("ingest", f"raw/{name}/"),
            job.manifest.files("assign", f"segments/{name}/"),
            job.manifest.files("encode", f"features/{name}/"),
            strict=True,
        ):
            path = assigned.path.replace("segments/", "compare/counts/", 1)
            made_from = [file.sha256 for file in (raw, assigned, encoded, *models)]
            codes = [missing[level.attribute] for level in levels[name]]
            task = delayed(count_part)(
                job.root, raw, assigned, encoded, job.schema, list(levels[name]), features,
                projection, centers, anew, work, path,
            )  # fmt: skip
            parts.append(Part(path, part_key("counts", made_from, told, codes), task))
    largest = max(file.rows or 0 for file in job.manifest.files("ingest"))
    most = max(len(of) for of in levels.values())
    per_row = max(BYTES_PER_CELL * most, BYTES_PER_FEATURE * len(features))
    with job.console.progress("compare", len(parts), "parts") as progress:
        made = make_parts(
            job,
            "compare",
            parts,
            work,
            lambda _: progress.add(1),
            at_once=job.at_once(per_row, largest),
        )
    return {name: add_counts(work, made.files, name) for name in EXTRACTS}, made


_MODELS = ("arrays", "reclusterings")


def count_part(
    root: Location,
    raw: StoredFile,
    assigned: StoredFile,
    encoded: StoredFile,
    schema: Schema,
    levels: list[Levels],
    features: list[str],
    projection: Projection,
    centers: np.ndarray,
    anew: np.ndarray,
    work: Location,
    path: str,
) -> StoredFile:
    """The counts of a part, written below `work`; the overlap is in the footer."""
    shared = count_overlap(root, encoded, features, projection, centers, anew)
    counts = count_levels_of(root, raw, assigned, schema, levels)
    return write_part(work, path, counts, {_OVERLAP: json.dumps(shared.contingency.tolist())})


def count_levels_of(
    root: Location, raw: StoredFile, assigned: StoredFile, schema: Schema, levels: list[Levels]
) -> pl.DataFrame:
    """Rows of a part by segment, attribute and level."""
    if not levels:
        return pl.DataFrame(schema=COUNTS)
    names = [level.attribute for level in levels]
    codes = read_part(root, raw, columns=names)
    rows = codes.select(known(schema[name]) for name in names)
    counts = count_levels(rows, read_part(root, assigned, columns=["segment"])["segment"], levels)
    return counts.sort(list(COUNTS)[:-1])


def count_overlap(
    root: Location,
    file: StoredFile,
    features: list[str],
    projection: Projection,
    centers: np.ndarray,
    anew: np.ndarray,
) -> Overlap:
    """The overlap of a part."""
    if not file.rows:
        return Overlap(np.zeros((len(anew), len(centers), len(centers)), dtype=np.int64))
    block = as_block(read_part(root, file, columns=features), features)
    return overlap(projection.transform(block), centers, anew)


def add_counts(work: Location, files: Sequence[StoredFile], extract: str) -> Counted:
    """The counts of all parts of an extract."""
    own = [file for file in files if file.path.startswith(f"compare/counts/{extract}/")]
    found = [read_metadata(work, file)[_OVERLAP] for file in own]
    joint: Any = sum(np.array(json.loads(text), dtype=np.int64) for text in found)
    keys = list(COUNTS)[:-1]
    counts = pl.concat(read_part(work, file) for file in own)
    return Counted(counts.group_by(keys).agg(pl.col("rows").sum()).sort(keys), Overlap(joint))


def levels_of_base(job: Job) -> dict[str, Levels]:
    """How the base of a refresh profiles its attributes, so that counts compare and are reused."""
    if job.base is None:
        return {}
    told = json.loads(read_file(job.base.root, job.base.file("compare", "compare/levels.json")))
    return {
        name: Levels(name, of["number"], tuple(of["edges"]), tuple(of["names"]))
        for name, of in told.items()
    }


def levels_as_json(levels: Mapping[str, Levels]) -> bytes:
    told = {
        name: {"number": of.number, "edges": of.edges, "names": of.names}
        for name, of in levels.items()
    }
    return json.dumps(told, indent=1, ensure_ascii=False).encode()
