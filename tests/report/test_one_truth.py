"""A number of the page has one value for one meaning, and it is that of the files."""

import re
from collections import defaultdict
from collections.abc import Callable, Mapping
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from segment_lib.disclosure import suppress_segments
from segment_lib.report import RunFacts, write_report

VOID = {"meta", "link", "input", "br", "rect", "path", "line", "circle", "use"}
UNITS: Mapping[str, Callable[[Any], str]] = {
    "depth": lambda value: f"{100 * value:.1f}%",
    "pieces": lambda value: f"{value:,}",
    "reached": lambda value: f"{100 * value:.1f}%",
    "orders": lambda value: f"{value:,.0f}",
    "cost": lambda value: f"{value:,.0f}",
    "profit": lambda value: f"{value:,.0f}",
}
COLUMNS = {"reached": "customers_reached", "reached-low": "low", "reached-high": "high"}


class Quantities(HTMLParser):
    """The numbers that a page marks, by meaning, and the text outside of them by element."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[tuple[str, str]] = []
        self.marked: dict[str, list[str]] = defaultdict(list)
        self.unmarked: dict[str, str] = defaultdict(str)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in VOID:
            return
        meaning = dict(attrs).get("data-figure") or ""
        if meaning:
            self.marked[meaning].append("")
        self.open.append((tag, meaning))

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop()[0] == tag

    def handle_data(self, data: str) -> None:
        tags = [tag for tag, _ in self.open]
        if "script" in tags or "style" in tags:
            return
        meanings = [meaning for _, meaning in self.open if meaning]
        for meaning in meanings:
            self.marked[meaning][-1] += data
        if not meanings and "h1" in tags:
            self.unmarked["h1"] += data


def quantities(html: str) -> Quantities:
    parser = Quantities()
    parser.feed(html)
    return parser


@pytest.fixture(scope="module")
def page_with_money(paid: RunFacts, tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("paid")
    write_report(paid, folder)
    return (folder / "index.html").read_text()


@pytest.fixture(params=["by money", "by size"])
def html(request: pytest.FixtureRequest, page_with_money: str, report: Path) -> str:
    return page_with_money if request.param == "by money" else report.read_text()


def test_no_meaning_has_two_values(html: str) -> None:
    marked = quantities(html).marked
    assert {meaning: texts for meaning, texts in marked.items() if len(set(texts)) > 1} == {}
    # Else nothing would have been compared.
    assert sum(len(texts) > 1 for texts in marked.values()) > 80


def test_a_second_value_would_be_found(page_with_money: str) -> None:
    mark = re.search(r'data-figure="segment-1-index">(\d+)<', page_with_money)
    assert mark is not None
    other = page_with_money.replace(mark[0], mark[0].replace(mark[1], "1"), 1)
    assert len(set(quantities(other).marked["segment-1-index"])) == 2


def test_every_number_of_the_headline_is_marked(html: str) -> None:
    """But for the numbers of segments, which name them."""
    words = re.sub(r"[Ss]egments? [\d, and]+", "", quantities(html).unmarked["h1"])
    assert re.findall(r"\d", words) == []


def test_numbers_of_depths_are_those_of_the_files(paid: RunFacts, page_with_money: str) -> None:
    assert paid.depth is not None
    compared = 0
    rows = {f"{row['depth']:.10g}": row for row in paid.depths.iter_rows(named=True)}
    # The gains are of round depths, those of the list of whole people.
    rows |= {
        f"{row['depth']:.10g}": row | {"pieces": row["population_rows"]}
        for row in paid.gains.filter(by="micro_segment").iter_rows(named=True)
        if f"{row['depth']:.10g}" not in rows
    }
    for meaning, texts in quantities(page_with_money).marked.items():
        match = re.fullmatch(r"(\w+)-at-([\d.e-]+?)(-low|-high)?", meaning)
        if match is None:
            continue
        name, depth, end = match[1], match[2], match[3] or ""
        column = COLUMNS.get(name + end, name + end.replace("-", "_"))
        assert set(texts) == {UNITS[name](rows[depth][column])}, meaning
        compared += 1
    assert compared > 60
    pays = f"{paid.depth['recommended_depth']:.10g}"
    profit = quantities(page_with_money).marked[f"profit-at-{pays}"]
    assert set(profit) == {f"{paid.depth['expected_profit']:,.0f}"}
    assert len(profit) >= 3  # headline, slider and table


def test_numbers_of_segments_are_those_of_the_files(facts: RunFacts, html: str) -> None:
    marked = quantities(html).marked
    shown = suppress_segments(facts.segments, facts.min_cell)
    everyone = int(facts.segments["population_rows"].sum())
    for row in shown.iter_rows(named=True):
        number = row["segment"]
        for name, column in (("index", "index"), ("index-low", "low"), ("index-high", "high")):
            places = 0 if row[column] >= 9.95 else 1
            expected = f"{row[column]:,.{places}f}"
            assert set(marked[f"segment-{number}-{name}"]) == {expected}
        assert set(marked[f"segment-{number}-people"]) == {f"{row['population_rows']:,}"}
        share = row["population_rows"] / everyone
        digits = 0 if share >= 0.0995 else 1
        assert set(marked[f"segment-{number}-people-share"]) == {f"{100 * share:.{digits}f}%"}


def test_shares_of_segments_add_up_to_all_with_those_of_the_rows_set_aside(
    facts: RunFacts,
) -> None:
    shown = suppress_segments(facts.segments, facts.min_cell)
    assert shown.select(pl.col("population_share", "customer_share").sum()).row(0) == (
        pytest.approx(1),
        pytest.approx(1),
    )
