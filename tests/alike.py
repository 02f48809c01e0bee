"""People in another kind of source, against CSV of the same rows."""

from collections.abc import Callable
from pathlib import Path

import polars as pl

from tests.people import ATTRIBUTES, people

Call = Callable[..., tuple[int, list[str]]]
PEOPLE = people().with_columns(
    pl.format("0{}", "LNR").alias("LNR"),
    pl.when(pl.int_range(pl.len()) % 9 > 0).then(pl.col("AGE") / 4).alias("AGE"),
)
"""People whose ids have leading zeros, some of them without an age, the others with decimals."""


def rows_of(run: Path) -> pl.DataFrame:
    """The rows of the population of a run, as they were read."""
    return pl.concat(map(pl.read_parquet, sorted((run / "raw/population").glob("*.parquet"))))


def assert_segments_of_csv(call: Call, csv: Path, other: Path) -> Path:
    """Run both configs and compare rows and segments; return the run folder of the other."""
    runs = [config.parent / "run" for config in (csv, other)]
    for config, run in zip((csv, other), runs, strict=True):
        code, lines = call("run", config, "--run-dir", run, "--until", "compare")
        assert code == 0, lines
    expected, rows = map(rows_of, runs)
    assert rows.equals(expected)
    assert rows.columns == ["row", "LNR", *ATTRIBUTES]
    assert rows["LNR"][0].startswith("0")
    segments = [(run / "compare/segments.csv").read_bytes() for run in runs]
    assert segments[1] == segments[0]
    return runs[1]
