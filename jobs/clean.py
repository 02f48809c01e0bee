"""List what a run folder holds that no stage lists, and remove it if asked.

    segments clean runs/azdias
    segments clean runs/azdias --remove
    segments clean runs/azdias --lift-lock

Scratch is what jobs that were killed left: folders of stages in .work, parts of exports, files half
written, and private folders of this machine. A run taken up again goes on from what is in .work.
Unlisted are files in the folders of stages that no stage lists: put there by somebody else, or left
by an older version. Nothing is removed without --remove, which is for scratch, or
--remove-unlisted.

--lift-lock removes the lock of a job that is gone, for instance with its machine. It waits for a
heartbeat first, and refuses if there is one.

Exit codes: 0 done, 2 usage or a job is at work, 6 integrity check failed.
"""

import argparse
from collections.abc import Sequence
from typing import NoReturn

from segment_lib.cluster.memory import MIB
from segment_lib.errors import ConfigError
from segment_lib.run.foreign import refuse_links, refuse_strangers
from segment_lib.run.layout import STAGING
from segment_lib.run.manifest import Manifest
from segment_lib.run.progress import log, start_logging
from segment_lib.run.staging import leftovers
from segment_lib.storage.files import remove
from segment_lib.storage.location import Location
from segment_lib.storage.scratch import private_folders
from segment_lib.storage.stores import store_of

from .command import run_and_exit
from .parsers import parser_of


def main(argv: list[str] | None = None) -> NoReturn:
    """Clean, and exit with the code of the outcome."""
    options = parser_of("clean").parse_args(argv)
    start_logging(options.log_format)
    run_and_exit(lambda: clean(options))


def clean(options: argparse.Namespace) -> None:
    """Print what is left over in a run folder, and remove what is asked for."""
    root: Location = options.run.absolute()
    if not root.is_dir():
        raise ConfigError(f"{root}: no such folder. Name the folder of a run.")
    refuse_strangers(root)
    refuse_links(root)
    lock = store_of(root).lock(root)
    if options.lift_lock:
        holder = lock.lift()
        log(f"the lock of {holder} is lifted" if holder else "there is no lock")
    if options.remove or options.remove_unlisted:
        with lock.hold():
            _clean(root, scratch=options.remove, unlisted=options.remove_unlisted)
    else:
        if holder := lock.holder():
            log(f"lock of {holder}; --lift-lock removes it if that job is gone")
        _clean(root, scratch=False, unlisted=False)


def _clean(root: Location, *, scratch: bool, unlisted: bool) -> None:
    manifest = Manifest(root)
    publishing = manifest.publishing
    if publishing is not None:
        log(
            f"{publishing.stage} was being published when its job ended, and its files stay: run "
            "the same command again to finish it"
        )
    kept = root / STAGING / publishing.work if publishing else None
    left = [path for path in leftovers(root) if path != kept]
    _report("scratch", [*left, *private_folders(root)], "--remove", removed=scratch)
    _report("unlisted", manifest.unlisted(), "--remove-unlisted", removed=unlisted)


def _report(what: str, paths: Sequence[Location], option: str, *, removed: bool) -> None:
    """Print a line per path, removed first if asked, and one line for all."""
    total = 0
    for path in paths:
        size = store_of(path).size_below(path)
        total += size
        if removed:
            remove(path)
        log(f"{what:9} {size / MIB:10,.1f} MiB  {path}", kind=what, path=str(path), bytes=size)
    if not paths:
        log(f"{what:9} none")
    elif removed:
        log(f"{what:9} {total / MIB:10,.1f} MiB  removed: {len(paths)}")
    else:
        log(f"{what:9} {total / MIB:10,.1f} MiB  in all; {option} removes it")


if __name__ == "__main__":
    main()
