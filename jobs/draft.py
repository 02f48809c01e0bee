"""Draft a job from two extracts: what each column is, the config, and what is doubtful.

    segments draft population.csv customers.csv
    segments draft people.csv buyers.csv -o spring --dictionary codes.md
    segments draft people.csv --customers-where "buyer = yes"
    segments draft postgresql://db/crm buyers.csv --population-query "SELECT * FROM people"

In the third form one file holds all people, and a column marks the customers among them. In the
fourth the people are in a database, whose password is taken from PGPASSWORD. Its rows, and those of
a Delta table, are copied while they are looked at.

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
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NoReturn

from segment_lib.cluster.workers import local_workers
from segment_lib.config import Fairness, make_config
from segment_lib.config.sections import Inputs
from segment_lib.errors import ConfigError, JobError
from segment_lib.run.draft_screen import screen_lines
from segment_lib.run.drafting import CONFIG, GIVEN, SUMMARY, draft_files, write_config
from segment_lib.run.folder import RunFolder
from segment_lib.run.progress import start_logging
from segment_lib.run.tables import with_tables
from segment_lib.schema.customer_mark import CustomerMark
from segment_lib.schema.wording import printable
from segment_lib.sources import is_database
from segment_lib.storage.files import write_file
from segment_lib.terms import EXTRACTS

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
    if options.customers_where and not CustomerMark.parse(options.customers_where):
        raise ConfigError('--customers-where: expected "column = value", as in "buyer = yes".')
    paths = {name: vars(options)[name] for name in EXTRACTS}
    given = {key: vars(options)[key] for key in GIVEN}
    for name, path in paths.items():
        if is_database(path) != bool(given[f"{name}_query"]):
            raise ConfigError(
                f"--{name}-query: expected beside the address of a database, and there alone: "
                f"segments draft postgresql://HOST/NAME … --{name}-query SQL."
            )
    keys = {**paths, **given, "sheet": options.sheet}
    named = {"inputs": {key: value for key, value in keys.items() if value}}
    config = make_config(named, Path("the command line").absolute())
    with workers.active(), TemporaryDirectory() as scratch:
        read = with_tables(config, RunFolder(Path(scratch))).inputs
        with _naming(config.inputs, in_place_of=read):
            drafted = draft_files(
                workers.run,
                {name: read.path(name) for name in EXTRACTS},
                {name: read.text_format(name) for name in EXTRACTS},
                Path(scratch),
                mark=config.inputs.mark,
                dictionary=options.dictionary,
                labels=options.labels,
                min_cell=min_cell,
                seed=options.seed,
            )
    folder.mkdir(parents=True, exist_ok=True)
    write_file(folder, SUMMARY, drafted.summary(min_cell))
    write_file(folder, CONFIG, write_config(drafted, folder, paths, given).encode())
    for line in screen_lines(drafted, folder, min_cell):
        say(printable(line))


@contextmanager
def _naming(delivered: Inputs, *, in_place_of: Inputs) -> Iterator[None]:
    """Name in errors the extracts as delivered, not their copies, which are gone by then."""
    try:
        yield
    except JobError as error:
        message = str(error)
        for name in EXTRACTS:
            message = message.replace(in_place_of.path(name), delivered.path(name))
        error.args = (message,)
        raise


if __name__ == "__main__":
    main()
