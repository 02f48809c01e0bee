"""Deliveries of a few hundred people in files of any kind, and what becomes of them."""

import csv
import io
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pytest

from jobs.run import main

TABLE = "Files and folders"
SUMMARY = """attribute;information_level;type;missing_or_unknown
age;person;numeric;[]
kind;person;categorical;[-1]
year;person;ordinal;[]
"""
Row = tuple[float | None, str | None, float | None]
PEOPLE: list[Row] = [(20 + i % 50, "abcö"[i % 4], 2020 + i % 5) for i in range(400)]
CUSTOMERS: list[Row] = [(30 + i % 31, "bcö"[i % 3], 2021 + i % 3) for i in range(150)]
NAMES = ("age", "kind", "year")


def text(rows: list[Row], separator: str = ";", names: tuple[str, ...] = NAMES) -> bytes:
    """The rows as a CSV file, in UTF-8."""
    sink = io.StringIO()
    writer = csv.writer(sink, delimiter=separator, lineterminator="\n")
    writer.writerow(names)
    writer.writerows([row[NAMES.index(name)] for name in names] for row in rows)
    return sink.getvalue().encode()


def parquet(rows: list[Row]) -> bytes:
    sink = io.BytesIO()
    pl.DataFrame(rows, schema=list(NAMES), orient="row").write_parquet(sink)
    return sink.getvalue()


@dataclass(frozen=True)
class Case:
    """What is delivered, and what comes of it."""

    files: dict[str, bytes]
    """Below the folder of the delivery; customers.csv is there unless told otherwise."""
    refused: tuple[str, ...] = ()
    """Words of the line, if it is refused."""
    population: str = "population.csv"
    customers: str = "customers.csv"
    rows: list[Row] | None = None
    """Of the population, if they are others than PEOPLE."""
    more: str = ""
    """Further lines of [inputs]."""
    remark: str = ""
    arrange: Callable[[Path], None] = lambda folder: None


HALVES = {"p/1.csv": text(PEOPLE[:250]), "p/2.csv": text(PEOPLE[250:])}
OWN = ("age", "kind")
BY_YEAR = {
    f"p/year={year}/part.csv": text([r for r in PEOPLE if r[2] == year], names=OWN)
    for year in range(2020, 2025)
}
SORTED = sorted(PEOPLE, key=lambda row: row[2] or 0)


def one(content: bytes, name: str = "population.csv", *refused: str, **more) -> Case:
    return Case({name: content}, refused, population=name, **more)


def deliver(folder: Path, case: Case) -> Path:
    """The files and their config."""
    files = {"summary.csv": SUMMARY.encode(), "customers.csv": text(CUSTOMERS), **case.files}
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    case.arrange(folder)
    config = folder / "job.toml"
    lines = [f'population = "{case.population}"', 'feature_summary = "summary.csv"']
    if "[inputs.customers]" not in case.more:
        lines.append(f'customers = "{case.customers}"')
    config.write_text("\n".join(["[inputs]", *lines, case.more, "[run]", "rows_per_part = 120"]))
    return config


def run(config: Path, *options: str) -> int:
    with pytest.raises(SystemExit) as left:
        main([str(config), "--run-dir", str(config.parent / "run"), "--until", "ingest", *options])
    return int(left.value.code or 0)


def read(folder: Path) -> list[Row]:
    parts = sorted((folder / "run/raw/population").glob("*.parquet"))
    rows = pl.concat(pl.read_parquet(part) for part in parts)
    assert rows["row"].to_list() == list(range(rows.height))
    return rows.select(NAMES).rows()


def grow(file: Path) -> None:
    with file.open("ab") as end:
        end.write(b"44;a;2020\n")


def rewrite(file: Path) -> None:
    """The same size and time of change, other cells."""
    before = file.stat()
    file.write_bytes(file.read_bytes().replace(b"20;a", b"21;a"))
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


def replace(file: Path) -> None:
    """Another file of the same size and time of change in its place."""
    beside = file.with_name("beside")
    shutil.copy2(file, beside)
    rewrite(beside)
    os.replace(beside, file)


CHANGES: dict[str, list[Callable[[Path], None]]] = {
    "a file that grows, shrinks or goes while it is read": [
        grow,
        lambda file: os.truncate(file, 1000),
        lambda file: file.write_bytes(b""),
        Path.unlink,
    ],
    "a file whose bytes are others when they are read than when they were hashed": [
        rewrite,
        replace,
    ],
    "a part that comes while the others are read": [
        lambda file: shutil.copy(file, file.with_name("3.csv")) and None,
        lambda file: file.with_name("3.csv.part").write_bytes(b"") and None,
    ],
}
