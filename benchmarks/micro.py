"""Single passes of ours, each against the least its work could take: its floor.

Passes and floors run as the job runs them: a task per block on one thread per core, products in one
thread each. Passes are timed through `sweep` itself, which tells when each is done. A floor is the
product of the same shape at the best tile size, plus one reading of the block from memory.
"""

import argparse
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from statistics import median

import dask
import dask.array as da
import numpy as np
import polars as pl
import sklearn.cluster

from benchmarks.output import emit
from segment_lib.cluster.spill import Scratch
from segment_lib.cluster.workers import local_workers
from segment_lib.config import load_config
from segment_lib.matrix import feature_array
from segment_lib.model import (
    KMeans,
    LocalRows,
    Projection,
    Rows,
    compute_moments,
    local_rows,
    row_blocks,
)
from segment_lib.run.manifest import Manifest
from segment_lib.schema import read_feature_summary
from segment_lib.sources.typing import read_dtypes
from segment_lib.storage.arrays import read_arrays

_TILES = (256, 1024, 4096)
_PASSES = 8
_REPEATS = 5
_PLENTY = 25_000
"""Rows on which starting centres are found, as in the job."""


def main() -> None:
    options = _parser().parse_args()
    manifest = Manifest(options.run)
    files = manifest.files("encode", "features/population/")
    features = manifest.stages["encode"].facts["features"]
    arrays = read_arrays(options.run, manifest.file("fit", "model/projection.npz"))
    with local_workers().active():
        X = feature_array(options.run, files, features)
        Z = Projection.from_arrays(arrays).transform(X).persist()
        starts = starting_centers(Z, range(2, 21))
        lloyd(Z, starts, local_rows(row_blocks(Z), local_workers().threads))
        in_files(Z, starts, options.run)
        scatter(X.persist())
    config = load_config(options.config, options.set)
    ingest(
        [Path(config.inputs.population), Path(config.inputs.customers)],
        Path(config.inputs.feature_summary),
        config.inputs.separator or ";",
        manifest.stages["ingest"].seconds,
    )


def lloyd(Z: da.Array, starts: dict[int, np.ndarray], rows: Rows) -> None:
    """A pass at k = 20 against its floor; a pass for all k against the single ones."""
    single = {k: pass_seconds(Z, {k: centers}, rows) for k, centers in starts.items()}
    fused = pass_seconds(Z, starts, rows)
    k = max(starts)
    floor = product_floor(Z, starts[k])
    read = best_of(lambda: over_blocks(Z, reading))
    basis = f"product with {k} centres {floor:.3f} s, reading {read:.3f} s"
    figure("Lloyd pass over all rows, k = 20", single[k][:1], floor + read, basis, bound=2.5)
    figure("Lloyd pass over rows in doubt, k = 20", single[k][1:], floor + read, basis)
    summed = sum(min(seconds[1:]) for seconds in single.values())
    basis = f"sum of the {len(starts)} single passes"
    figure("fused pass over rows in doubt, k = 2 … 20", fused[1:], summed, basis)
    first = sum(seconds[0] for seconds in single.values())
    figure("fused pass over all rows, k = 2 … 20", fused[:1], first, basis, bound=0.75)
    stacked = np.concatenate(list(starts.values()))
    floor = product_floor(Z, stacked)
    basis = f"product with all {len(stacked)} centres {floor:.3f} s, reading {read:.3f} s"
    figure("fused pass over all rows against its own floor", fused[:1], floor + read, basis)


def in_files(Z: da.Array, starts: dict[int, np.ndarray], run: Path) -> None:
    """Bytes read in a fused pass over scores in scratch files, against one reading of them."""
    folder = Path(tempfile.mkdtemp(prefix="scratch-", dir=run))
    try:
        scratch = Scratch(folder, "scores")
        spilled = scratch.spill(Z)
        rows = LocalRows(spilled, local_workers().threads, scratch.bounds_store)
        counts = [bytes_read()]
        seconds = pass_seconds(
            spilled.array(), starts, rows, tick=lambda: counts.append(bytes_read())
        )
    finally:
        shutil.rmtree(folder)
    passes = np.diff(counts)[:1]
    basis = f"{Z.nbytes / 2**20:.0f} MiB of scores, {len(starts)} numbers of clusters"
    figure(
        "bytes a fused pass over all rows reads from scratch files, over the scores",
        [float(n) for n in passes],
        float(Z.nbytes),
        basis,
        bound=1.05,
        unit="bytes",
    )
    floor = best_of(lambda: over_blocks(Z, reading))
    figure("fused pass over all rows from scratch files", seconds[:1], floor, "reading from memory")


def scatter(X: da.Array) -> None:
    """Count, mean and scatter matrix in one pass."""
    passes = [seconds_of(lambda: compute_moments(X)) for _ in range(_REPEATS)]
    read = best_of(lambda: over_blocks(X, reading))
    for kind, name in ((np.float64, "float64"), (np.float32, "float32")):
        floor = best_of(lambda kind=kind: over_blocks(X, symmetric, kind))  # type: ignore[misc]
        basis = f"X'X in {name} {floor:.3f} s, reading {read:.3f} s"
        figure(f"scatter pass, floor in {name}", passes, floor + read, basis)


def ingest(extracts: Sequence[Path], summary: Path, separator: str, seconds: float) -> None:
    """Reading the extracts, as run.json tells it, against Polars parsing the same bytes."""
    dtypes = read_dtypes(read_feature_summary(summary))

    def parse() -> None:
        for path in extracts:
            cells = pl.scan_csv(path, separator=separator, schema_overrides=dtypes)
            cells.select(pl.all().null_count()).collect(engine="streaming")

    floor = min(seconds_of(parse) for _ in range(3))
    figure("ingest (typed, tallied, written)", [seconds], floor, "Polars parsing the same files")


def starting_centers(Z: da.Array, tried: Sequence[int]) -> dict[int, np.ndarray]:
    """Centres that fit a sample, as those from which the job's passes start."""
    sample = Z[:: max(1, len(Z) // _PLENTY)].compute()
    return {
        k: sklearn.cluster.KMeans(k, n_init=1, max_iter=50, random_state=0)
        .fit(sample)
        .cluster_centers_
        for k in tried
    }


def pass_seconds(
    Z: da.Array,
    starts: dict[int, np.ndarray],
    rows: Rows,
    tick: Callable[[], None] = lambda: None,
) -> list[float]:
    """Seconds of each of a sweep's passes, none of which ends for having converged."""
    times = [time.perf_counter()]

    def on_pass(passes: int, running: int) -> None:
        # Passes counted from one again repair a rise in the curve: those are others.
        if passes == len(times) and passes <= _PASSES:
            times.append(time.perf_counter())
            tick()

    models = [KMeans(k, init=start, max_iter=_PASSES, tol=-1.0) for k, start in starts.items()]
    KMeans.fit_sweep(models, Z, rows=lambda: rows, on_pass=on_pass)
    return [float(seconds) for seconds in np.diff(times)]


def product_floor(Z: da.Array, centers: np.ndarray) -> float:
    """Seconds of the product of all rows with the centres, the better way round."""
    ways = (products, products_by_rows)
    return min(best_of(lambda way=way: over_blocks(Z, way, centers)) for way in ways)  # type: ignore[misc]


def products(block: np.ndarray, centers: np.ndarray, tile: int) -> None:
    for start in range(0, len(block), tile):
        centers @ block[start : start + tile].T


def products_by_rows(block: np.ndarray, centers: np.ndarray, tile: int) -> None:
    for start in range(0, len(block), tile):
        block[start : start + tile] @ centers.T


def symmetric(block: np.ndarray, kind: type, tile: int) -> None:
    # One tile again and again: converting rows is no part of the floor.
    rows: np.ndarray = block[:tile].astype(kind)
    for start in range(0, len(block), tile):
        some = rows[: len(block) - start]
        some.T @ some


def reading(block: np.ndarray, tile: int) -> None:
    flat = block.ravel()
    np.dot(flat, flat)


def over_blocks(Z: da.Array, work: Callable[..., None], *args: object) -> list[float]:
    """Seconds of the work on all blocks, for each size of a tile."""
    blocks = dask.compute(*Z.to_delayed().ravel())

    def at_once(tile: int) -> None:
        list(pool.map(lambda block: work(block, *args, tile), blocks))

    with ThreadPoolExecutor(local_workers().threads) as pool:
        return [seconds_of(partial(at_once, tile)) for tile in _TILES]


def best_of(timed: Callable[[], list[float]]) -> float:
    """The least seconds of several turns and all tile sizes."""
    return min(min(timed()) for _ in range(_REPEATS))


def seconds_of(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def bytes_read() -> int:
    """By this process so far, from files and the page cache alike."""
    counts = dict(line.split(": ") for line in Path("/proc/self/io").read_text().splitlines())
    return int(counts["rchar"])


def figure(
    name: str,
    values: Sequence[float],
    floor: float,
    basis: str,
    bound: float | None = None,
    unit: str = "s",
) -> None:
    """Emit a figure with its floor and the basis of that."""
    entry = {"best": min(values), "median": median(values), "floor": floor, "basis": basis}
    emit(**{name: {**entry, "bound": bound, "unit": unit}})


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.micro", description=__doc__)
    parser.add_argument("run", type=Path, help="a run of ours, done up to fit or further")
    parser.add_argument("config", type=Path, help="with which it was made")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    return parser


if __name__ == "__main__":
    main()
