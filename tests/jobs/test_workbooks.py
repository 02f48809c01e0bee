"""Extracts in Excel workbooks, against CSV of the same rows."""

from pathlib import Path

import polars as pl
import pytest

from tests.alike import PEOPLE, Call, assert_segments_of_csv
from tests.people import customers_of, write_people
from tests.workbooks import workbook

BUYERS = customers_of(PEOPLE)
KEYS = {
    "population": '[inputs.population]\npath = "both.xlsx"\n',
    "customers": '[inputs.customers]\npath = "both.xlsx"\nsheet = "Buyers"\n',
}


def rows_of(table: pl.DataFrame) -> list[tuple[object, ...]]:
    return [tuple(table.columns), *table.rows()]


def deliver(folder: Path, ending: str) -> Path:
    """A config beside both extracts, in CSV or as two sheets of one workbook."""
    config = write_people(folder, PEOPLE, BUYERS, parts=400)
    text = config.read_text()
    if ending == "csv":
        for name, table in (("population", PEOPLE), ("customers", BUYERS)):
            table.write_csv(folder / f"{name}.csv", separator=";")
        text = text.replace(".parquet", ".csv")
    else:
        sheets = {"Everybody": rows_of(PEOPLE), "Buyers": rows_of(BUYERS)}
        (folder / "both.xlsx").write_bytes(workbook(sheets))
        for name, keys in KEYS.items():
            text = text.replace(f'{name} = "{name}.parquet"\n', "") + keys
    config.write_text(text)
    return config


def test_a_workbook_gives_the_segments_of_csv(call: Call, tmp_path: Path) -> None:
    csv, xlsx = (deliver(tmp_path / ending, ending) for ending in ("csv", "xlsx"))
    assert_segments_of_csv(call, csv, xlsx)


def test_a_workbook_is_drafted_as_csv_is(run_job, tmp_path: Path) -> None:
    sheets = {
        "Cover": [["Made for you"]],
        "People": rows_of(
            PEOPLE.with_columns(
                buyer=pl.when(pl.col("LNR").is_in(BUYERS["LNR"].implode())).then(1).otherwise(0)
            )
        ),
    }
    (tmp_path / "all.xlsx").write_bytes(workbook(sheets))
    pl.DataFrame(sheets["People"][1:], schema=list(sheets["People"][0]), orient="row").write_csv(
        tmp_path / "all.csv"
    )
    for ending, more in (("csv", ()), ("xlsx", ("--sheet", "People"))):
        done = run_job(
            *("jobs.draft", f"all.{ending}", "--customers-where", "buyer = 1", "-o", ending, *more),
            cwd=tmp_path,
        )
        assert done.returncode == 0, done.stderr
    drafts = [(tmp_path / e / "feature_summary.csv").read_bytes() for e in ("csv", "xlsx")]
    assert drafts[0] == drafts[1]
    assert 'sheet = "People"' in (tmp_path / "xlsx/my.toml").read_text()
    done = run_job(
        *("jobs.run", "xlsx/my.toml", "--run-dir", "run", "--until", "ingest"), cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("above", [0, 2])
def test_a_cell_that_cannot_be_read_is_told_by_its_row_in_excel(
    call: Call, tmp_path: Path, above: int
) -> None:
    config = write_people(tmp_path, PEOPLE, BUYERS)
    rows = rows_of(PEOPLE)
    rows[700] = (rows[700][0], "Zaphod", *rows[700][2:])
    (tmp_path / "all.xlsx").write_bytes(workbook({"A": [*[()] * above, *rows]}))
    config.write_text(config.read_text().replace("population.parquet", "all.xlsx"))
    code, lines = call("run", config, "--run-dir", tmp_path / "run", "--until", "ingest")
    assert code == 3
    assert f"all.xlsx, line {701 + above}, column AGE: not a number" in lines[-1]
    assert "Zaphod" not in lines[-1]


def test_a_title_is_refused_with_the_row_of_the_header(call: Call, tmp_path: Path) -> None:
    config = write_people(tmp_path, PEOPLE, BUYERS)
    rows = [(), ("People of 2024",), *rows_of(PEOPLE)]
    (tmp_path / "all.xlsx").write_bytes(workbook({"A": rows}))
    config.write_text(config.read_text().replace("population.parquet", "all.xlsx"))
    code, lines = call("run", config, "--run-dir", tmp_path / "run", "--until", "ingest")
    assert code == 3
    assert "all.xlsx, line 3: the header stands here, not in line 2" in lines[-1]


def test_a_budget_too_small_for_a_workbook_is_refused(call: Call, tmp_path: Path) -> None:
    config = deliver(tmp_path, "xlsx")
    rows = [("x", "y"), *((i, f"text {i}") for i in range(300_000))]
    content = workbook({"Everybody": rows_of(PEOPLE), "Buyers": rows_of(BUYERS), "Big": rows})
    (tmp_path / "both.xlsx").write_bytes(content)
    code, lines = call(
        "run", config, "--run-dir", tmp_path / "run", "--until", "ingest", "--memory", "460MiB"
    )
    assert code == 4
    assert "A memory budget of 460 MiB is too small" in lines[-1]
