"""Reports of unexpected errors without their messages, which may quote cells."""

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from segment_lib.errors import IntegrityError, JobError
from segment_lib.run.restricted import UndeclaredError

_WITHHELD = "a bug. Its words are withheld, as they may quote cells."


@contextmanager
def blaming(what: str, advice: str = "Make the run again.") -> Iterator[None]:
    """Turn unexpected errors into an error about what is read from a run folder.

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
    """Return the kind of an error and the line of code that raised it, without its message."""
    at = traceback.extract_tb(error.__traceback__)
    where = f" in {Path(at[-1].filename).name}, line {at[-1].lineno}" if at else ""
    return f"{type(error).__name__}{where}"


def unquoted(error: BaseException) -> Iterator[str]:
    """Format a traceback without the messages of errors: Polars, for one, quotes cells."""
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
    # What is said of undeclared reads names code, and quotes nothing.
    words = str(error) if isinstance(error, UndeclaredError) else _WITHHELD
    yield f"{name}: {words}"
