"""Make three yearly deliveries of generated extracts, to see what a refresh does with them.

    python -m jobs.make_years --out data/years --rows 40000

1: a population and its customers. 2: the same, and a part file of a tenth more people of the same
kind. 3: as 2, but ALTERSKATEGORIE_GROB is 1, the youngest, for nearly everybody, and a planted
segment is delivered twice, in a part file of its own. Each folder has a job.toml. The same seed
gives the same bytes.
"""

import os
from pathlib import Path
from typing import NoReturn

from segment_lib.run.progress import start_logging

from .command import count, from_repository, module_command_line, run_and_exit

with from_repository("extracts"):
    from extracts.years import make_years


def main(argv: list[str] | None = None) -> NoReturn:
    """Make the deliveries, and exit with the code of the outcome."""
    parser = module_command_line("make_years", __doc__)
    add = parser.add_argument
    add("--out", type=Path, required=True, metavar="DIR", help="the folders 1, 2 and 3 go here")
    add("--rows", type=count, default=40_000, metavar="N", help="population rows of the first year")
    add("--customers", type=count, default=12_000, metavar="M", help="customer rows of each year")
    add("--seed", type=int, default=0, metavar="S", help="which draw of the population (0)")
    options = parser.parse_args(argv)
    start_logging("text")
    os.umask(0o077)
    run_and_exit(
        lambda: make_years(
            options.out, rows=options.rows, customers=options.customers, seed=options.seed
        ),
        "--out",
    )


if __name__ == "__main__":
    main()
