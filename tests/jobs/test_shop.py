"""A shop that nearly everybody pays to mail: the whole job's advice agrees with its money."""

import json
import re
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from tests.conftest import Completed, RunJob
from tests.generated import read_page

N, M = 12_000, 4_000
COST, MARGIN, RATE = 0.5, 25.0, 0.03
BREAK_EVEN = 100 * COST / (MARGIN * RATE)


def people(n: int, seed: int, tilt: float) -> pl.DataFrame:
    """Answers of three kinds of people; `tilt` makes the first kind rarer and the last commoner.

    A tenth of people move often, of all kinds alike; by `tilt` they are rarer by more than that.
    """
    random = np.random.default_rng(seed)
    weights = np.array([0.3 * (1 - tilt), 0.4, 0.3 * (1 + tilt)])
    kind = random.choice(3, n, p=weights / weights.sum())
    answers = {
        f"ANSWER_{number}": np.clip(
            np.rint(2 + 1.5 * ((kind + number) % 3) + random.normal(0, 0.5, n)), 1, 6
        ).astype(int)
        for number in range(6)
    }
    moves = random.choice(2, n, p=[0.9 + 0.3 * tilt, 0.1 - 0.3 * tilt])
    return pl.DataFrame(answers | {"MOVES": moves})


@pytest.fixture(scope="module")
def shop(run_job: RunJob, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Completed]:
    folder = tmp_path_factory.mktemp("shop")
    people(N, 1, 0.0).write_csv(folder / "people.csv")
    people(M, 2, 0.2).write_csv(folder / "buyers.csv")
    summary = "".join(f"{name};person;ordinal;[-1]\n" for name in people(1, 0, 0.0).columns)
    (folder / "summary.csv").write_text(
        f"attribute;information_level;type;missing_or_unknown\n{summary}"
    )
    config = folder / "shop.toml"
    config.write_text(
        '[inputs]\npopulation = "people.csv"\ncustomers = "buyers.csv"\n'
        'feature_summary = "summary.csv"\n[model]\nn_clusters = 3\n'
        f"[mailing]\ncost_per_piece = {COST}\nmargin_per_order = {MARGIN}\n"
        f"base_response_rate = {RATE}\n"
    )
    done = run_job("jobs.run", config, "--run-dir", folder / "run")
    assert done.returncode == 0, done.stderr
    return folder / "run", done


@pytest.fixture(scope="module")
def run(shop: tuple[Path, Completed]) -> Path:
    return shop[0]


@pytest.fixture(scope="module")
def depth(run: Path) -> dict[str, float]:
    figures: dict[str, float] = json.loads((run / "gains/depth.json").read_text())
    return figures


def test_the_first_sentence_is_the_depth_that_pays_by_the_file(
    shop: tuple[Path, Completed], depth: dict[str, float]
) -> None:
    run, done = shop
    expected = (
        f"Mail the best {100 * depth['recommended_depth']:.1f}% of the population: "
        f"{depth['pieces']:,} pieces should bring {depth['expected_orders']:,.0f} orders "
        f"({depth['orders_low']:,.0f} to {depth['orders_high']:,.0f}) and a profit of "
        f"{depth['expected_profit']:,.0f} ({depth['profit_low']:,.0f} to "
        f"{depth['profit_high']:,.0f})."
    )
    if depth["recommended_depth"] == 1:
        expected = expected.replace("the best 100.0% of the population", "everybody")
    assert expected in " ".join(read_page(run).split())
    assert expected in done.stdout


def test_a_segment_surely_under_the_average_that_pays_is_not_left_out(run: Path) -> None:
    """The case that cost a shop its profit: under 100 and above break-even."""
    segments = pl.read_csv(run / "compare/segments.csv")
    pays_below = segments.filter(
        (pl.col("verdict") == "under") & (pl.col("index") > BREAK_EVEN) & (pl.col("index") < 100)
    )
    assert pays_below.height
    page = read_page(run)
    advice = page[page.index("Mail ") : page.index("How deep to mail")]
    for number in pays_below["segment"]:
        assert re.search(rf"\b[Ss]egments?\b[^.]*\b{number}\b[^.]*below break-even", advice) is None


def test_whom_to_leave_out_is_who_lies_below_break_even(run: Path, depth: dict[str, float]) -> None:
    segments = pl.read_csv(run / "compare/segments.csv").filter(pl.col("segment") >= 0)
    below = segments.filter(pl.col("high") < depth["break_even_index"]).sort("index")
    page = read_page(run)
    named = re.search(r"Segments? ([\d, and]+) lies? below break-even", page)
    numbers = [int(number) for number in re.findall(r"\d+", named[1])] if named else []
    assert numbers == below["segment"].to_list()
    if depth["recommended_depth"] < 1:
        assert f"Leave out the other {100 * (1 - depth['recommended_depth']):.1f}%" in page
    else:
        assert "Leave nobody out" in page


def test_no_other_length_of_the_list_earns_more(run: Path, depth: dict[str, float]) -> None:
    """The cells of the list, one after the other, at the money of the config."""
    ranking = "likeness" if "ranked by customer-likeness" in read_page(run) else "micro"
    cells = pl.read_csv(run / f"gains/{ranking}.csv")
    people, index = cells["population_rows"].to_numpy(), cells["micro_index"].to_numpy()
    average = (people * index).sum() / people.sum()
    earned = np.concatenate([[0.0], np.cumsum(people * (index / average * RATE * MARGIN - COST))])
    assert depth["break_even_index"] == pytest.approx(BREAK_EVEN * average / 100)
    assert depth["expected_profit"] == pytest.approx(earned.max())
    assert depth["pieces"] == np.concatenate([[0], np.cumsum(people)])[earned.argmax()]
    assert depth["recommended_depth"] == depth["pieces"] / N > 0.8


def test_console_and_page_have_the_same_numbers_of_each_segment(
    shop: tuple[Path, Completed],
) -> None:
    run, done = shop
    html = (run / "report/index.html").read_text()
    rows = re.findall(
        r"^ +(\d+) +([\d.]+)% +([\d.]+)% +(\d+)  (\d+) to (\d+)(  [a-z ]+)?$", done.stdout, re.M
    )
    assert len(rows) == 3
    for number, *shares, index, low, high, level in rows:
        for name, value in (("index", index), ("index-low", low), ("index-high", high)):
            assert set(
                re.findall(rf'data-figure="segment-{number}-{name}"[^>]*>([^<]+)<', html)
            ) == {value}
        own, theirs = (
            re.search(rf'data-figure="segment-{number}-{name}"[^>]*>(\d+)%', html)
            for name in ("people-share", "customer-share")
        )
        assert own is not None
        assert theirs is not None
        # The console has a decimal more.
        assert list(map(float, shares)) == pytest.approx([int(own[1]), int(theirs[1])], abs=0.551)
        assert f"{(level or 'about').strip()} average" in html
