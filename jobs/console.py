"""What the user sees while a job runs: log lines, and progress with a rate and an ETA."""

import argparse
import errno
import json
import logging
import os
import re
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any, Literal, NoReturn, Self

from tqdm import tqdm

from segment_lib.errors import ConfigError, DataError, IntegrityError, JobError, ResourceError
from segment_lib.schema.wording import printable
from segment_lib.storage.location import Location
from segment_lib.storage.stores import as_location

LOG = logging.getLogger("segment_lib")
_EVERY = 5.0
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES}
_NO_PATH = {errno.ENAMETOOLONG, errno.ELOOP, errno.ENOTDIR, errno.EISDIR, errno.EINVAL}
_PANIC = "PanicException"
"""What Polars raises where its own code fails; it is no Exception."""
_SHOWN = 200
"""Characters of a path that an error shows."""
_ENDING = ("SIGINT", "SIGTERM", "SIGHUP")
"""What Ctrl-C, systemd, Kubernetes, Slurm and a closed terminal end a job with."""


class _Text(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        if record.levelno < logging.CRITICAL:
            return printable(record.getMessage())
        # A traceback, which quotes nothing, is the one message of several lines.
        return "\n".join(map(printable, record.getMessage().splitlines()))


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        told = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(record.created)),
            "level": record.levelname.lower(),
            "message": record.getMessage(),
            **getattr(record, "facts", {}),
        }
        line = json.dumps(told, ensure_ascii=False)
        return re.sub(
            ".", lambda at: at[0] if at[0].isprintable() else json.dumps(at[0])[1:-1], line
        )


def start_logging(log_format: Literal["text", "json"]) -> None:
    """Log to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Json() if log_format == "json" else _Text())
    LOG.handlers = [handler]
    LOG.setLevel(logging.INFO)
    LOG.propagate = False


def log(message: str, **facts: object) -> None:
    """One line; `facts` are keys of their own in JSON lines."""
    LOG.info(message, extra={"facts": facts})


def path_argument(text: str) -> Location:
    """A place on this machine or in an object store, of an option."""
    try:
        return as_location(text)
    except ConfigError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


@contextmanager
def from_repository(package: str) -> Iterator[None]:
    """Leave with a line and code 2 where the package imported inside is not at hand."""
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name != package:
            raise
        line = f"error: {package} is not part of the wheel. Run the command in a checkout."
        print(line, file=sys.stderr)
        sys.exit(ConfigError.exit_code)


def say(line: str) -> None:
    """Print a line; nobody may be reading any more, as behind `| head`."""
    try:
        print(line, flush=True)
    except BrokenPipeError:
        _hush()


def run_and_exit(action: Callable[[], int | None], elsewhere: str = "--run-dir") -> NoReturn:
    """Do it, and leave with the exit code of what happened; the parameters of `exit_code`."""
    sys.exit(exit_code(action, elsewhere))


def exit_code(action: Callable[[], int | None], elsewhere: str = "--run-dir") -> int:
    """Do it, and give the exit code of what happened, which a line has told.

    Parameters
    ----------
    action : may give a code of its own
    elsewhere : the option that says where else files may go
    """
    code = _code_of(action, elsewhere)
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        _hush()
    except OSError as error:
        LOG.error("error: standard output: %s", os.strerror(error.errno or 0))
        _hush()
        return code or ResourceError.exit_code
    return code


def _code_of(action: Callable[[], int | None], elsewhere: str) -> int:
    try:
        with _ended_by_signals():
            return action() or 0
    except BrokenPipeError:
        return 0
    except KeyboardInterrupt as stopped:
        LOG.error("stopped; run the same command again to go on after the last finished part")
        return 128 + (stopped.number if isinstance(stopped, _Ended) else signal.SIGINT)
    except JobError as error:
        LOG.error("error: %s", error)
        return error.exit_code
    except OSError as error:
        known = _of_system(error, elsewhere)
    except MemoryError:
        known = ResourceError(
            "Out of memory. Set a smaller --memory or run.rows_per_part, or give the job more."
        )
    except Exception as error:
        LOG.critical("%s", "\n".join(unquoted(error)))
        return 1
    except BaseException as error:
        if type(error).__name__ != _PANIC:
            raise
        known = DataError(
            f"Polars cannot cope with what it was given ({place_of(error)}). Look for damage in "
            "the files that the job reads; if there is none, report this line."
        )
    LOG.error("error: %s", known)
    return known.exit_code


@contextmanager
def blaming(what: str, advice: str = "Make the run again.") -> Iterator[None]:
    """Within it, an unexpected error is the fault of what is read from a run folder.

    All of that was checked by its sha256, which whoever writes there can renew. So the line says
    where the code stumbled, but not what it stumbled over.
    """
    try:
        yield
    except (JobError, OSError, MemoryError):
        raise
    except Exception as error:
        raise IntegrityError(
            f"{what} is not of the form that this program writes ({place_of(error)}). {advice} If "
            "it is told again, report this line: then it is a bug."
        ) from None


def _of_system(error: OSError, elsewhere: str) -> JobError:
    """The error to show for what the system refuses."""
    name = str(error.filename or "")
    where = f"{name[:_SHOWN]}…" if len(name) > _SHOWN else name
    why = os.strerror(error.errno) if error.errno else type(error).__name__
    if error.errno in _NO_ROOM:
        return ResourceError(
            f"{where or 'the disk'}: {why}. Free space or choose another {elsewhere}, then run "
            "the same command again."
        )
    if error.errno == errno.ENOENT or isinstance(error, FileNotFoundError):
        return DataError(
            f"{where or 'a file that the job reads'}: gone. Put it back, then run the same command "
            "again."
        )
    if error.errno in _NO_PATH:
        return ConfigError(f"{where or 'a path'}: {why}. Name another path.")
    return ResourceError(
        f"{where or 'the system'}: {why} ({place_of(error)}). Correct that, then run the same "
        "command again."
    )


class _Ended(KeyboardInterrupt):
    """A signal that ends the job as Ctrl-C does."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Within it, signals that end a job raise an error, so that it leaves nothing half done."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = [getattr(signal, name) for name in _ENDING if hasattr(signal, name)]
    # What is ignored, as under nohup, stays ignored.
    before = {n: signal.getsignal(n) for n in numbers if signal.getsignal(n) is not signal.SIG_IGN}

    received: list[int] = []

    def end(number: int, _: FrameType | None) -> None:
        received.append(number)
        for each in before:
            # Who presses Ctrl-C once more will not wait for what is tidied up.
            signal.signal(each, before[each] if each == signal.SIGINT else signal.SIG_IGN)
        raise _Ended(number)

    for number in before:
        signal.signal(number, end)
    try:
        yield
    except BaseException:
        # What was at work then, such as Polars, may tell the signal as an error of its own.
        if received:
            raise _Ended(received[0]) from None
        raise
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _hush() -> None:
    """Let what is still to be printed go nowhere: its reader is gone."""
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


def place_of(error: BaseException) -> str:
    """The kind of an error, and where in the code it came up, without what it says."""
    at = traceback.extract_tb(error.__traceback__)
    where = f" in {Path(at[-1].filename).name}, line {at[-1].lineno}" if at else ""
    return f"{type(error).__name__}{where}"


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
