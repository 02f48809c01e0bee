"""Make three yearly deliveries of generated extracts, to see what a refresh does with them.

    python -m jobs.make_years --out data/years --rows 40000

1: a population and its customers. 2: the same, and a part file of a tenth more people of the same
kind. 3: as 2, but nearly everybody's ALTERSKATEGORIE_GROB is told as 1, the youngest, and a planted
segment is delivered twice, in a part file of its own. Each folder has a job.toml. The same seed
gives the same bytes.
"""

import argparse
import os
from pathlib import Path
from typing import NoReturn

import numpy as np
import polars as pl

from extracts.files import (
    FEATURE_SUMMARY,
    FILES,
    TRUTH,
    make_extracts,
    refuse_other_extracts,
    refuse_other_file,
)
from jobs.console import run_and_exit, start_logging
from jobs.run import count

SHIFTED = "ALTERSKATEGORIE_GROB"
DOUBLED = 2
"""The planted segment that is delivered twice."""
_PUSHED = 0.8
_BEGINNING = 4096
"""Bytes by which a file made before is known."""
_CONFIG = f"""# One year's delivery. The population is all part files there are.

[inputs]
population = "population-*.csv"
customers = "customers.csv"
feature_summary = "{FEATURE_SUMMARY}"

[model]
sweep = [8, 12]

[run]
rows_per_part = 5_000
"""


def main(argv: list[str] | None = None) -> NoReturn:
    """Make them, and leave with the exit code of what happened."""
    told = argparse.ArgumentParser(
        prog="python -m jobs.make_years",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = told.add_argument
    add("--out", type=Path, required=True, metavar="DIR", help="the folders 1, 2 and 3 go here")
    add("--rows", type=count, default=40_000, metavar="N", help="population rows of the first year")
    add("--customers", type=count, default=12_000, metavar="M", help="customer rows of each year")
    add("--seed", type=int, default=0, metavar="S", help="which draw of the population (0)")
    options = told.parse_args(argv)
    start_logging("text")
    os.umask(0o077)
    run_and_exit(
        lambda: make_years(options.out, options.rows, options.customers, options.seed), "--out"
    )


def make_years(folder: Path, rows: int, customers: int, seed: int) -> None:
    """Write the three deliveries below `folder`."""
    drawn = folder / "drawn"
    refuse_other_extracts(drawn, seed=seed)
    make_extracts(drawn, rows=rows + rows // 10, customers=customers, seed=seed, truth=True)
    people = pl.read_csv(drawn / FILES["population"], separator=";", infer_schema=False)
    planted = pl.read_parquet(drawn / TRUTH["population"])["segment"]
    pushed = pl.Series(np.random.default_rng(seed).random(people.height) < _PUSHED)
    shifted = people.with_columns(
        pl.when(pushed).then(pl.lit("1")).otherwise(SHIFTED).alias(SHIFTED)
    )
    years = (
        (people.head(rows),),
        (people.head(rows), people.tail(-rows)),
        (shifted.head(rows), shifted.tail(-rows), shifted.filter(planted == DOUBLED)),
    )
    same = {
        "customers.csv": (drawn / FILES["customers"]).read_bytes(),
        FEATURE_SUMMARY: (drawn / FEATURE_SUMMARY).read_bytes(),
        "job.toml": _CONFIG.encode(),
    }
    made = {
        folder / str(year) / f"population-{i}.csv": part
        for year, parts in enumerate(years, start=1)
        for i, part in enumerate(parts, start=1)
    }
    for path, part in made.items():
        refuse_other_file(path, part.head(1).write_csv(separator=";").encode())
        for name, content in same.items():
            refuse_other_file(path.with_name(name), content[:_BEGINNING])
    for path, part in made.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_csv(path, separator=";")
        for name, content in same.items():
            path.with_name(name).write_bytes(content)


if __name__ == "__main__":
    main()
