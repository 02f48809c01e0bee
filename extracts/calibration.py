"""The calibration table: published figures beside ours, with distance, bound and source."""

from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from pathlib import Path

from extracts.comparisons import (
    Line,
    Pair,
    customer_means,
    default_profile,
    marginals,
    missing_code_values,
    missing_counts,
    missing_together,
    row_missing,
    traps,
)
from extracts.files import FILES
from extracts.read_back import read_back
from extracts.spectra import spectra
from extracts.structure import correlations, segment_indices
from segment_lib.errors import DataError

TOPICS: tuple[Callable[[Pair], Iterator[Line]], ...] = (
    missing_counts,
    missing_code_values,
    missing_together,
    row_missing,
    marginals,
    default_profile,
    correlations,
    spectra,
    customer_means,
    segment_indices,
    traps,
)
WORST = 3
"""Lines shown of each topic unless all are asked for, besides every line out of its bound."""


def calibrate(folder: Path) -> tuple[Line, ...]:
    """Compare the extracts in a folder with all published figures.

    Bounds are those for the real size. In a smaller extract they widen by what chance adds.
    """
    absent = [name for name in FILES.values() if not (folder / name).is_file()]
    if absent:
        raise DataError(f"{folder} lacks {', '.join(absent)}. Make them with --out {folder}.")
    extracts = Pair(
        population=read_back(folder / FILES["population"]),
        customers=read_back(folder / FILES["customers"]),
    )
    return tuple(line for topic in TOPICS for line in topic(extracts))


def format_table(lines: Iterable[Line], *, all_lines: bool = False) -> str:
    """The table as Markdown, topic by topic, the lines nearest their bound first."""
    text = [
        "| topic | figure | published | ours | distance | bound | |",
        "|---|---|--:|--:|--:|--:|---|",
    ]
    sources = []
    for topic, group in groupby(lines, lambda line: line.topic):
        members = sorted(group, key=_nearness, reverse=True)
        kept = [m for i, m in enumerate(members) if all_lines or i < WORST or not m.within]
        inside = sum(line.within for line in members)
        text.append(f"| **{topic}** | **{inside} of {len(members)} within bounds** | | | | | |")
        text += [_row(line) for line in kept]
        sources.append(f"- {topic}: {'; '.join(sorted({line.source for line in members}))}")
    return "\n".join([*text, "", "Sources:", "", *sources])


def _nearness(line: Line) -> float:
    """The share of its bound that a line uses up."""
    return line.distance / line.bound if line.bound else line.distance


def _row(line: Line) -> str:
    numbers = (line.published, line.ours, line.distance, line.bound)
    spelled = " | ".join(f"{n:,.0f}" if abs(n) >= 100 else f"{n:.4g}" for n in numbers)
    return f"| {line.topic} | {line.figure} | {spelled} | {'' if line.within else 'OUT'} |"
