"""Segments that are none of the old get numbers never used before, in every file of the run."""

import json
from pathlib import Path

import polars as pl
import pytest

from jobs.refresh import main as refresh
from jobs.run import main as run
from tests.jobs.test_schema_changes import deliver


def left_with(code: int, main, *options: object) -> None:
    with pytest.raises(SystemExit) as left:
        main([str(option) for option in options])
    assert left.value.code == code


def numbers(run: Path, extract: str) -> set[int]:
    parts = (pl.read_parquet(path) for path in (run / "segments" / extract).glob("*"))
    return set(pl.concat(parts)["segment"])


def test_new_numbers_stand_in_every_file_and_stay_in_the_next_refresh(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = deliver(tmp_path / "data")
    base, second, third = (tmp_path / name for name in ("base", "second", "third"))
    left_with(0, run, path, "--run-dir", base, "--until", "gains")
    # Segments that are only the same if they share more rows than there are: all are new.
    monkeypatch.setattr("segment_lib.drift.matching.SAME_SEGMENT", 1.0)
    left_with(
        0, refresh, path, "--base", base, "--run-dir", second, "--set", "refresh.policy='refit'"
    )
    for extract in ("population", "customers"):
        assert numbers(second, extract) == {3, 4, 5}
    for table in ("compare/segments.csv", "compare/names.csv"):
        assert pl.read_csv(second / table)["segment"].to_list() == [3, 4, 5]
    stable = pl.read_csv(second / "model/stability.csv")
    assert stable["segment"].to_list() == [3, 4, 5]
    segments = pl.read_csv(second / "refresh/segments.csv")
    assert dict(segments.select("segment", "state").iter_rows()) == {
        **dict.fromkeys((0, 1, 2), "vanished"),
        **dict.fromkeys((3, 4, 5), "new"),
    }
    summary = json.loads((second / "refresh/summary.json").read_text())
    assert (summary["new_segments"], summary["vanished_segments"]) == ([3, 4, 5], [0, 1, 2])
    page = (second / "report/index.html").read_text()
    assert "segments 3, 4 and 5 are new; segments 0, 1 and 2 have vanished." in page
    # As nothing but the numbers changed, so do rows by segment.
    rows = [
        sorted(pl.read_csv(folder / "compare/segments.csv")["population_rows"])
        for folder in (base, second)
    ]
    assert rows[0] == rows[1]
    left_with(0, refresh, path, "--base", second, "--run-dir", third, "--until", "refresh")
    assert numbers(third, "population") == {3, 4, 5}
    assert json.loads((third / "refresh/summary.json").read_text())["work"]["made"] == 0
    sweep = json.loads((third / "run.json").read_text())["stages"]["sweep"]
    assert sweep["facts"]["next_segment"] == 6
