"""Run the whole job: from two extracts to the segments the customers come from.

    segments run config/azdias.toml
    segments run population.csv customers.csv
    segments run people.csv --customers-where "buyer = yes"

The last two need no config: what each column is is drafted from the rows, as *draft* does, and
said. To correct it, run draft, edit what it writes, and run that.

Stages run in order: ingest, assess, encode, fit, sweep, assign, compare, gains, report. A stage
whose settings and inputs have not changed since it last ran is skipped. Edit plan.json in the run
folder and run again: encode and what follows run anew.

Exit codes: 0 done, 2 usage or config, 3 bad input data, 4 out of memory budget or disk,
5 cluster lost or unfit, 6 integrity check failed; stopped by Ctrl-C 130, SIGTERM 143, SIGHUP 129.
"""

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NoReturn

import cloudpickle
import polars as pl

from segment_lib.cluster.workers import Workers, connect, local_workers, scheduler_address
from segment_lib.config import Config, load_config, make_config
from segment_lib.disclosure import suppress_segments
from segment_lib.errors import ConfigError
from segment_lib.run.artifacts import PAGE, SEGMENTS
from segment_lib.run.blame import blaming
from segment_lib.run.fingerprint import package_versions
from segment_lib.run.forecast import forecast_lines, refuse_small_machine, refuse_unfit_cluster
from segment_lib.run.job import Job
from segment_lib.run.manifest import Manifest
from segment_lib.run.progress import Console, log, start_logging
from segment_lib.run.results import Reported
from segment_lib.run.runner import between, run_stages
from segment_lib.run.stage import Stage
from segment_lib.run.tables import with_outlines, with_tables
from segment_lib.storage.files import read_file
from segment_lib.terms import AVERAGE, level_of

from .command import module_command_line, run_and_exit, say
from .draft_types import with_types
from .parsers import add_job, parser_of
from .stages import STAGES


def main(argv: list[str] | None = None, only: str | None = None) -> NoReturn:
    """Run, and exit with the code of the outcome."""
    options = (parser_of("run") if only is None else _stage_parser(only)).parse_args(argv)
    start_logging(options.log_format)
    os.umask(0o077)
    run_and_exit(lambda: job_of(options))


def _stage_parser(only: str) -> argparse.ArgumentParser:
    """Build the command line of one stage, described by the module that is run."""
    arguments = module_command_line(only, sys.modules["__main__"].__doc__)
    add_job(arguments)
    arguments.set_defaults(first=only, last=only)
    return arguments


def job_of(options: argparse.Namespace) -> None:
    """Run the job that the command line describes."""
    config = config_of(options)
    root = (options.run_dir or Path("runs") / Path(options.config).stem).absolute()
    manifest = Manifest(root)
    console = Console.fitting(options.log_format, shown=not options.no_progress)

    def job_on(workers: Workers, applied: Config, **more: Any) -> Job:
        named = applied.reading(config.inputs.population, config.inputs.customers)
        manifest.describe(config=named.as_dict(), versions=package_versions())
        return Job(applied, manifest, workers, console, check_content=options.check_content, **more)

    if options.dry_run:
        manifest.folder.refuse_foreign()
        chosen = between(STAGES, options.first, options.last)
        with TemporaryDirectory() as elsewhere:
            read, sizes = with_outlines(config, manifest.folder, Path(elsewhere))
            before = job_on(threads(options), read)
            typed = with_types(before, drafted_keys(options), dry=True)
            foretell(job_on(before.workers, typed, table_sizes=sizes), chosen, options.first)
        return
    with at_work(manifest, options) as workers:
        read = with_tables(config, manifest.folder)
        # What is drafted is drafted here, before the cluster is asked for anything.
        typed = with_types(job_on(threads(options), read), drafted_keys(options))
        job = job_on(workers, typed)
        chosen = between(STAGES, options.first, options.last)
        refuse_unfit_cluster(job, chosen, options.first)
        refuse_small_machine(job, chosen, options.first)
        run_stages(job, STAGES, options.first, options.last)
    with manifest.annotate_errors(), blaming(f"{root}: its answer"):
        if PAGE.stage in manifest.stages and options.last in (None, PAGE.stage):
            print_answer(manifest, typed.fairness.min_cell)
        log_result(manifest)


def foretell(job: Job, stages: Sequence[Stage], first: str | None) -> None:
    """Print what the stages will do, and refuse a machine on which they have no room."""
    for line in forecast_lines(job, stages, first):
        say(line)
    refuse_small_machine(job, stages, first)


def log_result(manifest: Manifest, code: int = 0) -> None:
    """Log what came of the job, as the last JSON line; people read it on standard output."""
    done = PAGE.stage in manifest.stages
    log(
        f"done: {manifest.root}",
        event="result",
        code=code,
        run_dir=str(manifest.root),
        stages=list(manifest.stages),
        report=str(manifest.root / PAGE.path) if done else None,
        answer=str(manifest.result(Reported).answer) if done else None,
    )


def config_of(options: argparse.Namespace) -> Config:
    """Return the config that the command line names; of extracts alone, the bare one of these."""
    # Absolute, so that workers started elsewhere find the extracts.
    keys = drafted_keys(options)
    if keys is None:
        return load_config(Path(options.config).absolute(), overrides(options))
    inputs = {
        "population": options.config,
        "customers": options.customers,
        "customers_where": options.customers_where,
    }
    given = {key: value for key, value in inputs.items() if value}
    return make_config({"inputs": given}, Path("the command line").absolute(), keys)


def drafted_keys(options: argparse.Namespace) -> list[str] | None:
    """Return the keys set beside extracts that are named in place of a config; None if none are."""
    is_bare = bool(vars(options).get("customers") or vars(options).get("customers_where"))
    return overrides(options) if is_bare else None


def overrides(options: argparse.Namespace) -> list[str]:
    """Return the keys of the config that the command line sets."""
    memory = [f'run.memory="{options.memory}"'] if options.memory else []
    return list(options.set) + memory


def threads(options: argparse.Namespace) -> Workers:
    """Return the threads of this machine as workers."""
    return local_workers(options.threads)


@contextmanager
def at_work(manifest: Manifest, options: argparse.Namespace) -> Iterator[Workers]:
    """Lock the run folder and yield the workers that the command line names."""
    with manifest.lock() as stale, manifest.annotate_errors(), _workers(options) as workers:
        if stale:
            log(stale)
        yield workers


@contextmanager
def _workers(options: argparse.Namespace) -> Iterator[Workers]:
    named = options.scheduler or options.scheduler_file
    if options.threads and named:
        raise ConfigError("--threads is for this machine; a cluster's workers have their own.")
    if options.threads or not (named or scheduler_address(None, None)):
        yield threads(options)
        return
    # Tasks go to the workers by value, so that those need segment_lib alone.
    cloudpickle.register_pickle_by_value(sys.modules[str(__package__)])
    with connect(
        options.scheduler, options.scheduler_file, insecure=options.insecure_cluster
    ) as workers:
        yield workers


def print_answer(manifest: Manifest, min_cell: int) -> None:
    """Print the answer, the segments and where the report is; no counts of too few people."""
    content = read_file(manifest.root, manifest.file(SEGMENTS.stage, SEGMENTS.path))
    segments = suppress_segments(pl.read_csv(content), min_cell)
    if answer := manifest.result(Reported).answer:
        print(f"\n{answer}")
    print(f"\n{'segment':>10} {'population':>12} {'customers':>12} {'index':>7}  from - to")
    ordered = segments.sort("index", descending=True, nulls_last=True)
    for row in ordered.iter_rows(named=True):
        name = "set aside" if row["segment"] < 0 else str(row["segment"])
        shares = (
            "too few" if row[share] is None else f"{row[share]:.1%}"
            for share in ("population_share", "customer_share")
        )
        index = (
            f"{'':>7}"
            if row["index"] is None
            else f"{row['index']:>7.0f}  {row['low']:.0f} to {row['high']:.0f}"
        )
        level = level_of(row["verdict"] or AVERAGE, row["low"], row["high"])
        words = "" if level == AVERAGE else f"  {level}"
        print(f"{name:>10} {' '.join(f'{share:>12}' for share in shares)} {index}{words}")
    print(f"\nreport: {manifest.root / PAGE.path}")


if __name__ == "__main__":
    main()
