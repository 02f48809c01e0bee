"""Faults of an input, several in one message."""

from collections.abc import Sequence
from dataclasses import dataclass

from segment_lib.errors import DataError

MOST = 20
"""Faults that one message tells."""


@dataclass(frozen=True)
class Fault:
    """Something in a file that keeps it from being read."""

    where: str
    """File and line, and column if it is a cell."""
    what: str
    advice: str
    attribute: str = ""
    """Whose cell cannot be read; empty if it is the row."""


class UnreadableError(DataError):
    """An input has faults; the message tells the first of each attribute, each advice once."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__(_message(faults))
        self.faults = tuple(faults)

    def __reduce__(self) -> tuple[type["UnreadableError"], tuple[Sequence[Fault]]]:
        return UnreadableError, (self.faults,)


def _message(faults: Sequence[Fault]) -> str:
    first: dict[str, Fault] = {}
    for fault in faults:
        first.setdefault(fault.attribute, fault)
    shown = list(first.values())[:MOST]
    by_advice: dict[str, list[str]] = {}
    for fault in shown:
        by_advice.setdefault(fault.advice, []).append(f"{fault.where}: {fault.what}")
    sentences = [f"{'; '.join(places)}. {advice}" for advice, places in by_advice.items()]
    more = len(first) - len(shown)
    return " ".join(sentences) + (f" {more} more attributes have faults." if more else "")
