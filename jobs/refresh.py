"""Refresh an earlier run with a later delivery: what has drifted, and the same segments.

    segments refresh config/azdias.toml --base runs/azdias --run-dir runs/azdias-2

The config names the new extracts. They are read by the base's plan and placed by its model; what
has drifted is told; then by refresh.policy the model is applied as it is, or refitted from its own
centres, so that segments keep their numbers and names. Parts made from what has not changed are
taken over from the base. --fail-on drift leaves with code 7 once all is done, if something has
drifted.

Exit codes: 0 done, 2 usage or config, 3 bad input data, 4 out of memory budget or disk,
5 cluster lost or unfit, 6 integrity check failed, 7 done, and drift found (--fail-on drift).
"""

import argparse
import os
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NoReturn

from segment_lib.config import load_config
from segment_lib.errors import ConfigError
from segment_lib.run.artifacts import ARRAYS, DRIFT, PAGE
from segment_lib.run.baseline import open_base
from segment_lib.run.fingerprint import package_versions
from segment_lib.run.forecast import refuse_small_machine, refuse_unfit_cluster
from segment_lib.run.job import Job
from segment_lib.run.manifest import Manifest
from segment_lib.run.progress import Console, log, start_logging
from segment_lib.run.results import Drifted
from segment_lib.run.runner import between, run_stages
from segment_lib.run.tables import with_outlines, with_tables
from segment_lib.storage.files import read_part

from .command import run_and_exit
from .parsers import parser_of
from .run import at_work, foretell, log_result, overrides, print_answer, threads
from .stages import OF_REFRESH as STAGES

DRIFTED = 7
"""Exit code of a refresh that is done and has found drift, where --fail-on asks for it."""


def main(argv: list[str] | None = None) -> NoReturn:
    """Refresh, and exit with the code of the outcome."""
    options = parser_of("refresh").parse_args(argv)
    start_logging(options.log_format)
    os.umask(0o077)
    run_and_exit(lambda: refresh(options))


def refresh(options: argparse.Namespace) -> int:
    """Run the refresh that the command line describes, and return its exit code."""
    config = load_config(Path(options.config).absolute(), overrides(options))
    root = (options.run_dir or Path("runs") / f"{Path(options.config).stem}-refreshed").absolute()
    if root == options.base.absolute():
        raise ConfigError(f"{root} is the base itself. Choose another --run-dir.")
    base = open_base(options.base.absolute(), config, options.plan)
    config = base.config
    manifest = Manifest(root)
    about = {"run": base.root.name, "model": base.manifest.file(ARRAYS.stage, ARRAYS.path).sha256}
    manifest.describe(config=config.as_dict(), versions=package_versions(), base=about)
    console = Console.fitting(options.log_format, shown=not options.no_progress)
    stages, content = between(STAGES, None, options.until), options.check_content
    if options.dry_run:
        manifest.folder.refuse_foreign()
        with TemporaryDirectory() as elsewhere:
            config, sizes = with_outlines(config, manifest.folder, Path(elsewhere))
            base = replace(base, config=config)
            job = Job(
                config, manifest, threads(options), console, base,
                table_sizes=sizes, check_content=content,
            )  # fmt: skip
            foretell(job, stages, None)
        return 0
    with at_work(manifest, options) as workers:
        config = with_tables(config, manifest.folder)
        base = replace(base, config=config)
        job = Job(config, manifest, workers, console, base, check_content=content)
        for change in base.changes.listed:
            log(f"refresh  {change.sentence}")
        base.refuse_changes(root, job.meanings)
        base.refuse_plan()
        refuse_unfit_cluster(job, stages, None)
        refuse_small_machine(job, stages, None)
        run_stages(job, STAGES, last=options.until)
    if options.until in (None, PAGE.stage):
        print_answer(manifest, config.fairness.min_cell)
    moved = print_drift(manifest) if DRIFT.stage in manifest.stages else ()
    code = DRIFTED if moved and options.fail_on == "drift" else 0
    if code:
        log(f"drift: {'; '.join(moved)}. See {root / DRIFT.path}.")
    log_result(manifest, code)
    return code


def print_drift(manifest: Manifest) -> list[str]:
    """Print the decision and the most drifted attributes; return the findings of drift."""
    result = manifest.result(Drifted)
    print(f"\n{result.decision}: {result.reason}")
    attributes = read_part(manifest.root, manifest.file(DRIFT.stage, DRIFT.path))
    for name, psi, band in attributes.head(3).select("attribute", "psi", "band").iter_rows():
        print(f"{name:>30}  PSI {psi:.3f}  {band}")
    return list(map(str, result.findings))


if __name__ == "__main__":
    main()
