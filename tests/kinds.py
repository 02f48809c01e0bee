"""Kinds of input: the tables of docs/data.md, and how each of their rows ended."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Literal

from tests.conftest import ROOT

Outcome = Literal["right", "refused"]


@dataclass
class Kinds:
    """How the kinds that were tried ended, by table."""

    ended: dict[str, Counter[Outcome]] = field(default_factory=dict)

    def note(self, table: str, outcome: Outcome) -> None:
        """Count a kind that was read rightly, or refused in a line that helps."""
        self.ended.setdefault(table, Counter())[outcome] += 1

    def lines(self) -> list[str]:
        return [
            f"{table}: {sum(ends.values())} tried, {ends['right']} right, {ends['refused']} refused"
            for table, ends in sorted(self.ended.items())
        ]


KINDS = Kinds()


def documented(heading: str) -> list[str]:
    """The first column of the table below a heading of docs/data.md, in its order."""
    text = (ROOT / "docs/data.md").read_text().split(f"# {heading}\n", 1)[1]
    rows = [line for line in text.split("\n#", 1)[0].splitlines() if line.startswith("|")]
    return [row.split(" | ")[0].removeprefix("| ").strip() for row in rows[2:]]
