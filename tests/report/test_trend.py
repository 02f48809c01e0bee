"""The chart of the index over runs."""

import polars as pl

from segment_lib.report import trend_chart, trend_svg
from segment_lib.schema.language import Language

HISTORY = pl.DataFrame(
    {
        "run": ["one", "one", "two", "two"],
        "order": [0, 0, 1, 1],
        "segment": [-1, 0, -1, 0],
        "index": [250.0, 80.0, 240.0, 0.0],
        "verdict": ["over", "under", "over", "under"],
        "name": ["Rows set aside", "Savers", "Rows set aside", "Savers"],
    }
)


def test_each_run_and_segment_with_an_index_is_a_point() -> None:
    chart = trend_chart(HISTORY, "one", Language())
    data = chart["datasets"][chart["layer"][2]["data"]["name"]]
    assert [(row["run"], row["label"], row["index"]) for row in data] == [
        ("one", "set aside", 250.0), ("one", "0", 80.0), ("two", "set aside", 240.0),
    ]  # fmt: skip


def test_it_is_drawn_with_its_runs_named() -> None:
    svg = trend_svg(HISTORY, "one", Language())
    assert svg.startswith("<svg")
    assert ">two<" in svg
    assert "Index by segment since one" in svg
