"""A small population and its customers, with ids in any form."""

import csv
import random
from collections.abc import Sequence
from pathlib import Path

import polars as pl

FIRST = 910_001
"""The id of the first person; those that follow have the numbers after it."""
N, M = 1_500, 400
ATTRIBUTES = ("AGE", "KIND", "REG", "INC", "HH", "MEDIA")


def people(seed: int = 1) -> pl.DataFrame:
    """N people of two clear kinds, one person a row."""
    draw = random.Random(seed)
    rows = []
    for i in range(N):
        urban = draw.random() < 0.3
        rows.append(
            {
                "LNR": FIRST + i,
                "AGE": draw.randint(20, 40) if urban else draw.randint(45, 80),
                "KIND": draw.choice("ab" if urban else "cd"),
                "REG": draw.choice(["north", "west", "south"]),
                "INC": draw.randint(3, 5) if urban else draw.randint(1, 3),
                "HH": draw.randint(1, 2) if urban else draw.randint(2, 5),
                "MEDIA": "web" if urban or draw.random() < 0.2 else "paper",
            }
        )
    return pl.DataFrame(rows)


def customers_of(population: pl.DataFrame) -> pl.DataFrame:
    """M of the people, most of them of the kind that reads the web."""
    web = population.filter(MEDIA="web").head(3 * M // 4)
    paper = population.filter(MEDIA="paper").head(M - web.height)
    return pl.concat([web, paper])


def write_people(
    folder: Path,
    population: pl.DataFrame,
    customers: pl.DataFrame,
    more: str = "",
    *,
    parts: int = 1_000,
    summary: Sequence[str] = ATTRIBUTES,
) -> Path:
    """A config beside the extracts as Parquet; `more` goes into its [inputs]."""
    folder.mkdir(exist_ok=True)
    population.write_parquet(folder / "population.parquet")
    customers.write_parquet(folder / "customers.parquet")
    kinds = {"AGE": "numeric", "INC": "ordinal", "HH": "ordinal"}
    with (folder / "summary.csv").open("w", newline="") as file:
        writer = csv.writer(file, delimiter=";")
        writer.writerow(["attribute", "information_level", "type", "missing_or_unknown"])
        writer.writerows([name, "person", kinds.get(name, "categorical"), "[]"] for name in summary)
    path = folder / "job.toml"
    path.write_text(
        '[inputs]\npopulation = "population.parquet"\ncustomers = "customers.parquet"\n'
        f'feature_summary = "summary.csv"\nid_column = "LNR"\n{more}'
        "[cleaning]\nmax_missing_per_row = 0.5\n[model]\nsweep = [2, 3]\n"
        f"[compare]\nmin_segment_rows = 50\n[fairness]\nattributes = []\n"
        f"[run]\nrows_per_part = {parts}\n"
    )
    return path
