"""Which setting of the model is chosen on some tables, and whether other tables confirm it.

    python -m benchmarks.choice benchmarks/results/answer*.md

Read are the pages that `answer.py` wrote. The rule was written before any table to confirm by was
looked at.

Chosen is the setting that reaches most held-out customers at a fifth of the population, in the mean
over the tables to choose by; of two that tie to a tenth of a point, the one on which seeds agree
more. A setting that reaches fewer by no more than `MARGIN` takes its place if more people are in
segments found again, by more than two standard errors of the difference.

Confirmed is it on the other tables if no other setting is better there, by more than two standard
errors of the difference, in any of three figures (customers reached, people found again, agreement
of seeds), and if it reaches no fewer customers than the `FORMER` setting, less `MARGIN`.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np

from benchmarks.ours import Failed
from benchmarks.table import markdown_table
from benchmarks.tables import CHOOSING, CONFIRMING

MARGIN = 0.02
"""Customers reached at a fifth of the population, as a share of all, that count as none: about two
standard errors of what one table of a few thousand customers can tell."""
FORMER = "feature, 85 %"
"""The setting that was the default first."""
FIGURES: Mapping[str, tuple[str, str]] = {
    "reached": ("Customers reached", "segments 20%"),
    "found again": ("Found again", "found again"),
    "seeds agree": ("Found again", "seeds agree"),
}
"""Section and column of a page, by the name of the figure."""
_PARALLEL, _LEAST = "attribute, parallel", "attribute, 10 or more"
_MANY = 10

Figures = Mapping[str, Mapping[str, Mapping[str, float]]]
"""By figure, setting and table."""


@dataclass(frozen=True)
class Difference:
    """Mean difference of two settings over tables, and its standard error."""

    mean: float
    error: float

    @classmethod
    def of(cls, values: Sequence[float], others: Sequence[float]) -> "Difference":
        differences = np.subtract(values, others)
        return cls(
            float(differences.mean()), float(differences.std(ddof=1) / len(differences) ** 0.5)
        )

    @property
    def is_more(self) -> bool:
        """True if the first is more, by more than two standard errors."""
        return self.mean > 2 * self.error

    def text(self) -> str:
        return f"{self.mean:+.3f} ± {self.error:.3f}"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.choice",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("pages", nargs="+", type=Path, help="written by benchmarks.answer")
    figures = read_figures([page.read_text() for page in parser.parse_args(arguments).pages])
    chosen = choose(figures, CHOOSING)
    confirming = [name for name in CONFIRMING if all(name in own for own in _tables(figures))]
    faults = objections(figures, chosen, confirming)
    outcome = f"Not confirmed: {'; '.join(faults)}" if faults else "Confirmed"
    for title, tables in ((f"Chosen: {chosen}", CHOOSING), (outcome, confirming)):
        about = f"Means over {', '.join(tables)}; ± is the standard error of the difference."
        header, *rows = comparison(figures, chosen, tables)
        print(f"## {title}\n\n{about}\n", *markdown_table(header, rows, left=1), "", sep="\n")
    return 0


def read_figures(pages: Sequence[str]) -> Figures:
    """Read the figures from pages of `answer.py`.

    Where parallel analysis keeps ten components by itself, its figures are those of the setting
    with ten at least, which need not be measured.

    Raises
    ------
    Failed
        If two pages tell of the same setting and table.
    """
    figures: dict[str, dict[str, dict[str, float]]] = {name: {} for name in FIGURES}
    for page in pages:
        for name, (title, column) in FIGURES.items():
            header, *rows = _rows(page, title)
            for row in rows:
                table, setting = row[:2]
                own = figures[name].setdefault(setting, {})
                if table in own:
                    raise Failed(f"{table} by {setting} is on two pages")
                own[table] = float(row[header.index(column)].split(" ± ")[0])
    for settings, table in product(figures.values(), _with_many(pages)):
        settings.setdefault(_LEAST, {}).setdefault(table, settings[_PARALLEL][table])
    return figures


def _with_many(pages: Sequence[str]) -> list[str]:
    """Return the tables of which parallel analysis keeps ten components by itself."""
    cells = [
        (row[0], row[1], int(row[header.index("components")]))
        for header, *rows in (_rows(page, "Found again") for page in pages)
        for row in rows
    ]
    return [table for table, setting, n in cells if setting == _PARALLEL and n >= _MANY]


def _rows(page: str, title: str) -> list[list[str]]:
    section = page.split(f"## {title}\n", 1)[1].split("\n## ", 1)[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [cells[0], *cells[2:]]


def choose(figures: Figures, tables: Sequence[str]) -> str:
    """Choose a setting by the rule above."""
    gain = {setting: np.mean(_on(figures, "reached", setting, tables)) for setting in _all(figures)}
    seeds = {setting: np.mean(_on(figures, "seeds agree", setting, tables)) for setting in gain}
    best = max(gain, key=lambda setting: (round(float(gain[setting]), 3), seeds[setting]))
    again = {setting: _on(figures, "found again", setting, tables) for setting in gain}
    rivals = [
        setting
        for setting in gain
        if gain[setting] >= gain[best] - MARGIN
        and Difference.of(again[setting], again[best]).is_more
    ]
    return max(rivals, key=lambda setting: np.mean(again[setting]), default=best)


def objections(figures: Figures, chosen: str, tables: Sequence[str]) -> list[str]:
    """Why these tables do not confirm the setting; empty if they do."""
    faults = []
    for name in FIGURES:
        own = _on(figures, name, chosen, tables)
        for setting in _all(figures):
            difference = Difference.of(_on(figures, name, setting, tables), own)
            if difference.is_more:
                faults.append(f"{setting} is better by {difference.text()} {name}")
    own, former = (_on(figures, "reached", setting, tables) for setting in (chosen, FORMER))
    if np.mean(own) < np.mean(former) - MARGIN:
        faults.append(f"{FORMER} reaches {np.mean(former) - np.mean(own):.3f} more")
    return faults


def comparison(figures: Figures, chosen: str, tables: Sequence[str]) -> list[tuple[str, ...]]:
    """Means of each setting over the tables, and how it differs from the chosen one."""
    lines = [("setting", *(cell for name in FIGURES for cell in (name, "more than chosen")))]
    for setting in _all(figures):
        cells = [setting]
        for name in FIGURES:
            values = _on(figures, name, setting, tables)
            difference = Difference.of(values, _on(figures, name, chosen, tables))
            cells += [f"{np.mean(values):.3f}", "" if setting == chosen else difference.text()]
        lines.append(tuple(cells))
    return lines


def _tables(figures: Figures) -> list[Mapping[str, float]]:
    return [own for settings in figures.values() for own in settings.values()]


def _all(figures: Figures) -> list[str]:
    return list(figures["reached"])


def _on(figures: Figures, name: str, setting: str, tables: Sequence[str]) -> list[float]:
    return [figures[name][setting][table] for table in tables]


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Failed as failure:
        sys.exit(f"choice: {failure}")
