"""A later delivery against an earlier run, as a user meets it, on generated extracts."""

import json
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from jobs.make_extracts import main as make_extracts
from segment_lib.run.record import with_checksum
from segment_lib.schema.language import Sentence
from tests.clusters import cluster
from tests.conftest import ROOT, RunJob, hashes
from tests.run.test_log import events

N, MORE, M = 20_000, 2_000, 6_000
PARTS = 4
POPULATION, CUSTOMERS = "Udacity_AZDIAS_Subset.csv", "Udacity_CUSTOMERS_Subset.csv"
SUMMARY = "AZDIAS_Feature_Summary.csv"
CONFIG = f"""
[inputs]
population = "population-*.csv"
customers = "customers.csv"
feature_summary = "{SUMMARY}"
[model]
sweep = [7, 8]
[run]
rows_per_part = 2_000
"""


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("drawn")
    options = ("--rows", N + MORE, "--customers", M, "--seed", 1, "--truth", "--out", folder)
    assert make_extracts([str(option) for option in options]) == 0
    return folder


@pytest.fixture(scope="module")
def population(drawn: Path) -> pl.DataFrame:
    return pl.read_csv(drawn / POPULATION, separator=";", infer_schema=False)


@pytest.fixture(scope="module")
def customers(drawn: Path) -> pl.DataFrame:
    return pl.read_csv(drawn / CUSTOMERS, separator=";", infer_schema=False)


Deliver = Callable[..., Path]


@pytest.fixture(scope="module")
def deliver(
    drawn: Path, customers: pl.DataFrame, tmp_path_factory: pytest.TempPathFactory
) -> Deliver:
    """Write a delivery: the population in part files of as many rows as the base has in each."""

    def write(rows: pl.DataFrame, people: pl.DataFrame = customers) -> Path:
        folder = tmp_path_factory.mktemp("delivery")
        for i, part in enumerate(rows.iter_slices(N // PARTS)):
            part.write_csv(folder / f"population-{i}.csv", separator=";")
        people.write_csv(folder / "customers.csv", separator=";")
        (folder / SUMMARY).write_bytes((drawn / SUMMARY).read_bytes())
        path = folder / "job.toml"
        path.write_text(CONFIG)
        return path

    return write


@pytest.fixture(scope="module")
def config(deliver: Deliver, population: pl.DataFrame) -> Path:
    return deliver(population.head(N))


@pytest.fixture(scope="module")
def base(config: Path, run_job: RunJob) -> Path:
    folder = config.parent / "base"
    done = run_job("jobs.run", config, "--run-dir", folder, "--until", "gains")
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def grown(deliver: Deliver, population: pl.DataFrame) -> Path:
    return deliver(population)


def segments(run: Path, name: str = "population") -> pl.DataFrame:
    return pl.concat(pl.read_parquet(p) for p in sorted((run / "segments" / name).glob("*")))


def record(run: Path, stage: str) -> dict:
    return json.loads((run / "run.json").read_text())["stages"][stage]


def facts(run: Path, stage: str) -> dict:
    return record(run, stage)["facts"]


def work(run: Path, stage: str) -> dict:
    return record(run, stage)["work"]


def summary(run: Path) -> dict:
    return json.loads((run / "refresh/summary.json").read_text())


def drift(run: Path) -> pl.DataFrame:
    return pl.read_parquet(run / "refresh/drift.parquet")


def test_the_same_extracts_again_change_nothing_and_nothing_is_redone(
    config: Path, base: Path, run_job: RunJob
) -> None:
    run = config.parent / "again"
    done = run_job("jobs.refresh", config, "--base", base, "--run-dir", run, "--fail-on", "drift")
    assert done.returncode == 0, done.stderr
    table = drift(run)
    assert table["psi"].abs().max() < 1e-12
    assert table["unseen_levels"].list.len().max() == 0
    assert facts(run, "refresh")["decision"] == "apply"
    assert summary(run)["work"]["made"] == 0
    before, after = hashes(base), hashes(run)
    assert {name for name in before if before[name] != after[name]} == set()
    assert (run / "segments/population/part-00000.parquet").samefile(
        base / "segments/population/part-00000.parquet"
    )
    again = run_job("jobs.refresh", config, "--base", base, "--run-dir", run)
    assert again.stderr.count("done before") == 11
    page = (run / "report/index.html").read_text()
    assert "What has moved since last time" in page


def test_part_files_more_cost_their_share_of_the_work(
    grown: Path, base: Path, run_job: RunJob
) -> None:
    run = grown.parent / "applied"
    done = run_job("jobs.refresh", grown, "--base", base, "--run-dir", run, "--until", "refresh")
    assert done.returncode == 0, done.stderr
    assert summary(run)["decision"] == "apply"
    assert summary(run)["findings"] == []
    assert summary(run)["work"]["share"] <= 0.25
    parts = len(list((base / "raw").rglob("*.parquet")))
    for stage in ("ingest", "encode", "compare"):
        assert work(run, stage) == {"made": 1, "reused": parts, "extra": 0}
    assert work(run, "drift") == {"made": 0, "reused": 0, "extra": 1}
    assert work(run, "gains")["made"] == 1
    before, after = segments(base), segments(run)
    assert after.height == N + MORE
    assert after.head(N).equals(before)
    compared = pl.read_csv(run / "refresh/segments.csv")
    assert compared["state"].unique().to_list() == ["kept"]
    inside = compared.select(pl.col("index_new").is_between("low_base", "high_base"))
    assert inside.to_series().all()


def test_an_applied_run_is_the_one_a_full_computation_gives(
    grown: Path, base: Path, run_job: RunJob
) -> None:
    """Taken over or made anew, parts are the same: a base without its keys gives the same bytes."""
    bare = grown.parent / "bare"
    shutil.copytree(base, bare)
    record = json.loads((base / "run.json").read_text())
    for stage in record["stages"].values():
        stage["keys"] = {}
    (bare / "run.json").write_bytes(with_checksum(record))
    for name, start in (("incremental", base), ("full", bare)):
        done = run_job(
            "jobs.refresh", grown, "--base", start, "--run-dir", grown.parent / name,
            "--until", "gains",
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
    assert work(grown.parent / "full", "encode")["reused"] == 0
    assert hashes(grown.parent / "incremental") == hashes(grown.parent / "full")


def test_a_changed_file_redoes_its_own_pieces(
    deliver: Deliver, population: pl.DataFrame, base: Path, run_job: RunJob
) -> None:
    rows = population.head(N).with_row_index()
    second = pl.col("index").is_between(N // PARTS, 2 * N // PARTS - 1)
    changed = rows.with_columns(
        pl.when(second & (pl.col("index") % 100 == 0))
        .then(pl.lit("3"))
        .otherwise("ZABEOTYP")
        .alias("ZABEOTYP")
    ).drop("index")
    run = deliver(changed).parent / "run"
    done = run_job(
        "jobs.refresh", run.parent / "job.toml", "--base", base, "--run-dir", run,
        "--until", "drift",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    files = record(base, "ingest")["files"]
    of_one_file = (sum("population" in file["path"] for file in files)) // PARTS
    assert work(run, "ingest") == {
        "made": of_one_file,
        "reused": len(files) - of_one_file,
        "extra": 0,
    }


def test_a_damaged_part_of_the_base_is_made_anew(
    config: Path, base: Path, run_job: RunJob, tmp_path: Path
) -> None:
    hurt = tmp_path / "base"
    shutil.copytree(base, hurt)
    part = hurt / "features/population/part-00001.parquet"
    content = bytearray(part.read_bytes())
    content[len(content) // 2] ^= 1
    part.write_bytes(content)
    run = tmp_path / "run"
    done = run_job("jobs.refresh", config, "--base", hurt, "--run-dir", run, "--until", "encode")
    assert done.returncode == 0, done.stderr
    assert work(run, "encode")["made"] == 1
    assert hashes(run / "features") == hashes(base / "features")


def test_a_warm_refit_keeps_people_in_their_segments(
    grown: Path, base: Path, run_job: RunJob
) -> None:
    run = grown.parent / "refitted"
    done = run_job(
        "jobs.refresh", grown, "--base", base, "--run-dir", run,
        "--set", "refresh.policy='refit'", "--until", "refresh",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    before, after = segments(base), segments(run).head(N)
    assert (before["segment"] == after["segment"]).mean() >= 0.99
    matching = facts(run, "sweep")["matching"]
    assert matching["new"] == []
    assert matching["vanished"] == []
    assert min(matching["overlap"]) > 0.9
    names = [pl.read_csv(folder / "compare/names.csv") for folder in (base, run)]
    assert names[0].equals(names[1])
    compared = pl.read_csv(run / "refresh/segments.csv")
    inside = compared.select(pl.col("index_new").is_between("low_base", "high_base"))
    assert inside.to_series().all()


def test_the_attribute_that_was_shifted_is_named_and_no_other(
    deliver: Deliver, population: pl.DataFrame, base: Path, run_job: RunJob
) -> None:
    draw = np.random.default_rng(3)
    pushed = pl.Series(draw.random(population.height) < 0.7)
    age = pl.col("ALTERSKATEGORIE_GROB")
    shifted = population.with_columns(
        pl.when(pushed & (age != "9"))
        .then(pl.lit("1"))
        .otherwise(age)
        .alias("ALTERSKATEGORIE_GROB")
    )
    path = deliver(shifted)
    run = path.parent / "run"
    done = run_job(
        "jobs.refresh", path, "--base", base, "--run-dir", run, "--until", "drift",
        "--fail-on", "drift", "--log-format", "json",
    )  # fmt: skip
    assert done.returncode == 7, done.stderr
    *lines, alarm, result = events(done.stderr.splitlines())
    assert "ALTERSKATEGORIE_GROB (PSI" in alarm["message"]
    assert (alarm["event"], result["event"], result["code"]) == ("log", "result", 7)
    assert not {"error", "result"} & {line["event"] for line in lines}
    table = drift(run)
    assert table.filter("drifted")["attribute"].to_list() == ["ALTERSKATEGORIE_GROB"]
    assert table.filter(pl.col("band") != "stable").height == 1
    assert facts(run, "drift")["decision"] == "refit"


def test_psi_is_what_the_rows_give_by_hand(
    grown: Path, base: Path, population: pl.DataFrame
) -> None:
    run = grown.parent / "applied"
    before, after = (
        rows["ZABEOTYP"].value_counts(name="n") for rows in (population.head(N), population)
    )
    levels = before.join(after, on="ZABEOTYP", suffix="_new").select(
        p=pl.col("n") / N, q=pl.col("n_new") / (N + MORE)
    )
    by_hand = levels.select(((pl.col("q") - pl.col("p")) * (pl.col("q") / pl.col("p")).log()).sum())
    row = drift(run).filter(pl.col("attribute") == "ZABEOTYP").row(0, named=True)
    assert row["psi"] == pytest.approx(by_hand.item(), rel=1e-9)


def test_the_segment_that_doubled_is_named_and_no_other(
    deliver: Deliver, population: pl.DataFrame, base: Path, run_job: RunJob
) -> None:
    doubled = 3
    placed = segments(base)["segment"]
    rows = population.head(N)
    path = deliver(pl.concat([rows, rows.filter(placed == doubled)]))
    run = path.parent / "run"
    done = run_job("jobs.refresh", path, "--base", base, "--run-dir", run, "--until", "drift")
    assert done.returncode == 0, done.stderr
    shares = pl.read_parquet(run / "refresh/shares.parquet")
    assert shares.filter("drifted")["segment"].to_list() == [doubled]
    (finding,) = facts(run, "drift")["findings"]
    assert str(Sentence(**finding)).startswith(f"segment {doubled} went from")
    assert facts(run, "drift")["decision"] == "apply"


def test_a_run_is_not_refreshed_into_itself(config: Path, base: Path, run_job: RunJob) -> None:
    done = run_job("jobs.refresh", config, "--base", base, "--run-dir", base)
    assert done.returncode == 2
    assert "base itself" in done.stderr


def test_other_settings_than_those_of_the_base_are_refused(
    config: Path, base: Path, run_job: RunJob, tmp_path: Path
) -> None:
    done = run_job(
        "jobs.refresh", config, "--base", base, "--run-dir", tmp_path / "run",
        "--set", "model.random_state=5",
    )  # fmt: skip
    assert done.returncode == 2
    assert "model.random_state = 5 (base: 0)" in done.stderr


def test_a_base_of_another_format_version_is_refused_with_the_way_out(
    config: Path, base: Path, run_job: RunJob, tmp_path: Path
) -> None:
    old = tmp_path / "old"
    old.mkdir()
    record = json.loads((base / "run.json").read_text())
    (old / "run.json").write_text(json.dumps(record | {"format_version": 1}))
    done = run_job("jobs.refresh", config, "--base", old, "--run-dir", tmp_path / "run")
    assert done.returncode == 6
    assert "format version 1" in done.stderr
    assert "segments run" in done.stderr


def test_an_unfinished_base_is_refused(config: Path, run_job: RunJob, tmp_path: Path) -> None:
    half = tmp_path / "half"
    assert run_job("jobs.run", config, "--run-dir", half, "--until", "encode").returncode == 0
    done = run_job("jobs.refresh", config, "--base", half, "--run-dir", tmp_path / "run")
    assert done.returncode == 2
    assert "fit, sweep, assign, compare, gains not done" in done.stderr


def test_a_refresh_killed_twice_and_ended_on_a_cluster_gives_the_same_bytes(
    grown: Path, base: Path, run_job: RunJob, tmp_path: Path
) -> None:
    command = ("jobs.refresh", grown, "--base", base, "--set", "refresh.policy='refit'")
    until = ("--until", "refresh")
    undisturbed, run = tmp_path / "undisturbed" / "run", tmp_path / "killed" / "run"
    done = run_job(*command, "--run-dir", undisturbed, *until)
    assert done.returncode == 0, done.stderr
    for stage in ("assess", "fit"):
        kill_after(stage, *map(str, (*command, "--run-dir", run, *until)))
        assert stage in json.loads((run / "run.json").read_text())["stages"]
    with cluster(tmp_path / "cluster") as started:
        at = started.scheduler()
        started.worker()
        started.worker()
        done = run_job(*command, "--run-dir", run, *until, "--scheduler-file", at)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("done before, nothing changed") >= 4
    assert hashes(run) == hashes(undisturbed)


def kill_after(stage: str, module: str, *arguments: str) -> None:
    """Start a job, and kill it as soon as it says that a stage is done."""
    command = [sys.executable, "-m", module, *arguments]
    job = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)
    assert job.stderr is not None
    with job.stderr:
        while (line := job.stderr.readline()) and not re.match(rf"{stage} +[0-9.]+ s ", line):
            pass
        job.kill()
    assert line
    assert job.wait() == -signal.SIGKILL
