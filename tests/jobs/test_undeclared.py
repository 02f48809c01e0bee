"""The job without a feature summary: types are drafted as *draft* drafts them, and that is said."""

import csv
import json
from html import unescape
from pathlib import Path

import polars as pl
import pytest

from tests.conftest import RunJob, hashes
from tests.german_form import ROWS, write_form

FEW = ("--set", "model.sweep=[3, 4]", "--set", "run.rows_per_part=500")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return write_form(tmp_path_factory.mktemp("form"))


@pytest.fixture(scope="module")
def run(files: tuple[Path, Path], run_job: RunJob) -> Path:
    """A run that was started with the two files alone."""
    folder = files[0].parent / "runs/form"
    done = run_job("jobs.run", *files, "--run-dir", folder, *FEW)
    assert done.returncode == 0, done.stderr
    return folder


def test_two_files_give_what_draft_and_run_give(
    run: Path, files: tuple[Path, Path], run_job: RunJob
) -> None:
    my = files[0].parent / "my"
    assert run_job("jobs.draft", *files, "-o", my).returncode == 0
    drafted = files[0].parent / "drafted/form"
    done = run_job("jobs.run", my / "my.toml", "--run-dir", drafted, *FEW)
    assert done.returncode == 0, done.stderr
    expected, straight = hashes(drafted), hashes(run)
    # The PDF, as the page, says that it was drafted.
    pdf = expected.pop("report/report.pdf")
    assert straight.pop("report/report.pdf") != pdf
    types = {"types/feature_summary.csv", "types/my.toml"}
    assert {path: straight[path] for path in straight.keys() - types} == expected
    summary = (run / "types/feature_summary.csv").read_bytes()
    assert summary == (my / "feature_summary.csv").read_bytes()


def test_remarks_and_addresses_are_listed_only_where_they_are_asked_for(
    run: Path, files: tuple[Path, Path], run_job: RunJob
) -> None:
    with files[0].open(encoding="cp1252", newline="") as text:
        delivered = list(csv.DictReader(text, delimiter=";"))
    raw = pl.read_parquet(run / "raw/population/*.parquet")
    for name in ("EMail", "Bemerkung"):
        assert raw[name].fill_null("").to_list() == [row[name] for row in delivered]
    done = run_job("jobs.export", run, "--depth", 0.2)
    assert done.returncode == 0, done.stderr
    assert "EMail, Bemerkung: text, listed only where --columns names it" in done.stderr
    for file in ("targets.csv", "targets.parquet"):
        assert b"Bemerkung" not in (run / "export" / file).read_bytes()
    done = run_job("jobs.export", run, "--depth", 0.2, "--columns", "rank,id,EMail")
    assert done.returncode == 0, done.stderr
    assert "only where" not in done.stderr
    listed = pl.read_csv(run / "export/targets.csv", schema_overrides={"id": pl.String})
    address = {row["KundenNr"]: row["EMail"] for row in delivered}
    assert listed["EMail"].to_list() == [address[number] for number in listed["id"]]
    assert listed.height > 100


def test_the_page_and_the_log_say_what_was_assumed(
    run: Path, files: tuple[Path, Path], run_job: RunJob
) -> None:
    again = run_job("jobs.run", *files, "--run-dir", run.parent / "until", "--until", "ingest")
    sentence = "what each column is was drafted from the rows: 10 make features, 5 do not"
    assert sentence in again.stderr
    page = unescape((run / "report/index.html").read_text(encoding="utf-8"))
    assert sentence in page
    assert "run draft, edit its feature_summary.csv, and run its my.toml" in page


def test_nothing_runs_again_where_nothing_has_changed(
    run: Path, files: tuple[Path, Path], run_job: RunJob
) -> None:
    before = hashes(run)
    done = run_job("jobs.run", *files, "--run-dir", run, *FEW)
    assert done.returncode == 0, done.stderr
    assert {line.partition(" done before")[2] for line in done.stderr.splitlines()} == {
        ", nothing changed"
    }
    assert hashes(run) == before
    assert run_job("jobs.verify", run).returncode == 0


def test_a_config_without_a_summary_has_its_types_drafted_and_its_own_keys(
    files: tuple[Path, Path], run_job: RunJob, tmp_path: Path
) -> None:
    people, buyers = files
    config = tmp_path / "mine.toml"
    config.write_text(f'[inputs]\npopulation = "{people}"\ncustomers = "{buyers}"\n')
    done = run_job("jobs.run", config, "--run-dir", tmp_path / "run", "--until", "assess")
    assert done.returncode == 0, done.stderr
    attributes = pl.read_parquet(tmp_path / "run/assess/attributes.parquet")
    assert attributes["attribute"].to_list() == [
        *("Anrede", "Geburtsdatum", "PLZ", "Alter", "Einkommen", "Kinder", "Zufriedenheit"),
        *("Wohnform", "Newsletter", "Haustier"),
    ]
    # It names no id column, so the rows are the people.
    record = json.loads((tmp_path / "run/run.json").read_text())
    assert record["stages"]["ingest"]["facts"]["id_column"] == ""


def test_one_file_in_which_a_column_marks_the_customers_will_do(
    run_job: RunJob, tmp_path: Path
) -> None:
    rows = [f"{i % 7},{i % 90}.5,{'yes' if i % 5 == 0 else 'no'}\n" for i in range(ROWS)]
    (tmp_path / "people.csv").write_text("grade,amount,buyer\n" + "".join(rows))
    done = run_job(
        "jobs.run", "people.csv", "--customers-where", "buyer = yes", "--run-dir", tmp_path / "run",
        "--until", "assess", cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    attributes = pl.read_parquet(tmp_path / "run/assess/attributes.parquet")
    assert attributes["attribute"].to_list() == ["grade", "amount"]


def test_a_dry_run_says_that_nothing_is_drafted_yet(
    files: tuple[Path, Path], run_job: RunJob, tmp_path: Path
) -> None:
    done = run_job("jobs.run", *files, "--run-dir", tmp_path / "run", "--dry-run")
    assert done.returncode == 2
    assert "segments draft" in done.stderr
    assert not (tmp_path / "run").exists()


def test_a_refresh_takes_the_types_of_its_base(
    run: Path, files: tuple[Path, Path], run_job: RunJob, tmp_path: Path
) -> None:
    people, buyers = files
    config = tmp_path / "later.toml"
    config.write_text(
        f'[inputs]\npopulation = "{people}"\ncustomers = "{buyers}"\ndecimal = ","\n'
        'thousands = "."\nid_column = "KundenNr"\nsuppress_column = "Werbesperre"\n'
        'response = "Antwort"\n[cleaning]\nmax_missing_per_row = 0.5\n'
    )
    refreshed = tmp_path / "run"
    done = run_job(
        "jobs.refresh", config, "--base", run, "--run-dir", refreshed, *FEW, "--until", "compare"
    )
    assert done.returncode == 0, done.stderr
    here, there = (pl.read_csv(r / "compare/segments.csv") for r in (refreshed, run))
    assert here["population_rows"].to_list() == there["population_rows"].to_list()
