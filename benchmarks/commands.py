"""Commands measured on large tables: a wide draft, a long list, jobs with nothing to do."""

import argparse
import shutil
from pathlib import Path

import polars as pl

from benchmarks.measure import measure
from benchmarks.ours import Delivery, python, succeed
from segment_lib.run.manifest import Manifest

_ID = "LNR"


def main() -> None:
    """Make what the command needs where it is absent, run it, and print its figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.commands", description=__doc__)
    add = parser.add_argument
    add("command", choices=("draft", "export", "again", "nothing-new"))
    add("--rows", type=int, default=891_221, help="of the population; customers in proportion")
    add("--columns", type=int, default=85, help="of a draft; those beyond 85 are copies of others")
    add("--format", default="xlsx", help="of the list of everybody")
    add("--folder", type=Path, default=Path("runs/commands"), help="for extracts, runs and lists")
    options = parser.parse_args()
    delivery = Delivery(
        Path("config/azdias.toml"), options.folder / f"extracts-{options.rows}", options.rows
    )
    delivery.make()
    if options.command == "draft":
        files = [str(_widened(delivery, name, options.columns)) for name in _EXTRACTS]
        command = ["jobs.draft", *files, "-o", str(options.folder / "my"), "--force"]
    else:
        run = (options.folder / f"run-{options.rows}").absolute()
        if "report" not in Manifest(run).stages:
            delivery.job(run)
        job = delivery.config, *delivery.settings
        lists, refreshed = options.folder / "list", (options.folder / "refreshed").absolute()
        shutil.rmtree(refreshed, ignore_errors=True)
        commands = {
            "export": ["export", run, "--everyone", "--out", lists, "--format", options.format],
            "again": ["run", *job, "--run-dir", run],
            "nothing-new": ["refresh", *job, "--base", run, "--run-dir", refreshed],
        }
        name, *arguments = map(str, commands[options.command])
        command = [f"jobs.{name}", *arguments, "--no-progress"]
    done = succeed(measure(python(*command)))
    print(done.stderr.strip().splitlines()[-1] if done.stderr.strip() else done.stdout)
    print(
        f"{done.seconds:.1f} s, {done.cpu_seconds:.1f} s of processor time, "
        f"{done.peak_mib:,.0f} MiB at most; others on the machine took "
        f"{done.others_cpu_seconds:.0f} s of processor time meanwhile"
    )


_EXTRACTS = ("population", "customers")


def _widened(delivery: Delivery, extract: str, columns: int) -> Path:
    """The file of an extract with so many attributes, beside the one it is made of."""
    source = delivery.path(extract)
    target = source.with_name(f"{extract}-{columns}.csv")
    if not target.exists():
        scan = pl.scan_csv(source, separator=";", infer_schema=False)
        names = [name for name in scan.collect_schema().names() if name != _ID]
        copies = [
            pl.col(names[i % len(names)]).alias(f"{names[i % len(names)]}_{i // len(names)}")
            for i in range(len(names), columns)
        ]
        half = target.with_suffix(".half")
        scan.select(pl.all(), *copies).sink_csv(half, separator=";")
        half.rename(target)
    return target


if __name__ == "__main__":
    main()
