"""The commands: a short script per stage, and run.py and refresh.py, which run them in order."""

import os
import sys
from types import TracebackType

import segment_lib  # noqa: F401  # before Polars is loaded: it tells Polars' allocator what to do
from segment_lib.cluster.memory import refuse_few_addresses
from segment_lib.errors import ResourceError


def _tell(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Print one line for Ctrl-C while libraries are loaded, in place of a traceback."""
    if issubclass(kind, KeyboardInterrupt):
        sys.stderr.write("stopped before anything was done\n")
    else:
        sys.__excepthook__(kind, error, trace)


def _open_closed() -> None:
    """Open the standard streams that `2>&-` closed, else the next file would get their number."""
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        if getattr(sys, name) is None:
            nowhere = os.open(os.devnull, os.O_RDWR)
            if nowhere != number:
                os.dup2(nowhere, number)
                os.close(nowhere)
            setattr(sys, name, os.fdopen(number, mode, closefd=False))


def _refuse_few_addresses() -> None:
    # Before libraries are loaded: with too few addresses they hang, or end the process.
    try:
        refuse_few_addresses()
    except ResourceError as error:
        sys.stderr.write(f"error: {error}\n")
        sys.exit(error.exit_code)


sys.excepthook = _tell
_open_closed()
_refuse_few_addresses()
