"""What comes of reading beside rows: all faults in one line, doubts before anything, remarks."""

from pathlib import Path

import polars as pl
import pytest

from jobs.run import main

SUMMARY = """attribute;information_level;type;missing_or_unknown
age;person;numeric;[]
spend;person;numeric;[]
kind;person;categorical;[]
"""
HEADER = "age;spend;kind"
ROWS = [f"{20 + i % 50};{100 + i};{'abc'[i % 3]}" for i in range(400)]


@pytest.fixture
def config(tmp_path: Path) -> Path:
    (tmp_path / "summary.csv").write_text(SUMMARY)
    write(tmp_path, "customers", ROWS[:90])
    write(tmp_path, "population", ROWS)
    path = tmp_path / "job.toml"
    path.write_text(
        '[inputs]\npopulation = "population.csv"\ncustomers = "customers.csv"\n'
        'feature_summary = "summary.csv"\n[run]\nrows_per_part = 100\n'
    )
    return path


def write(folder: Path, extract: str, rows: list[str]) -> None:
    (folder / f"{extract}.csv").write_text("\n".join([HEADER, *rows]) + "\n")


def run(config: Path, *options: str) -> int:
    try:
        main([str(config), "--run-dir", str(config.parent / "run"), "--until", "ingest", *options])
    except SystemExit as left:
        return int(left.code or 0)
    return 0


def changed(i: int, row: str) -> list[str]:
    return [*ROWS[:i], row, *ROWS[i + 1 :]]


def test_faults_of_all_parts_and_both_extracts_are_told_in_one_line(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(config.parent, "population", changed(20, "old;1;a"))
    write(config.parent, "customers", changed(350, "30;much;a"))
    assert run(config) == 3
    (line,) = capsys.readouterr().err.splitlines()
    assert "population.csv, line 22, column age: not a number" in line
    assert "customers.csv, line 352, column spend: not a number" in line
    assert line.count("Correct the cell") == 1
    assert "old" not in line.replace("threshold", "")
    assert "much" not in line


def test_points_in_doubt_are_refused_before_anything_is_published(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(config.parent, "population", changed(350, "30;1.234;a"))
    assert run(config) == 3
    (line,) = capsys.readouterr().err.splitlines()
    assert "population.csv, column spend: all cells with a point have three digits" in line
    assert 'Set inputs.decimal = "." if' in line
    assert not (config.parent / "run/raw").exists()


@pytest.mark.parametrize(
    ("setting", "spend"), [('inputs.decimal="."', 1.234), ('inputs.thousands="."', 1234.0)]
)
def test_what_points_mean_can_be_told(config: Path, setting: str, spend: float) -> None:
    write(config.parent, "population", changed(350, "30;1.234;a"))
    assert run(config, "--set", setting) == 0
    rows = pl.read_parquet(config.parent / "run/raw/population/*.parquet").sort("row")
    assert rows["spend"][350] == spend


def test_a_part_with_decimals_ends_the_doubt_of_others(config: Path) -> None:
    rows = changed(350, "30;1.234;a")
    rows[20] = "30;1.0;a"
    write(config.parent, "population", rows)
    assert run(config) == 0
    raw = pl.read_parquet(config.parent / "run/raw/population/*.parquet").sort("row")
    assert raw["spend"][350] == 1.234


def test_lines_passed_over_have_no_number_and_are_remarked_on(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(config.parent, "population", [*ROWS[:150], HEADER, "", *ROWS[150:]])
    assert run(config) == 0
    output = capsys.readouterr().err
    assert "population: 1 line among the rows repeats the header: passed over." in output
    assert "population: 1 blank line among the rows: passed over." in output
    raw = pl.read_parquet(config.parent / "run/raw/population/*.parquet").sort("row")
    assert raw["row"].to_list() == list(range(400))
    assert raw["spend"].to_list() == [100.0 + i for i in range(400)]


def test_without_a_header_columns_have_the_names_of_the_summary(config: Path) -> None:
    for name, rows in (("population", ROWS), ("customers", ROWS[:90])):
        (config.parent / f"{name}.csv").write_text("\n".join(rows) + "\n")
    assert run(config, "--set", "inputs.header=false") == 0
    raw = pl.read_parquet(config.parent / "run/raw/population/*.parquet").sort("row")
    assert raw["spend"].to_list() == [100.0 + i for i in range(400)]
