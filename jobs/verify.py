"""Verify a run: read all that run.json lists, and report what differs.

    segments verify runs/azdias

A line for each file that is gone, cut off, changed, or listed by no stage, and the stage to run
again. Nothing is written. plan.json may be edited: what counts is the plan that encode followed.

Of a job that was killed while it put the files of a stage in their places, the next start does the
rest; until then the stage counts as not done, and a line says so.

Exit codes: 0 all is as it was written, 2 usage, 6 something is not.
"""

from typing import NoReturn

from segment_lib.cluster.memory import MIB
from segment_lib.errors import ConfigError, IntegrityError
from segment_lib.run.blame import blaming
from segment_lib.run.foreign import refuse_links
from segment_lib.run.integrity import faults
from segment_lib.run.layout import RUN
from segment_lib.run.manifest import Manifest
from segment_lib.run.progress import LOG, log, start_logging
from segment_lib.schema.wording import counted
from segment_lib.storage.location import Location
from segment_lib.storage.stores import store_of

from .command import run_and_exit
from .parsers import parser_of


def main(argv: list[str] | None = None) -> NoReturn:
    """Verify, and exit with the code of the outcome."""
    options = parser_of("verify").parse_args(argv)
    start_logging(options.log_format)
    run_and_exit(lambda: verify(options.run.absolute()))


def verify(root: Location) -> None:
    """Raise an IntegrityError unless the run is as it was published."""
    if not (root / RUN).exists() and not (root / RUN).is_symlink():
        raise ConfigError(f"{root}: no run.json. Name the folder of a run.")
    refuse_links(root)
    store_of(root).lock(root).refuse_holder()
    manifest = Manifest(root)
    with blaming(f"{root}: what it holds"):
        wrong = faults(manifest)
    for fault in wrong:
        advice = f"run {fault.stage} again" if fault.stage else "nothing reads it"
        LOG.error("%s: %s; %s", root / fault.path, fault.what, advice)
    again = [name for name in manifest.stages if any(f.stage == name for f in wrong)]
    unlisted = [fault for fault in wrong if fault.stage is None]
    if wrong:
        more = f"Run again with --from {again[0]}. " if again else ""
        more += f"Move away what is yours; segments clean {root} lists it." * bool(unlisted)
        raise IntegrityError(
            f"{root}: not as the job left it: {counted(len(wrong), 'file')}. {more.strip()}"
        )
    if manifest.publishing is not None:
        log(
            f"{manifest.publishing.stage} was being published when its job ended: run the same "
            "command again to finish it"
        )
    files = [file for record in manifest.stages.values() for file in record.files]
    size = sum(file.bytes for file in files) / MIB
    log(
        f"{counted(len(files), 'file')} of {counted(len(manifest.stages), 'stage')}, "
        f"{size:,.1f} MiB: as they were left",
        files=len(files),
    )


if __name__ == "__main__":
    main()
