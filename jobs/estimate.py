"""What each stage would do, and about what it would take, before anything is run."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from jobs import assign, encode, fit, gains, ingest, report, segment_counts, sweep
from jobs.command import say
from jobs.legacy import Stage
from segment_lib.cluster.memory import ADDRESSES_TO_DRAW, BASE, refuse_few_addresses, too_small
from segment_lib.cluster.passes import memory_needed
from segment_lib.run.job import Job
from segment_lib.run.progress import log
from segment_lib.terms import EXTRACTS

_FEATURES_PER_ATTRIBUTE = 2.3
_COMPONENTS_PER_FEATURE = 0.6
_RAW_SHARE = 0.12
_MIB = 2**20


@dataclass(frozen=True)
class Estimate:
    """What a stage will take, before it runs."""

    parts: int
    bytes: float
    """Written to the run folder."""
    memory: float
    """Bytes in use at the most."""
    least: float
    """Bytes in use at the most if one part at a time is worked on."""


def print_plan(job: Job, stages: Sequence[Stage], first: str | None) -> None:
    """Print a line per stage: will run or is done, parts, bytes written and memory."""
    say(f"{'stage':8} {'':14} {'parts':>6} {'writes':>10} {'memory':>10}")
    for stage, runs in _forecast(job, stages, first):
        expected = estimate(job, stage.name)
        say(
            f"{stage.name:8} {'will run' if runs else 'is done':14} {expected.parts:>6} "
            f"{expected.bytes / _MIB:>6.0f} MiB {expected.memory / _MIB:>6.0f} MiB"
        )


def refuse_small_budget(job: Job, stages: Sequence[Stage], first: str | None) -> None:
    """Raise a ResourceError at once if a stage that will run cannot do with the memory budget.

    Or with the address space, where that is limited and the page is to be drawn.
    """
    running = _running(job, stages, first)
    if "report" in running:
        refuse_few_addresses(ADDRESSES_TO_DRAW)
    needed = _least(job, running)
    if needed > job.budget.total:
        raise too_small(job.budget.total, needed)


def refuse_unfit_cluster(job: Job, stages: Sequence[Stage], first: str | None) -> None:
    """Raise a ClusterError at once if a worker of the cluster, if there is one, cannot do the job.

    What works but could be better is logged.
    """
    if job.workers.client is None:
        return
    inputs = [file for name in EXTRACTS for file in job.delivered[name]]
    if job.base:
        inputs.append(job.base.root / "run.json")
    remarks = job.workers.prepare(
        root=job.root,
        inputs=[file.absolute() for file in inputs],
        part_bytes=max(_least(job, _running(job, stages, first)) - BASE, 0),
    )
    for remark in remarks:
        log(f"cluster  {remark}")
    threads = job.workers.client.nthreads()
    log(f"cluster  {sum(threads.values())} threads on {len(threads)} workers, all fit")


def _running(job: Job, stages: Sequence[Stage], first: str | None) -> list[str]:
    """The names of the stages that will run."""
    return [stage.name for stage, runs in _forecast(job, stages, first) if runs]


def _least(job: Job, running: Sequence[str]) -> int:
    """Bytes in use at the most if the stages that will run work on one part at a time."""
    return round(max((estimate(job, name).least for name in running), default=0))


def _forecast(job: Job, stages: Sequence[Stage], first: str | None) -> Iterator[tuple[Stage, bool]]:
    """Each stage, and whether it will run."""
    runs = False
    for stage in stages:
        runs = runs or stage.name == first or not stage.is_done(job)
        yield stage, runs


def estimate(job: Job, stage: str) -> Estimate:
    """Roughly, from the size of the extracts."""
    attributes = len(job.schema)
    sizes = job.delivered_bytes
    row_bytes = 3.0 * attributes
    rows = {name: size / row_bytes for name, size in sizes.items()}
    per_part = job.config.run.rows_per_part
    parts = {name: max(1, round(n / per_part)) for name, n in rows.items()}
    features = attributes * _FEATURES_PER_ATTRIBUTE
    total, population = sum(rows.values()), rows["population"]
    everywhere = sum(parts.values())
    part = min(per_part, max(rows.values()))
    least, most = job.config.model.sweep
    held, around = memory_needed(
        round(population), round(features * _COMPONENTS_PER_FEATURE), most - least + 1
    )
    table = {
        "ingest": (
            everywhere,
            sum(sizes.values()) * _RAW_SHARE,
            ingest.BYTES_PER_CELL * attributes,
        ),
        "assess": (everywhere, 1e5, 0),
        "encode": (
            everywhere,
            total * features * 0.3,
            encode.BYTES_PER_CELL * (attributes + features),
        ),
        "fit": (parts["population"], 8 * features**2, fit.BYTES_PER_FEATURE * features),
        "sweep": (parts["population"], 8 * features**2, sweep.BYTES_PER_FEATURE * features),
        "assign": (everywhere, total * 4.5, assign.BYTES_PER_FEATURE * features),
        "compare": (parts["population"], 2e5, segment_counts.BYTES_PER_CELL * attributes),
        "gains": (everywhere, population * 2.2, gains.BYTES_PER_FEATURE * features),
        "drift": (everywhere, total * 4.5, assign.BYTES_PER_FEATURE * features),
        "refresh": (1, 1e4, 0),
        "report": (1, 2e6, 0),
    }
    found, written, per_row = table[stage]
    beside = {"sweep": around, "report": report.BESIDE_ROWS}.get(stage, 0)
    one = max(part * per_row, beside)
    kept = held if stage == "sweep" and job.budget.keeps(held, round(one)) else 0
    memory = BASE + kept + max(part * job.workers.threads * per_row, beside)
    return Estimate(found, written, memory, BASE + one)
