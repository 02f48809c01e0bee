"""The first screen of five runs, word for word, put together by hand from the files of the run."""

import json
import re
import shutil
from collections.abc import Callable, Iterator
from html import unescape
from pathlib import Path

import polars as pl
import pytest

from tests.conftest import RunJob


def sentences_of(run: Path) -> list[str]:
    """Sentences of the page before its first chart, but those on the slider."""
    html = (run / "report/index.html").read_text(encoding="utf-8")
    screen = re.search(r"<h1>.*?<figure", html, re.DOTALL)
    assert screen is not None
    parts = re.findall(
        r"<h1>(.*?)</h1>|<div class=\"(?:lede|warn)\"[^>]*>(.*?)</div>", screen[0], re.DOTALL
    )
    texts = [text for part in parts for text in re.split(r"</p>", "".join(part))]
    plain = [" ".join(unescape(re.sub("<[^>]+>", "", text)).split()) for text in texts]
    return [text for text in plain if text]


def percent(share: float) -> str:
    return f"{100 * share:.1f}%" if 0 < share < 0.0995 else f"{100 * share:.0f}%"


def listed(numbers: list[int]) -> str:
    *first, last = map(str, numbers)
    return f"{', '.join(first)} and {last}" if first else last


def ratio(index: float) -> str:
    digits = 0 if index >= 995 else 1 if index >= 125 or index < 75 else 2
    return f"{index / 100:.{digits}f}"


def advice_by_hand(run: Path) -> Iterator[str]:
    table = pl.read_csv(run / "compare/segments.csv").sort("index", descending=True)
    names = dict(pl.read_csv(run / "compare/names.csv").select("segment", "name").iter_rows())
    placed = table.filter(pl.col("segment") >= 0)
    most = placed.filter((pl.col("verdict") == "over") & (pl.col("index") > 125))
    few = placed.filter((pl.col("verdict") == "under") & (pl.col("index") < 80)).reverse()

    def shares(part: pl.DataFrame) -> str:
        customers, people = (
            percent(part[rows].sum() / table[rows].sum())
            for rows in ("customer_rows", "population_rows")
        )
        return f"{customers} of all customers, in {people} of the population."

    def segments(part: pl.DataFrame) -> str:
        word = "segment" if part.height == 1 else "segments"
        return f"{word} {listed(part['segment'].to_list())}"

    if most.height:
        yield f"Customers come above all from {segments(most)}: {shares(most)}"
    aside = table.filter(pl.col("segment") == -1)
    gains = pl.read_csv(run / "gains/gains.csv").filter(pl.col("depth") == 0.2)
    reached = {row["by"]: row for row in gains.iter_rows(named=True)}
    facts = json.loads((run / "run.json").read_text())["stages"]["gains"]["facts"]
    by, ranking = {
        "logistic": ("logistic", "customer-likeness"),
        "micro": ("micro_segment", f"{facts['n_micro']} micro-segments"),
    }[facts["ranking"]]
    best, whole = reached[by], reached["segment"]["customers_reached"]
    low, high = (f"{100 * best[end]:.1f}%" for end in ("low", "high"))
    one_more = ", those without one as one more," if aside.height else ""
    yield (
        f"{100 * best['customers_reached']:.1f}% ({low} to {high}) of all customers belong to the "
        f"best 20% of the population by {ranking}, {best['lift']:.1f} times as many as by chance. "
        "Choose people by this ranking, not by whole segments: the best 20% by segments"
        f"{one_more} hold {100 * whole:.1f}%."
    )
    if few.height:
        yield f"The fewest customers for their size are in {segments(few)}: {shares(few)}"
    if aside.height:
        row = aside.row(0, named=True)
        yield (
            f"{percent(row['population_share'])} of the population and "
            f"{percent(row['customer_share'])} of all customers are in no segment, as too little "
            "is known of them."
        )
    chosen = pl.read_csv(run / "model/sweep.csv").filter("chosen").row(0, named=True)
    if not chosen["stable"]:
        yield (
            f"⚠ Before you act. These {chosen['n_clusters']} segments are not firm: when the "
            "segments are worked out again on other people, others come out. Do not plan on them "
            "one by one."
        )
    if most.height:
        top = most.row(0, named=True)
        yield (
            f"Customers are most common in segment {top['segment']} (“{names[top['segment']]}”): "
            f"{ratio(top['index'])} times ({ratio(top['low'])} to {ratio(top['high'])}) as common "
            "as among all people with a segment."
        )
    if aside.height:
        file = {"logistic": "likeness", "micro": "micro"}[facts["ranking"]]
        ranked = pl.read_csv(run / f"gains/{file}.csv").sort("rank")
        people = ranked["population_rows"].cum_sum() / ranked["population_rows"].sum()
        at = ranked["segment"].to_list().index(-1)
        first, last = people[at - 1] if at else 0.0, people[at]
        among = min(last, 0.2) - first
        text = (
            "In the ranking those without a segment stand between the best "
            f"{first:.1%} and the best {last:.1%} of the population"
        )
        if among > 0:
            text += (
                f"; of the best 20% they are {percent(among / 0.2)}. Only the gaps in their data "
                "rank them, which may say more of how the files were made than of who buys: test "
                "some of them first"
            )
        if among > 0 and last <= 0.2:
            left = best["customers_reached"] - row["customer_share"]
            text += (
                f". The list can leave them out: of the best 20%, {0.2 - among:.1%} of the "
                f"population are left then, with {percent(left)} of all customers"
            )
        yield f"{text}."


@pytest.fixture(scope="module")
def other_run(
    small_run: Path, small_config: Path, run_job: RunJob, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], Path]:
    """A run of the small delivery with the change that is named."""

    def make(change: str) -> Path:
        home = tmp_path_factory.mktemp("other") / "delivery"
        shutil.copytree(small_config.parent, home)
        CHANGES[change](home)
        job = ("jobs.run", home / small_config.name, "--run-dir", home / small_run.name)
        done = run_job(*job, *SETTINGS.get(change, ()))
        assert done.returncode == 0, done.stderr
        return home / small_run.name

    return make


def reverse_columns(delivery: Path) -> None:
    for path in delivery.glob("Udacity_*.csv"):
        rows = [line.split(";")[::-1] for line in path.read_text().splitlines()]
        path.write_text("".join(f"{';'.join(row)}\n" for row in rows))


def leave_one_customer(delivery: Path) -> None:
    path = delivery / "Udacity_CUSTOMERS_Subset.csv"
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:2]))


CHANGES = {
    "three segments": lambda delivery: None,
    "columns in another order": reverse_columns,
    "one customer": leave_one_customer,
}
SETTINGS = {
    "three segments": ("--set", "model.n_clusters=3"),
    "one customer": ("--set", "compare.allow_suspicious=true"),
}


def test_the_default_run_says_what_its_files_say(small_run: Path) -> None:
    assert sentences_of(small_run) == list(advice_by_hand(small_run))


def test_three_segments_are_spoken_of_by_the_same_rule(other_run: Callable[[str], Path]) -> None:
    run = other_run("three segments")
    assert sentences_of(run) == list(advice_by_hand(run))
    assert pl.read_csv(run / "compare/segments.csv").filter(pl.col("segment") >= 0).height == 3


def test_the_order_of_columns_changes_no_word(
    small_run: Path, other_run: Callable[[str], Path]
) -> None:
    assert sentences_of(other_run("columns in another order")) == sentences_of(small_run)


def test_census_rows_are_spoken_of_by_the_same_rule(census_run: Path) -> None:
    assert sentences_of(census_run) == list(advice_by_hand(census_run))


def test_of_one_customer_nothing_is_claimed(other_run: Callable[[str], Path]) -> None:
    first, *others = sentences_of(other_run("one customer"))
    assert first == "There are too few people to say which segments customers come from."
    warned = [text for text in others if "uspicious, but allowed" in text]
    assert [text for text in others if text not in warned] == [
        "How many customers belong to the best cannot be told: all had part in the ranking, and "
        "none is left to measure on.",
        "10% of the population are in no segment, as too little is known of them; they are too few "
        "customers to count.",
        "No segment gives a reason to mail it before another.",
        "Too few people of segments 0, 1 and 2 are known to rule out half or twice as many "
        "customers as their size suggests.",
    ]
    assert warned
