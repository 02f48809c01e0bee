"""What the job says where hardly anybody stands behind a number."""

import re
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import polars as pl
import pytest

from segment_lib.model import holdout_split
from tests.attack import Cell, published_sums, range_of, tables_of
from tests.conftest import RunJob
from tests.generated import FILES, delivered, parts, read_page, write_config

N, M = 20_000, 2_000


@pytest.fixture(scope="module")
def extracts(run_job: RunJob, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("extracts")
    made = run_job(
        "jobs.make_extracts", "--rows", N, "--customers", M, "--seed", 3, "--out", folder
    )
    assert made.returncode == 0, made.stderr
    return folder


def test_with_no_customer_held_out_nothing_is_said_of_gains(
    extracts: Path, run_job: RunJob, tmp_path: Path
) -> None:
    """With this seed all four are of the quarter that ranks in the choice, so in gains too."""
    few, seed = 4, 83
    assert not holdout_split(np.arange(few), seed).any()
    people = delivered(extracts, "population").head(20_000)
    people.write_csv(tmp_path / FILES["population"], separator=";")
    people.head(few).write_csv(tmp_path / FILES["customers"], separator=";")
    config = write_config(
        tmp_path, extracts, f"[model]\nsweep = [3, 12]\nrandom_state = {seed}\n"
        "[compare]\nallow_suspicious = true\n",
    )  # fmt: skip
    run = tmp_path / "run"
    done = run_job("jobs.run", config, "--run-dir", run)
    assert done.returncode == 0, done.stderr
    assert "no customer is held out, so no gain is measured" in done.stderr
    sweep, gains = (pl.read_csv(run / name) for name in ("model/sweep.csv", "gains/gains.csv"))
    assert sweep.filter("chosen")["stable"].item()
    assert "the fewest: no customer is held out to tell which reach the most" in done.stderr
    assert sweep["gain"].null_count() == sweep["gain_error"].null_count() == sweep.height
    assert gains["customers_reached"].null_count() == gains["lift"].null_count() == gains.height
    html = (run / "report/index.html").read_text()
    page = unquote(re.sub(r"<script>.*?</script>", "", html, flags=re.DOTALL))  # charts are data
    published = page + done.stdout + done.stderr
    assert re.search(r"\bnan\b", published, re.IGNORECASE) is None
    assert "none is left to measure on" in read_page(run)


def test_hidden_counts_cannot_be_computed_from_what_a_run_publishes(
    extracts: Path, run_job: RunJob, tmp_path: Path
) -> None:
    people = delivered(extracts, "population").head(8_000)
    people.write_csv(tmp_path / FILES["population"], separator=";")
    delivered(extracts, "customers").head(150).write_csv(
        tmp_path / FILES["customers"], separator=";"
    )
    config = write_config(tmp_path, extracts, "[model]\nn_clusters = 12\nsweep = [12, 12]\n")
    run = tmp_path / "run"
    done = run_job("jobs.run", config, "--run-dir", run)
    assert done.returncode == 0, done.stderr
    # The console shows what the table for spreadsheets does, and no more.
    described = pl.read_csv(run / "compare/describe.csv", infer_schema_length=None)
    lines = {
        cells[0]: cells
        for line in done.stdout.splitlines()
        if (cells := re.split(r"  +", line.strip()))[0].isdecimal()
    }
    hidden = described.filter(pl.col("index").is_null() & (pl.col("segment") >= 0))
    assert hidden.height > 1
    assert hidden["verdict"].null_count() == hidden.height
    for segment in hidden["segment"]:
        assert "too few" in lines[str(segment)]
        assert len(lines[str(segment)]) == 3  # no index, limits or verdict
    verdicts = described.filter(pl.col("segment") >= 0)["verdict"]
    over, under = ((verdicts == name).sum() for name in ("over", "under"))
    assert f"{over} segment{'s' * (over != 1)} over, {under} under" in done.stderr
    describe, fairness = (
        pl.read_csv(run / f"compare/{name}.csv", infer_schema_length=None)
        for name in ("describe", "fairness")
    )
    page = tables_of(run / "report/index.html")
    for who, extract in (("population", "population"), ("customer", "customers")):
        truth = counted(run, tmp_path, extract)
        known = list(published_sums(who, truth, page, describe, fairness))
        few = [cell for cell, rows in truth.items() if rows < 10]
        assert who == "population" or any(len(cell) == 1 for cell in few)
        ranges = [range_of(cell, truth, known) for cell in few]
        assert [cell for cell, (a, b) in zip(few, ranges, strict=True) if b - a < 1] == []


def counted(run: Path, folder: Path, extract: str) -> dict[Cell, int]:
    """People by segment, and by segment and known level of the sensitive attributes."""
    rows = delivered(folder, extract).with_columns(parts(run, "segments", extract)["segment"])
    listed = pl.read_csv(run / "compare/fairness.csv").select("attribute", "level").unique()
    truth: dict[Cell, int] = {}
    for segment in pl.read_csv(run / "compare/segments.csv")["segment"]:
        inside = rows.filter(pl.col("segment") == segment)
        truth[(segment,)] = inside.height
        for attribute, level in listed.iter_rows():
            truth[(segment, attribute, level)] = (inside[attribute] == str(level)).sum()
    return truth


def test_segments_of_too_few_people_are_not_named_by_what_these_are(
    extracts: Path, run_job: RunJob, tmp_path: Path
) -> None:
    config = write_config(extracts, extracts)
    done = run_job(
        "jobs.run", config, "--run-dir", tmp_path / "run",
        "--set", f"fairness.min_cell={N}", "--set", "model.sweep=[2, 2]",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    few = ["Too few people to describe", "Too few people to describe (1)"]
    for name in ("names.csv", "describe.csv"):
        names = pl.read_csv(tmp_path / "run/compare" / name).filter(pl.col("segment") >= 0)
        assert names.sort("segment")["name"].to_list() == few
    # Once there are enough of them, a refresh does not carry that name on.
    done = run_job(
        "jobs.refresh", config, "--base", tmp_path / "run", "--run-dir", tmp_path / "later",
        "--until", "compare", "--set", "model.sweep=[2, 2]",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert not set(few) & set(pl.read_csv(tmp_path / "later/compare/names.csv")["name"])
