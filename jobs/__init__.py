"""The story: one short script per stage, and run.py, which tells all of it."""

import os
import sys
from types import TracebackType

import segment_lib  # noqa: F401  # before Polars is loaded: it tells Polars' allocator what to do
from segment_lib.cluster.memory import refuse_few_addresses
from segment_lib.errors import ResourceError


def _tell(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Of Ctrl-C while libraries are loaded, a line in place of where it met them."""
    if issubclass(kind, KeyboardInterrupt):
        sys.stderr.write("stopped before anything was done\n")
    else:
        sys.__excepthook__(kind, error, trace)


def _open_closed() -> None:
    """Open what was closed by `2>&-`: else the next file gets its number, and all that is said."""
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
