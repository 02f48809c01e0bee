"""Micro-segments, and how many customers a mail-out to the best of them reaches."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import polars as pl
from dask import delayed

from jobs.parts import Part, make_parts, part_key, work_done
from jobs.stage import EXTRACTS, Job, Outcome, Stage
from segment_lib.clean import parse_answers
from segment_lib.config import Config
from segment_lib.errors import IntegrityError
from segment_lib.hashing import hashed_share, in_first_half, row_hash
from segment_lib.mailing.gains import (
    COUNTS,
    add_counts,
    gains_table,
    mailing_depth,
    micro_table,
    response_table,
)
from segment_lib.matrix import as_block
from segment_lib.model import MicroClusters, MicroModel, Projection
from segment_lib.model.micro import SAMPLE_SIZE
from segment_lib.model.quality import ClusterSums
from segment_lib.storage.arrays import read_arrays, write_arrays
from segment_lib.storage.files import StoredFile, read_metadata, read_part, write_file, write_part
from segment_lib.storage.location import Location
from segment_lib.terms import SET_ASIDE

BYTES_PER_FEATURE = 16
"""Of a feature value in memory while a part is placed; measured."""
_COUNTS = "counts"
"""The key of the footer that holds the counts of a part."""


def settings(config: Config) -> Any:
    told = config.model
    return [told.n_micro, told.random_state, asdict(config.mailing), config.inputs.response]


def inputs(job: Job) -> Any:
    raw = job.hashes("ingest") if job.config.inputs.response else []
    learned = (("sweep", "model/arrays.npz"), ("gains", "gains/micro.npz"))
    base = [[job.base.file(*of).sha256 for of in learned]] if job.base else []
    return [job.hashes("encode", "features/"), job.hashes("fit"), job.hashes("assign"), raw, *base]


def sample_part(
    root: Location, file: StoredFile, features: list[str], share: float, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Numbers and features of the rows of a part that are in the sample."""
    encoded = read_part(root, file, columns=["row", *features])
    chosen = encoded.filter(hashed_share(encoded["row"].to_numpy(), seed, share))
    return chosen["row"].to_numpy(), as_block(chosen, features)


def sample_of(parts: Sequence[tuple[np.ndarray, np.ndarray]], seed: int) -> np.ndarray:
    """Features of the sample from its parts, in an order that no part decides."""
    rows, blocks = zip(*parts, strict=True)
    return np.asarray(np.concatenate(blocks)[np.argsort(row_hash(np.concatenate(rows), seed))])


def tally_part(
    root: Location, file: StoredFile, features: list[str], clusters: MicroClusters, half: int | None
) -> ClusterSums:
    """Sums by cluster of a part; of the half that ranks if its seed is given."""
    encoded = read_part(root, file, columns=["row", *features])
    if half is not None:
        encoded = encoded.filter(in_first_half(encoded["row"].to_numpy(), half))
    return clusters.tally(as_block(encoded, features))


def place_part(
    root: Location,
    file: StoredFile,
    assigned: StoredFile,
    features: list[str],
    model: MicroModel,
    seed: int,
    work: Location,
    path: str,
) -> StoredFile:
    """Micro-segments of a part, written below `work`; its counts are in the footer."""
    encoded = read_part(root, file, columns=["row", *features])
    placed = encoded.select("row").with_columns(
        pl.Series("micro_segment", model.predict(as_block(encoded, features)), dtype=pl.Int32)
    )
    rows = read_part(root, assigned, columns=["row", "segment"])
    joined = rows.join(placed, on="row", how="left", maintain_order="left")
    known = joined["micro_segment"].is_not_null()
    if known.sum() != encoded.height or (known != (joined["segment"] != SET_ASIDE)).any():
        raise IntegrityError(f"{assigned.path}: not the rows of {file.path}. Run assign again.")
    joined = joined.with_columns(pl.col("micro_segment").fill_null(SET_ASIDE))
    if path.startswith("gains/population/"):
        counts = _counts(joined, population_rows=pl.len())
    else:
        ranks = pl.Series("ranks", in_first_half(joined["row"].to_numpy(), seed))
        counts = _counts(
            joined.with_columns(ranks),
            ranking_rows=pl.col("ranks").sum(),
            measured_rows=(~pl.col("ranks")).sum(),
        )
    told = json.dumps(counts.to_dict(as_series=False))
    return write_part(work, path, joined.select("row", "micro_segment"), {_COUNTS: told})


def read_counts(root: Location, file: StoredFile) -> pl.DataFrame:
    """The counts in the footer of a part."""
    return pl.DataFrame(json.loads(read_metadata(root, file)[_COUNTS]), schema=COUNTS)


def _counts(rows: pl.DataFrame, **counted: pl.Expr) -> pl.DataFrame:
    keys = ("segment", "micro_segment")
    found = rows.group_by(keys).agg(**counted).sort(keys)
    absent = [pl.lit(0).alias(name) for name in COUNTS if name not in found.columns]
    return found.with_columns(absent).select(pl.col(name).cast(k) for name, k in COUNTS.items())


def count_responses(
    root: Location, raw: StoredFile, assigned: StoredFile, extract: str, column: str
) -> pl.DataFrame:
    """Rows of known response, and responses, of a part by segment."""
    cells = parse_answers(read_part(root, raw, columns=[column])[column])
    segments = read_part(root, assigned, columns=["segment"])["segment"]
    return (
        pl.DataFrame({"segment": segments, "response": cells})
        .group_by("segment")
        .agg(
            pl.col("response").count().cast(pl.Int64).alias("rows"),
            (pl.col("response") == "1").sum().cast(pl.Int64).alias("responses"),
        )
        .select(pl.lit(extract).alias("extract"), "segment", "rows", "responses")
    )


def micro_model(job: Job, at_once: int) -> tuple[MicroModel, dict[str, int]]:
    """Micro-segments: those of the base where its model is applied, else learned anew."""
    files = job.manifest.files("encode", "features/")
    n_read = len(files) + len(job.manifest.files("encode", "features/population/"))
    base, arrays = job.base, "model/arrays.npz"
    if base is None or base.file("sweep", arrays) != job.manifest.file("sweep", arrays):
        return learn(job, at_once), work_done(n_read)
    projection = Projection.from_arrays(
        read_arrays(job.root, job.manifest.file("fit", "model/projection.npz"))
    )
    micro = read_arrays(base.root, base.file("gains", "gains/micro.npz"))
    return MicroModel.from_arrays(projection, micro), work_done(0, n_read)


def learn(job: Job, at_once: int) -> MicroModel:
    """Micro-segments from the population and the customers that rank; rows stay on the workers."""
    arrays = read_arrays(job.root, job.manifest.file("fit", "model/projection.npz"))
    features, seed = job.facts("encode")["features"], job.config.model.random_state
    files = {name: job.manifest.files("encode", f"features/{name}/") for name in EXTRACTS}
    share = SAMPLE_SIZE / job.facts("encode")["population"]
    projection = Projection.from_arrays(arrays)
    parts = [
        delayed(sample_part)(job.root, file, features, share, seed) for file in files["population"]
    ]
    with job.workers.limited(at_once):
        sample = delayed(sample_of)(parts, seed).persist()
        clusters = delayed(MicroClusters.fit)(
            projection, sample, n_micro=job.config.model.n_micro, random_state=seed
        ).compute()
    sums = {}
    for name, half in (("population", None), ("customers", seed)):
        tasks = [
            delayed(tally_part)(job.root, file, features, clusters, half) for file in files[name]
        ]
        first, *further = job.workers.run(tasks, at_once=at_once)
        sums[name] = sum(further, start=first)
    fitting = delayed(MicroModel.fit)(clusters, sample, sums["population"], sums["customers"])
    model: MicroModel = fitting.compute()
    return model


def run(job: Job, work: Location) -> Outcome:
    features = job.facts("encode")["features"]
    raw = job.manifest.files("ingest")
    total = sum(file.rows or 0 for file in raw)
    at_once = job.at_once(BYTES_PER_FEATURE * len(features), max(file.rows or 0 for file in raw))
    model, learned = micro_model(job, at_once)
    micro = write_arrays(work, "gains/micro.npz", model.arrays())
    seed = job.config.model.random_state
    parts = []
    for name in EXTRACTS:
        encoded = job.manifest.files("encode", f"features/{name}/")
        assigned = job.manifest.files("assign", f"segments/{name}/")
        for file, segments in zip(encoded, assigned, strict=True):
            path = segments.path.replace("segments/", "gains/", 1)
            key = part_key("micro", name, file.sha256, segments.sha256, micro.sha256, seed)
            task = delayed(place_part)(job.root, file, segments, features, model, seed, work, path)
            parts.append(Part(path, key, task))
    with job.console.progress("gains", len(parts), "parts") as progress:
        made = make_parts(job, "gains", parts, work, lambda _: progress.add(1), at_once=at_once)
    counts = add_counts([read_counts(work, file) for file in made.files])
    cells, gains = micro_table(counts), gains_table(counts)
    files = [
        *made.files,
        micro,
        write_file(work, "gains/micro.csv", cells.write_csv().encode()),
        write_file(work, "gains/gains.csv", gains.write_csv().encode()),
    ]
    files += write_depth(job.config, cells, work)
    files += write_response(job, work)
    return Outcome(
        files,
        total,
        total,
        reach(gains, model.n_micro),
        {
            "n_micro": model.n_micro,
            "random_state": seed,
            "learned": learned,
            **made.facts,
        },
    )


def reach(gains: pl.DataFrame, n_micro: int) -> str:
    """What a fifth of the population reaches, in words."""
    fifth = dict(gains.filter(pl.col("depth") == 0.2).select("by", "customers_reached").iter_rows())
    if fifth["segment"] is None:
        return f"{n_micro} micro-segments; no customer is held out, so no gain is measured"
    return (
        f"a fifth of the population reaches {fifth['micro_segment']:.1%} of held-out customers by "
        f"{n_micro} micro-segments, {fifth['segment']:.1%} by segments"
    )


def write_depth(config: Config, cells: pl.DataFrame, work: Location) -> list[StoredFile]:
    """gains/depth.json, if costs are told."""
    told = config.mailing
    if told.cost_per_piece is None or told.margin_per_order is None:
        return []
    assert told.base_response_rate is not None
    depth = mailing_depth(
        cells, told.cost_per_piece, told.margin_per_order, told.base_response_rate
    )
    return [write_file(work, "gains/depth.json", json.dumps(depth, indent=1).encode())]


def write_response(job: Job, work: Location) -> list[StoredFile]:
    """gains/response.csv, if a response column is told."""
    column = job.config.inputs.response
    if not column:
        return []
    carried = job.facts("ingest")["carried"]
    tasks = [
        delayed(count_responses)(job.root, raw, assigned, name, column)
        for name in EXTRACTS
        if column in carried[name]
        for raw, assigned in zip(
            job.manifest.files("ingest", f"raw/{name}/"),
            job.manifest.files("assign", f"segments/{name}/"),
            strict=True,
        )
    ]
    table = response_table(pl.concat(job.workers.run(tasks)))
    return [write_file(work, "gains/response.csv", table.write_csv().encode())]


STAGE: Stage = Stage(
    "gains",
    needs=("ingest", "encode", "fit", "assign"),
    settings=settings,
    inputs=inputs,
    run=run,
)

if __name__ == "__main__":
    from jobs.run import main

    main(only="gains")
