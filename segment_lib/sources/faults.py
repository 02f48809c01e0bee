"""Faults of an input file, several in one error message."""

from collections.abc import Sequence
from dataclasses import dataclass

from segment_lib.errors import DataError

MAX_FAULTS = 20
"""The most faults in one message."""


@dataclass(frozen=True)
class Fault:
    """A fault that keeps a file from being read: where, the problem, and what to do."""

    where: str
    """File and line, and column if it is a cell."""
    problem: str
    advice: str
    attribute: str = ""
    """The attribute whose cell cannot be read; empty if it is the row."""


class UnreadableError(DataError):
    """An error with the first fault of each attribute; each advice stands once."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__(_message(faults))
        self.faults = tuple(faults)

    def __reduce__(self) -> tuple[type["UnreadableError"], tuple[Sequence[Fault]]]:
        return UnreadableError, (self.faults,)


def _message(faults: Sequence[Fault]) -> str:
    first: dict[str, Fault] = {}
    for fault in faults:
        first.setdefault(fault.attribute, fault)
    shown = list(first.values())[:MAX_FAULTS]
    by_advice: dict[str, list[str]] = {}
    for fault in shown:
        by_advice.setdefault(fault.advice, []).append(f"{fault.where}: {fault.problem}")
    sentences = [f"{'; '.join(places)}. {advice}" for advice, places in by_advice.items()]
    more = len(first) - len(shown)
    return " ".join(sentences) + (f" {more} more attributes have faults." if more else "")
