"""Unexpected errors, told without what they say, as that may quote cells."""

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from segment_lib.errors import IntegrityError, JobError
from segment_lib.run.restricted import UndeclaredError


@contextmanager
def blaming(what: str, advice: str = "Make the run again.") -> Iterator[None]:
    """Within it, an unexpected error is the fault of what is read from a run folder.

    All of that was checked by its sha256, which whoever writes there can renew. So the line says
    where the code stumbled, but not what it stumbled over.
    """
    try:
        yield
    except (JobError, OSError, MemoryError, UndeclaredError):
        raise
    except Exception as error:
        raise IntegrityError(
            f"{what} is not of the form that this program writes ({place_of(error)}). {advice} If "
            "it is told again, report this line: then it is a bug."
        ) from None


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
