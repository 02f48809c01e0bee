"""Figures of a measured program: one JSON object a line on stdout, parsed by the bench."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any


def emit(**figures: Any) -> None:
    """Print one line of figures."""
    print(json.dumps(figures), flush=True)


@contextmanager
def phase(name: str) -> Iterator[None]:
    """Emit the seconds that the work within takes."""
    began = time.perf_counter()
    yield
    emit(phase=name, seconds=round(time.perf_counter() - began, 3))


@dataclass(frozen=True)
class Output:
    """All figures that a program emitted."""

    phases: dict[str, float] = field(default_factory=dict)
    """Seconds."""
    fits: dict[int, dict[str, float]] = field(default_factory=dict)
    """Inertia and passes of each fit, by number of clusters."""
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def seconds(self) -> float:
        """Seconds of all phases, which leave out start-up and checks."""
        return sum(self.phases.values())

    def seconds_of(self, fits: int) -> float:
        """Seconds as if so many numbers of clusters had been fitted, each taking the mean.

        Phases called ``k=…`` are fits; if there are none, all were fitted together.
        """
        fit_seconds = [seconds for name, seconds in self.phases.items() if name.startswith("k=")]
        if not fit_seconds:
            return self.seconds
        return self.seconds + sum(fit_seconds) / len(fit_seconds) * (fits - len(fit_seconds))


def parse_output(stdout: str) -> Output:
    """Parse the output of a program; lines that are no JSON objects are skipped."""
    output = Output()
    for line in stdout.splitlines():
        try:
            figures = json.loads(line)
        except ValueError:
            continue
        if not isinstance(figures, dict):
            continue
        if "phase" in figures:
            output.phases[figures["phase"]] = figures["seconds"]
        elif "fit" in figures:
            output.fits[figures.pop("fit")] = figures
        else:
            output.facts.update(figures)
    return output
