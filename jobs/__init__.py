"""The story: one short script per stage, and run.py, which tells all of it."""

import sys
from types import TracebackType

import segment_lib  # noqa: F401  # before Polars is loaded: it tells Polars' allocator what to do


def _tell(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Of Ctrl-C while libraries are loaded, a line in place of where it met them."""
    if issubclass(kind, KeyboardInterrupt):
        sys.stderr.write("stopped before anything was done\n")
    else:
        sys.__excepthook__(kind, error, trace)


sys.excepthook = _tell
