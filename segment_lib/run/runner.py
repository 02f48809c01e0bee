"""Runner of stages: each runs once, and is skipped while its inputs are unchanged."""

import time
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from inspect import getfile
from pathlib import Path

from segment_lib.cluster.memory import PeakMemory
from segment_lib.cluster.versions import code_below
from segment_lib.errors import ConfigError
from segment_lib.run.blame import blaming
from segment_lib.run.context import Context, few_set_aside
from segment_lib.run.fingerprint import fingerprint
from segment_lib.run.job import Job
from segment_lib.run.progress import in_unit, log
from segment_lib.run.record import StageRecord
from segment_lib.run.results import Encoded, Ingested
from segment_lib.run.stage import Outcome, Stage


def between(stages: Sequence[Stage], first: str | None, last: str | None) -> Sequence[Stage]:
    """Return the stages from `first` to `last`.

    Raises
    ------
    ConfigError
        If `last` comes before `first`.
    """
    names = [stage.name for stage in stages]
    start = names.index(first) if first else 0
    stop = names.index(last) + 1 if last else len(names)
    if stop <= start:
        raise ConfigError(f"--until {last} comes before --from {first}. Exchange them.")
    return stages[start:stop]


def run_stages(
    job: Job, stages: Sequence[Stage], first: str | None = None, last: str | None = None
) -> None:
    """Run the stages from `first` to `last`, skipping those that are done; `first` itself runs.

    Parameters
    ----------
    stages : in an order in which each comes after those it reads from

    Raises
    ------
    ConfigError
        If what one of them reads is not there, and no stage of them leaves it.
    """
    chosen = between(stages, first, last)
    there = job.manifest.stages.keys() | {stage.name for stage in chosen}
    for stage in chosen:
        for name in (other.name for other in stages if other.name in stage.providers - there):
            raise ConfigError(
                f"{stage.name} reads what {name} leaves, and {name} is not done in {job.root}. "
                f"Run without --from, or from {name}."
            )
    for stage in chosen:
        with _blaming_earlier_jobs(job, stage):
            if stage.name != first and stage.is_done(job):
                log(
                    f"{stage.name:8} done before, nothing changed",
                    event="skipped",
                    stage=stage.name,
                )
            else:
                _run_stage(job, stage, stages)


def _blaming_earlier_jobs(job: Job, stage: Stage) -> AbstractContextManager[None]:
    """Attribute unexpected errors to what the stage reads, unless all was made here.

    Then they are bugs.
    """
    recorded, stages = job.manifest.recorded.stages, job.manifest.stages
    earlier = [n for n in stage.providers if n in stages and stages[n] is recorded.get(n)]
    if not earlier and job.base is None:
        return nullcontext()
    folders = {job.root} | ({job.base.root} if job.base else set())
    what = f"what {stage.name} reads in {' or '.join(map(str, sorted(folders)))}"
    return blaming(what, "Run again with --from ingest.")


def _run_stage(job: Job, stage: Stage, stages: Sequence[Stage]) -> None:
    # Before a limit is set on the threads of the libraries that it loads.
    script = stage.load()
    mark = stage.fingerprint(job)
    code = code_below(Path(getfile(script.run)).parent)
    staging_dir = job.manifest.folder.begin(stage.name, fingerprint(mark, code))
    began = time.monotonic()
    context = Context(job, stage, staging_dir)
    try:
        with PeakMemory() as peak, job.workers.active():
            outcome = script.run(context)
    except BaseException:
        job.manifest.folder.abandon(staging_dir)
        raise
    seconds = time.monotonic() - began
    work = context.work + outcome.work
    record = StageRecord(
        fingerprint=mark,
        files=tuple(sorted(context.written, key=lambda file: file.path)),
        rows_in=outcome.rows_in,
        rows_out=outcome.rows_out,
        seconds=round(seconds, 2),
        peak_mib=peak.mib,
        facts=outcome.result.as_json(),
        remarks=tuple(outcome.remarks),
        work=vars(work),
        keys=context.keys,
    )
    # Forgotten or not, what it was when the job began tells whether others read anything else now.
    old = job.manifest.stages.get(stage.name) or job.manifest.recorded.stages.get(stage.name)
    set_off = [
        other.name
        for other in stages
        if other.name != stage.name
        and other.name in job.manifest.stages
        and stage.name in other.providers
        and (old is None or other.is_set_off(stage.name, old, record))
    ]
    job.manifest.publish(stage.name, staging_dir, record, following=set_off)
    for remark in outcome.remarks:
        log(f"{stage.name:8} note: {remark}", event="note", stage=stage.name, remark=str(remark))
    if peak.bytes > job.budget.total and job.workers.client is None:
        log(f"{stage.name:8} took more than the budget of {job.config.run.memory}")
    _log_done(job, record, stage.name, outcome, seconds)


def _log_done(job: Job, record: StageRecord, name: str, outcome: Outcome, seconds: float) -> None:
    """Log that a stage is done; rows in and out only if they disclose no few people."""
    rate = f"{in_unit(outcome.rows_in / max(seconds, 0.01), 'rows')}/s"
    rows = {"rows_in": outcome.rows_in, "rows_out": outcome.rows_out}
    if Encoded.stage in job.manifest.stages:
        delivered, encoded = (vars(job.manifest.result(kind)) for kind in (Ingested, Encoded))
        if few_set_aside(delivered, encoded, job.config.fairness.min_cell):
            rows = {}
    log(
        f"{name:8} {seconds:6.1f} s  {record.peak_mib:5d} MiB  {rate:>16}  {outcome.message}",
        event="stage",
        stage=name,
        seconds=record.seconds,
        peak_mib=record.peak_mib,
        **rows,
    )
