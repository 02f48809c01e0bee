"""Whether a run is as it was left: read all that run.json lists, and say what is not.

    python -m jobs.verify runs/azdias

A line for each file that is gone, cut off, changed, or listed by no stage, and the stage to run
again. Nothing is written. plan.json may be edited: what counts is the plan that encode followed.

Exit codes: 0 all is as it was written, 2 usage, 6 something is not.
"""

import argparse
from pathlib import Path
from typing import NoReturn

from jobs.console import LOG, leave_after, log, place_told, start_logging
from segment_lib.errors import ConfigError, IntegrityError
from segment_lib.integrity import faults
from segment_lib.lock import refuse_job_at_work
from segment_lib.manifest import Manifest


def parser() -> argparse.ArgumentParser:
    found = argparse.ArgumentParser(
        prog="python -m jobs.verify",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    found.add_argument("run", type=place_told, help="folder of a run, such as runs/azdias")
    found.add_argument("--log-format", choices=("text", "json"), default="text")
    return found


def main(argv: list[str] | None = None) -> NoReturn:
    """Verify, and leave with the exit code of what was found."""
    options = parser().parse_args(argv)
    start_logging(options.log_format)
    leave_after(lambda: verify(options.run.absolute()))


def verify(root: Path) -> None:
    """Raise an IntegrityError unless the run is as it was left."""
    if not (root / "run.json").is_file():
        raise ConfigError(f"{root}: no run.json. Name the folder of a run.")
    refuse_job_at_work(root)
    manifest = Manifest(root)
    found = faults(manifest)
    for fault in found:
        told = f"run {fault.stage} again" if fault.stage else "delete it: nothing reads it"
        LOG.error("%s: %s; %s", root / fault.path, fault.what, told)
    again = [name for name in manifest.stages if any(f.stage == name for f in found)]
    if found:
        raise IntegrityError(
            f"{root}: {len(found)} files are not as they were left. "
            + (f"Run again with --from {again[0]}." if again else "Delete what is listed by none.")
        )
    files = [file for record in manifest.stages.values() for file in record.files]
    size = sum(file.bytes for file in files) / 2**20
    log(
        f"{len(files)} files of {len(manifest.stages)} stages, {size:,.1f} MiB: as they were left",
        files=len(files),
    )


if __name__ == "__main__":
    main()
