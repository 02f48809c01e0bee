"""Export a finished run: the list of people to mail, the segment of everybody, or the model.

    segments export runs/azdias --depth 0.2
    segments export runs/azdias --depth 0.2 --suppress robinson.txt
    segments export runs/azdias --depth 0.2 --control 0.1 --test-cells 2 --excel
    segments export runs/azdias --customers --columns id,segment,name --format xlsx
    segments export runs/azdias --everyone
    segments export runs/azdias --onnx model.onnx

--depth 0.2 takes the fifth of the population that is most like the customers: the best
cells first, of people of like customer-likeness (gains/likeness.csv) or micro-segments
(gains/micro.csv), whichever the run has chosen; within one in the order of a hash, the set-aside
rows where their index puts them. Of these people known customers (by id, if inputs.id_column was
set, else by inputs.customers_where), those in the suppression file and those marked in
inputs.suppress_column are left out and counted; nobody moves up in their place. The suppression
file may be CSV of any form, Parquet or Excel. If none of its ids, or none of the customers', is one
of the population, nothing is written, unless --allow-unmatched says that this is right. Without
either, customers cannot be told from others: then say in --suppress who is not to be mailed, by
row number from 0. --without-set-aside leaves out those who have no segment too: all that ranks them
is how much of their data is missing.

--everyone and --customers list all people of an extract and leave nobody out: the column mail says
"yes", or why this person must not be mailed.

The list goes to RUN/export as targets.parquet and targets.csv (or everyone, or customers), a row
per id, the best-ranked of those that repeat one: rank, id or row, segment, micro_segment, the index
of the cell as micro_index, likeness where it ranks, name of the segment, and the columns that were
carried along, but for those of type text, such as remarks and e-mail addresses. --columns chooses
some of all these. --format xlsx writes a workbook in place of the CSV
file, --format parquet nothing beside it; --excel writes the CSV file as Excel opens it where
numbers have a decimal comma. targets.json, written last, holds the counts and the sha256 of the
others. In a CSV file text that a spreadsheet would take for a formula gets a leading apostrophe.

--control 0.1 draws a tenth of the people to be mailed by a hash of their ids, in each segment, as
a control group, which gets no mail; --test-cells 2 divides the others. Which cell is whose is in
the column cell, and how many there are in targets_cells.csv. Which lift their sizes can tell is
said before the list is written, at the --base-rate of the control group, by default
mailing.base_response_rate. Read the answers back by segments response.

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
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NoReturn, Self

import polars as pl

from segment_lib.cluster.workers import Workers, local_workers
from segment_lib.config import Run, parse_size
from segment_lib.errors import ConfigError, IntegrityError
from segment_lib.mailing.draw import CellPlan, Draw, draw_cells
from segment_lib.mailing.exclusions import RunIds, exclusion_words
from segment_lib.mailing.list_files import (
    FILES,
    batches,
    columns_that_excel_changes,
    refuse_too_long,
    require_xlsx,
    write_files,
)
from segment_lib.mailing.list_folder import ListFolder, sha256_key
from segment_lib.mailing.power import POWER, smallest_lift
from segment_lib.mailing.targets import Ranking, Tally, count_distinct, write_list
from segment_lib.model.onnx_export import require_onnx
from segment_lib.run.artifacts import (
    ARRAYS,
    ASSIGNED,
    DEPTH,
    FEATURES,
    LIKENESS,
    MICRO,
    MICRO_PARTS,
    MODEL,
    NAMES,
    RANKING,
    RAW,
)
from segment_lib.run.blame import blaming
from segment_lib.run.context import RunReader
from segment_lib.run.layout import RUN
from segment_lib.run.listing import Listing, Sorting, chosen_columns, id_columns, list_rows
from segment_lib.run.manifest import Manifest
from segment_lib.run.onnx_file import write_onnx
from segment_lib.run.progress import Console, log, start_logging
from segment_lib.run.results import Assessed, Gained, Ingested
from segment_lib.run.staging import export_leftovers
from segment_lib.sources import sheet_as_text
from segment_lib.storage.files import hand_over, hash_file, make_private, remove
from segment_lib.storage.local import flush_below
from segment_lib.storage.location import Location
from segment_lib.storage.tables import EXCEL, PLAIN, csv_text
from segment_lib.terms import EXTRACTS

from .command import run_and_exit
from .parsers import parser_of

READS = (
    *(RAW, FEATURES, ASSIGNED, MODEL, ARRAYS, MICRO, MICRO_PARTS, LIKENESS, RANKING, NAMES, DEPTH),
    *(Ingested, Assessed, Gained),
)
"""What is read of the run."""
FOR_THE_LIST = (
    *("suppress", "without_set_aside", "out", "columns", "format", "excel"),
    *("control", "test_cells"),
)
"""Options that say nothing without a list."""


@dataclass(frozen=True)
class Order:
    """The list that is asked for: whose, how deep, and in which files."""

    name: str
    """targets, everyone or customers."""
    depth: float
    form: str
    """That of the file beside the Parquet file: csv, excel, xlsx or parquet."""
    columns: str | None
    cells: CellPlan | None
    """The cells to draw; None for none."""
    base_rate: float | None

    @classmethod
    def from_options(cls, options: argparse.Namespace, run: RunReader) -> Self:
        """Return what the options ask for."""
        whole = {"everyone": options.everyone, "customers": options.customers}
        name = next((name for name, asked in whole.items() if asked), "targets")
        form = "excel" if options.excel else options.format or "csv"
        cells = None
        if options.control or options.test_cells:
            seed = run.result(Gained).random_state if options.seed is None else options.seed
            cells = CellPlan(options.control or 0.0, options.test_cells or 1, seed)
        rate = run.json(DEPTH)["base_response_rate"] if run.has(DEPTH) else None
        return cls(
            name, options.depth or 1.0, form, options.columns, cells, options.base_rate or rate
        )

    @property
    def extract(self) -> str:
        """The extract whose people are listed."""
        return "customers" if self.name == "customers" else "population"

    @property
    def everybody(self) -> bool:
        """True if those are listed too who are not to be mailed."""
        return self.name != "targets"

    @property
    def files(self) -> dict[str, str]:
        """Form of each file, by its name."""
        ending = "csv" if self.form == "excel" else self.form
        return {f"{self.name}.parquet": "parquet", f"{self.name}.{ending}": self.form}


def main(argv: list[str] | None = None) -> NoReturn:
    """Export, and exit with the code of the outcome."""
    arguments = parser_of("export")
    options = arguments.parse_args(argv)
    if not wants_list(options) and options.onnx is None:
        arguments.error(
            "say what to write: --depth 0.2 for a target list, --everyone or --customers for "
            "their segments, --onnx FILE for the model"
        )
    if not wants_list(options) and any(getattr(options, name) for name in FOR_THE_LIST):
        arguments.error("--suppress, --out and what shapes a list are for one: add --depth 0.2")
    if options.excel and options.format not in (None, "csv"):
        arguments.error("--excel is a form of CSV: leave --format out, or say --format xlsx alone")
    if options.control and options.control >= 1:
        arguments.error("--control must leave somebody to mail: a share below 1, such as 0.1")
    if options.seed is not None and not 0 <= options.seed < 2**32:
        arguments.error("--seed must be a whole number from 0 to 4294967295")
    if options.memory and parse_size(options.memory) is None:
        arguments.error("--memory must be a size such as 900MiB or 4GiB")
    start_logging(options.log_format)
    os.umask(0o077)
    run_and_exit(lambda: export(options), elsewhere="--out")


def wants_list(options: argparse.Namespace) -> bool:
    """Return whether the options ask for a list of people."""
    return options.depth is not None or options.everyone or options.customers


def export(options: argparse.Namespace) -> None:
    """Write the files that the options ask for."""
    root: Location = options.run.absolute()
    if not (root / RUN).exists() and not (root / RUN).is_symlink():
        raise ConfigError(f"{root}: no run.json. Name the folder of a finished run.")
    manifest = Manifest(root)
    run = RunReader(manifest, READS, "export")
    lists = wants_list(options)
    needed = (MICRO_PARTS if lists else ASSIGNED).stage
    if needed not in manifest.stages:
        raise ConfigError(f"{root}: {needed} is not done. Finish the run with segments run.")
    if options.onnx is not None:
        require_onnx()
    if options.format == "xlsx":
        require_xlsx()
    workers = local_workers(options.threads)
    console = Console.fitting(options.log_format, shown=not options.no_progress)
    reading = blaming(f"{root}: what it holds")
    with manifest.lock_or_look(), manifest.annotate_errors(), reading, workers.active():
        if lists:
            folder = options.out or root / "export"
            suppress = options.suppress
            with sheet_as_text(suppress) if suppress else nullcontext() as suppressed:
                export_list(run, folder, options, suppressed, workers, console)
        if options.onnx is not None:
            write_onnx(run, options.onnx.absolute())


def export_list(
    run: RunReader,
    folder: Location,
    options: argparse.Namespace,
    suppressed: Location | None,
    workers: Workers,
    console: Console,
) -> None:
    """Write the list, its cells and its counts into `folder`."""
    order, listing = Order.from_options(options, run), Listing.of_run(run)
    if order.extract == "customers":
        listing = listing.of_customers(run, workers)
    people = int(listing.cells["population_rows"].sum())
    wanted = round(order.depth * people)
    if order.form == "xlsx":
        refuse_too_long(wanted, people)
    ranking = Ranking.best(listing.cells, wanted, listing.by)
    columns = id_columns(run, order.extract)
    seed = order.cells.seed if order.cells else None
    holding = list_rows(run, order.extract, everybody=order.everybody, seed=seed)
    texts = [name for name, raw in holding.carried.items() if raw in run.result(Ingested).texts]
    own = list_columns(order, listing, columns.ids, list(holding.carried), texts)
    raw = {extract: run.files(RAW, extract) for extract in EXTRACTS}
    ids = RunIds(
        run.root, raw, columns, workers.run, lambda line: log(f"export   {line}"), order.extract
    )
    out = replace(ids.exclusions(suppressed), set_aside=options.without_set_aside)
    place = ListFolder(folder, order.name)
    place.refuse_others()
    scratch = run.local(folder) / f".export-{uuid.uuid4().hex}"
    make_private(folder)
    for old in export_leftovers(folder):
        remove(old)
    scratch.mkdir(mode=0o700)
    sorting = Sorting(
        order.extract, columns, listing, ranking, out, holding, run.result(Gained).random_state
    )
    try:
        budget = parse_size(options.memory or Run().memory) or 0
        parts = sorting.sort_parts(run, scratch, workers, console, budget)
        if not options.allow_unmatched:
            ids.refuse_unmatched(suppressed, out, parts)
        rows = scratch / "rows.parquet"
        tally = write_list(
            parts, ranking.n_buckets, wanted, rows, holding, repeating=columns.repeating
        )
        if sum(vars(tally).values()) != wanted:
            raise IntegrityError(
                f"{run.root}: {listing.table.path} does not add up. Run gains again."
            )
        for part in parts:
            part.path.unlink()
        draw = draw_cells(rows, order.cells) if order.cells else None
        cells = None
        if draw is not None:
            cells = draw.table(holding.names, order.base_rate)
            log(f"export   {cells_sentence(draw, cells, order.base_rate)}")
        names = write_forms(order, own, rows, draw, cells, scratch)
        suppressed_met = count_distinct([part.suppressed_matched for part in parts])
        by = columns.customers_by if order.extract == "population" else None
        summary = {
            "list": order.name,
            "depth": options.depth,
            "population_rows": people,
            "considered": wanted,
            "listed": wanted - tally.repeated if order.everybody else tally.listed,
            "mailable": tally.listed,
            "known_customers_left_out": tally.customers if by else None,
            "customers_by": by,
            "suppressed_left_out": tally.suppressed,
            "marked_left_out": tally.marked,
            "without_id_left_out": tally.without_id,
            "without_segment_left_out": tally.without_segment,
            "repeated_left_out": tally.repeated,
            "customer_ids": len(out.customers) if by else None,
            "customer_ids_met": count_distinct([part.customers_matched for part in parts])
            if by
            else None,
            "suppressed_told": len(out.suppressed),
            "suppressed_met": suppressed_met,
            "suppressed_not_in_population": len(out.suppressed) - suppressed_met,
            "least_micro_index": float(ranking.index[-1]),
            "ranking": listing.name,
            "ranking_csv_sha256": listing.table.sha256,
            "columns": own,
            "cells": None if order.cells is None else vars(order.cells),
            **{sha256_key(name): hash_file(scratch / name) for name in names},
        }
        flush_below(scratch, names)
        with place.replacing(summary):
            for name in names:
                hand_over(scratch / name, folder / name)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    log(f"export   {sentence(order, summary, tally)} {folder / names[-1]}", **summary)


def list_columns(
    order: Order, listing: Listing, ids: str, carried: list[str], texts: list[str]
) -> list[str]:
    """Return the columns of the list, and say which texts it leaves out.

    Raises
    ------
    ConfigError
        If a column is asked for that there is not, or the cells are drawn and left out.
    """
    own = ["rank", "id" if ids else "row", "segment", "micro_segment", "micro_index"]
    own += ["likeness"] * (listing.name == "logistic") + ["name"]
    own += ["cell"] * (order.cells is not None) + ["mail"] * order.everybody
    columns = chosen_columns([*own, *carried], texts, order.columns)
    if texts and not order.columns:
        log(f"export   {', '.join(texts)}: text, listed only where --columns names it")
    if order.cells is not None and "cell" not in columns:
        raise ConfigError("--columns leaves out the cells that are drawn. Add cell to it.")
    return columns


def write_forms(
    order: Order,
    columns: list[str],
    rows: Path,
    draw: Draw | None,
    cells: pl.DataFrame | None,
    scratch: Path,
) -> list[str]:
    """Write the rows, with their cells, in each form of the list; return the names of the files."""
    files = order.files
    if order.form == "excel" and (changed := columns_that_excel_changes(rows, columns)):
        log(
            f"export   {', '.join(changed)}: numbers that begin with 0 or have over 15 digits. "
            "Excel changes them where a CSV file is opened by a double click: say --format xlsx, "
            "or open it by Data, From Text/CSV, as text"
        )
    drawn = (
        batch if draw is None else batch.with_columns(draw.cells_of(batch))
        for batch in batches(rows)
    )
    write_files(
        (batch.select(columns) for batch in drawn),
        [FILES[form](scratch / name, cells) for name, form in files.items()],
    )
    if cells is None or order.form == "xlsx":
        return list(files)
    counts = f"{order.name}_cells.csv"
    form = EXCEL if order.form == "excel" else PLAIN
    (scratch / counts).write_bytes(csv_text(cells, form).encode())
    return [counts, *files]


def cells_sentence(draw: Draw, cells: pl.DataFrame, base_rate: float | None) -> str:
    """Return how many people are in each cell, and which lift that can tell, in words."""
    total: dict[str, Any] = cells.row(-1, named=True)
    sizes = ", ".join(f"{name} {total[name]:,}" for name in draw.plan.names)
    if base_rate is None:
        return f"cells: {sizes}. Say --base-rate 0.02 to learn which lift these sizes can tell"
    lifts = {"all that are mailed against control": total["smallest_lift"]}
    if draw.plan.tests > 1:
        tests = total["test 1"], total[f"test {draw.plan.tests}"]
        lifts["one test cell against another"] = smallest_lift(base_rate, *tests)
    if not draw.plan.control:
        lifts.pop("all that are mailed against control")
    words = [
        f"{who}: {f'{lift:.2f} times as many or more' if lift else 'none, too few people'}"
        for who, lift in lifts.items()
    ]
    return (
        f"cells: {sizes}. Responses that can be told apart with {POWER:.0%} power where "
        f"{base_rate:.1%} respond: {'; '.join(words)}"
    )


def sentence(order: Order, summary: dict[str, Any], tally: Tally) -> str:
    """Return what was listed and left out, in words."""
    left_out = ", ".join(exclusion_words(summary))
    if order.everybody:
        return (
            f"{summary['listed']:,} people of the {order.extract} listed, {tally.listed:,} of them "
            f"may be mailed; not to be mailed or left out: {left_out}."
        )
    return (
        f"{tally.listed:,} people listed of the {summary['considered']:,} that are "
        f"{order.depth:.1%} of the population; left out: {left_out}."
    )


if __name__ == "__main__":
    main()
