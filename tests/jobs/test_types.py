"""Dates, amounts, postcodes, rare levels and recoded numbers as features, against pandas."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest

from tests.conftest import RunJob

ROWS = 2_000
SUMMARY = """attribute;information_level;type;missing_or_unknown
born;person;date;[31.12.2999]
income;person;amount;[-1]
since;person;date;[]
grade;person;ordinal;[9]
plz;person;postcode;[00000]
town;person;categorical;[]
visits;person;numeric;[99, 88=0]
"""
TOWNS = ["Ulm", "Bonn", "Ems", "Au"]
DRAW = np.random.default_rng(11)


def people(n: int) -> pd.DataFrame:
    days = pd.to_datetime("1930-01-01") + pd.to_timedelta(DRAW.integers(0, 27_000, n), "D")
    born = pd.Series(days).dt.strftime("%d.%m.%Y").mask(DRAW.random(n) < 0.03, "31.12.2999")
    return pd.DataFrame(
        {
            "born": born.mask(DRAW.random(n) < 0.02, ""),
            "income": DRAW.lognormal(8, 1.5, n).round(2),
            "since": DRAW.integers(1990, 2024, n).astype(str),
            "grade": DRAW.integers(1, 6, n),
            "plz": [f"{code:05}" for code in DRAW.choice([0, 1067, 1099, 10115, 80331, 99999], n)],
            "town": DRAW.choice(TOWNS, n, p=[0.5, 0.44, 0.03, 0.03]),
            "visits": DRAW.choice([1, 2, 3, 88, 99], n),
        }
    )


@pytest.fixture(scope="module")
def delivery(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("types")
    people(ROWS).to_csv(folder / "people.csv", index=False)
    people(500).to_csv(folder / "buyers.csv", index=False)
    (folder / "summary.csv").write_text(SUMMARY)
    (folder / "job.toml").write_text(
        '[inputs]\npopulation = "people.csv"\ncustomers = "buyers.csv"\n'
        'feature_summary = "summary.csv"\n[encode]\nreport_day = "2024-07-01"\n'
        "min_level_share = 0.05\n"
    )
    return folder


def encoded(run_job: RunJob, delivery: Path, run: Path, *options: str) -> pl.DataFrame:
    done = run_job(
        "jobs.run", delivery / "job.toml", "--run-dir", run, "--until", "encode", *options
    )
    assert done.returncode == 0, done.stderr
    assert "Amounts of which few are far larger than others: income" in done.stderr
    return pl.read_parquet(run / "features/population/*.parquet")


@pytest.fixture(scope="module")
def features(run_job: RunJob, delivery: Path) -> pl.DataFrame:
    return encoded(run_job, delivery, delivery / "run")


def delivered(folder: Path) -> pd.DataFrame:
    return pd.read_csv(folder / "people.csv", dtype=str, keep_default_na=False)


def test_a_date_is_the_age_at_the_stated_day(features: pl.DataFrame, delivery: Path) -> None:
    born = pd.to_datetime(delivered(delivery)["born"], format="%d.%m.%Y", errors="coerce")
    ages = (pd.Timestamp("2024-07-01") - born).dt.days / 365.25
    known = ages.notna() & (ages > 0)
    assert 0.9 < known.mean() < 1
    # Years are of 365 or 366 days here, and of 365.25 in pandas' days.
    assert abs(features["born"].to_numpy() - ages)[known].max() < 0.01
    assert features["born"].to_numpy()[~known] == pytest.approx(ages[known].median(), abs=0.05)
    year = 2024 + 182 / 366 - delivered(delivery)["since"].astype(int)
    np.testing.assert_allclose(features["since"], year, rtol=1e-6)


def test_an_amount_is_its_logarithm(features: pl.DataFrame, delivery: Path) -> None:
    income = delivered(delivery)["income"].astype(float)
    unit = income.sort_values().iloc[(len(income) - 1) // 2]
    np.testing.assert_allclose(features["income"], np.log1p(income / unit), rtol=1e-6)


def test_a_postcode_is_its_region(features: pl.DataFrame, delivery: Path) -> None:
    region = delivered(delivery)["plz"].str[:2]
    names = [name for name in features.columns if name.startswith("plz=")]
    assert names == ["plz=01", "plz=10", "plz=80", "plz=99"]
    known = delivered(delivery)["plz"] != "00000"
    for name in names:
        expected = (region == name[-2:]).where(known, name == "plz=01")
        assert features[name].to_list() == expected.astype(int).to_list()


def test_levels_that_few_have_are_one_feature(features: pl.DataFrame, delivery: Path) -> None:
    town = delivered(delivery)["town"]
    assert [name for name in features.columns if name.startswith("town=")] == [
        *("town=Bonn", "town=Ulm", "town=other")
    ]
    assert features["town=other"].to_list() == town.isin(["Ems", "Au"]).astype(int).to_list()
    assert features["town=Ulm"].to_list() == (town == "Ulm").astype(int).to_list()


def test_a_recoded_number_is_the_other(features: pl.DataFrame, delivery: Path) -> None:
    visits = delivered(delivery)["visits"].astype(float).replace(88, 0)
    median = visits[visits != 99].quantile(0.5, interpolation="lower")
    assert features["visits"].to_list() == visits.replace(99, median).to_list()


def test_the_plan_holds_the_day_and_the_unit(features: pl.DataFrame, delivery: Path) -> None:
    plan = json.loads((delivery / "run/plan.json").read_text())["attributes"]
    assert plan["born"]["rule"] == plan["since"]["rule"] == "age"
    assert plan["born"]["at"] == plan["since"]["at"] == "2024-07-01"
    assert plan["income"]["rule"] == "log"
    assert plan["income"]["unit"] > 0


def test_without_a_stated_day_it_is_the_latest_of_the_population(
    run_job: RunJob, delivery: Path, tmp_path: Path
) -> None:
    encoded(run_job, delivery, tmp_path, "--set", "encode.report_day=")
    plan = json.loads((tmp_path / "plan.json").read_text())["attributes"]
    assert plan["born"]["at"] == plan["since"]["at"] == "2023-01-01"


@pytest.mark.parametrize("rows_per_part", [150, 100_000])
def test_features_are_the_same_to_the_bit_for_any_parts(
    rows_per_part: int, run_job: RunJob, delivery: Path, features: pl.DataFrame, tmp_path: Path
) -> None:
    parts = f"run.rows_per_part={rows_per_part}"
    assert encoded(run_job, delivery, tmp_path, "--set", parts).equals(features)
    plans = [(run / "plan.json").read_bytes() for run in (tmp_path, delivery / "run")]
    assert plans[0] == plans[1]


def test_a_column_of_other_than_dates_is_refused(
    run_job: RunJob, delivery: Path, tmp_path: Path
) -> None:
    table = delivered(delivery)
    table.loc[::5, "since"] = "1/31/99"
    table.to_csv(tmp_path / "people.csv", index=False)
    done = run_job(
        "jobs.run", delivery / "job.toml", "--run-dir", tmp_path / "run", "--until", "assess",
        "--set", f"inputs.population={tmp_path / 'people.csv'}",
    )  # fmt: skip
    assert done.returncode == 3
    assert "since (20.0% of the population: no date as dd.mm.yyyy" in done.stderr


def test_the_profile_names_years_and_a_refresh_keeps_the_plan(
    run_job: RunJob, delivery: Path, tmp_path: Path
) -> None:
    job, run = delivery / "job.toml", delivery / "run"
    few = ("--set", "model.sweep=[3, 4]")
    done = run_job("jobs.run", job, "--run-dir", run, "--until", "gains", *few)
    assert done.returncode == 0, done.stderr
    levels = json.loads((run / "compare/levels.json").read_text())
    first, last = levels["born"]["names"][0], levels["born"]["names"][-1]
    assert (first[:7], last[-2:]) == ("1930 to", "03")
    assert "01" in profile_levels(run, "plz")
    assert profile_levels(run, "visits") == ["0", "1", "2", "3"]
    done = run_job(
        "jobs.refresh", job, "--base", run, "--run-dir", tmp_path, "--until", "assign", *few,
        "--set", "encode.report_day=2030-01-01",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "plan.json").read_bytes() == (run / "plan.json").read_bytes()


def profile_levels(run: Path, attribute: str) -> list[str]:
    profile = pl.read_parquet(run / "compare/profile.parquet").filter(attribute=attribute)
    return profile["level"].unique().sort().to_list()
