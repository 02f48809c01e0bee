"""Make extracts of the real shape, calibrated to what was published about the real files."""

import argparse
import sys
from pathlib import Path

from segment_lib.errors import JobError
from segment_lib.synthetic.extracts import make_extracts


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return its exit code."""
    options = _parser().parse_args(arguments)
    try:
        make_extracts(
            options.out,
            rows=options.rows,
            customers=options.customers,
            seed=options.seed,
            truth=options.truth,
            jobs=options.jobs,
        )
    except JobError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m jobs.make_extracts", description=__doc__)
    parser.add_argument("--rows", type=int, default=891_221)
    parser.add_argument("--customers", type=int, default=191_652)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--truth", action="store_true")
    parser.add_argument("--jobs", type=int, default=2)
    return parser


if __name__ == "__main__":
    sys.exit(main())
