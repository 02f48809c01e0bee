"""The ranking by customer-likeness of a whole run: calibrated, reached, the same for any parts."""

import json
import shutil
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from tests.conftest import RunJob
from tests.generated import delivered, parts, read_page, write_config

N, M = 100_000, 21_500
ONE = '[model]\nn_clusters = 8\nsweep = [8, 8]\n[mailing]\nranking = "{}"\n'


@pytest.fixture(scope="module")
def extracts(run_job: RunJob, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ranking")
    made = run_job(
        "jobs.make_extracts", "--rows", N, "--customers", M, "--seed", 3, "--out", folder
    )
    assert made.returncode == 0, made.stderr
    return folder


@pytest.fixture(scope="module")
def run(run_job: RunJob, extracts: Path) -> Path:
    config = write_config(extracts, extracts, ONE.format("auto"))
    done = run_job("jobs.run", config, "--run-dir", extracts / "run")
    assert done.returncode == 0, done.stderr
    assert "ranked by customer-likeness (at 20% depth" in done.stderr
    return extracts / "run"


def test_likeness_reaches_more_than_micro_segments_and_segments(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    gains = pl.read_csv(run / "gains/gains.csv").filter(depth=0.2)
    reached = dict(gains.select("by", "customers_reached").iter_rows())
    with capsys.disabled():
        print(f"\ncustomers reached at 20 %: {reached}")
    assert reached["logistic"] > reached["micro_segment"] + 0.02
    assert reached["micro_segment"] > reached["segment"]


def test_the_index_by_likeness_is_the_one_measured_in_eight_tenths_of_ten(run: Path) -> None:
    table = pl.read_csv(run / "gains/calibration.csv")
    assert table.height == 10
    within = table["predicted"].is_between(table["low"], table["high"])
    assert within.sum() >= 8
    assert table["rows"].sum() == parts(run, "features").height
    assert table["cases"].sum() == parts(run, "features", "customers").height


def test_the_calibration_is_counted_on_rows_the_fit_has_not_seen(run: Path) -> None:
    """Shuffled into the wrong halves, the tenths are no longer those of the table."""
    people = parts(run, "gains")
    assert people["likeness"].null_count() == N - parts(run, "features").height
    mean = people["likeness"].mean()
    assert mean == pytest.approx(100, rel=0.03)


def test_cells_hold_the_population_and_rank_it_by_likeness(run: Path) -> None:
    cells = pl.read_csv(run / "gains/likeness.csv")
    assert cells["population_rows"].sum() == N
    assert cells["customer_rows"].sum() == M
    placed = cells.filter(pl.col("cell") >= 0)
    assert placed["likeness"].is_sorted(descending=True)
    assert placed["population_rows"].max() < 0.01 * N


def test_the_list_is_that_of_the_likeness(run: Path, run_job: RunJob, tmp_path: Path) -> None:
    done = run_job("jobs.export", run, "--depth", 0.1, "--out", tmp_path / "list")
    assert done.returncode == 0, done.stderr
    listed = pl.read_parquet(tmp_path / "list/targets.parquet")
    assert listed.columns == [
        *("rank", "row", "segment", "micro_segment", "micro_index", "likeness", "name")
    ]
    people = parts(run, "gains")
    joined = listed.join(people, on="row", suffix="_run")
    np.testing.assert_allclose(joined["likeness"], joined["likeness_run"], atol=0.06)
    best = np.sort(people["likeness"].drop_nulls().to_numpy())[::-1]
    # To one cell: a three hundredth of the people.
    assert listed["likeness"].min() >= best[N // 10 + N // 200] - 0.06
    assert json.loads((tmp_path / "list/targets.json").read_text())["ranking"] == "logistic"


def test_the_page_says_which_ranking_and_what_it_goes_by(run: Path) -> None:
    page = read_page(run)
    assert "The list is ranked by customer-likeness: at 20% depth it reaches" in page
    assert "reaches" in page
    assert "Index by likeness" in page
    strongest = pl.read_csv(run / "gains/weights.csv")["label"][0]
    assert strongest[1:] in page


def test_weights_are_those_of_the_features_and_no_other(run: Path) -> None:
    features = json.loads((run / "run.json").read_text())["stages"]["encode"]["facts"]["features"]
    weights = pl.read_csv(run / "gains/weights.csv")
    assert sorted(weights["feature"]) == sorted(features)
    assert weights["odds_ratio"].is_sorted(descending=True)
    assert weights["odds_ratio"].min() >= 1


@pytest.fixture(scope="module")
def small(run_job: RunJob, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Smaller extracts, for what is run several times."""
    folder = tmp_path_factory.mktemp("small-ranking")
    made = run_job(
        "jobs.make_extracts", "--rows", 6_000, "--customers", 3_000, "--seed", 4, "--out", folder
    )
    assert made.returncode == 0, made.stderr
    return folder


def ranked(run_job: RunJob, folder: Path, name: str, *options: object, more: str = "") -> Path:
    config = write_config(folder, folder, ONE.format("logistic") + more)
    done = run_job("jobs.run", config, "--run-dir", folder / name, "--until", "gains", *options)
    assert done.returncode == 0, done.stderr
    return folder / name


def test_any_parts_and_threads_give_the_same_ranking(run_job: RunJob, small: Path) -> None:
    whole = ranked(run_job, small, "whole", "--threads", 1)
    for name, rows, threads in (("two", 700, 2), ("four", 2_100, 4)):
        options = ("--set", f"run.rows_per_part={rows}", "--threads", threads)
        other = ranked(run_job, small, name, *options)
        for file in ("ranking.npz", "likeness.csv", "calibration.csv"):
            assert (other / "gains" / file).read_bytes() == (whole / "gains" / file).read_bytes()
        assert parts(other, "gains")["likeness"].equals(parts(whole, "gains")["likeness"])


def test_sensitive_attributes_that_are_kept_out_have_no_weight(
    run_job: RunJob, small: Path
) -> None:
    kept_out = ranked(run_job, small, "kept-out", "--set", "fairness.keep_out=true")
    weights = pl.read_csv(kept_out / "gains/weights.csv")
    assert not {"ANREDE_KZ", "ALTERSKATEGORIE_GROB", "NATIONALITAET_KZ"} & set(weights["attribute"])


def test_a_refresh_that_applies_the_model_applies_the_weights(run_job: RunJob, small: Path) -> None:
    base = ranked(run_job, small, "base")
    config = write_config(small, small, ONE.format("logistic") + '[refresh]\npolicy = "apply"\n')
    base_done = run_job("jobs.run", config, "--run-dir", base)
    assert base_done.returncode == 0, base_done.stderr
    later = small / "later"
    later.mkdir()
    for extract, name in (
        ("population", "Udacity_AZDIAS_Subset.csv"),
        ("customers", "Udacity_CUSTOMERS_Subset.csv"),
    ):
        delivered(small, extract).head(2_500).write_csv(later / name, separator=";")
    config = write_config(later, small, ONE.format("logistic") + '[refresh]\npolicy = "apply"\n')
    done = run_job("jobs.refresh", config, "--base", base, "--run-dir", later / "run")
    assert done.returncode == 0, done.stderr
    ours, theirs = (folder / "gains/ranking.npz" for folder in (later / "run", base))
    assert ours.read_bytes() == theirs.read_bytes()
    before = parts(base, "gains").head(2_500)["likeness"]
    assert parts(later / "run", "gains")["likeness"].equals(before)


def test_a_response_is_what_is_learned(run_job: RunJob, small: Path) -> None:
    """Half of the customers were asked; the young responded, whatever the customers are like."""
    folder = small / "asked"
    folder.mkdir()
    draw = np.random.default_rng(2)
    for extract, name in (
        ("population", "Udacity_AZDIAS_Subset.csv"),
        ("customers", "Udacity_CUSTOMERS_Subset.csv"),
    ):
        rows = delivered(small, extract)
        if extract == "customers":
            young = (rows["ALTERSKATEGORIE_GROB"] == "1").to_numpy()
            responds = draw.random(rows.height) < np.where(young, 0.9, 0.2)
            asked = np.arange(rows.height) % 2 == 0
            cells = np.where(asked, np.where(responds, "1", "0"), "")
            rows = rows.with_columns(RESPONSE=pl.Series(cells))
        rows.write_csv(folder / name, separator=";")
    config = write_config(folder, small, ONE.format("logistic"))
    text = config.read_text().replace("[inputs]", '[inputs]\nresponse = "RESPONSE"')
    config.write_text(text)
    done = run_job("jobs.run", config, "--run-dir", folder / "run", "--until", "gains")
    assert done.returncode == 0, done.stderr
    weights = pl.read_csv(folder / "run/gains/weights.csv")
    assert weights["feature"][0] == "ALTERSKATEGORIE_GROB"
    assert weights["weight"][0] < 0
    table = pl.read_csv(folder / "run/gains/calibration.csv")
    response = pl.read_csv(folder / "run/gains/response.csv").filter(pl.col("segment") >= 0)
    assert table["rows"].sum() == response["rows"].sum()
    assert table["cases"].sum() == response["responses"].sum()
    shutil.rmtree(folder)


def test_too_few_customers_are_ranked_by_micro_segments(run_job: RunJob, small: Path) -> None:
    folder = small / "few"
    folder.mkdir()
    for extract, name, n in (
        ("population", "Udacity_AZDIAS_Subset.csv", 2_000),
        ("customers", "Udacity_CUSTOMERS_Subset.csv", 15),
    ):
        delivered(small, extract).head(n).write_csv(folder / name, separator=";")
    more = "[compare]\nallow_suspicious = true\n"
    config = write_config(folder, small, ONE.format("auto") + more)
    done = run_job("jobs.run", config, "--run-dir", folder / "run")
    assert done.returncode == 0, done.stderr
    assert "ranked by micro-segments (too few customers to fit a likeness)" in done.stderr
    assert not (folder / "run/gains/ranking.npz").exists()
    assert set(pl.read_csv(folder / "run/gains/gains.csv")["by"]) == {"segment", "micro_segment"}
