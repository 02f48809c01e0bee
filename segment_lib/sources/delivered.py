"""The delivered files as they were when the job began: none may change while it is read."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from segment_lib.errors import DataError
from segment_lib.schema.language import N_, Sentence, sentence
from segment_lib.sources.files import changed
from segment_lib.storage.location import Location

_NAMED = 5
"""Files named in one line."""


@dataclass(frozen=True)
class DeliveredFiles:
    """The files of an extract, with what tells each from any other."""

    pattern: str
    """Their path as the config writes it, for messages."""
    fingerprints: Mapping[Location, Any]
    """As the job began."""
    look_again: Callable[[], Mapping[Location, Any]]
    """Returns them as they are now."""
    left_out: tuple[str, ...] = ()
    """Names of files beside them that are taken for no data."""

    def remarks(self) -> list[Sentence]:
        """Return what is worth a look in the names of the files."""
        if not self.left_out:
            return []
        text = N_("left out by their names, as no data: {names:items}.")
        return [sentence(text, names=list(self.left_out))]

    def refuse_changes(self) -> None:
        """Raise a DataError if a file is another than when the job began, is gone, or has come."""
        before = self.fingerprints
        try:
            now = self.look_again()
        except (DataError, OSError):
            raise changed(self.pattern) from None
        if others := [file for file in {*now, *before} if now.get(file) != before.get(file)]:
            raise changed(min(others))


@contextmanager
def unchanging(extracts: Iterable[DeliveredFiles]) -> Iterator[None]:
    """Within it the extracts are read; a change of their files meanwhile is the error to report.

    Raises
    ------
    DataError
        If a file is another than when the job began, is gone, or has come.
    """
    try:
        yield
    except (DataError, OSError):
        _refuse_changes(extracts)
        raise
    _refuse_changes(extracts)


def _refuse_changes(extracts: Iterable[DeliveredFiles]) -> None:
    for files in extracts:
        files.refuse_changes()
