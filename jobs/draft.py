"""Draft a job from two extracts: what each column is, the config, and what is doubtful.

    segments draft population.csv customers.csv
    segments draft people.csv buyers.csv -o spring --dictionary codes.md
    segments draft people.csv --customers-where "buyer = yes"

In the last form one file holds all people, and a column marks the customers among them.

Looks at a sample of both extracts, then counts all rows in one pass, and writes to my/ (or -o):

  my.toml              the config: paths, id column, bans on mailing, format of numbers
  feature_summary.csv  a line per column: type, missing codes, levels found, and why

It prints what was found, what is doubtful, and the next command. Correct the type or the missing
codes of a column in feature_summary.csv, with Excel or an editor; the job reads it as it is. Types:
numeric, amount (few are far larger), date, us date (the month first), postcode, ordinal (a scale),
categorical, mixed; id and text are carried along; left out makes no feature. No count of fewer than
ten people, and no value that so few have, is written.

Exit codes: 0 done, 2 usage or the files are there, 3 bad input data.
"""

import argparse
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NoReturn

from segment_lib.cluster.workers import local_workers
from segment_lib.config import Fairness
from segment_lib.errors import ConfigError
from segment_lib.run.draft_screen import screen_lines
from segment_lib.run.drafting import CONFIG, SUMMARY, draft_files, write_config
from segment_lib.run.progress import start_logging
from segment_lib.schema.customer_mark import CustomerMark
from segment_lib.schema.wording import printable
from segment_lib.sources import TextFormat
from segment_lib.storage.files import write_file

from .command import run_and_exit, say
from .parsers import parser_of


def main(argv: list[str] | None = None) -> NoReturn:
    """Draft, and exit with the code of the outcome."""
    options = parser_of("draft").parse_args(argv)
    start_logging("text")
    run_and_exit(lambda: draft_job(options), elsewhere="-o")


def draft_job(options: argparse.Namespace) -> None:
    """Write the draft that the command line asks for, and print what was found."""
    folder: Path = options.out
    there = [name for name in (CONFIG, SUMMARY) if (folder / name).exists()]
    if there and not options.force:
        raise ConfigError(
            f"{folder}: has {' and '.join(there)}, which may have been edited. Draft into another "
            "folder (-o), or say --force to replace them."
        )
    min_cell = Fairness().min_cell
    workers = local_workers(options.threads)
    if bool(options.customers) == bool(options.customers_where):
        raise ConfigError(
            "Say who the customers are, once: by a second file, or by "
            '--customers-where "column = value" if a column of the first marks them.'
        )
    where = options.customers_where
    mark = CustomerMark.parse(where)
    if where and not mark:
        raise ConfigError('--customers-where: expected "column = value", as in "buyer = yes".')
    paths = {
        "population": options.population,
        "customers": options.customers or options.population,
    }
    with workers.active(), TemporaryDirectory() as scratch:
        drafted = draft_files(
            workers.run,
            paths,
            dict.fromkeys(paths, TextFormat(sheet=options.sheet)),
            Path(scratch),
            mark=mark,
            dictionary=options.dictionary,
            labels=options.labels,
            min_cell=min_cell,
            seed=options.seed,
        )
    folder.mkdir(parents=True, exist_ok=True)
    write_file(folder, SUMMARY, drafted.summary(min_cell))
    paths["customers"] = options.customers
    config = write_config(drafted, folder, paths, where)
    write_file(folder, CONFIG, config.encode())
    for line in screen_lines(drafted, folder, min_cell):
        say(printable(line))


if __name__ == "__main__":
    main()
