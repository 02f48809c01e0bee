"""Medians, ratios and bounds, against figures worked out by hand."""

import json
from pathlib import Path

import pytest

from benchmarks.machine import Conditions
from benchmarks.output import parse_output
from benchmarks.table import (
    Claim,
    Repeat,
    Section,
    Side,
    as_markdown,
    inertia_ratios,
    write_results,
)

OURS = Side(
    "ours",
    (Repeat(10, 18, 1000, 3, {"fit": 1}), Repeat(30, 50, 1300, 4, {"fit": 5}), Repeat(12, 20, 900)),
    {2: 99.0, 3: 81.0},
)
OTHER = Side("notebook", (Repeat(48, 40, 4400), Repeat(40, 44, 4000)), {2: 100.0, 4: 50.0})
CONDITIONS = Conditions("CPU X(R) 1", 2, 24, "Linux", {"python": "3.11"}, "2026-11-25T10:00", "c")


def test_a_side_tells_medians() -> None:
    assert [OURS.median(figure) for figure in ("seconds", "cpu_seconds", "peak_mib")] == [
        12,
        20,
        1000,
    ]
    assert OTHER.median("seconds") == 44


def test_inertia_is_compared_where_both_have_it() -> None:
    assert inertia_ratios(OURS, OTHER) == {2: 0.99}


def test_ratios_are_over_ours() -> None:
    page = as_markdown(CONDITIONS, "5 rows", [Section("Whole", "About.", (OURS, OTHER))])
    assert "| ours | 3 | 12.0 | 20.0 | 1,000 | 1.00 | 1.00 | 1.00 | 3 |  |" in page
    assert "| notebook | 2 | 44.0 | 42.0 | 4,200 | 3.67 | 2.10 | 4.20 | 0 |  |" in page
    assert "Seconds of ours: fit 3.0." in page
    assert "| 2 | 0.9900 |" in page


@pytest.mark.parametrize(
    ("value", "bound", "sense", "verdict"),
    [
        (4.0, 4, "at least", "held"),
        (3.9, 4, "at least", "not held"),
        (0.25, 0.25, "at most", "held"),
        (0.26, 0.25, "at most", "not held"),
        (1.0052, 1.005, "at most", "not held"),
    ],
)
def test_a_bound_is_held_or_not(value: float, bound: float, sense: str, verdict: str) -> None:
    claim = Claim("it", value, bound, sense)  # type: ignore[arg-type]
    page = as_markdown(CONDITIONS, "5 rows", [Section("Whole", "About.", claims=(claim,))])
    line = next(line for line in page.splitlines() if line.startswith("| it |"))
    assert line == f"| it | {sense} {bound} × | {value:g} × | {verdict} |"
    assert claim.held == (verdict == "held")


def test_a_side_that_failed_is_shown_with_its_reason() -> None:
    failed = Side("spark", note="failed: exit code 1: no Java")
    page = as_markdown(CONDITIONS, "5 rows", [Section("Model", "About.", (OURS, failed))])
    assert "| spark | 0 | – | – | – | – | – | – | – | failed: exit code 1: no Java |" in page


def test_results_are_written_for_readers_and_for_programs(tmp_path: Path) -> None:
    claim = Claim("it", 5.0, 4, "at least")
    section = Section("Whole", "About.", (OURS, OTHER), claims=(claim,))
    page = write_results(tmp_path, CONDITIONS.slug, CONDITIONS, "5 rows", [section])
    assert page.name == "cpu-x-r-1-2-cores-2026-11-25.md"
    results = json.loads(page.with_suffix(".json").read_text())
    assert results["sections"][0]["claims"][0]["held"] is True
    assert results["sections"][0]["sides"][1]["repeats"][0]["seconds"] == 48
    assert results["conditions"]["versions"] == {"python": "3.11"}


def test_fits_not_made_are_taken_as_the_mean_of_those_made() -> None:
    output = parse_output(
        "a line of someone else\n"
        '{"phase": "scale", "seconds": 2}\n'
        '{"phase": "k=5", "seconds": 3}\n{"fit": 5, "inertia": 9.5}\n'
        '{"phase": "k=10", "seconds": 5}\n{"fit": 10, "inertia": 8.5}\n'
        '{"rows": 7}\n'
    )
    assert output.seconds == 10
    assert output.seconds_of(19) == 2 + 19 * 4
    assert output.fits == {5: {"inertia": 9.5}, 10: {"inertia": 8.5}}
    assert output.facts == {"rows": 7}


def test_fits_made_together_are_as_many_as_they_are() -> None:
    output = parse_output('{"phase": "scale", "seconds": 2}\n{"phase": "kmeans", "seconds": 3}\n')
    assert output.seconds_of(19) == 5
