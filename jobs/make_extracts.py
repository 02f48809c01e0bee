"""Make extracts of the real shape, drawn from what was published about the real files."""

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path

from segment_lib.run.progress import in_unit, start_logging

from .command import exit_code, from_repository, module_command_line

with from_repository("extracts"):
    from extracts.calibration import calibrate, format_table
    from extracts.figures import ROWS
    from extracts.files import make_extracts, refuse_other_extracts

_EXAMPLES = """\
examples:
  the real size, in about ten seconds:
    python -m jobs.make_extracts --out data/azdias
  a small copy with the planted segments, to try things on:
    python -m jobs.make_extracts --rows 20000 --customers 5000 --out data/small --truth
  how close a folder comes to what was published (exit code 6: a figure is out of its bound):
    python -m jobs.make_extracts --calibration data/azdias

The same seed gives the same bytes, whatever the number of jobs, and a larger extract begins with
the smaller one. Files appear whole or not at all. Files of these names that do
not begin as those made with the seed, such as the real ones, are not replaced (exit code 2).
"""


def main(arguments: list[str] | None = None) -> int:
    """Run the command and return its exit code."""
    options = _parser().parse_args(arguments)
    start_logging("text")
    return exit_code(lambda: make(options), elsewhere="--out")


def make(options: argparse.Namespace) -> int:
    """Make the extracts, or print how close they are; 6 if a figure is out of its bound."""
    if options.calibration:
        table = calibrate(options.calibration)
        print(format_table(table, all_lines=options.all_lines))
        return 0 if all(line.within for line in table) else 6
    refuse_other_extracts(options.out, seed=options.seed)
    make_extracts(
        options.out,
        rows=options.rows,
        customers=options.customers,
        seed=options.seed,
        truth=options.truth,
        jobs=options.jobs,
        progress=_progress_line(),
    )
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = module_command_line("make_extracts", __doc__, epilog=_EXAMPLES)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--out", type=Path, metavar="DIR", help="write the four files here")
    what.add_argument(
        "--calibration",
        type=Path,
        metavar="DIR",
        help="print how far the extracts in DIR are from the published figures",
    )
    add = parser.add_argument
    add("--rows", type=int, default=ROWS["population"], metavar="N", help="population rows")
    add("--customers", type=int, default=ROWS["customers"], metavar="M", help="customer rows")
    add("--seed", type=int, default=0, metavar="S", help="which draw of the population (0)")
    add("--truth", action="store_true", help="also write each row's planted segment, as Parquet")
    add("--jobs", type=int, default=2, metavar="n", help="processes (2)")
    add("--all-lines", action="store_true", help="with --calibration: every line, not the worst")
    return parser


def _progress_line() -> Callable[[str, int, int], None]:
    """Show rows written, rate and time left, on one line of a terminal or on a line each."""
    before, end, every = ("\r", "", 0.5) if sys.stderr.isatty() else ("", "\n", 5.0)
    started: dict[str, float] = {}
    shown, before_it = [0.0], [time.monotonic()]

    def show(file: str, written: int, asked: int) -> None:
        now = time.monotonic()
        seconds = now - started.setdefault(file, before_it[0])
        before_it[0] = now
        done = written >= asked
        if done or (seconds > every and now - shown[0] > every):
            shown[0] = now
            rate = written / seconds if seconds else 0.0
            left = (asked - written) / rate if rate else 0.0
            line = f"{file}: {written:,} of {asked:,} rows, {in_unit(rate, 'rows')}/s"
            line += "" if done else f", {left:,.0f} s left"
            text = f"{before}{line:<79}" if before else line
            print(text, end="\n" if done else end, file=sys.stderr, flush=True)

    return show


if __name__ == "__main__":
    sys.exit(main())
