"""Lists for people who mail: everybody, customers, targets, in every form, with cells to test."""

import csv
import json
import signal
import stat
import subprocess
import sys
from functools import partial
from pathlib import Path

import polars as pl
import pytest

from jobs.export import main
from segment_lib.mailing import list_files
from tests.commands import Command, in_process
from tests.conftest import ROOT, RunJob, hashes
from tests.office import GERMAN, opened
from tests.people import customers_of, people, write_people

FORMULA = '=HYPERLINK("x")'
MARKED, TWICE = 50, 40
"""Every fiftieth is marked as not to be mailed, every fortieth row repeats the id before it."""


def delivered() -> pl.DataFrame:
    """People whose ids have leading zeros, with a town and a postcode; some of them twice."""
    numbers = pl.int_range(pl.len())
    again = (numbers % TWICE == 1).fill_null(False)
    ids = pl.col("LNR").cast(pl.String).str.zfill(8)
    return people().with_columns(
        pl.when(again).then(ids.shift(1)).when(numbers == 9).then(pl.lit(FORMULA)).otherwise(ids)
        .alias("LNR"),
        pl.lit("Köln-Nippes; Süd").alias("ORT"),
        pl.format("0{}", 1067 + numbers).alias("PLZ"),
        pl.when(numbers % MARKED == 3).then(pl.lit("x")).alias("SPERR"),
        pl.lit("Ünal").alias("name"),
    )  # fmt: skip


@pytest.fixture(scope="module")
def run(run_job: RunJob, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of them; its customers are people of the population."""
    folder = tmp_path_factory.mktemp("lists")
    more = 'extra_columns = "carry"\nsuppress_column = "SPERR"\nrepeated_ids = "rows"\n'
    config = write_people(folder, delivered(), customers_of(delivered()), more, parts=400)
    done = run_job(
        "jobs.run", config, "--run-dir", folder / "run", "--until", "gains",
        "--set", "compare.allow_suspicious=true", "--set", "model.sweep=[2,2]",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return folder / "run"


@pytest.fixture
def export(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Command:
    """The command within this process; the list goes to a folder of the test."""
    return partial(in_process(main, run, capsys), "--out", tmp_path / "out")


def rows_of(run: Path, extract: str) -> pl.DataFrame:
    """Ids, segments and marks of the rows of an extract."""
    raw, segments = (
        pl.concat(map(pl.read_parquet, sorted((run / part / extract).glob("*.parquet"))))
        for part in ("raw", "segments")
    )
    return raw.select("row", "LNR", "SPERR").join(segments, on="row")


def test_everyone_is_listed_once_with_segment_name_and_whether_to_mail(
    run: Path, export: Command, tmp_path: Path
) -> None:
    rows = rows_of(run, "population")
    robinson = {"00910500", "00910502"}
    (tmp_path / "robinson.csv").write_text("910500\n910502\n")
    done = export("--everyone", "--suppress", tmp_path / "robinson.csv")
    assert done.returncode == 0, done.stderr
    listed = pl.read_parquet(tmp_path / "out/everyone.parquet")
    assert sorted(listed["id"]) == sorted(rows["LNR"].unique())
    assert listed["rank"].to_list() == list(range(1, listed.height + 1))
    repeated = rows.height - listed.height
    assert f"{repeated} listed before" in done.stderr
    names = dict(pl.read_csv(run / "compare/names.csv").select("segment", "name").iter_rows())
    segments = {(id_, segment) for id_, segment in rows.select("LNR", "segment").iter_rows()}
    bought = set(rows_of(run, "customers")["LNR"])
    marked = set(rows.filter(SPERR="x")["LNR"])
    for row in listed.rows(named=True):
        assert (row["id"], row["segment"]) in segments
        assert row["name"] == names[row["segment"]]
        reasons = {"customer": bought, "suppressed": robinson, "marked": marked}
        why = next((reason for reason, ids in reasons.items() if row["id"] in ids), None)
        assert row["mail"] == (f"no: {why}" if why else "yes")
    assert set(listed["mail"]) == {"yes", "no: customer", "no: suppressed", "no: marked"}
    assert listed["name (delivered)"].unique().to_list() == ["Ünal"]


def test_of_an_id_that_repeats_the_best_ranked_row_is_kept(
    run: Path, export: Command, tmp_path: Path
) -> None:
    assert export("--everyone").returncode == 0
    listed = pl.read_parquet(tmp_path / "out/everyone.parquet")
    micro = pl.concat(map(pl.read_parquet, sorted((run / "gains/population").glob("*.parquet"))))
    cells = pl.read_csv(run / "gains/micro.csv").select("micro_segment", "micro_index")
    best = (
        rows_of(run, "population").join(micro, on="row").join(cells, on="micro_segment")
        .group_by("LNR").agg(pl.col("micro_index").max())
    )  # fmt: skip
    assert dict(listed.select("id", "micro_index").iter_rows()) == {
        name: round(index, 1) for name, index in best.iter_rows()
    }


def test_customers_are_listed_with_the_segment_that_they_have(
    run: Path, export: Command, tmp_path: Path
) -> None:
    done = export("--customers", "--columns", "id,segment,mail,PLZ")
    assert done.returncode == 0, done.stderr
    listed = pl.read_csv(tmp_path / "out/customers.csv", infer_schema=False)
    assert listed.columns == ["id", "segment", "mail", "PLZ"]
    rows = rows_of(run, "customers").with_columns(pl.col("segment").cast(pl.String))
    ids = pl.col("LNR").replace({FORMULA: "'" + FORMULA})
    expected = set(rows.select(ids, "segment").iter_rows())
    assert set(listed.select("id", "segment").iter_rows()) <= expected
    assert sorted(listed["id"]) == sorted(rows.select(ids.unique())["LNR"])
    assert set(listed["mail"]) == {"yes", "no: marked"}
    assert "known customers" not in done.stderr


def test_nobody_suppressed_in_any_way_is_in_a_list_to_mail(
    run: Path, export: Command, tmp_path: Path
) -> None:
    rows = rows_of(run, "population")
    (tmp_path / "robinson.csv").write_text("id\n910500\n")
    assert export("--depth", "1", "--suppress", tmp_path / "robinson.csv").returncode == 0
    listed = set(pl.read_parquet(tmp_path / "out/targets.parquet")["id"])
    away = {*rows.filter(SPERR="x")["LNR"], *rows_of(run, "customers")["LNR"], "00910500"}
    assert listed == set(rows["LNR"]) - away


def test_the_excel_form_has_semicolons_decimal_commas_and_all_text_as_it_is(
    export: Command, tmp_path: Path
) -> None:
    done = export("--everyone", "--excel")
    assert done.returncode == 0, done.stderr
    content = (tmp_path / "out/everyone.csv").read_bytes()
    assert content.startswith(b"\xef\xbb\xbf")
    assert content.count(b"\r\n") == content.count(b"\n")
    listed = pl.read_parquet(tmp_path / "out/everyone.parquet")
    with (tmp_path / "out/everyone.csv").open(newline="", encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file, delimiter=";"))
    assert [row["id"].removeprefix("'") for row in rows] == listed["id"].to_list()
    assert {row["ORT"] for row in rows} == {"Köln-Nippes; Süd"}
    assert [row["PLZ"] for row in rows] == listed["PLZ"].to_list()
    numbers = [float(row["micro_index"].replace(",", ".")) for row in rows]
    assert numbers == listed["micro_index"].to_list()
    assert [row["id"] for row in rows if "HYPERLINK" in row["id"]] == ["'" + FORMULA]
    assert "id, PLZ: numbers that begin with 0" in done.stderr


def test_libreoffice_opens_the_workbook_with_every_cell_right(
    export: Command, tmp_path: Path
) -> None:
    options = ("--format", "xlsx", "--control", "0.2", "--base-rate", "0.1")
    assert export("--everyone", *options).returncode == 0
    sheets = opened(tmp_path / "out/everyone.xlsx", tmp_path)
    (header, *rows), counts = sheets["everyone-list"], sheets["everyone-cells"]
    listed = pl.read_parquet(tmp_path / "out/everyone.parquet")
    assert header == listed.columns
    shown = pl.DataFrame(rows, schema=header, orient="row")
    for name in ("id", "ORT", "PLZ", "name", "name (delivered)", "mail"):
        assert shown[name].to_list() == listed[name].to_list()
    assert shown["cell"].to_list() == listed["cell"].fill_null("").to_list()
    assert FORMULA in shown["id"]
    for name in ("rank", "segment", "micro_index"):
        assert shown[name].cast(pl.Float64).to_list() == pytest.approx(listed[name].to_list())
    assert counts[0] == ["segment", "name", "control", "test 1", "people", "smallest_lift"]
    assert int(counts[-1][4]) == listed["cell"].drop_nulls().len()


def test_libreoffice_opens_the_excel_form_as_germans_do(export: Command, tmp_path: Path) -> None:
    assert export("--everyone", "--excel").returncode == 0
    (sheet,) = opened(tmp_path / "out/everyone.csv", tmp_path, GERMAN).values()
    listed = pl.read_parquet(tmp_path / "out/everyone.parquet")
    shown = pl.DataFrame(sheet[1:], schema=sheet[0], orient="row")
    for name in ("ORT", "PLZ", "name (delivered)"):
        assert shown[name].to_list() == listed[name].to_list()
    assert [text.removeprefix("'") for text in shown["id"]] == listed["id"].to_list()
    assert shown["micro_index"].cast(pl.Float64).to_list() == pytest.approx(
        listed["micro_index"].to_list()
    )


@pytest.mark.parametrize(
    ("options", "files"),
    [
        (("--format", "parquet"), {"targets.parquet"}),
        (("--format", "csv"), {"targets.parquet", "targets.csv"}),
        (("--excel", "--control", "0.5"), {"targets.parquet", "targets.csv", "targets_cells.csv"}),
        (("--format", "xlsx", "--test-cells", "2"), {"targets.parquet", "targets.xlsx"}),
    ],
)
def test_a_list_replaces_all_files_of_the_one_before_it_and_none_of_another(
    export: Command, tmp_path: Path, options: tuple[str, ...], files: set[str]
) -> None:
    out = tmp_path / "out"
    assert export("--customers").returncode == 0
    assert export("--depth", "0.2", "--excel", "--control", "0.1").returncode == 0
    customers = {name: sha for name, sha in hashes(out).items() if name.startswith("customers")}
    for _ in range(2):
        assert export("--depth", "0.3", *options).returncode == 0
        written = hashes(out)
        assert set(written) == {*files, "targets.json", *customers}
        assert customers.items() <= written.items()
        assert {stat.S_IMODE(path.stat().st_mode) for path in out.iterdir()} == {0o600}
        assert export("--depth", "0.3", *options, "--threads", "1").returncode == 0
        assert hashes(out) == written


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--customers", "--everyone"), "not allowed with"),
        (("--everyone", "--excel", "--format", "xlsx"), "--excel is a form of CSV"),
        (("--everyone", "--columns", "id,STREET"), "STREET is no column of the list. There are"),
        (("--everyone", "--columns", "id", "--control", "0.1"), "Add cell to it"),
        (("--everyone", "--control", "1"), "must leave somebody to mail"),
        (("--onnx", "a.onnx", "--excel"), "add --depth"),
        (("--everyone", "--seed", "-1"), "a whole number from 0"),
    ],
)
def test_what_cannot_be_listed_is_refused_in_a_line(
    export: Command, tmp_path: Path, options: tuple[str, ...], message: str
) -> None:
    done = export(*options)
    assert done.returncode == 2
    assert message in done.stderr.splitlines()[-1]
    assert not list(tmp_path.glob("out/*"))


def test_a_list_longer_than_a_sheet_is_refused_before_anything_is_written(
    export: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(list_files, "MOST_XLSX_ROWS", 100)
    (last,) = export("--everyone", "--format", "xlsx").stderr.splitlines()
    assert "up to 1,500 rows, and a sheet holds 100. Nothing was changed. Say --format csv" in last
    assert not (tmp_path / "out").exists()
    deepest = last.split("--depth ")[1].split()[0]
    assert float(deepest) == 0.066
    assert export("--depth", deepest, "--format", "xlsx").returncode == 0


def test_a_kill_in_the_middle_of_a_workbook_leaves_the_list_that_was_there(
    run: Path, export: Command, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    assert export("--everyone", "--format", "xlsx").returncode == 0
    before = hashes(out)
    code = (
        "import os, signal, sys\nfrom jobs import export\n"
        "from segment_lib.mailing import list_files\n"
        "sheet, write = list_files._Sheet, list_files._Sheet._write_row\n"
        "def write_row(self, row, *form):\n"
        "    if self._row == 700: os.kill(os.getpid(), signal.SIGKILL)\n"
        "    write(self, row, *form)\n"
        "sheet._write_row = write_row; export.main(sys.argv[1:])"
    )
    options = [run, "--everyone", "--format", "xlsx", "--control", "0.1", "--out", out]
    command = [sys.executable, "-c", code, *map(str, options)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=False, timeout=300)
    assert done.returncode == -signal.SIGKILL
    left = [path for path in out.iterdir() if path.name.startswith(".export-")]
    assert len(left) == 1
    assert {path: sha for path, sha in hashes(out).items() if path in before} == before
    # What was left goes with the next export, and the list is the new one.
    assert export("--everyone", "--format", "xlsx", "--control", "0.1").returncode == 0
    assert {path.name for path in out.iterdir()} == {*before, "everyone.json"}
    assert hashes(out) != before


def test_a_suppression_file_of_nobody_in_the_list_is_refused(
    export: Command, tmp_path: Path
) -> None:
    (tmp_path / "robinson.csv").write_text("1\n2\n")
    done = export("--customers", "--suppress", tmp_path / "robinson.csv")
    assert done.returncode == 3
    assert "of the customers" in done.stderr


def test_cells_are_drawn_of_those_who_may_be_mailed_and_said_before_the_list(
    export: Command, tmp_path: Path
) -> None:
    options = ("--everyone", "--control", "0.1", "--test-cells", "2", "--base-rate", "0.05")
    done = export(*options)
    assert done.returncode == 0, done.stderr
    said, listed_line = done.stderr.splitlines()[-2:]
    assert "Responses that can be told apart with 80% power where 5.0% respond" in said
    assert "people of the population listed" in listed_line
    listed = pl.read_parquet(tmp_path / "out/everyone.parquet")
    assert ((listed["cell"].is_null()) == (listed["mail"] != "yes")).all()
    counts = pl.read_csv(tmp_path / "out/everyone_cells.csv")
    for row in counts.filter(pl.col("segment").is_not_null()).rows(named=True):
        own = listed.filter(pl.col("cell").is_not_null(), segment=row["segment"])
        assert row["control"] == round(0.1 * own.height)
        for cell in ("control", "test 1", "test 2"):
            assert row[cell] == own.filter(cell=cell).height
    assert json.loads((tmp_path / "out/everyone.json").read_text())["cells"] == {
        "control": 0.1, "tests": 2, "seed": 0,
    }  # fmt: skip


def test_another_seed_draws_another_control_group(export: Command, tmp_path: Path) -> None:
    drawn = []
    for seed in ("1", "1", "2"):
        assert export("--depth", "1", "--control", "0.2", "--seed", seed).returncode == 0
        listed = pl.read_parquet(tmp_path / "out/targets.parquet")
        drawn.append(set(listed.filter(cell="control")["id"]))
    assert drawn[0] == drawn[1] != drawn[2]


def test_without_a_rate_the_command_that_tells_the_lift_is_named(
    export: Command,
) -> None:
    assert "Say --base-rate 0.02 to learn" in export("--depth", "1", "--control", "0.2").stderr
