"""Parts that all commands share: options, exit codes and signals."""

import argparse
import errno
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from types import FrameType
from typing import Any, NoReturn

from segment_lib.errors import ConfigError, DataError, JobError, ResourceError
from segment_lib.run.blame import place_of, unquoted
from segment_lib.run.error_facts import error_facts
from segment_lib.run.progress import LOG
from segment_lib.storage.location import Location
from segment_lib.storage.stores import as_location

_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES}
_NO_PATH = {errno.ENAMETOOLONG, errno.ELOOP, errno.ENOTDIR, errno.EISDIR, errno.EINVAL}
_PANIC = "PanicException"
"""What Polars raises where its own code fails; it is no Exception."""
_SHOWN = 200
"""Characters of a path that an error shows."""
_ENDING = ("SIGINT", "SIGTERM", "SIGHUP")
"""What Ctrl-C, systemd, Kubernetes, Slurm and a closed terminal end a job with."""


def path_argument(text: str) -> Location:
    """Parse an option as a location on this machine or in an object store."""
    try:
        return as_location(text)
    except ConfigError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


@contextmanager
def from_repository(package: str) -> Iterator[None]:
    """Exit with one line and code 2 if the package imported inside is not installed."""
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name != package:
            raise
        line = f"error: {package} is not part of the wheel. Run the command in a checkout."
        print(line, file=sys.stderr)
        sys.exit(ConfigError.exit_code)


def module_command_line(name: str, about: str | None, **options: Any) -> argparse.ArgumentParser:
    """Return the command line of a module here that is no sub-command of `segments`."""
    return command_line(f"python -m {__package__}.{name}", about, **options)


def command_line(prog: str, about: str | None, **options: Any) -> argparse.ArgumentParser:
    """Return a command line, described as it is written."""
    return argparse.ArgumentParser(
        prog=prog,
        description=about,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        **options,
    )


def count(text: str) -> int:
    """Parse an option as a whole number of at least 1."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError("a whole number of at least 1")
    return int(text)


def say(line: str) -> None:
    """Print a line; a closed pipe, as behind `| head`, is no error."""
    try:
        print(line, flush=True)
    except BrokenPipeError:
        _hush()


def run_and_exit(action: Callable[[], int | None], elsewhere: str = "--run-dir") -> NoReturn:
    """Call the function and exit with the code of its outcome; the parameters of `exit_code`."""
    sys.exit(exit_code(action, elsewhere))


def exit_code(action: Callable[[], int | None], elsewhere: str = "--run-dir") -> int:
    """Call the function and return the exit code of its outcome, printing a line for an error.

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
        code = 128 + (stopped.number if isinstance(stopped, _Ended) else signal.SIGINT)
        line = "stopped; run the same command again to go on after the last finished part"
        LOG.error(line, extra={"facts": {"event": "error", "code": code}})
        return code
    except JobError as error:
        return _log_error(error)
    except OSError as error:
        known = _of_system(error, elsewhere)
    except MemoryError:
        known = ResourceError(
            "Out of memory. Set a smaller --memory or run.rows_per_part, or give the job more."
        )
    except Exception as error:
        trace = "\n".join(unquoted(error))
        LOG.critical("%s", trace, extra={"facts": {"event": "error", "code": 1}})
        return 1
    except BaseException as error:
        if type(error).__name__ != _PANIC:
            raise
        known = DataError(
            f"Polars cannot cope with what it was given ({place_of(error)}). Look for damage in "
            "the files that the job reads; if there is none, report this line."
        )
    return _log_error(known)


def _log_error(error: JobError) -> int:
    LOG.error("error: %s", error, extra={"facts": {"event": "error", **error_facts(error)}})
    return error.exit_code


def _of_system(error: OSError, elsewhere: str) -> JobError:
    """Translate an error of the operating system into one that says what to do."""
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
        f"{where or 'the system'}: {why} ({place_of(error)}). Mend that, then run the same command "
        "again."
    )


class _Ended(KeyboardInterrupt):
    """Signal that ends the job as Ctrl-C does."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Raise an error on signals that end a job, so that it leaves nothing half done."""
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
    """Discard what is still to be printed, as its reader is gone."""
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


def run_alone(stage: str) -> NoReturn:
    """Run one stage from the command line, and exit with the code of the outcome."""
    # By its name, as that module imports all stages.
    import_module(".run", __package__).main(only=stage)
    sys.exit(0)
