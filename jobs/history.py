"""Print the runs below a folder, one line each, and draw each segment's index over its lineage.

    segments history runs

A line tells date, rows of the population, number of segments, the best segments by index, and of a
refreshed run its base, the decision and how many things have drifted. Of each line of runs, from a
base to what was refreshed from it, a chart goes to RUNS_DIR/history-BASE.svg.

Exit codes: 0 done, 2 usage or no run there, 6 integrity check failed.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import NoReturn

import polars as pl

from segment_lib.cluster.memory import ADDRESSES_TO_DRAW, refuse_few_addresses
from segment_lib.disclosure import suppress_segments
from segment_lib.errors import ConfigError, IntegrityError
from segment_lib.report import trend_svg
from segment_lib.run.artifacts import NAMES, SEGMENTS
from segment_lib.run.blame import blaming
from segment_lib.run.context import RunReader
from segment_lib.run.manifest import Manifest
from segment_lib.run.progress import log, start_logging
from segment_lib.run.record import FORMAT
from segment_lib.run.results import Drifted, Ingested, Swept
from segment_lib.schema.language import Language
from segment_lib.schema.wording import counted, printable
from segment_lib.storage.files import read_regular, write_file
from segment_lib.storage.location import Location

from .command import run_and_exit, say
from .parsers import parser_of

_BEST = 3
_DRAWN = b'class="marks"'
"""In every chart that Vega draws."""


@dataclass(frozen=True)
class PastRun:
    """Summary of a finished run."""

    name: str
    date: str
    base: str | None
    rows: int
    n_clusters: int
    segments: pl.DataFrame
    """segment, index, verdict, name; the best index first, those of too few people null."""
    drift: Drifted | None
    """None for a run of its own."""


def main(argv: list[str] | None = None) -> NoReturn:
    """Print the history, and exit with the code of the outcome."""
    options = parser_of("history").parse_args(argv)
    start_logging("text")
    run_and_exit(lambda: tell(options.runs))


def tell(folder: Location) -> None:
    """Print a line per run, the oldest first, and draw the lines of runs."""
    runs = sorted(past_runs(folder), key=lambda run: (run.date, run.name))
    if not runs:
        raise ConfigError(f"{folder}: no finished run of format version {FORMAT} in it.")
    say(f"{'run':24} {'date':10} {'rows':>11} {'k':>3}  {'best segments (index)':36} drift")
    for run in runs:
        say(
            f"{printable(run.name):24} {run.date[:10]:10} {run.rows:>11,} {run.n_clusters:>3}  "
            f"{_best(run):36} {_drift(run)}"
        )
    for first, line in lines_of(runs).items():
        if len(line) > 1:
            path = f"history-{first}.svg"
            _refuse_other(folder / path)
            refuse_few_addresses(ADDRESSES_TO_DRAW)
            write_file(folder, path, trend_svg(trend_table(line), first, Language()).encode())
            say(f"\nchart: {printable(str(folder / path))}")


def past_runs(folder: Location) -> Iterator[PastRun]:
    """Return the finished runs in a folder; the log names those unfinished or unreadable."""
    for path in sorted(folder.glob("*/run.json")):
        try:
            with blaming(f"{path.parent}: what it holds"):
                run = _past_run(path.parent)
        except IntegrityError as error:
            log(f"history  {path.parent.name} left out, make the run again: {error}")
            continue
        if run is None:
            log(f"history  {path.parent.name}: not finished, left out")
        else:
            yield run


def _past_run(root: Location) -> PastRun | None:
    """Return the summary of a run; None if it is not finished."""
    manifest = Manifest(root)
    stages, about = manifest.stages, manifest.recorded.about
    if not {SEGMENTS.stage, Ingested.stage, Swept.stage} <= set(stages):
        return None
    run = RunReader(manifest, (SEGMENTS, NAMES, Ingested, Swept, Drifted), "history")
    segments, names = run.table(SEGMENTS), run.table(NAMES)
    return PastRun(
        root.name,
        about.get("date", ""),
        about.get("base", {}).get("run"),
        run.result(Ingested).population,
        run.result(Swept).n_clusters,
        suppress_segments(segments, manifest.recorded.min_cell)
        .select("segment", pl.col("index").cast(pl.Float64), "verdict")
        .join(names.select("segment", "name"), on="segment", how="left")
        .sort("index", descending=True, nulls_last=True),
        run.result(Drifted) if Drifted.stage in stages else None,
    )


def lines_of(runs: list[PastRun]) -> dict[str, list[PastRun]]:
    """Group the runs by the run they descend from; their segments have the same numbers."""
    by_name = {run.name: run for run in runs}
    lines: dict[str, list[PastRun]] = {}
    for run in runs:
        first, seen = run, {run.name}
        while first.base in by_name and first.base not in seen:
            seen.add(first.base)
            first = by_name[first.base]
        lines.setdefault(first.name, []).append(run)
    return lines


def trend_table(line: list[PastRun]) -> pl.DataFrame:
    """Return a row per run and segment, as the chart takes it."""
    return pl.concat(
        run.segments.select(pl.lit(run.name).alias("run"), pl.lit(order).alias("order"), pl.all())
        for order, run in enumerate(line)
    )


def _refuse_other(chart: Location) -> None:
    """Raise a ConfigError rather than replace a file that is no chart."""
    with suppress(FileNotFoundError):
        content = read_regular(chart)
        if not content.startswith(b"<svg") or _DRAWN not in content:
            raise ConfigError(
                f"{chart}: there already, and not drawn by this program. Move it away, then run "
                "the same command again."
            )


def _best(run: PastRun) -> str:
    best = run.segments.drop_nulls("index").filter(pl.col("segment") >= 0).head(_BEST)
    return ", ".join(f"{s} ({i:.0f})" for s, i in best.select("segment", "index").iter_rows())


def _drift(run: PastRun) -> str:
    if run.drift is None:
        return "–"
    findings = counted(len(run.drift.findings), "finding") if run.drift.findings else "none"
    return f"{findings}; {run.drift.decision} from {run.base}"


if __name__ == "__main__":
    main()
