"""What the user sees while a job runs: log lines, and progress with a rate and an ETA."""

import argparse
import errno
import json
import logging
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NoReturn, Self

from tqdm import tqdm

from segment_lib.errors import ConfigError, JobError, ResourceError
from segment_lib.s3 import place

LOG = logging.getLogger("segment_lib")
_EVERY = 5.0
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES}


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        told = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(record.created)),
            "level": record.levelname.lower(),
            "message": record.getMessage(),
            **getattr(record, "facts", {}),
        }
        return json.dumps(told, ensure_ascii=False)


def start_logging(log_format: Literal["text", "json"]) -> None:
    """Log to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Json() if log_format == "json" else logging.Formatter("%(message)s"))
    LOG.handlers = [handler]
    LOG.setLevel(logging.INFO)
    LOG.propagate = False


def log(message: str, **facts: object) -> None:
    """One line; `facts` are keys of their own in JSON lines."""
    LOG.info(message, extra={"facts": facts})


def place_told(text: str) -> Path:
    """A place on this machine or in an object store, of an option."""
    try:
        return place(text)
    except ConfigError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def leave_after(action: Callable[[], None], elsewhere: str = "--run-dir") -> NoReturn:
    """Do it, and leave with the exit code of what happened.

    Parameters
    ----------
    elsewhere : the option that says where else files may go
    """
    try:
        action()
    except JobError as error:
        LOG.error("error: %s", error)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        LOG.error("stopped; run the same command again to go on after the last finished part")
        sys.exit(130)
    except Exception as error:
        if isinstance(error, OSError) and error.errno in _NO_ROOM:
            LOG.error(
                "error: %s: %s. Free space or choose another %s, then run the same command again.",
                error.filename or "the disk",
                error.strerror,
                elsewhere,
            )
            sys.exit(ResourceError.exit_code)
        LOG.critical("%s", "\n".join(unquoted(error)))
        sys.exit(1)
    sys.exit(0)


def unquoted(error: BaseException) -> Iterator[str]:
    """A traceback without what errors say of themselves: Polars, for one, quotes cells."""
    cause = error.__cause__ or error.__context__
    if cause is not None:
        yield from unquoted(cause)
        yield "Then:"
    yield "Traceback (most recent call last):"
    yield from (
        f'  File "{at.filename}", line {at.lineno}, in {at.name}'
        for at in traceback.extract_tb(error.__traceback__)
    )
    kind = type(error)
    name = f"{kind.__module__}.{kind.__qualname__}"
    yield f"{name}: a bug. Its words are withheld, as they may quote cells."


@dataclass(frozen=True)
class Console:
    """How progress is shown: a bar on a terminal, a line now and then elsewhere, or not at all."""

    shown: bool = True
    bar: bool = False

    @classmethod
    def fitting(cls, log_format: str, *, shown: bool) -> Self:
        """A bar if somebody is looking at a terminal."""
        return cls(shown=shown, bar=log_format == "text" and sys.stderr.isatty())

    def progress(self, stage: str, total: int, unit: str) -> "Progress":
        return Progress(self, stage, total, unit)


class Progress:
    """How far a stage is. `total` and what is added are in `unit`, as rows or bytes."""

    def __init__(self, console: Console, stage: str, total: int, unit: str) -> None:
        self._console, self._stage, self._total, self._unit = console, stage, total, unit
        self._done = 0
        self._began = self._told = time.monotonic()
        self._bar: tqdm[Any] | None = None

    def __enter__(self) -> Self:
        if self._console.shown and self._console.bar:
            self._bar = tqdm(
                total=self._total,
                desc=f"{self._stage:8}",
                unit=f" {self._unit}",
                unit_scale=True,
                leave=False,
                dynamic_ncols=True,
            )
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()

    def add(self, amount: int) -> None:
        """So much more is done."""
        self._done += amount
        if self._bar is not None:
            self._bar.update(amount)
        now = time.monotonic()
        if self._bar is None and self._console.shown and now - self._told >= _EVERY:
            self._told = now
            rate = self._done / (now - self._began)
            left = round(max(self._total - self._done, 0) / rate) if rate else None
            log(
                f"{self._stage:8} {self._done:,} of {self._total:,} {self._unit}"
                + (f", {rate:,.3g} a second, about {left} s left" if rate >= 0.1 else ""),
                stage=self._stage,
                done=self._done,
                total=self._total,
                unit=self._unit,
                seconds_left=left,
            )
