"""Results of a benchmark: medians, ratios and claims, as JSON and as a page of Markdown."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import Any, Literal

from benchmarks.machine import Conditions


@dataclass(frozen=True)
class Repeat:
    """Figures of one run of one side."""

    seconds: float
    cpu_seconds: float
    peak_mib: float
    others_cpu_seconds: float = 0.0
    """CPU time of all else on the machine meanwhile."""
    detail: Mapping[str, float] = field(default_factory=dict)
    """Seconds of its phases or stages."""


@dataclass(frozen=True)
class Side:
    """All runs of ours, or of a peer, on the same work."""

    name: str
    repeats: tuple[Repeat, ...] = ()
    inertia: Mapping[int, float] = field(default_factory=dict)
    """Number of clusters to inertia, of the last run."""
    note: str = ""
    """What a reader must know of it; of a peer that gave nothing, why."""

    def median(self, figure: str) -> float:
        return float(median(getattr(repeat, figure) for repeat in self.repeats))


@dataclass(frozen=True)
class Claim:
    """A measured value and its bound."""

    what: str
    value: float
    bound: float
    sense: Literal["at least", "at most"]
    unit: str = "×"

    @property
    def held(self) -> bool:
        return self.value >= self.bound if self.sense == "at least" else self.value <= self.bound


@dataclass(frozen=True)
class Section:
    """One part of the benchmarks: sides, further figures, claims."""

    title: str
    about: str
    sides: tuple[Side, ...] = ()
    """Ours first; the others are held against it."""
    lines: tuple[tuple[str, ...], ...] = ()
    """A further table, its header first."""
    claims: tuple[Claim, ...] = ()


def write_results(
    folder: Path, name: str, conditions: Conditions, rows: str, sections: Sequence[Section]
) -> Path:
    """Write `name`.json and `name`.md; return the path of the page."""
    folder.mkdir(parents=True, exist_ok=True)
    results: dict[str, Any] = {"conditions": asdict(conditions), "rows": rows}
    results["sections"] = [_with_held(section) for section in sections]
    (folder / f"{name}.json").write_text(json.dumps(results, indent=1) + "\n")
    page = folder / f"{name}.md"
    page.write_text(as_markdown(conditions, rows, sections))
    return page


def as_markdown(conditions: Conditions, rows: str, sections: Sequence[Section]) -> str:
    """Page of the conditions, the claims, then a chapter per section."""
    versions = ", ".join(f"{name} {version}" for name, version in conditions.versions.items())
    lines = [
        f"# Measured on {conditions.date[:10]}: {rows}",
        "",
        f"{conditions.cpu}, {conditions.cores} cores, {conditions.memory_gib:.0f} GiB, "
        f"{conditions.system}. {versions}.",
        f"Command: `{conditions.command}`.",
    ]
    claims = [claim for section in sections for claim in section.claims]
    if claims:
        lines += [
            "",
            *markdown_table(("claim", "bound", "found", ""), map(_claim_cells, claims), left=1),
        ]
    for section in sections:
        lines += ["", f"## {section.title}", "", section.about]
        if section.sides:
            lines += ["", *_sides(section.sides)]
        if section.lines:
            lines += ["", *markdown_table(section.lines[0], section.lines[1:], left=1)]
        if any(side.inertia for side in section.sides[1:]):
            lines += ["", "Inertia of ours over that of the other:", "", *_inertias(section.sides)]
    return "\n".join(lines) + "\n"


def inertia_ratios(ours: Side, other: Side) -> dict[int, float]:
    """Ratio of our inertia to that of the other, for each k that both have."""
    return {k: ours.inertia[k] / other.inertia[k] for k in ours.inertia if k in other.inertia}


def _sides(sides: Sequence[Side]) -> list[str]:
    header = (
        "",
        "runs",
        "wall s",
        "CPU s",
        "peak MiB",
        "wall ×",
        "CPU ×",
        "memory ×",
        "others' CPU s",
        "",
    )
    ours = sides[0]
    rows = []
    for side in sides:
        if not side.repeats:
            rows.append((side.name, "0", *["–"] * 7, side.note))
            continue
        figures = [side.median(name) for name in ("seconds", "cpu_seconds", "peak_mib")]
        cells = [f"{figures[0]:,.1f}", f"{figures[1]:,.1f}", f"{figures[2]:,.0f}"]
        if ours.repeats:
            base = [ours.median(name) for name in ("seconds", "cpu_seconds", "peak_mib")]
            cells += [
                f"{figure / ours_figure:.2f}"
                for figure, ours_figure in zip(figures, base, strict=True)
            ]
        else:
            cells += ["–"] * 3
        cells.append(f"{side.median('others_cpu_seconds'):,.0f}")
        rows.append((side.name, str(len(side.repeats)), *cells, side.note))
    table = markdown_table(header, rows, left=1)
    for side in sides:
        names = dict.fromkeys(name for repeat in side.repeats for name in repeat.detail)
        phases = [
            f"{name} {median(r.detail[name] for r in side.repeats if name in r.detail):.1f}"
            for name in names
        ]
        if phases:
            table += ["", f"Seconds of {side.name}: {', '.join(phases)}."]
    return table


def _inertias(sides: Sequence[Side]) -> list[str]:
    ours, others = sides[0], [side for side in sides[1:] if side.inertia]
    ratios = [inertia_ratios(ours, other) for other in others]
    tried = sorted({k for ratio in ratios for k in ratio})
    rows = [
        (str(k), *(f"{ratio[k]:.4f}" if k in ratio else "–" for ratio in ratios)) for k in tried
    ]
    return markdown_table(("k", *(other.name for other in others)), rows)


def _claim_cells(claim: Claim) -> tuple[str, ...]:
    bound = f"{claim.sense} {claim.bound:g} {claim.unit}".rstrip()
    verdict = "held" if claim.held else "not held"
    return (claim.what, bound, f"{claim.value:,.5g} {claim.unit}".rstrip(), verdict)


def markdown_table(header: Sequence[str], rows: Any, left: int = 0) -> list[str]:
    """Lines of a Markdown table; the first `left` columns and the last are set to the left."""
    rule = ["---" if i < left or not name else "--:" for i, name in enumerate(header)]
    return [f"| {' | '.join(cells)} |" for cells in (header, rule, *rows)]


def _with_held(section: Section) -> dict[str, Any]:
    cells_of = asdict(section)
    for claim, cells in zip(section.claims, cells_of["claims"], strict=True):
        cells["held"] = claim.held
    return cells_of
