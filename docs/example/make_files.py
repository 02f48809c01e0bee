"""Make the files of the worked example: two Excel tables, and the orders that a mailing brings.

    python make_files.py tables             # bevoelkerung.xlsx and kunden.xlsx
    python make_files.py orders LIST        # bestellungen.csv, of a mailed list in Parquet

All people are made up. Families with a house of their own are customers three times as often as
their number suggests; that is what the job is to find. The same call makes the same bytes.
"""

import csv
import random
import sys
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import NamedTuple

import polars as pl
import xlsxwriter

PEOPLE, KNOWN, OTHERS = 6000, 450, 450
"""People of the population; customers that are among them, and customers that are not."""
SEED = 17


class Life(NamedTuple):
    """A way of life, from which the cells of a person are drawn."""

    share: float
    """Of the population."""
    taste: float
    """Share of the customers by share of the population, up to a constant."""
    age: int
    income: int
    homes: tuple[int, int, int]
    """Weights of HOMES."""
    children: tuple[int, int, int, int]
    """Weights of 0 to 3 children."""
    garden: float
    """Share with a garden."""


LIVES = (
    Life(0.22, 3.0, 42, 3900, (8, 2, 0), (1, 3, 5, 2), 0.85),  # families with a house
    Life(0.28, 0.3, 27, 1900, (0, 5, 5), (9, 1, 0, 0), 0.05),  # young people in town
    Life(0.27, 0.9, 70, 2200, (5, 5, 0), (9, 1, 0, 0), 0.55),  # retired people
    Life(0.23, 0.5, 48, 2900, (2, 8, 0), (5, 3, 2, 0), 0.15),  # tenants with a job
)
HOMES = ("Eigentümer", "Mieter", "Wohngemeinschaft")
HEADER = (
    *("KundenNr", "Anrede", "Geburtsdatum", "PLZ", "Einkommen", "Kinder", "Wohnform", "Garten"),
    *("Reisen", "Zufriedenheit", "Newsletter", "EMail", "Bemerkung", "Werbesperre"),
)
REMARKS = ("ruft gern an", "kam über Frau Müller; zahlt spät", 'sagt: "später"', "möchte Katalog")


def main(asked: list[str]) -> None:
    """Make what the command line asks for, in the folder in which it is called."""
    match asked:
        case ["tables"]:
            write_tables()
        case ["orders", path]:
            write_orders(Path(path))
        case _:
            sys.exit(__doc__)


def write_tables() -> None:
    """Write the population and the customers, half of whom are people of the population."""
    draw = random.Random(SEED)
    lives = _lives(draw)
    people = [person(draw, number, life) for number, life in enumerate(lives, start=1)]
    # The smallest of exponential times at these rates: drawn by taste, nobody twice.
    times = [draw.expovariate(life.taste) for life in lives]
    known = sorted(range(PEOPLE), key=times.__getitem__)[:KNOWN]
    tastes = [life.share * life.taste for life in LIVES]
    others = draw.choices(LIVES, tastes, k=OTHERS)
    buyers = [people[i] for i in sorted(known)]
    buyers += [person(draw, PEOPLE + i, life) for i, life in enumerate(others, start=1)]
    write_workbook(Path("bevoelkerung.xlsx"), people)
    write_workbook(Path("kunden.xlsx"), buyers)


def _lives(draw: random.Random) -> list[Life]:
    """Draw the way of life of each person of the population."""
    return draw.choices(LIVES, [life.share for life in LIVES], k=PEOPLE)


def person(draw: random.Random, number: int, life: Life) -> tuple[object, ...]:
    """Draw the cells of a person."""
    age = min(95, max(18, round(draw.gauss(life.age, 6))))
    home = draw.choices(HOMES, life.homes)[0]
    income = max(700, draw.gauss(life.income, 350))
    return (
        f"{number:07d}",
        draw.choice(["Herr", "Frau"]),
        date(2024 - age, draw.randint(1, 12), draw.randint(1, 28)),
        f"{draw.choice([1067, 4109, 10115, 50667, 80331]) + draw.randint(0, 400):05d}",
        None if draw.random() < 0.04 else round(income, 2),
        draw.choices(range(4), life.children)[0],
        "k.A." if draw.random() < 0.06 else home,
        "J" if draw.random() < life.garden else "N",
        "J" if draw.random() < 0.2 + 0.3 * (life.age > 60) else "N",
        9
        if draw.random() < 0.05
        else min(5, max(1, round(draw.gauss(5 - life.income / 1300, 0.8)))),
        "J" if draw.random() < 0.8 - life.age / 100 else "N",
        f"person{number}@example.org",
        draw.choice(REMARKS) + f" ({number})" if draw.random() < 0.5 else None,
        "J" if draw.random() < 0.03 else "N",
    )


def write_workbook(path: Path, rows: list[tuple[object, ...]]) -> None:
    """Write a workbook of one sheet; ids and postcodes are text, days are days."""
    options = {"strings_to_numbers": False, "default_date_format": "dd.mm.yyyy"}
    with xlsxwriter.Workbook(str(path), options) as book:
        book.set_properties({"created": datetime(2025, 1, 1)})
        sheet = book.add_worksheet("Tabelle1")
        for i, row in enumerate([HEADER, *rows]):
            sheet.write_row(i, 0, row)
    print(f"{path}: {len(rows):,} people")


def write_orders(path: Path) -> None:
    """Write who of a mailed list has ordered in the six weeks after, and for how much."""
    orders = [("KundenNr", "Betrag"), *_orders(pl.read_parquet(path))]
    with Path("bestellungen.csv").open("w", newline="", encoding="cp1252") as file:
        csv.writer(file, delimiter=";").writerows(orders)
    print(f"bestellungen.csv: {len(orders) - 1:,} orders")


def _orders(listed: pl.DataFrame) -> Iterator[tuple[str, str]]:
    """Yield orders of 2 % of people without a letter and 5 % with one, times their taste."""
    lives = _lives(random.Random(SEED))
    for number, cell in listed.select("id", "cell").iter_rows():
        draw = random.Random(number)
        if draw.random() < lives[int(number) - 1].taste * (0.02 if cell == "control" else 0.05):
            yield number, f"{draw.uniform(20, 160):.2f}".replace(".", ",")


if __name__ == "__main__":
    main(sys.argv[1:])
