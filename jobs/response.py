"""What a mailed list brought, read back from a file of who answered.

    segments response runs/azdias results.csv
    segments response runs/azdias results.csv --responded bought --amount total
    segments response runs/azdias results.csv --list customers --excel

results.csv has the ids that the list has, in a column that has the name of inputs.id_column, or id
(or row); CSV of any form, Parquet or Excel. A column responded of yes and no says who of them
answered; without one everybody in the file did. A column amount is added up. Of rows that repeat an
id one counts, the first that says yes. Who is not on the list is counted and left out.

Rate, lift and their 95 % intervals by segment, cell and tenth of the ranking go to
RUN/export/targets_response.csv, beside the list, and are printed. The lift of cells is over the
control group, that of segments and tenths over all that were mailed. With the costs of [mailing]
in the config of the run there is the profit too, and how much of it the mailing brought: what it is
over that of as many people of the control group.

Exit codes: 0 done, 2 usage or config, 3 bad input data, 4 out of memory budget or disk,
6 integrity check failed.
"""

import argparse
import os
import uuid
from typing import Any, NoReturn

import polars as pl

from segment_lib.clean.response import parse_answers
from segment_lib.disclosure import count_text, suppressed
from segment_lib.errors import ConfigError, DataError
from segment_lib.mailing.answers import answers_table, count_answers
from segment_lib.mailing.depths import Costs
from segment_lib.mailing.draw import CONTROL
from segment_lib.mailing.list_files import batches
from segment_lib.mailing.list_folder import ListFolder, sha256_key
from segment_lib.mailing.results import read_results
from segment_lib.run.artifacts import DEPTH, NAMES
from segment_lib.run.blame import blaming
from segment_lib.run.context import RunReader
from segment_lib.run.layout import RUN
from segment_lib.run.manifest import Manifest
from segment_lib.run.progress import log, start_logging
from segment_lib.run.results import Ingested
from segment_lib.sources import sheet_as_text
from segment_lib.sources.numbers import NATIVE_FORMAT, infer_number_format
from segment_lib.storage.files import hand_over, hash_file, make_private
from segment_lib.storage.location import Location
from segment_lib.storage.tables import EXCEL, PLAIN, csv_text

from .command import run_and_exit, say
from .parsers import parser_of

READS = (NAMES, DEPTH, Ingested)
"""What is read of the run."""
_AMBIGUOUS = r"^[+-]?[1-9][0-9]{0,2}\.[0-9]{3}$"
"""An amount whose point may stand before decimals, or part thousands."""


def main(argv: list[str] | None = None) -> NoReturn:
    """Read the results, and exit with the code of the outcome."""
    options = parser_of("response").parse_args(argv)
    start_logging(options.log_format)
    os.umask(0o077)
    run_and_exit(lambda: read_back(options), elsewhere="--out")


def read_back(options: argparse.Namespace) -> None:
    """Count the answers, write their table and print it."""
    root: Location = options.run.absolute()
    if not (root / RUN).exists():
        raise ConfigError(f"{root}: no run.json. Name the folder of a finished run.")
    manifest = Manifest(root)
    run = RunReader(manifest, READS, "response")
    folder = options.out or root / "export"
    with manifest.lock_or_look(), blaming(f"{root}: what it holds"):
        mailed = ListFolder(folder, options.list)
        listed = mailed.read_summary()
        with sheet_as_text(options.results) as file:
            results = read_results(
                file,
                run.result(Ingested).id_column,
                {"responded": options.responded, "amount": options.amount},
                parse_answers,
                parse_amounts,
            )
        key = "id" if run.result(Ingested).id_column else "row"
        columns = columns_to_read(listed, key)
        rows = (batch.select(columns) for batch in batches(folder / mailed.files[0]))
        counts, matched = count_answers(rows, listed["mailable"], results)
        if not matched:
            raise DataError(
                f"{options.results}: none of its {len(results.keys):,} ids is on the list "
                f"{folder / mailed.files[0]}. Name the run and the --list that were mailed."
            )
        names = dict(run.table(NAMES).select("segment", "name").iter_rows())
        answers = answers_table(counts, names, costs_of(run))
        summary = {
            "list_parquet_sha256": listed[sha256_key(mailed.files[0])],
            "rows": results.rows,
            "columns": results.columns,
            "people": len(results.keys),
            "repeated": results.repeated,
            "without_id": results.without_id,
            "not_on_the_list": len(results.keys) - matched,
            "responses": answers["responses"][0],
        }
        path = write_answers(run, folder, options, answers, summary)
    print_answers(answers, manifest.recorded.min_cell)
    log(f"response {sentence(summary, manifest.recorded.min_cell)} {path}", **summary)


def columns_to_read(listed: dict[str, Any], key: str) -> list[str]:
    """Return the columns of the list that are counted by.

    Raises
    ------
    ConfigError
        If the list was written without ids or segments.
    """
    if absent := [name for name in (key, "segment") if name not in listed["columns"]]:
        raise ConfigError(
            f"The list was written without {' and '.join(absent)}, so nobody can say who answered. "
            "Export it again with the same options and these columns."
        )
    return [key, "segment", *(name for name in ("cell", "mail") if name in listed["columns"])]


def parse_amounts(cells: pl.Series) -> pl.Series:
    """Parse amounts, with decimal commas or points as all of them show, and without a currency.

    Raises
    ------
    DataError
        If a cell is no number, or nobody can say what a point stands for.
    """
    text = cells.str.replace_all(r"^[€$£¥\p{L}\s]+|[€$£¥\p{L}\s]+$", "").str.replace_all(r"\s", "")
    text = text.set(text == "", None)
    number_format = infer_number_format(text.drop_nulls().unique())
    pointed = text.filter(text.str.contains(".", literal=True))
    if number_format is None and len(pointed) and pointed.str.contains(_AMBIGUOUS).all():
        raise DataError(
            "The amounts have a point before three digits each: decimals or thousands? Write them "
            "with two decimals."
        )
    form = number_format or NATIVE_FORMAT
    plain = text.to_frame("amount").select(form.number(pl.col("amount"))).to_series()
    amounts = plain.cast(pl.Float64, strict=False)
    if wrong := int((amounts.is_null() & text.is_not_null()).sum()):
        raise DataError(f"{wrong:,} of the amounts are no numbers. Write them as 12.50 or 12,50.")
    return amounts.fill_null(0.0)


def costs_of(run: RunReader) -> Costs | None:
    """Return the money of the mailing, if the config of the run has it."""
    if not run.has(DEPTH):
        return None
    money = run.json(DEPTH)
    names = ("cost_per_piece", "margin_per_order", "base_response_rate")
    return Costs(*(float(money[name]) for name in names))


def write_answers(
    run: RunReader,
    folder: Location,
    options: argparse.Namespace,
    answers: pl.DataFrame,
    summary: dict[str, Any],
) -> Location:
    """Write the table of answers beside the list; return where it is."""
    place = ListFolder(folder, f"{options.list}_response", (".csv",))
    place.refuse_others()
    make_private(folder)
    (name,) = place.files
    beside = run.local(folder) / f".export-{uuid.uuid4().hex}"
    try:
        beside.write_bytes(csv_text(answers, EXCEL if options.excel else PLAIN).encode())
        with place.replacing({**summary, sha256_key(name): hash_file(beside)}):
            hand_over(beside, folder / name)
    finally:
        beside.unlink(missing_ok=True)
    return folder / name


def print_answers(answers: pl.DataFrame, min_cell: int) -> None:
    """Print the answers as a table without counts of few people, and what is made of them."""
    whole, is_control = answers.row(0, named=True), pl.col("group") == CONTROL
    # Test cells add up to those mailed; the control group stands beside them.
    few = pl.any_horizontal(
        suppressed(pl.col(count), min_cell, "by", "is_control", tie="group")
        for count in ("people", "responses")
    )
    rows = answers.with_columns(is_control=is_control).with_columns(
        few=few & (pl.col("by") != "all")
    )
    # A lift over the control group tells its rate.
    control_is_few = rows.filter("is_control", "few").height > 0
    tells_control = pl.lit(control_is_few) & pl.col("by").is_in(["all", "cell"])
    rows = rows.with_columns(lift=pl.when(~tells_control).then("lift"))
    say(
        f"{'':32} {'people':>9} {'answers':>9} {'rate':>7}  {'from - to':16} {'lift':>5}  from - to"
    )
    for row in rows.iter_rows(named=True):
        titles = {
            "tenth": f"tenth {row['group']} of the ranking",
            "segment": f"segment {row['group']}: {row['name']}",
        }
        title = titles.get(row["by"], row["name"])
        if row["few"] or row["rate"] is None:
            say(f"{title[:32]:32} {'too few to show':>19}")
            continue
        lift = ""
        if row["lift"] is not None:
            lift = f"{row['lift']:>5.2f}  {row['lift_low']:.2f} to {row['lift_high']:.2f}"
        limits = f"{row['low']:.2%} to {row['high']:.2%}"
        counted = f"{row['people']:>9,} {count_text(row['responses'], min_cell):>9}"
        say(f"{title[:32]:32} {counted} {row['rate']:>7.2%}  {limits:16} {lift}".rstrip())
    if whole["profit"] is not None:
        over = None if control_is_few else whole["profit_over_control"]
        more = "" if over is None else f"; {over:,.2f} of it through the mailing, by the control"
        say(f"\nprofit: {whole['profit']:,.2f}{more}")


def sentence(summary: dict[str, Any], min_cell: int) -> str:
    """Return what was read and left out, in words."""
    left_out = {
        "not_on_the_list": "not on the list",
        "repeated": "rows of an id that had come before",
        "without_id": "rows without an id",
    }
    words = [
        f"{count_text(summary[key], min_cell)} {what}"
        for key, what in left_out.items()
        if summary[key]
    ]
    read_as = "" if "responded" in summary["columns"] else ", everybody in the file taken as such"
    return (
        f"{count_text(summary['responses'], min_cell)} of those mailed answered{read_as}; left "
        f"out: {', '.join(words) or 'nobody'}."
    )


if __name__ == "__main__":
    main()
