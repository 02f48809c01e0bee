"""Forecasts before a run: what each stage will do, and the memory and disk it needs."""

from collections.abc import Iterator, Sequence
from shutil import disk_usage

from segment_lib.cluster.memory import (
    ADDRESSES_TO_DRAW,
    BASE,
    MIB,
    refuse_few_addresses,
    too_small,
)
from segment_lib.config.sections import Model
from segment_lib.encode.recodings import RECODINGS, REDUNDANT
from segment_lib.errors import ResourceError
from segment_lib.run.artifacts import ARRAYS, PAGE
from segment_lib.run.job import Job
from segment_lib.run.layout import RUN
from segment_lib.run.progress import log
from segment_lib.run.stage import Scale, Stage
from segment_lib.schema.wording import counted
from segment_lib.storage.stores import local_path
from segment_lib.terms import EXTRACTS

_HELD = 400 * MIB
"""What the process holds beside rows until there is a model; from then on it is BASE (measured)."""
_FEATURES = {"categorical": 4, "mixed": 12}
"""Features of an attribute of a type, of one of any other one feature (measured)."""
_RECODED, _KNOWN = 3, {*RECODINGS, *REDUNDANT}
"""Features of an attribute that is recoded, or left out for another that is."""


def forecast_lines(job: Job, stages: Sequence[Stage], first: str | None) -> Iterator[str]:
    """Yield a line per stage: will run or is done, parts, bytes written and memory."""
    titles = ("parts", "writes", "scratch", "memory")
    yield f"{'stage':8} {'':14} {titles[0]:>6}" + "".join(f" {title:>12}" for title in titles[1:])
    scale = scale_of(job)
    for stage, runs in _forecast(job, stages, first):
        cost = stage.cost(scale)
        sizes = (cost.written, _scratch(job, stage, scale), _most_memory(job, stage, scale))
        yield (
            f"{stage.name:8} {'will run' if runs else 'is done':14} {cost.parts:>6}"
            + "".join(f" {size / MIB:>8,.1f} MiB" for size in sizes)
        )
    for table in job.table_sizes.values():
        yield (
            f"estimated: {table.extract} has about {table.rows:,} rows, of which none was read; "
            f"their copy takes about {table.bytes / MIB:,.1f} MiB more"
        )


def refuse_small_machine(job: Job, stages: Sequence[Stage], first: str | None) -> None:
    """Raise a ResourceError if the stages that will run have no room.

    In the memory budget, on the disk of the run folder, or in the address space, where that is
    limited and the page is to be drawn.
    """
    running = _running(job, stages, first)
    if not running:
        return
    if any(stage.name == PAGE.stage for stage in running):
        refuse_few_addresses(ADDRESSES_TO_DRAW)
    needed = _least_memory(job, running)
    if needed > job.budget.total:
        raise too_small(job.budget.total, needed)
    _refuse_full_disk(job, running)


def _refuse_full_disk(job: Job, running: Sequence[Stage]) -> None:
    scale, folder = scale_of(job), local_path(job.root)
    if folder is None:
        return
    scratch = max((_scratch(job, stage, scale) for stage in running), default=0)
    copies = sum(table.bytes for table in job.table_sizes.values())
    needed = copies + sum(stage.cost(scale).written for stage in running) + scratch
    free = disk_usage(next(path for path in (folder, *folder.parents) if path.exists())).free
    if needed > free:
        raise ResourceError(
            f"{job.root}: the job writes about {needed / MIB:,.0f} MiB, {scratch / MIB:,.0f} MiB "
            f"of them scratch files, and {free / MIB:,.0f} MiB are free. Free space or choose "
            "another --run-dir."
        )


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
    here = f"{counted(sum(threads.values()), 'thread')} on {counted(len(threads), 'worker')}"
    log(f"cluster  {here}, fit for the job")


def scale_of(job: Job) -> Scale:
    """Estimate the size of the job from the size of the extracts."""
    features = sum(_RECODED if a.name in _KNOWN else _FEATURES.get(a.type, 1) for a in job.schema)
    model, extents = job.config.model, job.extents
    return Scale(
        rows={name: sum(file.rows for file in own) for name, own in extents.items()},
        parts={name: sum(file.parts for file in own) for name, own in extents.items()},
        attributes=len(job.schema),
        features=features,
        components=_components(model, features),
        clusterings=model.sweep[1] - model.sweep[0] + 1 if model.n_clusters == "auto" else 1,
        unpacked=sum(file.unpacked for own in extents.values() for file in own),
    )


def _components(model: Model, features: int) -> float:
    """Estimate how many components there will be, if no number is set."""
    wanted = model.n_components
    if isinstance(wanted, str):
        return float(min(features, max(1.3 * features**0.5, model.min_components)))
    return min(features, wanted) if wanted >= 1 else 0.6 * features


def _scratch(job: Job, stage: Stage, scale: Scale) -> float:
    """Estimate the bytes in scratch files; passes spill what the budget does not keep."""
    cost = stage.cost(scale)
    spills = not job.budget.keeps(round(cost.kept), round(_one_part(job, stage, scale)))
    return cost.scratch + (cost.kept if spills else 0)


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
    largest = min(job.rows_per_part, max(scale.rows.values()))
    return max(largest * cost.bytes_per_row, cost.beside)


def _least_memory(job: Job, running: Sequence[Stage]) -> int:
    """Return the peak memory in bytes if the stages work on one part at a time."""
    scale = scale_of(job)
    return BASE + round(max((_one_part(job, stage, scale) for stage in running), default=-BASE))


def _most_memory(job: Job, stage: Stage, scale: Scale) -> float:
    cost, one = stage.cost(scale), _one_part(job, stage, scale)
    kept = cost.kept if job.budget.keeps(round(cost.kept), round(one)) else 0
    at_work = min(job.rows_per_part * job.workers.threads, scale.all_rows)
    held = BASE if ARRAYS.stage in stage.providers else _HELD
    return held + kept + max(at_work * cost.bytes_per_row, cost.beside)
