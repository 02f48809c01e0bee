"""Three yearly deliveries of generated extracts, the third with planted drift."""

from pathlib import Path

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

SHIFTED = "ALTERSKATEGORIE_GROB"
"""The attribute that drifts."""
DOUBLED = 2
"""The planted segment that is delivered twice."""
_PUSHED = 0.8
"""Share of the people whose shifted attribute becomes 1, the youngest."""
_BEGINNING = 4096
"""Bytes that are compared to recognise a file made before."""
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


def make_years(folder: Path, *, rows: int, customers: int, seed: int) -> None:
    """Write the deliveries into the folders 1, 2 and 3.

    Parameters
    ----------
    folder
        Made if absent. Files in it that do not begin as those made with the seed are refused.
    rows, customers
        Population rows of the first year, customer rows of each year.
    seed
        The same seed gives the same bytes.
    """
    drawn = folder / "drawn"
    refuse_other_extracts(drawn, seed=seed)
    make_extracts(drawn, rows=rows + rows // 10, customers=customers, seed=seed, truth=True)
    same = {
        "customers.csv": (drawn / FILES["customers"]).read_bytes(),
        FEATURE_SUMMARY: (drawn / FEATURE_SUMMARY).read_bytes(),
        "job.toml": _CONFIG.encode(),
    }
    parts = {
        folder / str(year) / f"population-{i}.csv": part
        for year, delivered in enumerate(_deliveries(drawn, rows, seed), start=1)
        for i, part in enumerate(delivered, start=1)
    }
    for path, part in parts.items():
        refuse_other_file(path, part.head(1).write_csv(separator=";").encode())
        for name, content in same.items():
            refuse_other_file(path.with_name(name), content[:_BEGINNING])
    for path, part in parts.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_csv(path, separator=";")
        for name, content in same.items():
            path.with_name(name).write_bytes(content)


def _deliveries(drawn: Path, rows: int, seed: int) -> tuple[tuple[pl.DataFrame, ...], ...]:
    """The part files of each year: as drawn, with more people, and with planted drift."""
    people = pl.read_csv(drawn / FILES["population"], separator=";", infer_schema=False)
    segment = pl.read_parquet(drawn / TRUTH["population"])["segment"]
    pushed = pl.Series(np.random.default_rng(seed).random(people.height) < _PUSHED)
    shifted = people.with_columns(
        pl.when(pushed).then(pl.lit("1")).otherwise(SHIFTED).alias(SHIFTED)
    )
    return (
        (people.head(rows),),
        (people.head(rows), people.tail(-rows)),
        (shifted.head(rows), shifted.tail(-rows), shifted.filter(segment == DOUBLED)),
    )
