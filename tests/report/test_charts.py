"""What the charts draw, and what they must not seem to draw."""

import re
from collections.abc import Callable
from dataclasses import replace

import polars as pl
import pytest
import vl_convert

from segment_lib.report import RunFacts, charts, data_charts
from segment_lib.report.figures import all_figures
from segment_lib.report.segments import Segment, build_segments
from segment_lib.report.theme import Drawing
from segment_lib.schema.language import Language

Shares = Callable[[dict[int, tuple[int, int, str]]], pl.DataFrame]

SIZES = {
    1: (8, 40, "over"),
    2: (500, 40, "average"),
    3: (400, 7, "average"),
}


@pytest.fixture
def few(facts: RunFacts, shares: Shares) -> tuple[Segment, ...]:
    """Of the first the people are too few to be told, of the last the customers."""
    return build_segments(shares(SIZES), facts.names, facts.traits, min_cell=10)


def drawn(chart: Drawing) -> dict[str, dict[str, object]]:
    """The rows of a chart by name of segment."""
    return {
        row["name"]: row
        for rows in chart.to_dict()["datasets"].values()
        for row in rows
        if "label" in row
    }


def svg(chart: Drawing) -> str:
    return vl_convert.vegalite_to_svg(chart.to_dict())


def test_every_chart_is_as_the_schema_of_vega_lite_has_it(
    paid: RunFacts, few: tuple[Segment, ...]
) -> None:
    figures = list(all_figures(paid, few))
    assert "profit" in {figure.name for figure in figures}
    for figure in figures:
        assert figure.chart.to_dict(validate=True) == figure.chart.to_dict(validate=False)


def test_hidden_numbers_are_no_dot_at_the_average(few: tuple[Segment, ...]) -> None:
    rows = drawn(charts.index_chart(few))
    assert [rows[f"Segment {n}"]["far"] is None for n in (1, 2, 3)] == [True, False, True]
    assert rows["Segment 1"]["label"] == "not shown"
    assert rows["Segment 3"]["label"] == "not shown"
    drawing = svg(charts.index_chart(few))
    hidden = re.findall(r'transform="translate\(([\d.-]+),[^>]*>not shown<', drawing)
    assert set(hidden) == {"0"}


def test_the_rows_set_aside_whose_index_is_on_another_base_are_in_no_chart_of_it(
    facts: RunFacts, shares: Shares
) -> None:
    table = shares({1: (500, 300, "over"), 2: (500, 60, "under"), -1: (400, 300, "over")})
    segments = build_segments(table, facts.names, facts.traits, min_cell=10)
    for chart in (charts.index_chart(segments), charts.share_chart(segments)):
        assert set(drawn(chart)) == {"Segment 1", "Segment 2"}
    takeaway = next(all_figures(replace(facts, segments=table), segments)).takeaway
    assert takeaway.startswith("Segment 1 is ")
    assert "set aside" not in takeaway.lower()


def test_segments_of_too_few_people_have_an_empty_row(few: tuple[Segment, ...]) -> None:
    for chart in (charts.index_chart(few), charts.share_chart(few)):
        assert set(drawn(chart)) == {"Segment 1", "Segment 2", "Segment 3"}
    ends = [
        (row["name"], row["who"])
        for rows in charts.share_chart(few).to_dict()["datasets"].values()
        for row in rows
        if "who" in row
    ]
    assert ("Segment 1", "population") not in ends
    assert ("Segment 3", "customers") not in ends
    assert ("Segment 2", "customers") in ends


@pytest.mark.parametrize(("most", "shown"), [(25, False), (2, False), (1, True)])
def test_a_limit_beyond_the_axis_does_not_stretch_it(most: int, shown: bool) -> None:
    rows = pl.DataFrame({"extract": "population", "n_missing": [0, 1, 2], "rows": [70, 20, 10]})
    chart = svg(data_charts.rows_chart(rows, "population", most, (2, 0.7), 10, Language()))
    width = re.search(r'<svg[^>]* width="([\d.]+)"', chart)
    assert width is not None
    assert float(width[1]) < 450
    assert ("set aside →" in chart) is shown
