"""A job drafted from two files alone, against truths written by hand, and run as it is."""

import csv
import io
import random
import tomllib
from collections import Counter
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest

from segment_lib.schema import Attribute, canonical, read_feature_summary
from tests.conftest import Completed, RunJob
from tests.german_form import COLUMNS, write_form

CLASSES = {
    **dict.fromkeys(("numeric", "interval", "amount"), "amount"),
    **dict.fromkeys(("categorical", "mixed"), "code"),
    "ordinal": "scale",
}


def table_of(summary: Path) -> dict[str, dict[str, str]]:
    rows = csv.DictReader(io.StringIO(summary.read_text("utf-8-sig")), delimiter=";")
    return {row["attribute"]: row for row in rows}


@pytest.fixture(scope="module")
def form(run_job: RunJob, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Completed]:
    """The draft of the German form, in the folder of its files, and what was printed."""
    folder = tmp_path_factory.mktemp("form")
    people, buyers = write_form(folder)
    done = run_job("jobs.draft", people, buyers, "-o", folder / "my")
    assert done.returncode == 0, done.stderr
    return folder / "my", done


def test_every_column_of_a_german_form_is_what_it_is(form: tuple[Path, Completed]) -> None:
    drafted = table_of(form[0] / "feature_summary.csv")
    assert {name: row["type"] for name, row in drafted.items()} == {
        name: kind for name, (kind, _) in COLUMNS.items()
    }
    schema = read_feature_summary(form[0] / "feature_summary.csv")
    assert {a.name: list(a.missing) for a in schema} == {
        name: missing for name, (_, missing) in COLUMNS.items() if name in schema.names
    }


def test_the_config_names_what_no_column_is_segmented_by(form: tuple[Path, Completed]) -> None:
    inputs = tomllib.loads((form[0] / "my.toml").read_text())["inputs"]
    assert inputs["id_column"] == "KundenNr"
    assert inputs["suppress_column"] == "Werbesperre"
    assert inputs["response"] == "Antwort"
    assert (inputs["decimal"], inputs["thousands"]) == (",", ".")


def test_one_screen_says_what_was_found_and_what_is_next(form: tuple[Path, Completed]) -> None:
    lines = form[1].stdout.splitlines()
    assert len(lines) <= 40
    assert lines[0].startswith("population  3,000 rows, 15 columns, semicolon-separated, cp1252")
    assert "  1. Alter 99, Zufriedenheit 9: taken for missing" in form[1].stdout
    assert lines[-1] == f"next:    segments run {form[0] / 'my.toml'}"


def test_where_no_column_makes_features_no_run_is_next(run_job: RunJob, tmp_path: Path) -> None:
    table = tmp_path / "one.csv"
    table.write_text("id;kind\n1;a\n")
    done = run_job("jobs.draft", table, table, "-o", tmp_path / "my")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("population  1 row, 2 columns")
    assert "next:" not in done.stdout
    assert f"or correct the types in {tmp_path / 'my/feature_summary.csv'}." in done.stdout


def test_the_draft_of_a_german_form_runs_to_the_report(
    form: tuple[Path, Completed], run_job: RunJob, tmp_path: Path
) -> None:
    done = run_job(
        "jobs.run", form[0] / "my.toml", "--run-dir", tmp_path / "run", "--set", "model.sweep=[2,4]"
    )
    assert done.returncode == 0, done.stderr
    segments = pl.read_csv(tmp_path / "run/compare/segments.csv")
    assert segments["population_rows"].sum() == 3_000
    assert segments["index"].max() > 150


def test_dates_are_read_with_the_month_first_where_their_days_show_it(
    run_job: RunJob, tmp_path: Path
) -> None:
    draw = random.Random(3)
    days = [date(1950, 1, 1) + timedelta(draw.randrange(20_000)) for _ in range(600)]
    early = [day.replace(day=draw.randint(1, 12)) for day in days]
    columns = {
        "us": [f"{day.month}/{day.day}/{day.year}" for day in days],
        "uk": [day.strftime("%d/%m/%Y") for day in days],
        "open": [day.strftime("%m/%d/%Y") for day in early],
        "home": draw.choices(["rent", "own"], k=600),
    }
    for name, rows in (("people", 600), ("buyers", 200)):
        table = pl.DataFrame({column: cells[:rows] for column, cells in columns.items()})
        table.write_csv(tmp_path / f"{name}.csv")
    files = [tmp_path / "people.csv", tmp_path / "buyers.csv"]
    done = run_job("jobs.draft", *files, "-o", tmp_path)
    assert done.returncode == 0, done.stderr
    (question,) = [line for line in done.stdout.splitlines() if "is the month" in line]
    assert question.startswith("  1. open: ")
    summary = tmp_path / "feature_summary.csv"
    drafted = table_of(summary)
    kinds = [drafted[name]["type"] for name in columns]
    assert kinds == ["us date", "date", "date", "categorical"]
    # The question is answered as it says.
    summary.write_text(summary.read_text("utf-8").replace("open;;date", "open;;us date"), "utf-8")
    done = run_job(
        "jobs.run", tmp_path / "my.toml", "--run-dir", tmp_path / "run", "--until", "encode",
        "--set", 'encode.report_day="2024-01-01"',
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    features = pl.read_parquet(tmp_path / "run/features/population/*.parquet")
    for name, born in (("us", days), ("uk", days), ("open", early)):
        ages = [(date(2024, 1, 1) - day).days / 365.25 for day in born]
        # Years are of 365 or 366 days in the features.
        assert features[name].to_list() == pytest.approx(ages, abs=0.01)


def test_the_published_attributes_are_found_but_for_five(run_job: RunJob, tmp_path: Path) -> None:
    home = tmp_path / "made"
    run_job("jobs.make_extracts", "--rows", 20_000, "--customers", 4_000, "--out", home)
    extracts = [home / f"Udacity_{name}_Subset.csv" for name in ("AZDIAS", "CUSTOMERS")]
    done = run_job("jobs.draft", *extracts, "-o", tmp_path)
    assert done.returncode == 0, done.stderr
    population = pl.read_csv(extracts[0], separator=";", infer_schema=False)

    def seen(attribute: Attribute) -> set[str]:
        """Missing codes that ten rows or more of the population hold."""
        codes = Counter(map(canonical, population[attribute.name].drop_nulls()))
        return {code for code in attribute.missing if codes[code] >= 10}

    drafted = read_feature_summary(tmp_path / "feature_summary.csv")
    truth = read_feature_summary(home / "AZDIAS_Feature_Summary.csv")
    right = [
        a.name
        for a in truth
        if a.name in drafted.names
        and CLASSES[drafted[a.name].type] == CLASSES[a.type]
        and set(drafted[a.name].missing) == seen(a)
    ]
    assert len(right) >= 80


def test_census_rows_are_found_but_for_years_of_schooling(
    real_data: Path, run_job: RunJob, tmp_path: Path
) -> None:
    home = real_data / "adult"
    extracts = home / "adult_population.csv", home / "adult_customers.csv"
    assert run_job("jobs.draft", *extracts, "-o", tmp_path).returncode == 0
    drafted = read_feature_summary(tmp_path / "feature_summary.csv")
    truth = read_feature_summary(home / "adult_feature_summary.csv")
    assert {a.name for a in truth if CLASSES[drafted[a.name].type] != CLASSES[a.type]} == {
        "education_num"
    }
    # These declare ? out of habit: no row holds it.
    assert {a.name for a in truth if set(drafted[a.name].missing) != set(a.missing)} == {
        *("education", "marital_status", "relationship", "race", "sex")
    }


def test_a_table_without_header_runs_with_its_ids_left_out(run_job: RunJob, tmp_path: Path) -> None:
    for name, first in (("people", 0), ("buyers", 5_000)):
        rows = (f"{first + i},{'abc'[i % 3]},{i % 7},{i % 90}.5\n" for i in range(2_000))
        (tmp_path / f"{name}.csv").write_text("".join(rows))
    files = tmp_path / "people.csv", tmp_path / "buyers.csv"
    assert run_job("jobs.draft", *files, "-o", tmp_path).returncode == 0
    config = tmp_path / "my.toml"
    done = run_job("jobs.run", config, "--run-dir", tmp_path / "run", "--until", "assess")
    assert done.returncode == 0, done.stderr
    attributes = pl.read_parquet(tmp_path / "run/assess/attributes.parquet")
    assert attributes["attribute"].to_list() == ["column_2", "column_3", "column_4"]


def test_no_value_that_few_people_have_is_written(run_job: RunJob, tmp_path: Path) -> None:
    rows = ["town;kind\n", *("Ulm;a\n" for _ in range(500)), *("Bonn;b\n" for _ in range(300))]
    (tmp_path / "people.csv").write_text("".join([*rows, *("Seltenheim;c\n" for _ in range(9))]))
    (tmp_path / "buyers.csv").write_text("".join(rows))
    done = run_job(
        "jobs.draft", tmp_path / "people.csv", tmp_path / "buyers.csv", "-o", tmp_path / "my"
    )
    assert done.returncode == 0, done.stderr
    for text in (done.stdout, *(path.read_text() for path in (tmp_path / "my").iterdir())):
        assert "Seltenheim" not in text
    # The share of the second would give the nine away.
    assert (
        table_of(tmp_path / "my/feature_summary.csv")["town"]["commonest"] == "mostly Ulm (61.8%)"
    )


def test_edited_files_are_replaced_only_if_told(run_job: RunJob, tmp_path: Path) -> None:
    people, buyers = write_form(tmp_path)
    (tmp_path / "my.toml").write_text("edited")
    done = run_job("jobs.draft", people, buyers, "-o", tmp_path)
    assert done.returncode == 2
    assert "--force" in done.stderr
    assert (tmp_path / "my.toml").read_text() == "edited"
    assert run_job("jobs.draft", people, buyers, "-o", tmp_path, "--force").returncode == 0


def test_the_same_files_give_the_same_draft(run_job: RunJob, tmp_path: Path) -> None:
    people, buyers = write_form(tmp_path)
    drafts = []
    for threads in (1, 2):
        folder = tmp_path / str(threads)
        run_job("jobs.draft", people, buyers, "-o", folder, "--threads", threads)
        drafts.append([(folder / name).read_bytes() for name in ("my.toml", "feature_summary.csv")])
    assert drafts[0] == drafts[1]
