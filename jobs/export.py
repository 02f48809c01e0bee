"""Export a finished run: the list of people to mail, or the model for other programs.

    python -m jobs.export runs/azdias --depth 0.2
    python -m jobs.export runs/azdias --depth 0.2 --suppress robinson.txt
    python -m jobs.export runs/azdias --onnx model.onnx

--depth 0.2 takes the fifth of the population that is most like the customers: the best
cells first, of people of like customer-likeness (gains/likeness.csv) or micro-segments
(gains/micro.csv), whichever the run has chosen; within one in the order of a hash, the set-aside
rows where their index puts them. Of these people known customers (by id, if inputs.id_column was
set, else by inputs.customers_where), those in the suppression file and those marked in
inputs.suppress_column are left out and counted; nobody moves up in their place. The suppression
file may be CSV of any form, or Parquet. If none of its ids, or none of the customers', is one of
the population, nothing is written, unless --allow-unmatched says that this is right. Without
either, customers cannot be told from others: then say in --suppress who is not to be mailed, by
row number from 0. The list goes to RUN/export as targets.parquet and targets.csv: rank, id or row,
segment, micro_segment, the index of the cell as micro_index, and likeness where it ranks.
targets.json, written last, holds the counts and the sha256 of both. In the CSV file text that a
spreadsheet would take for a formula gets a leading apostrophe.

--onnx writes the fitted model as ONNX: encoded features (float32, in the order of model.json) to
segment, distance and customer-likeness. It is run on rows of the run first, and not written if
these differ.

Exit codes: 0 done, 2 usage or config, 3 bad input data, 4 out of memory budget or disk,
6 integrity check failed.
"""

import argparse
import os
import shutil
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn, Self

import numpy as np
import polars as pl
from dask import delayed

from jobs.command import run_and_exit
from jobs.parsers import parser_of
from segment_lib.cluster.memory import Budget
from segment_lib.cluster.workers import Workers, local_workers
from segment_lib.config import Run, parse_size
from segment_lib.errors import ConfigError, IntegrityError
from segment_lib.mailing.exclusions import IdColumns, RunIds, exclusion_words
from segment_lib.mailing.likeness import cells_of
from segment_lib.mailing.list_folder import LIST, refuse_other_list, replacing_list, sha256_key
from segment_lib.mailing.targets import (
    Exclusions,
    Ranking,
    SortedPart,
    count_distinct,
    write_list,
    write_sorted_part,
)
from segment_lib.matrix import as_block
from segment_lib.model import Likeness, Projection, segment_ids
from segment_lib.model.onnx_export import build_onnx, check_likeness, check_onnx, require_onnx
from segment_lib.run.artifacts import (
    ARRAYS,
    ASSIGNED,
    FEATURES,
    LIKENESS,
    MICRO,
    MICRO_PARTS,
    MODEL,
    RANKING,
    RAW,
)
from segment_lib.run.blame import blaming
from segment_lib.run.context import RunReader
from segment_lib.run.layout import RUN
from segment_lib.run.manifest import Manifest
from segment_lib.run.progress import Console, log, start_logging
from segment_lib.run.results import Assessed, Gained, Ingested
from segment_lib.run.staging import export_leftovers
from segment_lib.schema.customer_mark import CustomerMark
from segment_lib.storage.files import (
    StoredFile,
    hand_over,
    hash_file,
    make_private,
    read_part,
    remove,
    write_file,
)
from segment_lib.storage.local import flush_below
from segment_lib.storage.location import Location
from segment_lib.terms import EXTRACTS

READS = (
    *(RAW, FEATURES, ASSIGNED, MODEL, ARRAYS, MICRO, MICRO_PARTS, LIKENESS, RANKING),
    *(Ingested, Assessed, Gained),
)
"""What is read of the run."""
CHECKED_ROWS = 10_000
"""Rows of the run on which an exported model is checked, at most."""
_CHECKED_PARTS = 10
BYTES_PER_ROW = 1_000
"""Of a row while its part is sorted; measured."""


def main(argv: list[str] | None = None) -> NoReturn:
    """Export, and exit with the code of the outcome."""
    arguments = parser_of("export")
    options = arguments.parse_args(argv)
    if options.depth is None and options.onnx is None:
        arguments.error(
            "say what to write: --depth 0.2 for a target list, --onnx FILE for the model"
        )
    if options.depth is None and (options.suppress or options.out):
        arguments.error("--suppress and --out are for the target list: add --depth 0.2")
    if options.memory and parse_size(options.memory) is None:
        arguments.error("--memory must be a size such as 900MiB or 4GiB")
    start_logging(options.log_format)
    os.umask(0o077)
    run_and_exit(lambda: export(options), elsewhere="--out")


def export(options: argparse.Namespace) -> None:
    """Write the files that the options ask for."""
    root: Location = options.run.absolute()
    if not (root / RUN).exists() and not (root / RUN).is_symlink():
        raise ConfigError(f"{root}: no run.json. Name the folder of a finished run.")
    manifest = Manifest(root)
    run = RunReader(manifest, READS, "export")
    needed = (ASSIGNED if options.depth is None else MICRO_PARTS).stage
    if needed not in manifest.stages:
        raise ConfigError(f"{root}: {needed} is not done. Finish the run with python -m jobs.run.")
    if options.onnx is not None:
        require_onnx()
    workers = local_workers(options.threads)
    console = Console.fitting(options.log_format, shown=not options.no_progress)
    reading = blaming(f"{root}: what it holds")
    with manifest.lock_or_look(), manifest.annotate_errors(), reading, workers.active():
        if options.depth is not None:
            folder = options.out or root / "export"
            budget = parse_size(options.memory or Run().memory) or 0
            write_targets(run, folder, options, workers, console, budget)
        if options.onnx is not None:
            write_onnx(run, options.onnx.absolute())


@dataclass(frozen=True)
class Listing:
    """What orders the list: cells, best first, and which cell a row is in."""

    name: str
    """logistic or micro."""
    table: StoredFile
    cells: pl.DataFrame
    by: str
    """The column of the cell's number."""

    @classmethod
    def of_run(cls, run: RunReader) -> Self:
        """Read what the run has chosen."""
        name = run.result(Gained).ranking
        artifact, by = (LIKENESS, "cell") if name == "logistic" else (MICRO, "micro_segment")
        return cls(name, run.file(artifact), run.table(artifact), by)

    def cells_of(self, rows: pl.DataFrame) -> np.ndarray:
        """Return the cell of each row, shape (n_rows,), from `micro_segment` or `likeness`."""
        if self.by == "cell":
            return cells_of(rows["likeness"], self.cells)
        return rows["micro_segment"].to_numpy()


def write_targets(
    run: RunReader,
    folder: Location,
    options: argparse.Namespace,
    workers: Workers,
    console: Console,
    budget: int,
) -> None:
    """Write the target list and its counts into `folder`."""
    depth, listing = options.depth, Listing.of_run(run)
    population = int(listing.cells["population_rows"].sum())
    wanted = round(depth * population)
    ranking = Ranking.best(listing.cells, wanted, listing.by)
    columns = id_columns(run)
    raw = {extract: run.files(RAW, extract) for extract in EXTRACTS}
    ids = RunIds(run.root, raw, columns, workers.run, lambda line: log(f"export   {line}"))
    out = ids.exclusions(options.suppress)
    scratch = run.local(folder) / f".export-{uuid.uuid4().hex}"
    refuse_other_list(folder)
    make_private(folder)
    for old in export_leftovers(folder):
        remove(old)
    scratch.mkdir(mode=0o700)
    try:
        runs = sort_parts(run, listing, ranking, columns, out, scratch, workers, console, budget)
        if not options.allow_unmatched:
            ids.refuse_unmatched(options.suppress, out, runs)
        files = tuple(scratch / name for name in LIST)
        tally = write_list(runs, ranking.n_buckets, wanted, *files, repeating=columns.repeating)
        if sum(vars(tally).values()) != wanted:
            raise IntegrityError(
                f"{run.root}: {listing.table.path} does not add up. Run gains again."
            )
        suppressed_met = count_distinct([run.suppressed_matched for run in runs])
        summary = {
            "depth": depth,
            "population_rows": population,
            "considered": wanted,
            "listed": tally.listed,
            "known_customers_left_out": tally.customers if columns.customers_by else None,
            "customers_by": columns.customers_by,
            "suppressed_left_out": tally.suppressed,
            "marked_left_out": tally.marked,
            "without_id_left_out": tally.without_id,
            "repeated_left_out": tally.repeated,
            "customer_ids": len(out.customers) if columns.customers_by else None,
            "customer_ids_met": count_distinct([run.customers_matched for run in runs])
            if columns.customers_by
            else None,
            "suppressed_told": len(out.suppressed),
            "suppressed_met": suppressed_met,
            "suppressed_not_in_population": len(out.suppressed) - suppressed_met,
            "least_micro_index": float(ranking.index[-1]),
            "ranking": listing.name,
            "ranking_csv_sha256": listing.table.sha256,
            **{sha256_key(name): hash_file(scratch / name) for name in LIST},
        }
        flush_below(scratch, LIST)
        with replacing_list(folder, summary):
            for name in LIST:
                hand_over(scratch / name, folder / name)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    log(
        f"export   {tally.listed:,} people listed of the {wanted:,} that are {depth:.1%} of the "
        f"population; left out: {', '.join(exclusion_words(summary))}. {folder / 'targets.csv'}",
        **summary,
    )


def id_columns(run: RunReader) -> IdColumns:
    """Return the columns that decide who is listed."""
    ingested = run.result(Ingested)
    marks = ingested.suppress_column
    missing = {name: codes for name, _, _, codes in run.result(Assessed).attributes}
    repeated = ingested.ids["population"]["rows"] if ingested.id_column else 0
    return IdColumns(
        ingested.id_column,
        marks if marks in ingested.passthrough["population"] or marks in missing else "",
        missing.get(marks, ()),
        repeated > 0 and ingested.repeated_ids == "rows",
        CustomerMark.parse(ingested.customers_where),
    )


def sort_parts(
    run: RunReader,
    listing: Listing,
    ranking: Ranking,
    columns: IdColumns,
    out: Exclusions,
    scratch: Path,
    workers: Workers,
    console: Console,
    budget: int,
) -> list[SortedPart]:
    """Return a sorted run of each part of the population."""
    seed = run.result(Gained).random_state
    parts = list(run.aligned(MICRO_PARTS, ASSIGNED, RAW, extracts=["population"]))
    largest = max(raw.rows or 0 for _, (_, _, raw) in parts)
    at_once = Budget(budget).parts_at_once(BYTES_PER_ROW * largest, workers.threads, out.bytes)
    tasks = [
        delayed(_sort_part)(
            run.root, *files, columns, listing, ranking, out, seed, scratch / f"run-{i:05d}.arrow"
        )
        for i, (_, files) in enumerate(parts)
    ]
    with console.progress("export", len(tasks), "parts") as progress:
        return workers.run(tasks, lambda _: progress.add(1), at_once=at_once)


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


def _sort_part(
    root: Location,
    micro: StoredFile,
    segments: StoredFile,
    raw: StoredFile,
    columns: IdColumns,
    listing: Listing,
    ranking: Ranking,
    out: Exclusions,
    seed: int,
    path: Path,
) -> SortedPart:
    rows = read_part(root, segments, columns=["row", "segment"])
    placed = read_part(root, micro)
    if not rows["row"].equals(placed["row"]):
        raise IntegrityError(f"{micro.path}: not the rows of {segments.path}. Run gains again.")
    ids, marked = columns.read(root, raw)
    people = rows.with_columns(placed["micro_segment"])
    if listing.name == "logistic":
        people = people.with_columns(placed["likeness"].cast(pl.Float64).round(1))
    cells = listing.cells_of(placed)
    return write_sorted_part(people, cells, ids, marked, ranking, out, seed, path)


if __name__ == "__main__":
    main()
