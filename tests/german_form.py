"""A German form as Excel saves it, in two extracts, and what each of its columns is."""

import csv
import io
import random
from pathlib import Path

COLUMNS = {
    "KundenNr": ("id", []),
    "Anrede": ("categorical", []),
    "Geburtsdatum": ("date", []),
    "PLZ": ("postcode", []),
    "Alter": ("numeric", ["99"]),
    "Einkommen": ("numeric", []),
    "Kinder": ("numeric", []),
    "Zufriedenheit": ("ordinal", ["9"]),
    "Wohnform": ("categorical", ["k.A."]),
    "Newsletter": ("categorical", []),
    "Haustier": ("categorical", ["k.A."]),
    "EMail": ("text", []),
    "Bemerkung": ("text", []),
    "Werbesperre": ("left out", []),
    "Antwort": ("left out", []),
}
"""Column to its type and missing codes, by hand."""
ROWS, BUYERS = 3000, 700


def write_form(folder: Path) -> tuple[Path, Path]:
    """Write population and customers; the customers are richer, older and more content."""
    draw = random.Random(17)
    people, buyers = folder / "bevoelkerung.csv", folder / "kunden.csv"
    people.write_bytes(_table(draw, range(1, ROWS + 1), 0.0))
    buyers.write_bytes(_table(draw, range(2500, 2500 + BUYERS), 1.0))
    return people, buyers


def _table(draw: random.Random, numbers: range, tilt: float) -> bytes:
    text = io.StringIO(newline="")
    rows = csv.writer(text, delimiter=";", lineterminator="\r\n")
    rows.writerow(COLUMNS)
    for number in numbers:
        wealth = draw.gauss(tilt, 1)
        age = min(94, max(18, round(45 + 8 * wealth + draw.gauss(0, 12))))
        grade = min(5, max(1, round(3 - wealth + draw.gauss(0, 0.5))))
        forms = ["Eigentümer", "Mieter", "Wohngemeinschaft"]
        home = draw.choices(forms, weights=[1 + 3 * (wealth > 0.5), 3, 1 + (age < 35)])[0]
        rows.writerow(
            [
                f"{number:07d}",
                draw.choice(["Herr", "Frau"]),
                f"{draw.randint(1, 28):02d}.{draw.randint(1, 12):02d}.{2024 - age}",
                f"{draw.choice([1067, 4109, 10115, 50667, 80331]) + draw.randint(0, 400):05d}",
                99 if draw.random() < 0.04 else age,
                f"{1800 + 700 * wealth + draw.gauss(0, 200):.2f}".replace(".", ","),
                draw.choices(range(5), weights=[50, 25, 17, 6, 2])[0],
                9 if draw.random() < 0.05 else grade,
                "k.A." if draw.random() < 0.06 else home,
                draw.choices("JN", weights=[2 + 2 * (wealth > 0), 3])[0],
                "k.A." if draw.random() < 0.05 else draw.choice(["ja", "nein"]),
                f"person{number}@example.org",
                _remark(draw, number),
                "J" if draw.random() < 0.03 else "N",
                draw.choice(["J", "N"]),
            ]
        )
    return text.getvalue().encode("cp1252")


def _remark(draw: random.Random, number: int) -> str:
    words = ["ruft gern an", "kam über Müller; zahlt spät", 'sagt "später"', "möchte Katalog"]
    return f"{draw.choice(words)} ({number})" if draw.random() < 0.5 else ""
