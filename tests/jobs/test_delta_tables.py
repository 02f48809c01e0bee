"""Extracts as Delta tables, against CSV of the same rows."""

import re
import sys
import tomllib
from pathlib import Path

import polars as pl
import pytest
from deltalake import DeltaTable, write_deltalake

from segment_lib.run.artifacts import DRAFTED_CONFIG
from segment_lib.run.drafting import SUMMARY
from tests.alike import PEOPLE, Call, assert_segments_of_csv, rows_of
from tests.conftest import RunJob
from tests.objects import at, new_bucket
from tests.people import customers_of, write_people

BUYERS = customers_of(PEOPLE)


def write(folder: Path, name: str, rows: pl.DataFrame) -> None:
    """A table of two versions, of which the second alone counts."""
    write_deltalake(folder / name, rows.reverse().to_arrow())
    write_deltalake(folder / name, rows.to_arrow(), mode="overwrite")


def deliver(folder: Path, ending: str) -> Path:
    """A config beside both extracts, in CSV or as Delta tables."""
    config = write_people(folder, PEOPLE, BUYERS, parts=400)
    for name, rows in (("population", PEOPLE), ("customers", BUYERS)):
        rows.write_csv(folder / f"{name}.csv", separator=";")
        write(folder, f"{name}.delta", rows)
    config.write_text(config.read_text().replace(".parquet", f".{ending}"))
    return config


def test_a_delta_table_gives_the_segments_of_csv(call: Call, tmp_path: Path) -> None:
    csv, delta = (deliver(tmp_path / ending, ending) for ending in ("csv", "delta"))
    assert_segments_of_csv(call, csv, delta)


def test_only_another_version_is_read_again(call: Call, tmp_path: Path) -> None:
    config, run = deliver(tmp_path, "delta"), tmp_path / "run"
    start = ("run", config, "--run-dir", run, "--until", "ingest")
    code, lines = call(*start)
    assert code == 0, lines
    code, lines = call(*start)
    assert [line for line in lines if line.startswith("ingest") and "done before" in line]
    assert not [line for line in lines if line.startswith("tables")]
    table = DeltaTable(tmp_path / "population.delta")
    table.delete("\"LNR\" < '0910101'")
    write_deltalake(table, PEOPLE.head(7).to_arrow(), mode="append")
    code, lines = call(*start)
    assert code == 0, lines
    assert [line for line in lines if line.startswith("tables   population: reading")]
    assert not [line for line in lines if line.startswith("tables   customers")]
    ids = [*PEOPLE["LNR"].head(7), *PEOPLE["LNR"].tail(-100)]
    assert rows_of(run)["LNR"].sort().to_list() == ids
    assert len(list((run / "tables").iterdir())) == 2


def test_a_run_folder_in_a_bucket_has_the_copy_too(
    call: Call, tmp_path: Path, store_port: int
) -> None:
    config = deliver(tmp_path, "delta")
    with at(store_port):
        run = new_bucket() / "run"
        start = ("run", config, "--run-dir", run, "--until", "ingest")
        for reading in (["population", "customers"], []):
            code, lines = call(*start)
            assert code == 0, lines
            tables = [line.split()[1] for line in lines if line.startswith("tables")]
            assert tables == [f"{extract}:" for extract in reading]
        assert len(list((run / "tables").iterdir())) == 2
    assert [line for line in lines if line.startswith("ingest") and "done before" in line]


@pytest.mark.parametrize("command", ["draft", "run"])
def test_a_table_in_a_bucket_is_refused_and_not_read_as_its_files(
    call: Call, tmp_path: Path, store_port: int, command: str
) -> None:
    config = deliver(tmp_path, "delta")
    with at(store_port):
        place = new_bucket() / "population.delta"
        table = tmp_path / "population.delta"
        for file in (file for file in table.rglob("*") if file.is_file()):
            (place / file.relative_to(table).as_posix()).upload(file)
        config.write_text(config.read_text().replace('"population.delta"', f'"{place}"'))
        job = {
            "draft": (place, tmp_path / "customers.delta", "-o", tmp_path / "my"),
            "run": (config, "--run-dir", tmp_path / "run"),
        }
        code, lines = call(command, *job[command])
    assert code == 3
    assert f"{place}: a Delta table in a bucket, whose folder also holds rows that" in lines[-1]
    assert lines[-1].endswith("Copy it to a disk, or export it to plain Parquet or CSV.")
    assert not (tmp_path / "my").exists()


def test_columns_and_partitions_come_as_the_table_has_them(call: Call, tmp_path: Path) -> None:
    config, run = deliver(tmp_path, "delta"), tmp_path / "run"
    early, late = PEOPLE.head(900).drop("MEDIA"), PEOPLE.tail(-900)
    write_deltalake(tmp_path / "grown", early.to_arrow(), partition_by=["REG"])
    write_deltalake(tmp_path / "grown", late.to_arrow(), mode="append", schema_mode="merge")
    config.write_text(config.read_text().replace("population.delta", "grown"))
    code, lines = call("run", config, "--run-dir", run, "--until", "ingest")
    assert code == 0, lines
    expected = pl.concat([early, late], how="diagonal")
    got = rows_of(run).sort("LNR")
    assert got["REG"].to_list() == expected["REG"].to_list()
    assert got["MEDIA"].to_list() == expected["MEDIA"].to_list()


def test_a_table_that_lacks_a_file_is_refused(call: Call, tmp_path: Path) -> None:
    config = deliver(tmp_path, "delta")
    for file in (tmp_path / "population.delta").glob("*.parquet"):
        file.unlink()
    code, lines = call("run", config, "--run-dir", tmp_path / "run", "--until", "ingest")
    assert code == 3
    assert "population.delta: the Delta table cannot be read" in lines[-1]
    (tmp_path / "customers.delta/_delta_log/00000000000000000000.json").write_text("{")
    (tmp_path / "customers.delta/_delta_log/00000000000000000001.json").unlink()
    config.write_text(config.read_text().replace("population.delta", "population.csv"))
    code, lines = call("run", config, "--run-dir", tmp_path / "run", "--until", "ingest")
    assert code == 3
    assert "customers.delta: the Delta table cannot be read" in lines[-1]


def test_a_draft_of_delta_tables_is_that_of_files(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deliver(tmp_path, "delta")
    monkeypatch.chdir(tmp_path)
    for ending in ("parquet", "delta"):
        code, lines = call("draft", f"population.{ending}", f"customers.{ending}", "-o", ending)
        assert code == 0, lines
    files, tables = ((tmp_path / name) for name in ("parquet", "delta"))
    assert (tables / SUMMARY).read_bytes() == (files / SUMMARY).read_bytes()
    written = (tables / "my.toml").read_text()
    assert written == (files / "my.toml").read_text().replace(".parquet", ".delta")
    assert 'population = "../population.delta"' in written
    code, lines = call("run", tables / "my.toml", "--run-dir", "run", "--until", "encode")
    assert code == 0, lines
    assert rows_of(tmp_path / "run").height == PEOPLE.height


def test_a_dry_run_reads_no_row_of_a_table(run_job: RunJob, tmp_path: Path) -> None:
    config, run = deliver(tmp_path, "delta"), tmp_path / "run"
    for extract in ("population", "customers"):
        for file in DeltaTable(tmp_path / f"{extract}.delta").file_uris():
            content = bytearray(Path(file).read_bytes())
            # Behind the letters that every file begins with, and before the footer.
            content[4:404] = bytes(400)
            Path(file).write_bytes(content)
    dry = run_job("jobs.run", config, "--run-dir", run, "--dry-run")
    assert dry.returncode == 0, dry.stderr
    assert re.search(r"ingest +will run +5 ", dry.stdout)  # 1,500 and 400 rows by 400
    for extract, rows in (("population", PEOPLE), ("customers", BUYERS)):
        assert f"estimated: {extract} has about {rows.height:,} rows" in dry.stdout
    assert not run.exists()
    assert run_job("jobs.run", config, "--run-dir", run).returncode == 3


def test_a_dry_run_knows_the_copy_of_an_earlier_run(run_job: RunJob, tmp_path: Path) -> None:
    config, run = deliver(tmp_path, "delta"), tmp_path / "run"
    job = ("jobs.run", config, "--run-dir", run, "--until", "ingest")
    assert run_job(*job).returncode == 0
    assert re.search("ingest +is done", run_job(*job, "--dry-run").stdout)
    write_deltalake(tmp_path / "population.delta", PEOPLE.head(100).to_arrow(), mode="append")
    dry = run_job(*job, "--dry-run").stdout
    assert re.search("ingest +will run", dry)
    assert "population has about 1,600 rows" in dry
    assert "customers has" not in dry
    assert len(list((run / "tables").iterdir())) == 2


@pytest.mark.parametrize(
    ("package", "extra", "inputs"),
    [
        ("deltalake", "delta", 'population = "population.delta"'),
        (
            "adbc_driver_postgresql",
            "sql",
            'population = "postgresql://h/d"\npopulation_query = "SELECT 1"',
        ),
    ],
)
def test_a_missing_package_is_named_with_its_extra(
    call: Call,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    package: str,
    extra: str,
    inputs: str,
) -> None:
    config = deliver(tmp_path, "delta")
    config.write_text(config.read_text().replace('population = "population.delta"', inputs))
    monkeypatch.setitem(sys.modules, package, None)
    code, lines = call("run", config, "--run-dir", tmp_path / "run", "--until", "ingest")
    assert code == 2
    assert f"pip install 'segment_lib[{extra}]'" in lines[-1]


def test_an_error_of_a_draft_names_the_table_and_not_the_copy_that_is_gone(
    call: Call, tmp_path: Path
) -> None:
    deliver(tmp_path, "delta")
    table = tmp_path / "population.delta"
    kinds = PEOPLE.with_columns(REG=pl.concat_list("REG"))
    write_deltalake(table, kinds.to_arrow(), mode="overwrite", schema_mode="overwrite")
    code, lines = call("draft", table, tmp_path / "customers.delta", "-o", tmp_path / "my")
    assert code == 3
    assert f"error: {table}, column REG: holds values of type list" in lines[-1]
    assert "parquet" not in lines[-1]


def test_the_config_drafted_on_the_way_names_the_table(call: Call, tmp_path: Path) -> None:
    deliver(tmp_path, "delta")
    tables = {name: tmp_path / f"{name}.delta" for name in ("population", "customers")}
    bare, run = tmp_path / "bare.toml", tmp_path / "run"
    bare.write_text("[inputs]\n" + "".join(f'{name} = "{path}"\n' for name, path in tables.items()))
    code, lines = call("run", bare, "--run-dir", run, "--until", "ingest")
    assert code == 0, lines
    drafted = tomllib.loads((run / DRAFTED_CONFIG.path).read_text())["inputs"]
    assert {name: drafted[name] for name in tables} == {n: str(path) for n, path in tables.items()}
