"""The calibration table at a reduced size, and the distances it is made of."""

from pathlib import Path

import polars as pl
import pytest

from extracts.calibration import calibrate, format_table
from extracts.comparisons import Line, marginal_distance
from extracts.figures import attributes, figures, missing_codes
from jobs.make_extracts import main
from segment_lib.errors import DataError


@pytest.fixture(scope="module")
def table(extracts: Path) -> tuple[Line, ...]:
    return calibrate(extracts)


def test_every_line_is_within_its_bound(table: tuple[Line, ...]) -> None:
    assert [line for line in table if not line.within] == []


def test_every_published_topic_has_its_lines(table: tuple[Line, ...]) -> None:
    topics = {line.topic: sum(other.topic == line.topic for other in table) for line in table}
    assert topics["missing"] == 4 * 85
    assert topics["marginal"] == 28 + 71 + 76
    assert topics["customers"] == 20
    assert topics["spectrum"] == 2 * 3
    assert topics["segments"] == 3
    assert set(topics) >= {"correlation", "segments", "traps", "default profile", "row missing"}


def test_every_line_names_its_source(table: tuple[Line, ...]) -> None:
    assert all(line.source for line in table)


def test_format_shows_lines_out_of_bounds_first_and_always() -> None:
    near, far = (
        Line("topic", f"figure {n}", 1, 1, distance, 1, "somewhere")
        for n, distance in (("near", 0.1), ("far", 2.0))
    )
    text = format_table([near, near, near, near, far])
    assert "4 of 5 within bounds" in text
    assert text.index("figure far") < text.index("figure near")
    assert "OUT" in text


def test_distance_of_equal_shares_is_zero_and_of_disjoint_ones_is_one() -> None:
    column = pl.Series("GREEN_AVANTGARDE", [0, 0, 1, 1])
    assert marginal_distance(column, {"0": 50, "1": 50}) == 0
    assert marginal_distance(column, {"7": 50, "8": 50}) == 1


def test_a_code_nobody_published_counts_against_us() -> None:
    column = pl.Series("GREEN_AVANTGARDE", [0, 0, 1, 5])
    assert marginal_distance(column, {"0": 2, "1": 2}) == 0.25


def test_a_folder_without_extracts_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"Udacity_AZDIAS_Subset\.csv"):
        calibrate(tmp_path)


def test_the_command_prints_the_table(extracts: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--calibration", str(extracts)]) == 0
    assert "**340 of 340 within bounds**" in capsys.readouterr().out


def test_the_command_reports_a_fault_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--out", str(tmp_path), "--rows", "-5"]) == 2
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize("name", [attribute.name for attribute in attributes()])
def test_published_missing_counts_belong_to_attributes_we_know(name: str) -> None:
    assert name in missing_codes()
    assert all(name in block["counts"] for block in figures()["missing"].values())
