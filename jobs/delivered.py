"""The delivered files as they were when the job began: none may change while it is read."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from segment_lib.errors import DataError
from segment_lib.run.job import Job
from segment_lib.sources import changed
from segment_lib.storage.location import Location
from segment_lib.terms import EXTRACTS


@contextmanager
def unchanging(job: Job) -> Iterator[None]:
    """Within it the extracts are read; a change of their files meanwhile is the error to be told.

    Raises
    ------
    DataError
        If a file is another than when the job began, is gone, or has come.
    """
    before = job.delivered
    try:
        yield
    except (DataError, OSError):
        _refuse_changes(job, before)
        raise
    _refuse_changes(job, before)


def _refuse_changes(job: Job, before: dict[str, dict[Location, Any]]) -> None:
    for name in EXTRACTS:
        pattern = getattr(job.config.inputs, name)
        try:
            now = job.delivered_now(name)
        except (DataError, OSError):
            raise changed(pattern) from None
        if other := [
            file for file in {*now, *before[name]} if now.get(file) != before[name].get(file)
        ]:
            raise changed(min(other))
