"""Forecasts before a run: what each stage will do, and the memory and disk it needs."""

from collections.abc import Iterator, Sequence

from segment_lib.cluster.memory import (
    ADDRESSES_TO_DRAW,
    BASE,
    MIB,
    refuse_few_addresses,
    too_small,
)
from segment_lib.run.artifacts import PAGE
from segment_lib.run.job import Job
from segment_lib.run.layout import RUN
from segment_lib.run.progress import log
from segment_lib.run.stage import Scale, Stage
from segment_lib.terms import EXTRACTS

_BYTES_PER_CELL = 3.0
"""Of a cell in a CSV file; of coded demographics, measured."""
_FEATURES_PER_ATTRIBUTE = 2.3
_COMPONENTS_PER_FEATURE = 0.6


def forecast_lines(job: Job, stages: Sequence[Stage], first: str | None) -> Iterator[str]:
    """Yield a line per stage: will run or is done, parts, bytes written and memory."""
    yield f"{'stage':8} {'':14} {'parts':>6} {'writes':>10} {'memory':>10}"
    scale = scale_of(job)
    for stage, runs in _forecast(job, stages, first):
        cost = stage.cost(scale)
        yield (
            f"{stage.name:8} {'will run' if runs else 'is done':14} {cost.parts:>6} "
            f"{cost.written / MIB:>6.0f} MiB {_most_memory(job, stage, scale) / MIB:>6.0f} MiB"
        )


def refuse_small_budget(job: Job, stages: Sequence[Stage], first: str | None) -> None:
    """Raise a ResourceError if a stage that will run does not fit in the memory budget.

    Or with the address space, where that is limited and the page is to be drawn.
    """
    running = _running(job, stages, first)
    if any(stage.name == PAGE.stage for stage in running):
        refuse_few_addresses(ADDRESSES_TO_DRAW)
    needed = _least_memory(job, running)
    if needed > job.budget.total:
        raise too_small(job.budget.total, needed)


def refuse_unfit_cluster(job: Job, stages: Sequence[Stage], first: str | None) -> None:
    """Raise a ClusterError if a worker of the cluster, if any, cannot do the job.

    What works but could be better is logged.
    """
    if job.workers.client is None:
        return
    inputs = [file for name in EXTRACTS for file in job.delivered[name]]
    if job.base:
        inputs.append(job.base.root / RUN)
    remarks = job.workers.prepare(
        root=job.root,
        inputs=[file.absolute() for file in inputs],
        part_bytes=max(_least_memory(job, _running(job, stages, first)) - BASE, 0),
    )
    for remark in remarks:
        log(f"cluster  {remark}")
    threads = job.workers.client.nthreads()
    log(f"cluster  {sum(threads.values())} threads on {len(threads)} workers, all fit")


def scale_of(job: Job) -> Scale:
    """Estimate the size of the job from the size of the extracts."""
    attributes = len(job.schema)
    features = attributes * _FEATURES_PER_ATTRIBUTE
    least, most = job.config.model.sweep
    rows = {
        name: size / (_BYTES_PER_CELL * attributes) for name, size in job.delivered_bytes.items()
    }
    per_part = job.config.run.rows_per_part
    return Scale(
        rows=rows,
        parts={name: max(1, round(n / per_part)) for name, n in rows.items()},
        attributes=attributes,
        features=features,
        components=features * _COMPONENTS_PER_FEATURE,
        clusterings=most - least + 1,
    )


def _running(job: Job, stages: Sequence[Stage], first: str | None) -> list[Stage]:
    return [stage for stage, runs in _forecast(job, stages, first) if runs]


def _forecast(job: Job, stages: Sequence[Stage], first: str | None) -> Iterator[tuple[Stage, bool]]:
    """Yield each stage, and whether it will run: certainly, or only if a provider differs."""
    running: set[str] = set()
    for stage in stages:
        runs = stage.name == first or bool(running & stage.providers) or not stage.is_done(job)
        if runs:
            running.add(stage.name)
        yield stage, runs


def _one_part(job: Job, stage: Stage, scale: Scale) -> float:
    cost = stage.cost(scale)
    largest = min(job.config.run.rows_per_part, max(scale.rows.values()))
    return max(largest * cost.bytes_per_row, cost.beside)


def _least_memory(job: Job, running: Sequence[Stage]) -> int:
    """Return the peak memory in bytes if the stages work on one part at a time."""
    scale = scale_of(job)
    return BASE + round(max((_one_part(job, stage, scale) for stage in running), default=-BASE))


def _most_memory(job: Job, stage: Stage, scale: Scale) -> float:
    cost, one = stage.cost(scale), _one_part(job, stage, scale)
    kept = cost.kept if job.budget.keeps(round(cost.kept), round(one)) else 0
    largest = min(job.config.run.rows_per_part, max(scale.rows.values()))
    return BASE + kept + max(largest * job.workers.threads * cost.bytes_per_row, cost.beside)
