"""Extracts as Delta tables, against CSV of the same rows."""

import sys
from pathlib import Path

import polars as pl
import pytest
from deltalake import DeltaTable, write_deltalake

from tests.alike import PEOPLE, Call, assert_segments_of_csv, rows_of
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
