"""Summarise a refresh: segments and customers beside those of the base, and the work done."""

import polars as pl

from segment_lib.drift import segment_changes
from segment_lib.run.artifacts import NAMES, SEGMENT_CHANGES, SEGMENTS, SHARES, SUMMARY
from segment_lib.run.context import Context, RunReader
from segment_lib.run.inputs import WORK
from segment_lib.run.results import Drifted, Ingested, Refreshed, Swept
from segment_lib.run.stage import Cost, Outcome, Scale


def run(context: Context) -> Outcome:
    """Compare the segments, and write the summary."""
    drift, work = context.result(Drifted), context.source(WORK)
    matching = context.result(Swept).matching or {}
    overlap = dict(zip(matching.get("ids", ()), matching.get("overlap", ()), strict=True))
    segments = segment_changes(
        named_segments(context.base), named_segments(context), context.frame(SHARES), overlap
    )
    parts = work.made + work.reused
    share = (work.made + work.extra) / parts
    summary = {
        "base": drift.base,
        "decision": drift.decision,
        "reason": str(drift.reason),
        "findings": list(map(str, drift.findings)),
        "changes": drift.changes,
        **drift.distances,
        "new_segments": matching.get("new", []),
        "vanished_segments": matching.get("vanished", []),
        "work": {"parts": parts, "made": work.made + work.extra, "share": share},
    }
    context.write_table(SEGMENT_CHANGES, segments)
    context.write_json(SUMMARY, summary)
    ingested = context.result(Ingested)
    rows = ingested.population + ingested.customers
    return Outcome(
        Refreshed(drift.decision, drift.reason, drift.findings),
        rows,
        rows,
        f"{work.made + work.extra} parts gone over, {share:.0%} of a full run's {parts}",
    )


def named_segments(run: RunReader) -> pl.DataFrame:
    """Return the compared segments of a run with their names."""
    segments, names = run.table(SEGMENTS), run.table(NAMES)
    return segments.join(names, on="segment", how="left", maintain_order="left")


def cost(scale: Scale) -> Cost:
    """Estimate what the summary takes."""
    return Cost(1, 1e4)
